# Scripts that go into the distribution.
EXTRA_DIST += scripts/bench
EXTRA_DIST += scripts/deps scripts/install-deps scripts/build scripts/lane scripts/demo scripts/test
