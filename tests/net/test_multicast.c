/*
 * Multicast as an access router meets it beside one mobile and one report: IPv4, source filters, a bridge between router and
 * mobile, another router on the link, a configuration that changes while packets flow.
 */
#define _GNU_SOURCE 1
#include <errno.h>

#include "context_lab.h"
#include "net/mdb.h"
#include "net/mroute_kernel.h"

#define FPT4 65282 /* context.fpt.multicast4 */
#define FPT6 65285 /* context.fpt.multicast6 */

static int begin(const struct context_lab_options *o)
{
	context_lab_begin(o);
	return 0;
}

static int setup(void **state)
{
	return begin(&(struct context_lab_options){ 0 });
}

static int setup_ipv4(void **state)
{
	return begin(&(struct context_lab_options){ .ipv4 = true });
}

static int setup_bridge(void **state)
{
	return begin(&(struct context_lab_options){ .bridge = true, .extra = "response_interval = \"100ms\";" });
}

static int setup_vlan(void **state)
{
	return begin(&(struct context_lab_options){ .bridge = true, .vlan = true, .ipv4 = true,
	                                            .extra = "response_interval = \"100ms\";" });
}

static int teardown(void **state)
{
	context_lab_end();
	return 0;
}

/* ---- who says what on a link ---- */

struct heard {
	int reports, queries; /* of our group; of any */
	uint8_t last[64];     /* the last report */
	struct in6_addr src;
};

static void hear6(const struct icmp6_message *m, void *arg)
{
	struct heard *h = arg;
	struct in6_addr g = nslab_addr(f.group);
	h->queries += m->data[0] == 130;
	if (m->data[0] == 130 || !memmem(m->data, m->len, &g, sizeof g))
		return;
	h->reports++;
	h->src = m->src;
	memcpy(h->last, m->data, m->len < sizeof h->last ? m->len : sizeof h->last);
}

static void hear4(const struct igmp_packet *p, void *arg)
{
	struct heard *h = arg;
	struct in6_addr g = nslab_addr(f.group);
	h->queries += p->data[0] == 0x11;
	if (p->data[0] == 0x11 || !memmem(p->data, p->len, &g.s6_addr[12], 4))
		return;
	h->reports++;
	h->src = p->src;
	memcpy(h->last, p->data, p->len < sizeof h->last ? p->len : sizeof h->last);
}

struct ear {
	struct icmp6 *six;
	struct igmp *four;
	struct heard h;
};

/* In the namespace where we are. */
static void listen_on(struct ear *e, const char *interface)
{
	static const uint8_t types[] = { 130, 131, 132, 143 };
	int ifindex = nslab_ifindex(interface);
	memset(e, 0, sizeof *e);
	e->six = icmp6_open_frames(f.core.loop, &ifindex, 1, types, sizeof types, hear6, &e->h);
	e->four = igmp_open(f.core.loop, hear4, &e->h);
	assert_non_null(e->six);
	assert_int_equal(icmp6_all_multicast(e->six, ifindex, true), 0);
	assert_int_equal(igmp_add(e->four, ifindex, true), 0);
}

static void ear_close(struct ear *e)
{
	icmp6_close(e->six);
	igmp_close(e->four);
}

/* The station where we are reports nothing from now on. The kernel with VLANs may have no filter for IPv4 but the traffic classes. */
static void quiet(void)
{
	nslab_sh("nft 'table inet quiet { chain out { type filter hook output priority 0; icmpv6 type { 131, 132, 143 } drop; "
	         "ip protocol igmp drop; }; }' 2>/dev/null || { tc qdisc add dev wlan clsact && tc filter add dev wlan egress "
	         "protocol ip u32 match ip protocol 2 0xff action drop; }");
}

static void quiet_mobile(void)
{
	nslab_enter(f.mobile);
	quiet();
	nslab_enter(f.router);
}

/* As in the manual: 239.1.2.3, all sources; 239.1.2.3 from 192.0.2.2 only. */
static const uint8_t all4[] = { 4, 1, 0, 0, 239, 1, 2, 3, 0, 0, 0, 0 };
static const uint8_t one4[] = { 4, 0, 0, 1, 239, 1, 2, 3, 192, 0, 2, 2 };
/* RFC 4067 appendix B: prefix of the new link, group; padded as in a block. */
static const uint8_t block[28] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0b, 0, 0, 0xff, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 1 };

