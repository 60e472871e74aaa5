noinst_LIBRARIES += src/core/libcore.a
src_core_libcore_a_SOURCES = \
	src/core/daemon.c src/core/daemon.h src/core/notify.c src/core/notify.h src/core/privilege.c src/core/privilege.h \
	src/core/addr.c src/core/addr.h \
	src/core/buf.c src/core/buf.h \
	src/core/bus.c src/core/bus.h \
	src/core/config.c src/core/config.h \
	src/core/config_read.c src/core/config_read.h \
	src/core/config_value.c src/core/config_value.h \
	src/core/counter.h \
	src/core/feature.c src/core/feature.h \
	src/core/handover.c src/core/handover.h \
	src/core/home.c src/core/home.h \
	src/core/log.c src/core/log.h \
	src/core/lookup.c src/core/lookup.h \
	src/core/loop.c src/core/loop.h \
	src/core/mobile.c src/core/mobile.h \
	src/core/module.c src/core/module.h \
	src/core/neighbor.c src/core/neighbor.h \
	src/core/output.c src/core/output.h \
	src/core/secret.c src/core/secret.h \
	src/core/settings.c src/core/settings.h \
	src/core/unixsock.c src/core/unixsock.h

check_PROGRAMS += tests/unit/test_buf tests/unit/test_addr tests/unit/test_loop
TESTS += tests/unit/test_buf tests/unit/test_addr tests/unit/test_loop
tests_unit_test_buf_SOURCES = tests/unit/test_buf.c
tests_unit_test_buf_LDADD = $(CORE_LIBS) $(TEST_LIBS)
tests_unit_test_addr_SOURCES = tests/unit/test_addr.c
tests_unit_test_addr_LDADD = $(CORE_LIBS) $(TEST_LIBS)
tests_unit_test_loop_SOURCES = tests/unit/test_loop.c
tests_unit_test_loop_LDADD = $(CORE_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_lookup
TESTS += tests/unit/test_lookup
tests_unit_test_lookup_SOURCES = tests/unit/test_lookup.c
tests_unit_test_lookup_LDADD = $(CORE_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_mobile tests/unit/test_neighbor tests/unit/test_handover
TESTS += tests/unit/test_mobile tests/unit/test_neighbor tests/unit/test_handover
tests_unit_test_mobile_SOURCES = tests/unit/test_mobile.c tests/unit/table_output.h
tests_unit_test_mobile_LDADD = $(CORE_LIBS) $(TEST_LIBS)
tests_unit_test_neighbor_SOURCES = tests/unit/test_neighbor.c tests/unit/table_output.h
tests_unit_test_neighbor_LDADD = $(CORE_LIBS) $(TEST_LIBS)
tests_unit_test_handover_SOURCES = tests/unit/test_handover.c tests/unit/table_output.h
tests_unit_test_handover_LDADD = $(CORE_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_log tests/unit/test_bus tests/unit/test_secret tests/unit/test_feature
TESTS += tests/unit/test_log tests/unit/test_bus tests/unit/test_secret tests/unit/test_feature
tests_unit_test_log_SOURCES = tests/unit/test_log.c
tests_unit_test_log_LDADD = $(CORE_LIBS) $(TEST_LIBS)
tests_unit_test_bus_SOURCES = tests/unit/test_bus.c
tests_unit_test_bus_LDADD = $(CORE_LIBS) $(TEST_LIBS)
tests_unit_test_secret_SOURCES = tests/unit/test_secret.c
tests_unit_test_secret_LDADD = $(CORE_LIBS) $(TEST_LIBS)
tests_unit_test_feature_SOURCES = tests/unit/test_feature.c
tests_unit_test_feature_LDADD = $(CORE_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_home
TESTS += tests/unit/test_home
tests_unit_test_home_SOURCES = tests/unit/test_home.c
tests_unit_test_home_LDADD = $(CORE_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_config tests/unit/test_module
TESTS += tests/unit/test_config tests/unit/test_module
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_LDADD = $(CORE_LIBS) $(TEST_LIBS)
tests_unit_test_module_SOURCES = tests/unit/test_module.c
tests_unit_test_module_LDADD = $(CORE_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_config
TESTS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
tests_fuzz_fuzz_config_LDADD = $(FUZZ_ENGINE) $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/config
