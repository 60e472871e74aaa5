noinst_LIBRARIES += src/core/libcore.a
src_core_libcore_a_SOURCES = \
	src/core/addr.h src/core/buf.h src/core/bus.h src/core/config.h src/core/counter.h src/core/handover.h src/core/log.h src/core/loop.h src/core/mobile.h src/core/module.h src/core/neighbor.h src/core/output.h src/core/secret.h src/core/settings.h 
