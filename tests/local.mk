# Shared helpers of the tests, and what is not a module's.
include $(srcdir)/tests/lab/local.mk
include $(srcdir)/tests/bench/local.mk
include $(srcdir)/tests/doc/local.mk
