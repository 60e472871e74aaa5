noinst_LIBRARIES += src/dhcp4/libdhcp4.a
src_dhcp4_libdhcp4_a_SOURCES = \
	src/dhcp4/dhcp4.c src/dhcp4/dhcp4.h \
	src/dhcp4/dhcp4_relay.c src/dhcp4/dhcp4_relay.h \
	src/dhcp4/dhcp4_wire.c src/dhcp4/dhcp4_wire.h
src_net_libnet_a_SOURCES += src/net/dhcp4_guard.c src/net/dhcp4_port.c src/net/dhcp4_port.h
DHCP4_LIBS = src/dhcp4/libdhcp4.a $(NET_LIBS)

check_PROGRAMS += tests/unit/test_dhcp4_wire
TESTS += tests/unit/test_dhcp4_wire
tests_unit_test_dhcp4_wire_SOURCES = tests/unit/test_dhcp4_wire.c tests/unit/hex.h
tests_unit_test_dhcp4_wire_LDADD = $(DHCP4_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/replay/test_dhcp4
TESTS += tests/replay/test_dhcp4
tests_replay_test_dhcp4_SOURCES = tests/replay/test_dhcp4.c
tests_replay_test_dhcp4_LDADD = $(DHCP4_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_dhcp4
TESTS += tests/fuzz/fuzz_dhcp4
tests_fuzz_fuzz_dhcp4_SOURCES = tests/fuzz/fuzz_dhcp4.c
tests_fuzz_fuzz_dhcp4_LDADD = $(FUZZ_ENGINE) $(DHCP4_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_dhcp4_relay
TESTS += tests/fuzz/fuzz_dhcp4_relay
tests_fuzz_fuzz_dhcp4_relay_SOURCES = tests/fuzz/fuzz_dhcp4_relay.c
tests_fuzz_fuzz_dhcp4_relay_LDADD = $(FUZZ_ENGINE) $(DHCP4_LIBS)
EXTRA_DIST += tests/fuzz/corpus/dhcp4 tests/fuzz/corpus/dhcp4_relay tests/net/test_dhcp4.py
