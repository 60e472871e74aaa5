noinst_LIBRARIES += src/net/libnet.a
src_net_libnet_a_SOURCES = \
	src/net/icmp6.h src/net/mh.h src/net/mroute.h src/net/net.h src/net/path.h src/net/rtnl.h src/net/sctp.h
src_net_libnet_a_SOURCES += src/net/packet.c src/net/packet.h
src_net_libnet_a_SOURCES += src/net/rtnl.c src/net/rtnl_priv.h src/net/rtnl_request.c src/net/rtnl_sweep.c src/net/rtnl_lladdr.c src/net/rtnl_watch.c
src_net_libnet_a_SOURCES += src/net/hold.c src/net/hold.h src/net/tun.c src/net/tun.h src/net/emit.c src/net/path.c \
	src/net/path_priv.h src/net/release.c src/net/tunnel.c src/net/upstream.c src/net/net.c
src_net_libnet_a_SOURCES += src/net/sight.c src/net/sight.h src/net/sight_filter.c
check_PROGRAMS += tests/unit/test_sight
TESTS += tests/unit/test_sight
tests_unit_test_sight_SOURCES = tests/unit/test_sight.c
tests_unit_test_sight_LDADD = $(NET_LIBS) $(TEST_LIBS)
check_PROGRAMS += tests/fuzz/fuzz_sight
TESTS += tests/fuzz/fuzz_sight
tests_fuzz_fuzz_sight_SOURCES = tests/fuzz/fuzz_sight.c
tests_fuzz_fuzz_sight_LDADD = $(FUZZ_ENGINE) $(NET_LIBS)
EXTRA_DIST += tests/fuzz/corpus/sight
check_PROGRAMS += tests/net/test_paths
TESTS += tests/net/test_paths
tests_net_test_paths_SOURCES = tests/net/test_paths.c tests/net/stream.c tests/net/stream.h
tests_net_test_paths_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_net_test_paths_LDADD = tests/net/libnslab.a $(NET_LIBS) $(TEST_LIBS)
check_PROGRAMS += tests/net/test_rtnl
TESTS += tests/net/test_rtnl
tests_net_test_rtnl_SOURCES = tests/net/test_rtnl.c
tests_net_test_rtnl_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_net_test_rtnl_LDADD = tests/net/libnslab.a $(NET_LIBS) $(TEST_LIBS)
EXTRA_DIST += tests/net/test_path_forms.py tests/net/test_bridge_vlan.py
check_PROGRAMS += tests/unit/test_hold
TESTS += tests/unit/test_hold
tests_unit_test_hold_SOURCES = tests/unit/test_hold.c
tests_unit_test_hold_LDADD = $(NET_LIBS) $(TEST_LIBS)
src_net_libnet_a_SOURCES += src/net/sctp.c src/net/sctp_backend.h src/net/sctp_kernel.c src/net/sctp_lower.c \
	src/net/sctp_lower.h src/net/sctp_usrsctp.c

check_PROGRAMS += tests/bench/sctp_echo tests/net/sctp_node tests/unit/test_sctp
TESTS += tests/unit/test_sctp
tests_bench_sctp_echo_SOURCES = tests/bench/sctp_echo.c
tests_bench_sctp_echo_LDADD = $(NET_LIBS)
tests_net_sctp_node_SOURCES = tests/net/sctp_node.c
tests_net_sctp_node_LDADD = $(NET_LIBS)
tests_unit_test_sctp_SOURCES = tests/unit/test_sctp.c
tests_unit_test_sctp_LDADD = $(NET_LIBS) $(TEST_LIBS)
lab: tests/net/sctp_node tests/net/test_paths tests/bench/sctp_echo
check_PROGRAMS += tests/fuzz/fuzz_sctp_packet
TESTS += tests/fuzz/fuzz_sctp_packet
tests_fuzz_fuzz_sctp_packet_SOURCES = tests/fuzz/fuzz_sctp_packet.c
tests_fuzz_fuzz_sctp_packet_LDADD = $(FUZZ_ENGINE) $(NET_LIBS)
EXTRA_DIST += tests/net/test_sctp.py tests/fuzz/corpus/sctp_packet

src_net_libnet_a_SOURCES += \
	src/net/icmp6.c src/net/icmp6_frames.c src/net/icmp6_private.h src/net/frames.c src/net/icmp4.c \
	src/net/icmp6_home.c src/net/upper.c src/net/upper.h src/net/mh.c src/net/mh_guard.c src/net/mh_private.h src/net/rawsock.c src/net/rawsock.h

