#!/usr/bin/python3
"""
Files move with their mobiles: DIRECTORY/ADDRESS of one router becomes DIRECTORY/NEW-ADDRESS at the next (handoverd-context(7)).
Run it on every router, under something that starts it again. usage: context-client.py FPT DIRECTORY [SOCKET]
"""
import base64
import select
import socket
import sys
from pathlib import Path


def say(router, verb, **words):
    router.sendall(" ".join([verb, *(f"{k}={v}" for k, v in words.items())]).encode() + b"\n")


def install(router, directory, words):
    """A mobile came, and this is what the previous router knew of it."""
    name = words["mobile"] if words["mobile"] != "-" else words["previous"]
    try:
        new = directory / f".{name}"
        new.write_bytes(base64.b64decode(words["data"]))
        new.replace(directory / name)
        say(router, "status", id=words["id"], status=0)
    except OSError as e:
        say(router, "status", id=words["id"], status=4, reason=e.strerror)


def heard(router, directory, line):
    verb, *rest = line.split()
    words = dict(word.split("=", 1) for word in rest if "=" in word)
    if verb == "install":
        install(router, directory, words)
    elif verb == "forget":
        (directory / words["mobile"]).unlink(missing_ok=True)
    elif verb in ("error", "failed"):
        print(f"context-client: {line}", file=sys.stderr)


def deposit(router, directory, known):
    """What has changed since the last time is told now: nobody asks when a mobile leaves."""
    files = {f.name: (f.stat().st_mtime_ns, f.stat().st_size) for f in directory.iterdir() if f.name[0] != "."}
    for name in (n for n in {**known, **files} if known.get(n) != files.get(n)):
        data = {"data": base64.b64encode((directory / name).read_bytes()).decode()} if name in files else {}
        say(router, "put", mobile=name, **data)
    return files


len(sys.argv) in (3, 4) or sys.exit(__doc__)
fpt, folder, path = *sys.argv[1:3], (sys.argv[3:] or ["/run/handoverd-context.sock"])[0]
with socket.socket(socket.AF_UNIX) as router:
    router.connect(path)
    say(router, "hello", fpt=fpt)
    known, rest, data = {}, b"", b"-"
    while data:  # a restart of handoverd ends it
        known = deposit(router, Path(folder), known)
        if select.select([router], [], [], 0.2)[0]:
            *lines, rest = (rest + (data := router.recv(65536))).split(b"\n")
            for line in lines:
                heard(router, Path(folder), line.decode())
