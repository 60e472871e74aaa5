noinst_LIBRARIES += src/ctl/libctl.a
src_ctl_libctl_a_SOURCES = \
	src/ctl/client.c src/ctl/client.h \
	src/ctl/command.c src/ctl/command.h \
	src/ctl/control.c src/ctl/ctl.h \
	src/ctl/text_timeline.c src/ctl/text_tree.h \
	src/ctl/textbuf.c src/ctl/textbuf.h \
	src/ctl/watch.c src/ctl/watch.h \
	src/ctl/writer.c src/ctl/writer.h \
	src/ctl/writer_json.c \
	src/ctl/writer_text.c

CTL_LIBS = src/ctl/libctl.a $(CORE_LIBS)

check_PROGRAMS += tests/unit/test_output tests/unit/test_ctl
TESTS += tests/unit/test_output tests/unit/test_ctl
tests_unit_test_output_SOURCES = tests/unit/test_output.c
tests_unit_test_output_LDADD = $(CTL_LIBS) $(TEST_LIBS)
tests_unit_test_ctl_SOURCES = tests/unit/test_ctl.c
tests_unit_test_ctl_LDADD = $(CTL_LIBS) $(TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_command
TESTS += tests/fuzz/fuzz_command
tests_fuzz_fuzz_command_SOURCES = tests/fuzz/fuzz_command.c
tests_fuzz_fuzz_command_LDADD = $(FUZZ_ENGINE) $(CTL_LIBS)
EXTRA_DIST += tests/fuzz/corpus/command