static void put(uint16_t fpt, const uint8_t *data, size_t len)
{
	struct feature_subject s = subject();
	const struct feature *feature = feature_find(fpt);
	assert_non_null(feature);
	assert_int_equal(feature->install(&f.core, &s, data, len), FEATURE_OK);
}

static void forget(void)
{
	struct in6_addr a = nslab_addr(MOBILE);
	feature_find(1)->forget(&f.core, &a);
}

/* ---- IPv4 ---- */

static void an_ipv4_listener_is_served_from_its_report_to_its_leave(void **state)
{
	mobile_joins();
	stream_until_heard();
	int before = f.r.n, gaps = f.r.gaps;
	stream(100);
	nslab_until(f.core.loop, &f.r.n, before + 100);
	assert_int_equal(f.r.gaps, gaps);
	mobile_leaves();
	stream_until_silent();
	for (int i = 0; i < 500 && context_counters[CONTEXT_GROUPS].value; i++)
		nslab_for(f.core.loop, 20 * USEC_MSEC);
	assert_int_equal(context_counters[CONTEXT_GROUPS].value, 0);
	assert_int_not_equal(nslab_try("ip maddr show dev top | grep -qw %s", f.group), 0);
}

static void an_ipv4_context_makes_the_stream_flow_without_a_report(void **state)
{
	struct ear ear;
	quiet_mobile();
	mobile_joins();
	listen_on(&ear, "acc");
	stream(30);
	assert_int_equal(f.r.n, 0);
	put(FPT4, all4, sizeof all4);
	stream(50);
	nslab_until(f.core.loop, &f.r.n, 50);
	assert_int_equal(f.r.gaps, 0);
	assert_int_equal(ear.h.reports, 0);
	forget();
	stream_until_silent();
	ear_close(&ear);
}

struct emitted {
	int n;
	uint8_t data[64];
	size_t len;
};

static bool emit(const void *data, size_t len, void *arg)
{
	struct emitted *e = arg;
	assert_true(len <= sizeof e->data);
	memcpy(e->data, data, len);
	e->len = len;
	e->n++;
	return true;
}

static void collect(uint16_t fpt, struct emitted *e)
{
	struct feature_subject s = subject();
	s.previous = s.addr;
	*e = (struct emitted){ 0 };
	assert_int_equal(feature_find(fpt)->collect(&f.core, &s, emit, e), 0);
}

static void a_listener_to_one_source_moves_with_its_filter(void **state)
{
	struct emitted e;
	nslab_enter(f.mobile);
	mcast_receive_from(&f.r, f.core.loop, f.group, "wlan", SOURCE4);
	nslab_enter(f.router);
	stream_until_heard();
	collect(FPT4, &e);
	assert_int_equal(e.n, 1);
	assert_int_equal(e.len, sizeof one4);
	assert_memory_equal(e.data, one4, sizeof one4);
	collect(1, &e); /* IPv6's is another */
	assert_int_equal(e.n, 0);
	/* And upstream this router is a listener to one source, too. */
	assert_int_equal(nslab_try("grep -i 'top.*0xef010203 0xc0000202' /proc/net/mcfilter"), 0);
	forget();
	put(FPT4, one4, sizeof one4);
	assert_int_equal(nslab_try("grep -i 'top.*0xef010203 0xc0000202' /proc/net/mcfilter"), 0);
	put(FPT4, all4, sizeof all4);
	assert_int_not_equal(nslab_try("grep -i 'top.*0xef010203 0xc0000202' /proc/net/mcfilter"), 0);
}

static void an_ipv6_filter_travels_beside_the_listener(void **state)
{
	static const uint8_t filter[] = { 16, 0, 0, 1, 0xff, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 1,
		                          0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 };
	struct emitted e;
	nslab_enter(f.mobile);
	mcast_receive_from(&f.r, f.core.loop, f.group, "wlan", "2001:db8:1::2");
	nslab_enter(f.router);
	stream_until_heard();
	collect(1, &e);
	assert_int_equal(e.n, 1);
	collect(FPT6, &e);
	assert_int_equal(e.n, 1);
	assert_int_equal(e.len, sizeof filter);
	assert_memory_equal(e.data, filter, sizeof filter);
	forget();
	put(1, block, sizeof block);
	put(FPT6, filter, sizeof filter);
	assert_int_equal(nslab_try("grep -q 'top.*ff3e.*2001' /proc/net/mcfilter6"), 0);
}

