noinst_LIBRARIES += src/fmip6/libfmip6.a
src_fmip6_libfmip6_a_SOURCES = src/fmip6/fmip6_proto.h src/fmip6/fmip6_wire.c src/fmip6/fmip6_wire.h \
	src/fmip6/fmip6_wire_nd.c src/fmip6/fmip6_wire_nd.h src/fmip6/fmip6_wire_4068.c src/fmip6/fmip6_wire_4068.h \
	src/fmip6/fmip6_machine.c src/fmip6/fmip6_machine.h \
	src/fmip6/fmip6_par.c src/fmip6/fmip6_par.h src/fmip6/fmip6_par_table.c src/fmip6/fmip6_par_serve.c src/fmip6/fmip6_par_fbu.c src/fmip6/fmip6_par_private.h \
	src/fmip6/fmip6_nar.c src/fmip6/fmip6_nar.h src/fmip6/fmip6_nar_table.c src/fmip6/fmip6_nar_lodge.c src/fmip6/fmip6_nar_una.c src/fmip6/fmip6_nar_private.h src/fmip6/fmip6_early.c src/fmip6/fmip6_early.h \
	src/fmip6/fmip6_clients.c src/fmip6/fmip6_clients.h src/fmip6/fmip6_clients_private.h src/fmip6/fmip6_clients_ops.c \
	src/fmip6/fmip6_clients_answer.c src/fmip6/fmip6_known.c src/fmip6/fmip6_known.h \
	src/fmip6/fmip6_gateway.c src/fmip6/fmip6_gateway.h \
	src/fmip6/fmip6_anchor.c src/fmip6/fmip6_anchor.h src/fmip6/fmip6_anchor_away.c src/fmip6/fmip6_anchor_farewell.c \
	src/fmip6/fmip6_anchor_private.h \
	src/fmip6/fmip6_visit.c src/fmip6/fmip6_visit.h src/fmip6/fmip6_visit_ask.c src/fmip6/fmip6_visit_private.h \
	src/fmip6/fmip6_adv.c src/fmip6/fmip6_adv.h src/fmip6/fmip6_inform.c src/fmip6/fmip6_inform.h src/fmip6/fmip6_marker.c src/fmip6/fmip6_marker.h src/fmip6/fmip6_config.c \
	src/fmip6/cga.c src/fmip6/cga.h src/fmip6/send_key.c src/fmip6/send_key.h src/fmip6/send_wire.c src/fmip6/send_wire.h \
	src/fmip6/send_secure.c src/fmip6/send_secure.h src/fmip6/send_peers.c src/fmip6/send_peers.h \
	src/fmip6/fmip6_hk_router.c src/fmip6/fmip6_hk_router.h src/fmip6/fmip6_hk_mn.c src/fmip6/fmip6_hk_mn.h \
	src/fmip6/fmip6_hk_file.c src/fmip6/fmip6_hk_file.h src/fmip6/fmip6_router_keys.c \
	src/fmip6/fmip6.c src/fmip6/fmip6.h src/fmip6/fmip6_io.c src/fmip6/fmip6_io.h \
	src/fmip6/fmip6_router.c src/fmip6/fmip6_router.h src/fmip6/fmip6_router_ops.c src/fmip6/fmip6_router_adv.c src/fmip6/fmip6_mobile.c src/fmip6/fmip6_mobile_ops.c src/fmip6/fmip6_mobile_private.h \
	src/fmip6/fmip6_mn.c src/fmip6/fmip6_mn.h src/fmip6/fmip6_mn_move.c src/fmip6/fmip6_mn_address.c src/fmip6/fmip6_mn_home.c src/fmip6/fmip6_mn_private.h src/fmip6/fmip6_mn_binding.c src/fmip6/fmip6_mn_binding.h

FMIP6_TEST_LIBS = src/fmip6/libfmip6.a src/net/libnet.a $(CORE_LIBS) $(TEST_LIBS)
check_PROGRAMS += tests/unit/test_fmip6_wire
TESTS += tests/unit/test_fmip6_wire
tests_unit_test_fmip6_wire_SOURCES = tests/unit/test_fmip6_wire.c
tests_unit_test_fmip6_wire_LDADD = $(FMIP6_TEST_LIBS)

check_PROGRAMS += tests/unit/test_cga tests/unit/test_send
TESTS += tests/unit/test_cga tests/unit/test_send
tests_unit_test_cga_SOURCES = tests/unit/test_cga.c
tests_unit_test_cga_LDADD = $(FMIP6_TEST_LIBS)
tests_unit_test_send_SOURCES = tests/unit/test_send.c tests/unit/send_samples.h
tests_unit_test_send_LDADD = $(FMIP6_TEST_LIBS)

# The machines in a world of their own.
SIM_FMIP6 = tests/replay/sim_fmip6.c tests/replay/sim_fmip6.h
check_PROGRAMS += tests/replay/replay_fmip6
TESTS += tests/replay/replay_fmip6
tests_replay_replay_fmip6_SOURCES = tests/replay/replay_fmip6.c $(SIM_FMIP6)
tests_replay_replay_fmip6_LDADD = $(FMIP6_TEST_LIBS)

