noinst_LIBRARIES += src/cxtp/libcxtp.a
src_cxtp_libcxtp_a_SOURCES =