static void forged_igmp_changes_nothing(void **state)
{
	static const uint8_t report[] = { 0x16, 0, 0, 0, 239, 1, 2, 9 };
	uint64_t refused = context_counters[CONTEXT_IGMP_REFUSED].value;
	struct in6_addr group = nslab_addr("239.1.2.9"), src = nslab_addr("198.51.100.10");
	nslab_enter(f.mobile);
	/* A host's own socket: neither TTL 1 nor Router Alert. */
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_IGMP), ttl = 2;
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t bytes[sizeof report];
	memcpy(bytes, report, sizeof report);
	uint16_t sum = checksum_inet(report, sizeof report);
	bytes[2] = (uint8_t)(sum >> 8);
	bytes[3] = (uint8_t)sum;
	memcpy(&to.sin_addr, &group.s6_addr[12], 4);
	int wlan = nslab_ifindex("wlan");
	struct ip_mreqn out = { .imr_ifindex = wlan };
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof out), 0);
	assert_true(sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&to, sizeof to) > 0); /* no Router Alert */
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl), 0);
	assert_true(sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&to, sizeof to) > 0);
	close(fd);
	struct igmp *s = igmp_open(f.core.loop, hear4, NULL);
	nslab_enter(f.router);
	for (int i = 0; i < 500 && context_counters[CONTEXT_IGMP_REFUSED].value < refused + 2; i++)
		nslab_for(f.core.loop, 20 * USEC_MSEC);
	assert_int_equal(context_counters[CONTEXT_IGMP_REFUSED].value, refused + 2);
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 0);
	assert_int_equal(igmp_send(s, wlan, &src, &group, report, sizeof report), 0);
	for (int i = 0; i < 500 && !context_counters[CONTEXT_LISTENERS].value; i++)
		nslab_for(f.core.loop, 20 * USEC_MSEC);
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 1);
	igmp_close(s);
}

/* ---- upstream ---- */

static void a_join_is_reported_upstream_at_once(void **state)
{
	struct ear ear;
	nslab_enter(f.source);
	listen_on(&ear, "net");
	nslab_enter(f.router);
	put(FPT4, one4, sizeof one4);
	nslab_until(f.core.loop, &ear.h.reports, 1);
	/* ALLOW one source, as RFC 3376 §5.1 has it for a state that was INCLUDE {}. */
	static const uint8_t want[] = { 5, 0, 0, 1, 239, 1, 2, 3, 192, 0, 2, 2 };
	assert_int_equal(ear.h.last[0], 0x22);
	assert_memory_equal(ear.h.last + 8, want, sizeof want);
	nslab_until(f.core.loop, &ear.h.reports, 3); /* the kernel sends two */
	ear_close(&ear);
}

/* ---- other routers ---- */

/* A router with the lower address asks on the access link. */
static void other_router_asks(uint8_t version)
{
	static const uint8_t mld[28] = { 130, 0, 0, 0, 0, 100, [24] = 2, 125 };
	struct in6_addr low = nslab_addr("fe80::1"), all = nslab_addr("ff02::1");
	uint64_t heard = context_counters[CONTEXT_MLD_QUERIES_RECEIVED].value;
	nslab_enter(f.mobile);
	nslab_sh("ip addr add fe80::1/64 dev wlan nodad");
	int wlan = nslab_ifindex("wlan");
	struct icmp6 *s = icmp6_open(f.core.loop, NULL, 0, hear6, NULL);
	nslab_enter(f.router);
	assert_int_equal(icmp6_send(s, wlan, &low, &all, 1, true, mld, version == 2 ? 28 : 24), 0);
	for (int i = 0; i < 500 && context_counters[CONTEXT_MLD_QUERIES_RECEIVED].value == heard; i++)
		nslab_for(f.core.loop, 20 * USEC_MSEC);
	assert_true(context_counters[CONTEXT_MLD_QUERIES_RECEIVED].value > heard);
	icmp6_close(s);
}

static void another_router_of_the_link_sees_a_report(void **state)
{
	struct ear ear;
	struct in6_addr own;
	uint64_t proxied = context_counters[CONTEXT_PROXIED].value;
	quiet_mobile();
	nslab_enter(f.mobile);
	listen_on(&ear, "wlan");
	nslab_enter(f.router);
	put(1, block, sizeof block);
	assert_int_equal(context_counters[CONTEXT_PROXIED].value, proxied); /* nobody there to tell */
	forget();

	other_router_asks(2);
	put(1, block, sizeof block);
	nslab_until(f.core.loop, &ear.h.reports, 1);
	assert_true(rtnl_link_local(f.core.net->rtnl, f.if_access, &own));
	assert_memory_equal(&ear.h.src, &own, sizeof own);
	assert_int_equal(ear.h.last[0], 143);
	assert_int_equal(ear.h.last[8], 4); /* change to EXCLUDE {} */
	nslab_until(f.core.loop, &ear.h.reports, 2); /* robustness */
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 1); /* nothing of that came back to ourselves */
	forget();
	nslab_until(f.core.loop, &ear.h.reports, 3);
	assert_int_equal(ear.h.last[8], 3); /* change to INCLUDE {} */
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 0);
	ear_close(&ear);
}

