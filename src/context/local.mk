noinst_LIBRARIES += src/context/libcontext.a
src_context_libcontext_a_SOURCES = \
	src/context/context.c src/context/context.h \
	src/context/context_config.c src/context/context_config.h \
	src/context/context_count.c src/context/context_count.h \
	src/context/mld.c src/context/mld.h \
	src/context/mld_track.c src/context/mld_track.h \
	src/context/mld_wire.c src/context/mld_wire.h

CONTEXT_LIBS = src/context/libcontext.a $(NET_LIBS)
