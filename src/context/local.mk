noinst_LIBRARIES += src/context/libcontext.a
src_context_libcontext_a_SOURCES = \
	src/context/addresses.c src/context/addresses.h \
	src/context/binding.c src/context/binding.h \
	src/context/binding_table.c src/context/binding_table.h \
	src/context/context.c src/context/context.h \
	src/context/context_config.c src/context/context_config.h \
	src/context/context_part.h \
	src/context/program.c src/context/program.h \
	src/context/program_config.c src/context/program_config.h \
	src/context/program_socket.c src/context/program_socket.h \
	src/context/program_store.c src/context/program_store.h \
	src/context/program_wire.c src/context/program_wire.h \
	src/context/context_count.c src/context/context_count.h \
	src/context/flows.c src/context/flows.h \
	src/context/flows_wire.c src/context/flows_wire.h \
	src/context/mcast_bridge.c src/context/mcast_bridge.h \
	src/context/mcast.c src/context/mcast.h src/context/mcast_feature.c src/context/mcast_io.c src/context/mcast_priv.h \
	src/context/gmp.c src/context/gmp.h \
	src/context/gmp_group.c src/context/gmp_listener.c src/context/gmp_querier.c src/context/gmp_report.c \
	src/context/gmp_track.c src/context/gmp_track.h \
	src/context/gmp_track_priv.h \
	src/context/igmp_wire.c src/context/igmp_wire.h \
	src/context/mld_wire.c src/context/mld_wire.h \
	src/context/rate.c src/context/rate.h \
	src/context/rate_wire.c src/context/rate_wire.h

CONTEXT_LIBS = src/context/libcontext.a $(NET_LIBS)

check_PROGRAMS += tests/unit/test_mld_wire
TESTS += tests/unit/test_mld_wire
tests_unit_test_mld_wire_SOURCES = tests/unit/test_mld_wire.c
tests_unit_test_mld_wire_LDADD = $(CONTEXT_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_igmp_wire
TESTS += tests/unit/test_igmp_wire
tests_unit_test_igmp_wire_SOURCES = tests/unit/test_igmp_wire.c
tests_unit_test_igmp_wire_LDADD = $(CONTEXT_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/replay/test_gmp_track
TESTS += tests/replay/test_gmp_track
tests_replay_test_gmp_track_SOURCES = tests/replay/test_gmp_track.c
tests_replay_test_gmp_track_LDADD = $(CONTEXT_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_mld_wire
TESTS += tests/fuzz/fuzz_mld_wire
tests_fuzz_fuzz_mld_wire_SOURCES = tests/fuzz/fuzz_mld_wire.c
tests_fuzz_fuzz_mld_wire_LDADD = $(FUZZ_ENGINE) $(CONTEXT_LIBS)
EXTRA_DIST += tests/fuzz/corpus/mld_wire

check_PROGRAMS += tests/unit/test_flows_wire
TESTS += tests/unit/test_flows_wire
tests_unit_test_flows_wire_SOURCES = tests/unit/test_flows_wire.c
tests_unit_test_flows_wire_LDADD = $(CONTEXT_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_flows_wire
TESTS += tests/fuzz/fuzz_flows_wire
tests_fuzz_fuzz_flows_wire_SOURCES = tests/fuzz/fuzz_flows_wire.c
tests_fuzz_fuzz_flows_wire_LDADD = $(FUZZ_ENGINE) $(CONTEXT_LIBS)
EXTRA_DIST += tests/fuzz/corpus/flows_wire tests/net/test_flows.py

check_PROGRAMS += tests/fuzz/fuzz_igmp_wire
TESTS += tests/fuzz/fuzz_igmp_wire
tests_fuzz_fuzz_igmp_wire_SOURCES = tests/fuzz/fuzz_igmp_wire.c
tests_fuzz_fuzz_igmp_wire_LDADD = $(FUZZ_ENGINE) $(CONTEXT_LIBS)
EXTRA_DIST += tests/fuzz/corpus/igmp_wire

check_PROGRAMS += tests/net/test_flows_context
TESTS += tests/net/test_flows_context
tests_net_test_flows_context_SOURCES = tests/net/test_flows_context.c
tests_net_test_flows_context_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_net_test_flows_context_LDADD = tests/net/libnslab.a $(CONTEXT_LIBS) $(CORE_LIBS) $(TEST_LIBS) $(CAPNG_LIBS)

check_PROGRAMS += tests/unit/test_rate_wire
TESTS += tests/unit/test_rate_wire
tests_unit_test_rate_wire_SOURCES = tests/unit/test_rate_wire.c
tests_unit_test_rate_wire_LDADD = $(CONTEXT_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_rate_wire
TESTS += tests/fuzz/fuzz_rate_wire
tests_fuzz_fuzz_rate_wire_SOURCES = tests/fuzz/fuzz_rate_wire.c
tests_fuzz_fuzz_rate_wire_LDADD = $(FUZZ_ENGINE) $(CONTEXT_LIBS)
EXTRA_DIST += tests/fuzz/corpus/rate_wire tests/net/test_rate.py

check_PROGRAMS += tests/net/test_context
TESTS += tests/net/test_context
tests_net_test_context_SOURCES = tests/net/test_context.c tests/net/context_lab.c tests/net/context_lab.h
tests_net_test_context_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_net_test_context_LDADD = tests/net/libnslab.a $(CONTEXT_LIBS) src/ctl/libctl.a $(CORE_LIBS) $(TEST_LIBS) $(CAPNG_LIBS)

check_PROGRAMS += tests/net/test_multicast
TESTS += tests/net/test_multicast
tests_net_test_multicast_SOURCES = tests/net/test_multicast.c tests/net/context_lab.c tests/net/context_lab.h
tests_net_test_multicast_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_net_test_multicast_LDADD = tests/net/libnslab.a $(CONTEXT_LIBS) src/ctl/libctl.a $(CORE_LIBS) $(TEST_LIBS) $(CAPNG_LIBS)

check_PROGRAMS += tests/unit/test_context_config
TESTS += tests/unit/test_context_config
tests_unit_test_context_config_SOURCES = tests/unit/test_context_config.c
tests_unit_test_context_config_LDADD = $(CONTEXT_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_binding_table
TESTS += tests/unit/test_binding_table
tests_unit_test_binding_table_SOURCES = tests/unit/test_binding_table.c
tests_unit_test_binding_table_LDADD = $(CONTEXT_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/net/test_binding
TESTS += tests/net/test_binding
tests_net_test_binding_SOURCES = tests/net/test_binding.c
tests_net_test_binding_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_net_test_binding_LDADD = tests/net/libnslab.a $(CONTEXT_LIBS) $(CORE_LIBS) $(TEST_LIBS) $(CAPNG_LIBS)

check_PROGRAMS += tests/unit/test_program_wire
TESTS += tests/unit/test_program_wire
tests_unit_test_program_wire_SOURCES = tests/unit/test_program_wire.c
tests_unit_test_program_wire_LDADD = $(CONTEXT_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_program
TESTS += tests/unit/test_program
tests_unit_test_program_SOURCES = tests/unit/test_program.c
tests_unit_test_program_LDADD = $(CONTEXT_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_program
TESTS += tests/fuzz/fuzz_program
tests_fuzz_fuzz_program_SOURCES = tests/fuzz/fuzz_program.c
tests_fuzz_fuzz_program_LDADD = $(FUZZ_ENGINE) $(CONTEXT_LIBS)
EXTRA_DIST += tests/fuzz/corpus/program tests/net/test_contexts.py
