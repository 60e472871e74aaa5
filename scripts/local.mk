# Scripts that go into the distribution.
EXTRA_DIST += scripts/bench scripts/interop tests/interop/mip6d.py
EXTRA_DIST += scripts/deps scripts/install-deps scripts/build scripts/lane scripts/demo scripts/test

# Wireshark's reading of CXTP, for whoever wants it: see handoverd(8), or the file itself.
wiresharkdir = $(pkgdatadir)/wireshark
dist_wireshark_DATA = scripts/wireshark/cxtp.lua

# A program with a context of its own, to begin with: handoverd-context(7).
dist_examples_DATA = scripts/examples/context-client.py
