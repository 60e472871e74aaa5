"""tshark as a second judge of Mobile IPv6's bytes: what we pack is read by it as what we meant."""

import subprocess

import pytest

from lab.topology import build_dir

# For each packet of dump_mip6, in its order: lines that must stand in tshark's reading of it, in this order. Its own: a timestamp is
# read as seconds since 1970, an authenticator 2 octets short, and the subtype MN-HA has no name.
EXPECTED = [
    ("BU", [
        "Destination Options for IPv6", "MIPv6 Home Address: 2001:db8:1::5", "Header length: 9 (80 bytes)",
        "Mobility Header Type: Binding Update (5)", "Sequence number: 7", "Acknowledge (A) flag: Binding Acknowledgement requested",
        "Home Registration (H) flag: Home Registration", "Link-Local Compatibility (L) flag: Link-Local Address Compatibility",
        "Lifetime: 30 (120 seconds)", "Alternate care-of address: 2001:db8:2::5", "Network Access Identifier (NAI) (1)",
        "Identifier: mn@home.example", "MESG-ID-OPTION-TYPE", "Length: 8", "AUTH-OPTION-TYPE", "Length: 17", "Mobility SPI: 256"]),
    ("BU at home", [
        "Source Address: 2001:db8:1::5", "Header length: 1 (16 bytes)", "Mobility Header Type: Binding Update (5)",
        "Sequence number: 8", "Lifetime: 0 (0 seconds)", "PadN"]),
    ("BA", [
        "Type: Type 2 Routing (2)", "Segments Left: 1", "Address[1]: 2001:db8:1::5", "Header length: 7 (64 bytes)",
        "Mobility Header Type: Binding Acknowledgement (6)", "Status: Accepted but prefix discovery necessary (1)",
        "No Key Management Mobility Compatibility", "Sequence number: 7", "Lifetime: 25 (100 seconds)",
        "Refresh interval: 15 (60 seconds)", "Identifier: mn@home.example", "Length: 8", "Length: 17", "Mobility SPI: 256"]),
    ("BA at home", ["Status: Duplicate Address Detection failed (134)", "Sequence number: 8"]),
    ("BE", ["Mobility Header Type: Binding Error (7)", "Status: Unrecognized MH type value (2)", "Home Address: 2001:db8:1::5"]),
    ("BRR", ["Header length: 0 (8 bytes)", "Mobility Header Type: Binding Refresh Request (0)"]),
]


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    pcap = tmp_path_factory.mktemp("mip6") / "mip6.pcap"
    dump = subprocess.run([build_dir() / "tests/net/dump_mip6"], capture_output=True, check=True).stdout
    # 229: the link type of bare IPv6 packets
    subprocess.run(["text2pcap", "-q", "-l", "229", "-", pcap], input=dump, check=True)
    text = subprocess.run(["tshark", "-r", pcap, "-V"], capture_output=True, text=True, check=True).stdout
    return ["Frame" + part for part in text.split("\nFrame ")]


def test_every_packet_is_read(readings):
    assert len(readings) == len(EXPECTED)
    for reading, (what, lines) in zip(readings, EXPECTED):
        at = 0
        for line in lines:
            found = reading.find(line, at)
            assert found >= 0, f"{what}: no \"{line}\" (in its place) in:\n{reading}"
            at = found + len(line)
        for word in ("Malformed", "Unknown option", "Expert Info (Error"):
            assert word not in reading, f"{what}: {reading}"
