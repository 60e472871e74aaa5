"""tshark as a second judge of FMIPv6's bytes: what we pack is read by it as what we meant."""

import subprocess

import pytest

from lab.topology import build_dir

# For each packet of dump_fmip6, in its order: lines that must stand in tshark's reading of it, in this order.
EXPECTED = [
    ("RtSolPr for two APs", [
        "Hop Limit: 255", "Type: FMIPv6 (154)", "[correct]", "Subtype: Router Solicitation for Proxy Advertisement (2)",
        "Identifier: 4660", "Option-code: Link-layer Address of the source (4)", "Link-Layer Address: 020000000009",
        "Option-code: Link-layer Address of the New Access Point (1)", "Link-Layer Address: 020000000001",
        "Option-code: Link-layer Address of the New Access Point (1)", "Link-Layer Address: 020000000002"]),
    ("RtSolPr with a wildcard", ["Identifier: 4661", "Option-code: Wildcard (0)"]),
    ("PrRtAdv", [
        "Code: 0 (MN should use AP-ID, AR-info tuple)", "[correct]", "Subtype: Proxy Router Advertisement (3)",
        "Identifier: 4660", "Option-code: Link-layer Address of the source (4)",
        "Option-code: Link-layer Address of the New Access Point (1)", "Option-code: Link-layer Address of the NAR (3)",
        "Option-code: NAR's IP address (3)", "Prefix Length: 64", "IPv6 Address: 2001:db8:2::1",
        "Option-code: NAR's Prefix (sent in PrRtAdv) (4)", "Prefix Length: 64", "IPv6 Address: 2001:db8:2::"]),
    # Its reading of a lifetime (times 4) and of an authenticator (2 octets short) are its own.
    ("FBU", [
        "MIPv6 Home Address: 2001:db8:1::5", "Header length: 7 (64 bytes)", "Mobility Header Type: Fast Binding Update (8)",
        "Sequence number: 7", "Acknowledge (A) flag: Fast Binding Acknowledgement requested",
        "Home Registration (H) flag: Home Registration", "Lifetime: 60", "Alternate care-of address: 2001:db8:2::5",
        "Option-Code: Link Layer Address of the MN (2)", "Link-layer address: 02:00:00:00:00:09",
        "Binding Authorization Data for FMIPv6 (BADF)", "Length: 16", "SPI: 256"]),
    ("FBack", [
        "Mobility Header Type: Fast Binding Acknowledgment (9)", "Status: Accepted but use supplied NCoA (1)", "Sequence number: 7",
        "Lifetime: 60", "Alternate care-of address: 2001:db8:2::5", "SPI: 256"]),
    ("HI", [
        "Header length: 7 (64 bytes)", "Mobility Header Type: Handover Initiate (14)", "Sequence number: 43981",
        "Assigned address configuration flag (S) flag: False", "Buffer flag (U) flag: True", "Code: 0",
        "Link-layer address: 02:00:00:00:00:09", "Option-Code: 1", "IPv6 Address: 2001:db8:1::5", "Option-Code: 2",
        "IPv6 Address: 2001:db8:2::5"]),
    ("HAck", [
        "Mobility Header Type: Handover Acknowledge (15)", "Sequence number: 43981", "Code: 2", "Option-Code: 2",
        "IPv6 Address: 2001:db8:2::5"]),
    ("UNA", [
        "Hop Limit: 255", "Type: Neighbor Advertisement (136)", "[correct]", "Router: Not set", "Solicited: Not set",
        "Override: Not set", "Target Address: 2001:db8:2::5", "Target link-layer address", "02:00:00:00:00:09"]),
    ("probe", [
        "Hop Limit: 255", "Type: Neighbor Solicitation (135)", "[correct]", "Target Address: 2001:db8:2::1",
        "Source link-layer address"]),
]


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    pcap = tmp_path_factory.mktemp("fmip6") / "fmip6.pcap"
    dump = subprocess.run([build_dir() / "tests/net/dump_fmip6"], capture_output=True, check=True).stdout
    # 229: the link type of bare IPv6 packets
    subprocess.run(["text2pcap", "-q", "-l", "229", "-", pcap], input=dump, check=True)
    text = subprocess.run(["tshark", "-r", pcap, "-V"], capture_output=True, text=True, check=True).stdout
    return ["Frame" + part for part in text.split("\nFrame ")]


def test_every_packet_is_read(readings):
    assert len(readings) == len(EXPECTED)


@pytest.mark.parametrize("n", range(len(EXPECTED)), ids=[name for name, _ in EXPECTED])
def test_reading(readings, n):
    text = readings[n]
    assert "Malformed" not in text and "Unknown" not in text, text
    at = 0
    for line in EXPECTED[n][1]:
        found = text.find(line, at)
        assert found >= 0, f"{line!r} is missing after offset {at} in\n{text}"
        at = found + len(line)