static void a_router_of_version_1_is_told_in_version_1(void **state)
{
	struct ear ear;
	quiet_mobile();
	nslab_enter(f.mobile);
	listen_on(&ear, "wlan");
	nslab_enter(f.router);
	other_router_asks(1);
	put(1, block, sizeof block);
	nslab_until(f.core.loop, &ear.h.reports, 1);
	assert_int_equal(ear.h.last[0], 131);
	forget();
	for (int i = 0; i < 500 && ear.h.last[0] != 132; i++)
		nslab_for(f.core.loop, 20 * USEC_MSEC);
	assert_int_equal(ear.h.last[0], 132);
	ear_close(&ear);
}

/* RFC 4605: only the querier forwards; unless this router is told that it is the only one. */
static void the_querier_forwards(void **state)
{
	mobile_joins();
	stream_until_heard();
	other_router_asks(2);
	stream_until_silent();
	context_lab_reload("forward = \"always\";");
	stream_until_heard();
	context_lab_reload("forward = \"querier\";");
	stream_until_silent();
	context_lab_reload("querier = \"always\";");
	stream_until_heard();
}

/* ---- a reload ---- */

static void a_reload_loses_nothing_of_what_stays(void **state)
{
	mobile_joins();
	stream_until_heard();
	int before = f.r.n, gaps = f.r.gaps;
	stream(30);
	context_lab_reload("groups = 3; listeners = 10; query_interval = \"60s\";");
	stream(30);
	context_lab_reload("ipv4 = false; sources = 3;");
	stream(30);
	context_lab_reload("groups = 2000; ipv4 = true; igmp_version = 2;");
	stream(30);
	nslab_until(f.core.loop, &f.r.n, before + 120);
	assert_int_equal(f.r.gaps, gaps);
}

/* ---- a bridge ---- */

static bool in_database(const char *port)
{
	return !nslab_try("bridge mdb show | grep -q 'port %s grp %s '", port, f.group);
}

static int if_bridge(void)
{
	return nslab_ifindex(f.bridge);
}

static void wait_database(const char *port, bool there)
{
	for (int i = 0; i < 500 && in_database(port) != there; i++)
		nslab_for(f.core.loop, 20 * USEC_MSEC);
	assert_int_equal(in_database(port), there);
}

/* The bridge learns where the mobile is from anything it sends. */
static void mobile_is_seen(void)
{
	struct mdb_port port;
	nslab_enter(f.mobile);
	nslab_sh("ping -c1 -W5 2001:db8:b::1 >/dev/null || true");
	nslab_enter(f.router);
	for (int i = 0; i < 500 && mdb_port_of(f.core.net->rtnl, if_bridge(), 0, &f.lladdr, &port) < 0; i++)
		nslab_for(f.core.loop, 20 * USEC_MSEC);
}

static void a_bridge_lets_the_group_out_of_the_mobiles_port(void **state)
{
	struct mcast_receiver other;
	quiet_mobile();
	nslab_enter(f.station); /* receives whatever comes out of its port, without a word */
	quiet();
	mcast_receive(&other, f.core.loop, f.group, "wlan", true);
	nslab_enter(f.router);
	mobile_joins();
	if (f.group[0] == 'f')
		put(1, block, sizeof block);
	else
		put(FPT4, all4, sizeof all4);
	/* The bridge floods until it believes in a querier, us. */
	for (int i = 0; i < 400; i++) {
		int before = other.n;
		stream(20);
		if (other.n == before)
			break;
	}
	int elsewhere = other.n;
	mobile_is_seen();
	wait_database("p0", true);
	assert_false(in_database("p1"));
	assert_int_equal(nslab_try("bridge -d mdb show | grep 'port p0 grp %s ' | grep -q temp", f.group), 0);
	stream_until_heard();
	int before = f.r.n, gaps = f.r.gaps;
	stream(50);
	nslab_until(f.core.loop, &f.r.n, before + 50);
	assert_int_equal(f.r.gaps, gaps);
	assert_int_equal(other.n, elsewhere);
	forget();
	wait_database("p0", false);
	mcast_close(&other);
}

