noinst_LIBRARIES += src/mip6/libmip6.a
src_mip6_libmip6_a_SOURCES = src/mip6/mip6_proto.h src/mip6/mip6_wire.c src/mip6/mip6_wire.h src/mip6/mip6_auth.c src/mip6/mip6_auth.h \
	src/mip6/mip6_machine.c src/mip6/mip6_machine.h src/mip6/mip6_config.c \
	src/mip6/mip6_mn.c src/mip6/mip6_mn.h src/mip6/mip6_link.c src/mip6/mip6_link.h \
	src/mip6/mip6_renew.c src/mip6/mip6_renew.h src/mip6/mip6_seek.c src/mip6/mip6_seek.h src/mip6/mip6_ground.c src/mip6/mip6_ground.h src/mip6/mip6_mobile.c src/mip6/mip6_mobile.h src/mip6/mip6_mobile_private.h \
	src/mip6/mip6_mobile_home.c src/mip6/mip6_mobile_record.c src/mip6/mip6_mobile_where.c \
	src/mip6/mip6_ha.c src/mip6/mip6_ha.h src/mip6/mip6_ha_private.h src/mip6/mip6_ha_binding.c src/mip6/mip6_ha_prefix.c src/mip6/mip6_mpd.c src/mip6/mip6_mpd.h src/mip6/mip6_agent.c src/mip6/mip6_agent.h \
	src/mip6/mip6_dhaad.c src/mip6/mip6_dhaad.h src/mip6/mip6.c src/mip6/mip6.h

MIP6_TEST_LIBS = src/mip6/libmip6.a src/net/libnet.a $(CORE_LIBS) $(TEST_LIBS)
check_PROGRAMS += tests/unit/test_mip6_wire
TESTS += tests/unit/test_mip6_wire
tests_unit_test_mip6_wire_SOURCES = tests/unit/test_mip6_wire.c
tests_unit_test_mip6_wire_LDADD = src/mip6/libmip6.a $(NET_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_mip6_dhaad
TESTS += tests/unit/test_mip6_dhaad
tests_unit_test_mip6_dhaad_SOURCES = tests/unit/test_mip6_dhaad.c
tests_unit_test_mip6_dhaad_LDADD = $(MIP6_TEST_LIBS)

check_PROGRAMS += tests/replay/replay_mip6_ha
TESTS += tests/replay/replay_mip6_ha
tests_replay_replay_mip6_ha_SOURCES = tests/replay/replay_mip6_ha.c
tests_replay_replay_mip6_ha_LDADD = $(MIP6_TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_mip6_wire
TESTS += tests/fuzz/fuzz_mip6_wire
tests_fuzz_fuzz_mip6_wire_SOURCES = tests/fuzz/fuzz_mip6_wire.c
tests_fuzz_fuzz_mip6_wire_LDADD = $(FUZZ_ENGINE) src/mip6/libmip6.a $(NET_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_mip6_ha
TESTS += tests/fuzz/fuzz_mip6_ha
tests_fuzz_fuzz_mip6_ha_SOURCES = tests/fuzz/fuzz_mip6_ha.c
tests_fuzz_fuzz_mip6_ha_LDADD = $(FUZZ_ENGINE) src/mip6/libmip6.a src/net/libnet.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/mip6_wire tests/fuzz/corpus/mip6_ha

check_PROGRAMS += tests/fuzz/fuzz_mip6_mobile
TESTS += tests/fuzz/fuzz_mip6_mobile
tests_fuzz_fuzz_mip6_mobile_SOURCES = tests/fuzz/fuzz_mip6_mobile.c
tests_fuzz_fuzz_mip6_mobile_LDADD = $(FUZZ_ENGINE) src/mip6/libmip6.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/mip6_mobile

# A home agent and a mobile written in Python.
EXTRA_DIST += tests/lab/mip6.py tests/net/test_home_agent.py

# What tshark says of our bytes (tests/net/test_mip6_tshark.py).
check_PROGRAMS += tests/net/dump_mip6
tests_net_dump_mip6_SOURCES = tests/net/dump_mip6.c
tests_net_dump_mip6_LDADD = src/mip6/libmip6.a $(NET_LIBS)
EXTRA_DIST += tests/net/test_mip6_tshark.py

# The mobile's machine under a virtual clock.
check_PROGRAMS += tests/replay/replay_mip6_mn
TESTS += tests/replay/replay_mip6_mn
tests_replay_replay_mip6_mn_SOURCES = tests/replay/replay_mip6_mn.c
tests_replay_replay_mip6_mn_LDADD = $(MIP6_TEST_LIBS)
EXTRA_DIST += tests/net/test_mobile_ip.py

# Its search for home agents.
check_PROGRAMS += tests/replay/replay_mip6_seek
TESTS += tests/replay/replay_mip6_seek
tests_replay_replay_mip6_seek_SOURCES = tests/replay/replay_mip6_seek.c
tests_replay_replay_mip6_seek_LDADD = $(MIP6_TEST_LIBS)

# What a home agent says of its home prefixes.
check_PROGRAMS += tests/replay/replay_mip6_prefix
TESTS += tests/replay/replay_mip6_prefix
tests_replay_replay_mip6_prefix_SOURCES = tests/replay/replay_mip6_prefix.c
tests_replay_replay_mip6_prefix_LDADD = $(MIP6_TEST_LIBS)

# How long it may use its home address.
check_PROGRAMS += tests/replay/replay_mip6_renew
TESTS += tests/replay/replay_mip6_renew
tests_replay_replay_mip6_renew_SOURCES = tests/replay/replay_mip6_renew.c
tests_replay_replay_mip6_renew_LDADD = $(MIP6_TEST_LIBS)

# Its detector of movements.
check_PROGRAMS += tests/replay/replay_mip6_link
TESTS += tests/replay/replay_mip6_link
tests_replay_replay_mip6_link_SOURCES = tests/replay/replay_mip6_link.c
tests_replay_replay_mip6_link_LDADD = $(MIP6_TEST_LIBS)
