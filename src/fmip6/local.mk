noinst_LIBRARIES += src/fmip6/libfmip6.a
src_fmip6_libfmip6_a_SOURCES =
