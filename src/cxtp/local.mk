noinst_LIBRARIES += src/cxtp/libcxtp.a
src_cxtp_libcxtp_a_SOURCES = \
	src/cxtp/cxtp_token.c src/cxtp/cxtp_token.h \
	src/cxtp/cxtp_wire.c src/cxtp/cxtp_wire.h

CXTP_LIBS = src/cxtp/libcxtp.a $(CORE_LIBS)

check_PROGRAMS += tests/unit/test_cxtp_wire
TESTS += tests/unit/test_cxtp_wire
tests_unit_test_cxtp_wire_SOURCES = tests/unit/test_cxtp_wire.c tests/unit/hex.h
tests_unit_test_cxtp_wire_LDADD = $(CXTP_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/unit/test_cxtp_token
TESTS += tests/unit/test_cxtp_token
tests_unit_test_cxtp_token_SOURCES = tests/unit/test_cxtp_token.c tests/unit/hex.h
tests_unit_test_cxtp_token_LDADD = $(CXTP_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_cxtp_wire
TESTS += tests/fuzz/fuzz_cxtp_wire
tests_fuzz_fuzz_cxtp_wire_SOURCES = tests/fuzz/fuzz_cxtp_wire.c
tests_fuzz_fuzz_cxtp_wire_LDADD = $(FUZZ_ENGINE) $(CXTP_LIBS)
EXTRA_DIST += tests/fuzz/corpus/cxtp_wire
