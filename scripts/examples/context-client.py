#!/usr/bin/python3
"""
Lets files move with their mobiles: what stands in DIRECTORY/ADDRESS at one router stands, when the mobile with that address
has moved, in DIRECTORY/NEW-ADDRESS at the next. Run it on every router; handoverd-context(7) tells the protocol.

usage: context-client.py FPT DIRECTORY [SOCKET]
"""

import base64
import os
import select
import socket
import sys
import time
from pathlib import Path


def say(router, verb, **words):
    router.sendall(" ".join([verb, *(f"{k}={v}" for k, v in words.items())]).encode() + b"\n")


def install(router, directory, words):
    """A mobile came, and this is what the previous router knew of it."""
    name = words["mobile"] if words["mobile"] != "-" else words["previous"]
    try:
        new = directory / f".{name}"
        new.write_bytes(base64.b64decode(words["data"]))
        os.replace(new, directory / name)
        say(router, "status", id=words["id"], status=0)
    except OSError as e:
        say(router, "status", id=words["id"], status=4, reason=e.strerror)


def heard(router, directory, line):
    verb, _, rest = line.partition(" ")
    if verb == "error":
        sys.exit(f"context-client: {line}")
    if verb == "failed":
        print(f"context-client: {line}", file=sys.stderr)
        return
    words = dict(word.partition("=")[::2] for word in rest.split())
    if verb == "install":
        install(router, directory, words)
    elif verb == "forget":
        (directory / words["mobile"]).unlink(missing_ok=True)


def deposit(router, directory, known):
    """What has changed since the last time is told now: nobody asks when a mobile leaves."""
    files = {f.name: (f.stat().st_mtime_ns, f.stat().st_size) for f in directory.iterdir() if not f.name.startswith(".")}
    for name in known.keys() - files.keys():
        say(router, "put", mobile=name)
    for name in files:
        if known.get(name) != files[name]:
            say(router, "put", mobile=name, data=base64.b64encode((directory / name).read_bytes()).decode())
    return files


def serve(fpt, directory, path):
    rest, known = b"", {}
    with socket.socket(socket.AF_UNIX) as router:
        router.connect(path)
        say(router, "hello", fpt=fpt)
        while True:
            known = deposit(router, directory, known)
            if select.select([router], [], [], 0.2)[0]:
                data = router.recv(65536)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    heard(router, directory, line.decode())


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__.strip())
    while True:
        try:
            serve(sys.argv[1], Path(sys.argv[2]), *(sys.argv[3:] or ["/run/handoverd-context.sock"]))
        except OSError as e:
            print(f"context-client: {e}", file=sys.stderr)
        time.sleep(1)
