# The manual pages against the tables of the program.
check_PROGRAMS += tests/doc/doc_tables
tests_doc_doc_tables_SOURCES = tests/doc/doc_tables.c src/modules.c src/modules.h
tests_doc_doc_tables_LDADD = $(DAEMON_LIBS)
dist_check_SCRIPTS = tests/doc/check_man
TESTS += tests/doc/check_man
