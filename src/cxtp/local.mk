noinst_LIBRARIES += src/cxtp/libcxtp.a
src_cxtp_libcxtp_a_SOURCES = \
	src/cxtp/cxtp_arrival.c src/cxtp/cxtp_arrival.h \
	src/cxtp/cxtp.c src/cxtp/cxtp.h \
	src/cxtp/cxtp_config.c src/cxtp/cxtp_config.h \
	src/cxtp/cxtp_contexts.c src/cxtp/cxtp_contexts.h \
	src/cxtp/cxtp_count.c src/cxtp/cxtp_count.h \
	src/cxtp/cxtp_hold.c src/cxtp/cxtp_hold.h \
	src/cxtp/cxtp_icmp.c src/cxtp/cxtp_icmp.h \
	src/cxtp/cxtp_mn.c src/cxtp/cxtp_mn.h \
	src/cxtp/cxtp_mobile.c src/cxtp/cxtp_mobile.h \
	src/cxtp/cxtp_nar.c src/cxtp/cxtp_nar.h \
	src/cxtp/cxtp_nar_private.h src/cxtp/cxtp_nar_table.c \
	src/cxtp/cxtp_par.c src/cxtp/cxtp_par.h \
	src/cxtp/cxtp_par_private.h src/cxtp/cxtp_par_push.c src/cxtp/cxtp_par_table.c \
	src/cxtp/cxtp_params.h \
	src/cxtp/cxtp_rate.c src/cxtp/cxtp_rate.h \
	src/cxtp/cxtp_router.c src/cxtp/cxtp_router.h \
	src/cxtp/cxtp_seen.c src/cxtp/cxtp_seen.h \
	src/cxtp/cxtp_table.h \
	src/cxtp/cxtp_token.c src/cxtp/cxtp_token.h \
	src/cxtp/cxtp_trail.c src/cxtp/cxtp_trail.h \
	src/cxtp/cxtp_trigger.c src/cxtp/cxtp_trigger.h \
	src/cxtp/cxtp_wire.c src/cxtp/cxtp_wire.h

CXTP_LIBS = src/cxtp/libcxtp.a $(CORE_LIBS)
EXTRA_DIST += tests/lab/cxtp.py tests/net/test_hold.py tests/net/test_attacks.py tests/lab/rawsctp.py tests/net/test_dual_stack.py tests/net/test_triggers.py

check_PROGRAMS += tests/unit/test_cxtp_wire
TESTS += tests/unit/test_cxtp_wire
tests_unit_test_cxtp_wire_SOURCES = tests/unit/test_cxtp_wire.c tests/unit/cxtp_samples.h tests/unit/hex.h
tests_unit_test_cxtp_wire_LDADD = $(CXTP_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_cxtp_blocks
TESTS += tests/unit/test_cxtp_blocks
tests_unit_test_cxtp_blocks_SOURCES = tests/unit/test_cxtp_blocks.c tests/unit/cxtp_samples.h tests/unit/hex.h
tests_unit_test_cxtp_blocks_LDADD = $(CXTP_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_cxtp_token
TESTS += tests/unit/test_cxtp_token
tests_unit_test_cxtp_token_SOURCES = tests/unit/test_cxtp_token.c tests/unit/hex.h
tests_unit_test_cxtp_token_LDADD = $(CXTP_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_cxtp_trail
TESTS += tests/unit/test_cxtp_trail
tests_unit_test_cxtp_trail_SOURCES = tests/unit/test_cxtp_trail.c
tests_unit_test_cxtp_trail_LDADD = $(CXTP_LIBS) $(TEST_LIBS)

# The machines in a world of their own.
SIM_CXTP = tests/replay/sim_cxtp.c tests/replay/sim_cxtp.h
check_PROGRAMS += tests/replay/test_cxtp
TESTS += tests/replay/test_cxtp
tests_replay_test_cxtp_SOURCES = tests/replay/test_cxtp.c $(SIM_CXTP)
tests_replay_test_cxtp_LDADD = $(CXTP_LIBS) $(TEST_LIBS)

# Thousands of them in another.
CROWD_CXTP = tests/replay/crowd_cxtp.c tests/replay/crowd_cxtp.h
check_PROGRAMS += tests/replay/test_crowd_cxtp
TESTS += tests/replay/test_crowd_cxtp
tests_replay_test_crowd_cxtp_SOURCES = tests/replay/test_crowd_cxtp.c $(CROWD_CXTP)
tests_replay_test_crowd_cxtp_LDADD = $(CXTP_LIBS) $(TEST_LIBS) -lm

# RFC 4067 sentence by sentence; with --table it prints which scenario shows which sentence.
check_PROGRAMS += tests/replay/test_rfc4067
TESTS += tests/replay/test_rfc4067
SENTENCES = tests/replay/sentences.c tests/replay/sentences.h
tests_replay_test_rfc4067_SOURCES = $(SENTENCES) tests/replay/rfc4067.c tests/replay/rfc4067.h tests/replay/rfc4067_stage.c \
	tests/replay/rfc4067_judge.c tests/replay/rfc4067_overview.c tests/replay/rfc4067_activate.c \
	tests/replay/rfc4067_data.c tests/replay/rfc4067_transport.c tests/replay/rfc4067_flows.c \
	tests/replay/rfc4067_security.c $(SIM_CXTP)
tests_replay_test_rfc4067_LDADD = $(CXTP_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_cxtp_wire
TESTS += tests/fuzz/fuzz_cxtp_wire
tests_fuzz_fuzz_cxtp_wire_SOURCES = tests/fuzz/fuzz_cxtp_wire.c
tests_fuzz_fuzz_cxtp_wire_LDADD = $(FUZZ_ENGINE) $(CXTP_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_cxtp_machines
TESTS += tests/fuzz/fuzz_cxtp_machines
tests_fuzz_fuzz_cxtp_machines_SOURCES = tests/fuzz/fuzz_cxtp_machines.c $(SIM_CXTP)
tests_fuzz_fuzz_cxtp_machines_LDADD = $(FUZZ_ENGINE) $(CXTP_LIBS)
EXTRA_DIST += tests/fuzz/corpus/cxtp_wire tests/fuzz/corpus/cxtp_machines tests/net/test_cxtp.py tests/net/test_dissector.py

check_PROGRAMS += tests/unit/test_cxtp_contexts
TESTS += tests/unit/test_cxtp_contexts
tests_unit_test_cxtp_contexts_SOURCES = tests/unit/test_cxtp_contexts.c
tests_unit_test_cxtp_contexts_LDADD = $(CXTP_LIBS) $(TEST_LIBS)
