noinst_LIBRARIES += src/fmip6/libfmip6.a
src_fmip6_libfmip6_a_SOURCES = src/fmip6/fmip6_proto.h src/fmip6/fmip6_wire.c src/fmip6/fmip6_wire.h
