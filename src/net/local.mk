noinst_LIBRARIES += src/net/libnet.a
src_net_libnet_a_SOURCES = \
	src/net/icmp6.h src/net/mh.h src/net/mroute.h src/net/net.h src/net/path.h src/net/rtnl.h src/net/sctp.h
src_net_libnet_a_SOURCES += src/net/packet.c src/net/packet.h
src_net_libnet_a_SOURCES += src/net/rtnl.c src/net/rtnl_priv.h src/net/rtnl_sweep.c src/net/rtnl_watch.c
src_net_libnet_a_SOURCES += src/net/sctp.c src/net/sctp_backend.h src/net/sctp_kernel.c src/net/sctp_usrsctp.c

check_PROGRAMS += tests/bench/sctp_echo
tests_bench_sctp_echo_SOURCES = tests/bench/sctp_echo.c
tests_bench_sctp_echo_LDADD = $(NET_LIBS)
