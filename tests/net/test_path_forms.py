"""
The paths under traffic (test_paths.c) in both forms of tunnel, each on a kernel that has it. `make check` runs the user
space form on the kernel at hand; here the kernel's own tunnel gets its turn, and the user space form beside it.
"""

import os
import subprocess

import pytest

from lab.topology import build_dir


def run_paths(form, rate, repeat):
    env = dict(os.environ, PATHS_FORM=form, PATHS_RATE=str(rate), PATHS_REPEAT=str(repeat))
    done = subprocess.run([build_dir() / "tests/net/test_paths"], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("tun", "ip6tnl")
@pytest.mark.parametrize("form", ["ip6tnl", "tun"])
def test_forms_where_the_kernel_has_tunnels(form):
    run_paths(form, 2000, 5)


@pytest.mark.needs("tun")
def test_user_space_form_at_full_rate():
    run_paths("tun", 10000, 5)