check_LIBRARIES += tests/net/libnslab.a
tests_net_libnslab_a_SOURCES = tests/net/nslab.c tests/net/nslab.h tests/net/mcast.c tests/net/mcast.h
check_PROGRAMS += tests/net/test_raw_sockets
TESTS += tests/net/test_raw_sockets
tests_net_test_raw_sockets_SOURCES = tests/net/test_raw_sockets.c
tests_net_test_raw_sockets_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_net_test_raw_sockets_LDADD = tests/net/libnslab.a $(NET_LIBS) $(TEST_LIBS)
src_net_libnet_a_SOURCES += src/net/mroute.c src/net/joins.c src/net/mroute_kernel.h src/net/mroute_kernel4.c \
	src/net/mroute_kernel6.c src/net/igmp.c src/net/igmp.h src/net/mdb.c src/net/mdb.h \
	src/net/source_filter.c \
	src/net/source_filter.h
check_PROGRAMS += tests/unit/test_source_filter
TESTS += tests/unit/test_source_filter
tests_unit_test_source_filter_SOURCES = tests/unit/test_source_filter.c
tests_unit_test_source_filter_LDADD = $(NET_LIBS) $(TEST_LIBS)
check_PROGRAMS += tests/net/test_mroute
TESTS += tests/net/test_mroute
tests_net_test_mroute_SOURCES = tests/net/test_mroute.c
tests_net_test_mroute_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_net_test_mroute_LDADD = tests/net/libnslab.a $(NET_LIBS) $(TEST_LIBS)
check_PROGRAMS += tests/unit/test_packet
TESTS += tests/unit/test_packet
tests_unit_test_packet_SOURCES = tests/unit/test_packet.c
tests_unit_test_packet_LDADD = $(NET_LIBS) $(TEST_LIBS)
check_PROGRAMS += tests/fuzz/fuzz_packet
TESTS += tests/fuzz/fuzz_packet
tests_fuzz_fuzz_packet_SOURCES = tests/fuzz/fuzz_packet.c
tests_fuzz_fuzz_packet_LDADD = $(FUZZ_ENGINE) $(NET_LIBS)
EXTRA_DIST += tests/fuzz/corpus/packet
src_net_libnet_a_SOURCES += src/net/conntrack.c src/net/conntrack.h src/net/conntrack_nl.c src/net/conntrack_priv.h \
	src/net/conntrack_table.c src/net/conntrack_table.h
check_PROGRAMS += tests/unit/test_conntrack_table
TESTS += tests/unit/test_conntrack_table
tests_unit_test_conntrack_table_SOURCES = tests/unit/test_conntrack_table.c
tests_unit_test_conntrack_table_LDADD = $(NET_LIBS) $(TEST_LIBS)
check_PROGRAMS += tests/net/test_conntrack
TESTS += tests/net/test_conntrack
tests_net_test_conntrack_SOURCES = tests/net/test_conntrack.c
tests_net_test_conntrack_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_net_test_conntrack_LDADD = tests/net/libnslab.a $(NET_LIBS) $(TEST_LIBS)
src_net_libnet_a_SOURCES += src/net/policer.c src/net/policer.h src/net/policer_priv.h src/net/policer_text.c
check_PROGRAMS += tests/net/test_policer
TESTS += tests/net/test_policer
tests_net_test_policer_SOURCES = tests/net/test_policer.c
tests_net_test_policer_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_net_test_policer_LDADD = tests/net/libnslab.a $(NET_LIBS) $(TEST_LIBS)

src_net_libnet_a_SOURCES += src/net/nd.c src/net/nd.h
check_PROGRAMS += tests/unit/test_nd
TESTS += tests/unit/test_nd
tests_unit_test_nd_SOURCES = tests/unit/test_nd.c
tests_unit_test_nd_LDADD = $(NET_LIBS) $(TEST_LIBS)
check_PROGRAMS += tests/fuzz/fuzz_nd
TESTS += tests/fuzz/fuzz_nd
tests_fuzz_fuzz_nd_SOURCES = tests/fuzz/fuzz_nd.c
tests_fuzz_fuzz_nd_LDADD = $(FUZZ_ENGINE) $(NET_LIBS)
EXTRA_DIST += tests/fuzz/corpus/nd
