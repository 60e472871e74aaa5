"""
A VLAN of a bridge as the access link (test_multicast.c), on a kernel that has VLANs: the group comes out of the mobile's port
of the bridge and of no other, and the bridge is told in which VLAN.
"""

import subprocess

import pytest

from lab.topology import build_dir


@pytest.mark.needs("vlan", "mroute4")
def test_a_group_leaves_a_vlan_by_the_mobiles_port_alone():
    done = subprocess.run([build_dir() / "tests/net/test_multicast", "vlan"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
