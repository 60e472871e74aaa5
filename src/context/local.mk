noinst_LIBRARIES += src/context/libcontext.a
src_context_libcontext_a_SOURCES =