# And a day in it.
check_PROGRAMS += tests/replay/soak_fmip6
TESTS += tests/replay/soak_fmip6
tests_replay_soak_fmip6_SOURCES = tests/replay/soak_fmip6.c $(SIM_FMIP6)
tests_replay_soak_fmip6_LDADD = $(FMIP6_TEST_LIBS)

# RFC 5568 sentence by sentence; with --table it prints which scenario shows which sentence.
check_PROGRAMS += tests/replay/test_rfc5568
TESTS += tests/replay/test_rfc5568
tests_replay_test_rfc5568_SOURCES = $(SENTENCES) tests/replay/rfc5568.c tests/replay/rfc5568.h tests/replay/rfc5568_stage.c \
	tests/replay/rfc5568_judge.c tests/replay/rfc5568_solicit.c tests/replay/rfc5568_previous.c tests/replay/rfc5568_new.c tests/replay/rfc5568_serve.c \
	tests/replay/rfc5568_mobile.c tests/replay/rfc5568_movement.c tests/replay/rfc5568_formats.c $(SIM_FMIP6)
tests_replay_test_rfc5568_LDADD = $(FMIP6_TEST_LIBS)

check_PROGRAMS += tests/unit/test_fmip6_known
TESTS += tests/unit/test_fmip6_known
tests_unit_test_fmip6_known_SOURCES = tests/unit/test_fmip6_known.c
tests_unit_test_fmip6_known_LDADD = $(FMIP6_TEST_LIBS)

# Clients and their routers, the same way.
check_PROGRAMS += tests/replay/replay_clients
TESTS += tests/replay/replay_clients
tests_replay_replay_clients_SOURCES = tests/replay/replay_clients.c
tests_replay_replay_clients_LDADD = $(FMIP6_TEST_LIBS)
check_PROGRAMS += tests/replay/replay_clients_crowd
TESTS += tests/replay/replay_clients_crowd
tests_replay_replay_clients_crowd_SOURCES = tests/replay/replay_clients_crowd.c
tests_replay_replay_clients_crowd_LDADD = $(FMIP6_TEST_LIBS)

# The router that they visit, alone.
check_PROGRAMS += tests/replay/replay_visits
TESTS += tests/replay/replay_visits
tests_replay_replay_visits_SOURCES = tests/replay/replay_visits.c
tests_replay_replay_visits_LDADD = $(FMIP6_TEST_LIBS)

check_PROGRAMS += tests/replay/test_handover_keys
TESTS += tests/replay/test_handover_keys
tests_replay_test_handover_keys_SOURCES = tests/replay/test_handover_keys.c tests/unit/send_samples.h
tests_replay_test_handover_keys_LDADD = $(FMIP6_TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_fmip6_wire
TESTS += tests/fuzz/fuzz_fmip6_wire
tests_fuzz_fuzz_fmip6_wire_SOURCES = tests/fuzz/fuzz_fmip6_wire.c
tests_fuzz_fuzz_fmip6_wire_LDADD = $(FUZZ_ENGINE) src/fmip6/libfmip6.a src/net/libnet.a $(CORE_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_fmip6_world
TESTS += tests/fuzz/fuzz_fmip6_world
tests_fuzz_fuzz_fmip6_world_SOURCES = tests/fuzz/fuzz_fmip6_world.c $(SIM_FMIP6)
tests_fuzz_fuzz_fmip6_world_LDADD = $(FUZZ_ENGINE) src/fmip6/libfmip6.a src/net/libnet.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/fmip6_wire tests/fuzz/corpus/fmip6_world

check_PROGRAMS += tests/fuzz/fuzz_clients
TESTS += tests/fuzz/fuzz_clients
tests_fuzz_fuzz_clients_SOURCES = tests/fuzz/fuzz_clients.c
tests_fuzz_fuzz_clients_LDADD = $(FUZZ_ENGINE) src/fmip6/libfmip6.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/clients

check_PROGRAMS += tests/fuzz/fuzz_handover_keys
TESTS += tests/fuzz/fuzz_handover_keys
tests_fuzz_fuzz_handover_keys_SOURCES = tests/fuzz/fuzz_handover_keys.c tests/unit/send_samples.h
tests_fuzz_fuzz_handover_keys_LDADD = $(FUZZ_ENGINE) src/fmip6/libfmip6.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/handover_keys

check_PROGRAMS += tests/fuzz/fuzz_send
TESTS += tests/fuzz/fuzz_send
tests_fuzz_fuzz_send_SOURCES = tests/fuzz/fuzz_send.c tests/unit/send_samples.h
tests_fuzz_fuzz_send_LDADD = $(FUZZ_ENGINE) src/fmip6/libfmip6.a src/net/libnet.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/send

# What tshark says of our bytes (tests/net/test_fmip6_tshark.py).
check_PROGRAMS += tests/net/dump_fmip6
tests_net_dump_fmip6_SOURCES = tests/net/dump_fmip6.c
tests_net_dump_fmip6_LDADD = src/fmip6/libfmip6.a $(NET_LIBS)
EXTRA_DIST += tests/net/test_fmip6_tshark.py tests/net/test_clients.py tests/net/test_handover_keys.py
