noinst_LIBRARIES += src/fmip6/libfmip6.a
src_fmip6_libfmip6_a_SOURCES = src/fmip6/fmip6_proto.h src/fmip6/fmip6_wire.c src/fmip6/fmip6_wire.h \
	src/fmip6/fmip6_machine.c src/fmip6/fmip6_machine.h \
	src/fmip6/fmip6_par.c src/fmip6/fmip6_par.h \
	src/fmip6/fmip6_nar.c src/fmip6/fmip6_nar.h \
	src/fmip6/fmip6_mn.c src/fmip6/fmip6_mn.h src/fmip6/fmip6_mn_binding.c src/fmip6/fmip6_mn_binding.h

FMIP6_TEST_LIBS = src/fmip6/libfmip6.a $(CORE_LIBS) $(TEST_LIBS)
check_PROGRAMS += tests/unit/test_fmip6_wire
TESTS += tests/unit/test_fmip6_wire
tests_unit_test_fmip6_wire_SOURCES = tests/unit/test_fmip6_wire.c
tests_unit_test_fmip6_wire_LDADD = $(FMIP6_TEST_LIBS)