static void the_same_in_a_vlan_with_ipv4(void **state)
{
	a_bridge_lets_the_group_out_of_the_mobiles_port(state);
	assert_int_equal(nslab_try("ip -d link show dev sw | grep -q 'mcast_router 2'"), 0);
}

static void a_station_that_changes_ports_takes_its_groups_along(void **state)
{
	quiet_mobile();
	mobile_joins();
	mobile_is_seen();
	put(1, block, sizeof block);
	wait_database("p0", true);
	/* The same station behind the other port: another access point of this router. */
	nslab_enter(f.station);
	quiet();
	nslab_sh("ip link set wlan address %s && ip addr add " MOBILE "/64 dev wlan nodad", LLADDR(&f.lladdr));
	nslab_sh("ping -c1 -W5 2001:db8:b::1 >/dev/null || true");
	nslab_enter(f.router);
	wait_database("p1", true);
	wait_database("p0", false);
	nslab_enter(f.router);
}

/* What an earlier life left is known by the protocol number and goes; what others put there stays. */
static void the_database_is_swept(void **state)
{
	mobile_is_seen();
	put(1, block, sizeof block);
	wait_database("p0", true);
	if (nslab_try("bridge -d mdb show dev acc | grep 'port p0 grp %s ' | grep -q 'proto 200'", f.group))
		skip(); /* a kernel before 6.3, which keeps no number: what was left goes by its own time */
	nslab_sh("bridge mdb add dev acc port p1 grp ff0e::77 temp");
	assert_true(rtnl_sweep(f.core.net->rtnl) > 0);
	assert_false(in_database("p0"));
	assert_int_equal(nslab_try("bridge mdb show dev acc | grep -q 'port p1 grp ff0e::77 '"), 0);
}

static void the_bridge_hands_reports_up_and_is_left_as_it_was(void **state)
{
	uint8_t mode;
	assert_int_equal(mdb_router_get(f.core.net->rtnl, f.if_access, &mode), 0);
	assert_int_equal(mode, 2);
	mobile_joins();
	stream_until_heard();
	assert_int_equal(context_counters[CONTEXT_LISTENERS].value, 1);
	context_lab_reload("enabled = false;");
	assert_int_equal(mdb_router_get(f.core.net->rtnl, f.if_access, &mode), 0);
	assert_int_equal(mode, 1);
}

#define T(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* `test_multicast vlan`: what wants a kernel with VLANs, which need not have IPv6's multicast routing (test_bridge_vlan.py). */
int main(int argc, char **argv)
{
	if (!nslab_possible())
		return NSLAB_SKIP;
	if (argc == 2 && !strcmp(argv[1], "vlan")) {
		const struct CMUnitTest vlan[] = { T(the_same_in_a_vlan_with_ipv4, setup_vlan) };
		return cmocka_run_group_tests(vlan, NULL, NULL);
	}
	nslab_new();
	int fd = mroute_kernel6.open();
	if (fd == -EOPNOTSUPP || fd == -ENOPROTOOPT) {
		fprintf(stderr, "this kernel has no multicast routing\n");
		return NSLAB_SKIP;
	}
	close(fd);
	const struct CMUnitTest tests[] = {
		T(an_ipv4_listener_is_served_from_its_report_to_its_leave, setup_ipv4),
		T(an_ipv4_context_makes_the_stream_flow_without_a_report, setup_ipv4),
		T(a_listener_to_one_source_moves_with_its_filter, setup_ipv4),
		T(an_ipv6_filter_travels_beside_the_listener, setup),
		T(forged_igmp_changes_nothing, setup_ipv4),
		T(a_join_is_reported_upstream_at_once, setup_ipv4),
		T(another_router_of_the_link_sees_a_report, setup),
		T(a_router_of_version_1_is_told_in_version_1, setup),
		T(the_querier_forwards, setup),
		T(a_reload_loses_nothing_of_what_stays, setup),
		T(a_bridge_lets_the_group_out_of_the_mobiles_port, setup_bridge),
		T(a_station_that_changes_ports_takes_its_groups_along, setup_bridge),
		T(the_database_is_swept, setup_bridge),
		T(the_bridge_hands_reports_up_and_is_left_as_it_was, setup_bridge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
