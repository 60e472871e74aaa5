"""
What the qemu lane boots: Debian's kernel, unpacked and not installed, and a small initramfs that mounts the host's root
read-only over 9p under an overlay and goes on with guest-init there. Made once, kept in build/lab.
"""

import gzip
import os
import re
import subprocess
from pathlib import Path

META = "linux-image-amd64"
WANTED = ("virtio_pci", "9pnet_virtio", "9p", "overlay")

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /low /tmpfs /new
/bin/busybox mount -t proc proc /proc
for m in %(modules)s; do /bin/busybox insmod /modules/$m; done
fail() { echo "lab: $1"; /bin/busybox poweroff -f; }
options=trans=virtio,version=9p2000.L,msize=262144
/bin/busybox mount -t 9p -o $options,ro,cache=loose labroot /low || fail "no root over 9p"
/bin/busybox mount -t tmpfs -o size=60%% tmpfs /tmpfs
/bin/busybox mkdir /tmpfs/upper /tmpfs/work
/bin/busybox mount -t overlay -o lowerdir=/low,upperdir=/tmpfs/upper,workdir=/tmpfs/work overlay /new || fail "no overlay"
/bin/busybox mkdir -p /new/usr/lib/modules/$(/bin/busybox uname -r) /new$LAB_OUT
/bin/busybox mount -o bind /low$LAB_MODULES /new/usr/lib/modules/$(/bin/busybox uname -r) || fail "no modules"
/bin/busybox mount -t 9p -o $options labout /new$LAB_OUT || fail "no result directory"
/bin/busybox umount /proc
LAB_ROOT=ready
export LAB_ROOT
exec /bin/busybox switch_root /new $LAB_INIT
"""


def sh(*argv, cwd=None):
    return subprocess.run([str(a) for a in argv], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd).stdout


def kernel_package():
    """The package behind the metapackage: linux-image-6.1.0-NN-amd64."""
    depends = sh("apt-cache", "depends", META)
    return re.search(r"Depends: (linux-image-\S+)", depends).group(1)


def unpack(where):
    tree = where / "kernel"
    if next(tree.glob("boot/vmlinuz-*"), None):
        return tree
    where.mkdir(parents=True, exist_ok=True)
    sh("apt-get", "-q", "download", kernel_package(), cwd=where)
    package = max(where.glob("linux-image-*.deb"), key=lambda p: p.stat().st_mtime)
    sh("dpkg", "-x", package, tree)
    package.unlink()
    return tree


def module_order(modules):
    """Files of the wanted modules and what they depend on, each behind its dependencies."""
    depends = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        file, needs = line.split(":")
        depends[file] = needs.split()
    out = []
    for name in WANTED:
        file = next((f for f in depends if re.fullmatch(name + r"\.ko(\.xz)?", Path(f).name)), None)
        if file:  # else it is built in
            out += [*reversed(depends[file]), file]
    return list(dict.fromkeys(out))


def cpio_entry(number, name, mode, data=b"", device=(0, 0)):
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    pad = lambda b: b + b"\0" * (-len(b) % 4)  # noqa: E731
    return pad(head) + pad(data)


def make(where):
    """(kernel, initramfs, directory of the modules), made on first use."""
    tree = unpack(where)
    kernel = next(tree.glob("boot/vmlinuz-*"))
    release = kernel.name.removeprefix("vmlinuz-")
    modules = tree / "lib/modules" / release
    if not (modules / "modules.dep.bin").exists():
        sh("depmod", "-b", tree, release)
    initramfs = where / "initramfs.gz"
    files = module_order(modules)
    entries = [("bin", 0o040755, b""), ("modules", 0o040755, b""), ("dev", 0o040755, b""),
               ("bin/busybox", 0o100755, Path("/bin/busybox").read_bytes()),
               ("init", 0o100755, (INIT % {"modules": " ".join(Path(f).name for f in files)}).encode()),
               *[(f"modules/{Path(f).name}", 0o100644, (modules / f).read_bytes()) for f in files]]
    data = b"".join(cpio_entry(i + 1, n, m, d) for i, (n, m, d) in enumerate(entries))
    data += cpio_entry(len(entries) + 1, "dev/console", 0o020600, device=(5, 1)) + cpio_entry(0, "TRAILER!!!", 0)
    new = initramfs.with_suffix(f".{os.getpid()}")
    new.write_bytes(gzip.compress(data, 1))
    new.replace(initramfs)
    return kernel, initramfs, modules
