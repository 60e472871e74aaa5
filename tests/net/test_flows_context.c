/* The context of connection tracking on a real kernel: what is chosen of a mobile's entries, and which are taken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "context/context.h"
#include "context/context_count.h"
#include "context/flows.h"
#include "context/flows_wire.h"
#include "core/bus.h"
#include "core/handover.h"
#include "core/log.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "net/net.h"
#include "nslab.h"

#define FPT 65283
#define MOBILE "2001:db8:a::10"
#define MOBILE4 "192.0.2.10"
#define OTHER "2001:db8:a::11"
#define PEER "2001:db8:1::2"
#define ROUTER "2001:db8:a::1"

#define MOBILE_OCTETS 0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
#define OTHER_OCTETS 0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11
#define ROUTER_OCTETS 0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01
#define PEER_OCTETS 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2

static const struct module *const modules[] = { &net_module, &context_module, NULL };
static struct core core;
static struct config *config;
static const struct feature *feature;
static struct conntrack *kernel; /* another look at the same entries */
static int router;

static int boot(const char *group)
{
	struct config_errors *errors = config_errors_create();
	char text[512];
	snprintf(text, sizeof text, "role = \"access-router\"; interfaces = ( { name = \"acc\"; kind = \"access\"; } );\n"
	         "neighbors = ( ); context = { multicast = { enabled = false; }; conntrack = { %s }; };", group);
	config = config_load_text("test", text, modules, errors);
	assert_non_null(config);
	config_errors_destroy(errors);
	log_level_set(LOG_LEVEL_ERROR);
	core = (struct core){ .loop = loop_create(), .modules = modules, .config = config, .settings = config_settings(config) };
	core.bus = bus_create(core.loop);
	core.mobiles = mobiles_create(core.bus, 100);
	core.neighbors = neighbors_create(core.bus);
	core.handovers = handovers_create(core.loop, core.bus, 10);
	assert_int_equal(modules_start(&core), 0);
	feature = feature_find(FPT);
	assert_non_null(feature);
	kernel = conntrack_open(core.loop, &(struct conntrack_config){ .limit = 1000 });
	return kernel ? 0 : -1;
}

static int setup_with(const char *group)
{
	router = nslab_new();
	nslab_sh("ip link add acc type veth peer name far; ip link set acc up; ip link set far up; "
	         "ip addr add " ROUTER "/64 dev acc nodad");
	return boot(group);
}

static int setup(void **state)
{
	return setup_with("entries = 4;");
}

static int setup_strict(void **state)
{
	return setup_with("liberal = false; marks = true;");
}

static int teardown(void **state)
{
	conntrack_close(kernel);
	modules_stop(&core);
	handovers_destroy(core.handovers);
	neighbors_destroy(core.neighbors);
	mobiles_destroy(core.mobiles);
	bus_destroy(core.bus);
	loop_destroy(core.loop);
	config_free(config);
	close(router);
	return 0;
}

static struct feature_subject subject(char *reason)
{
	return (struct feature_subject){ .previous = nslab_addr(MOBILE), .addr = nslab_addr(MOBILE), .ifindex = nslab_ifindex("acc"),
		                         .reason = reason };
}

static void put(const char *from, const char *to, uint8_t proto, uint16_t port, uint32_t timeout, uint8_t tcp_state, bool assured)
{
	struct conntrack_entry e = { .tuple = { nslab_addr(from), nslab_addr(to), port, 443, proto }, .timeout = timeout,
		                     .assured = assured, .replied = assured, .tcp_state = tcp_state };
	int err;
	assert_int_equal(conntrack_write(kernel, &e, 1, &err), 1);
}

/* Collected blocks, parsed. */
static struct flows_block blocks[4];
static size_t blocks_n;

static bool emit(const void *data, size_t len, void *arg)
{
	assert_true(blocks_n < 4);
	assert_int_equal(flows_parse(data, len, &blocks[blocks_n++]), FLOWS_OK);
	return true;
}

static void collect(void)
{
	struct feature_subject s = subject(NULL);
	blocks_n = 0;
	assert_int_equal(feature->collect(&core, &s, emit, NULL), 0);
}

static uint16_t port(size_t i)
{
	return blocks[0].entries[i].tuple.sport;
}

static void the_best_are_chosen(void **state)
{
	uint64_t left = context_counters[CONTEXT_FLOWS_LEFT_OUT].value;
	put(MOBILE, PEER, IPPROTO_UDP, 1, 100, 0, false);
	put(MOBILE, PEER, IPPROTO_TCP, 2, 1000, 3, true);
	put(PEER, MOBILE, IPPROTO_TCP, 3, 3000, 3, true);
	put(MOBILE, PEER, IPPROTO_TCP, 4, 100, 7, true); /* TIME_WAIT: over */
	put(MOBILE, PEER, IPPROTO_UDP, 5, 90, 0, true);
	put(MOBILE, PEER, IPPROTO_TCP, 6, 2000, 3, true);
	put(MOBILE, ROUTER, IPPROTO_TCP, 7, 2000, 3, true); /* with this router itself */
	put(MOBILE, "ff0e::1", IPPROTO_UDP, 8, 100, 0, false);
	put(OTHER, PEER, IPPROTO_TCP, 9, 5000, 3, true); /* another mobile's */
	collect();
	assert_int_equal(blocks_n, 1);
	assert_int_equal(blocks[0].n, 4);
	assert_int_equal(port(0), 3); /* established, used last */
	assert_int_equal(port(1), 6);
	assert_int_equal(port(2), 2);
	assert_int_equal(port(3), 5); /* assured */
	assert_int_equal(blocks[0].left_out, 1);
	assert_int_equal(context_counters[CONTEXT_FLOWS_LEFT_OUT].value - left, 1);
}

static void every_address_of_the_mobile_counts(void **state)
{
	struct in6_addr second = nslab_addr(OTHER), first = nslab_addr(MOBILE);
	struct mobile *m = mobile_get(core.mobiles, &first);
	assert_int_equal(mobile_add_addr(core.mobiles, m, &second), 0);
	put(MOBILE, PEER, IPPROTO_TCP, 1, 1000, 3, true);
	put(OTHER, PEER, IPPROTO_TCP, 2, 1000, 3, true);
	collect();
	assert_int_equal(blocks_n, 2);
	assert_true(addr_eq(&blocks[0].addr, &first) && addr_eq(&blocks[1].addr, &second));
	/* An IPv4 address that only the kernel's neighbour entries know to be the mobile's. */
	nslab_sh("ip addr add 192.0.2.1/24 dev acc; ip neigh add " MOBILE4 " lladdr 02:00:00:00:00:77 dev acc");
	put(MOBILE4, "198.51.100.7", IPPROTO_TCP, 3, 1000, 3, true);
	struct feature_subject s = subject(NULL);
	assert_int_equal(lladdr_parse("02:00:00:00:00:77", &s.lladdr), 0);
	for (int i = 0; i < 1000 && blocks_n != 3; i++) { /* the entry is heard of when its event comes */
		loop_once(core.loop, 10 * USEC_MSEC);
		blocks_n = 0;
		assert_int_equal(feature->collect(&core, &s, emit, NULL), 0);
	}
	assert_int_equal(blocks_n, 3);
	/* All of them go when the mobile has gone, whatever is known of it by then. */
	mobile_remove(core.mobiles, m);
	feature->forget(&core, &first);
	for (size_t i = 0; i < 3; i++) {
		struct conntrack_entry out[2];
		assert_int_equal(conntrack_read(kernel, &blocks[i].addr, out, 2), 0);
	}
}

/* Established TCP to port 443, an hour to go, scales 7 and 9, and a mark. */
#define ENTRY 0x70, 6, PEER_OCTETS, 0xc3, 0x50, 0x01, 0xbb, 0, 0, 0x0e, 0x10, 0, 0, 0, 5, 3, 0x33, 0x79

static size_t in_kernel(struct conntrack_entry out[4])
{
	struct in6_addr a = nslab_addr(MOBILE);
	return conntrack_read(kernel, &a, out, 4);
}

static void what_comes_is_put_in_force(void **state)
{
	static const uint8_t data[] = { 1, 6, 1, 0, 0, 0, MOBILE_OCTETS, ENTRY, 0, 0, 0 };
	struct feature_subject s = subject(NULL);
	struct conntrack_entry out[4];
	assert_int_equal(feature->install(&core, &s, data, sizeof data), FEATURE_OK);
	assert_int_equal(in_kernel(out), 1);
	assert_int_equal(out[0].tuple.sport, 50000);
	assert_int_equal(out[0].tcp_state, 3);
	assert_int_equal(out[0].tcp_flags[0], 11); /* scale, SACK, and liberal */
	assert_int_equal(out[0].tcp_scale[1], 9);
	assert_true(out[0].assured && out[0].replied && out[0].timeout > 3000);
	assert_int_equal(out[0].mark, 0); /* not configured */
	feature->forget(&core, &s.previous);
	assert_int_equal(in_kernel(out), 0);
}

static void marks_and_windows_as_configured(void **state)
{
	static const uint8_t data[] = { 1, 6, 1, 0, 0, 0, MOBILE_OCTETS, ENTRY };
	struct feature_subject s = subject(NULL);
	struct conntrack_entry out[4];
	assert_int_equal(feature->install(&core, &s, data, sizeof data), FEATURE_OK);
	assert_int_equal(in_kernel(out), 1);
	assert_int_equal(out[0].mark, 5);
	assert_int_equal(out[0].tcp_flags[0], 3);
	collect();
	assert_int_equal(blocks[0].entries[0].mark, 5);
}

static void what_is_not_the_mobiles_is_refused(void **state)
{
	static const uint8_t other[] = { 1, 6, 1, 0, 0, 0, OTHER_OCTETS, ENTRY }, own[] = { 1, 6, 1, 0, 0, 0, ROUTER_OCTETS, ENTRY },
	                     newer[] = { 2, 6, 1, 0, 0, 0, MOBILE_OCTETS, ENTRY }, cut[] = { 1, 6, 2, 0, 0, 0, MOBILE_OCTETS, ENTRY };
	struct in6_addr stranger = nslab_addr(OTHER);
	char reason[FEATURE_REASON_MAX];
	struct feature_subject s = subject(reason);
	struct conntrack_entry out[4];
	assert_int_equal(feature->install(&core, &s, other, sizeof other), FEATURE_OK); /* nobody's so far */
	assert_non_null(mobile_get(core.mobiles, &stranger));
	assert_int_equal(feature->install(&core, &s, other, sizeof other), FLOWS_STATUS_ADDRESS);
	assert_string_equal(reason, "the address is another mobile's");
	assert_int_equal(feature->install(&core, &s, own, sizeof own), FLOWS_STATUS_ADDRESS);
	assert_string_equal(reason, "the address is this router's");
	assert_int_equal(feature->install(&core, &s, newer, sizeof newer), FLOWS_STATUS_VERSION);
	assert_int_equal(feature->install(&core, &s, cut, sizeof cut), FEATURE_MALFORMED);
	assert_int_equal(in_kernel(out), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_best_are_chosen, setup, teardown),
		cmocka_unit_test_setup_teardown(every_address_of_the_mobile_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(what_comes_is_put_in_force, setup, teardown),
		cmocka_unit_test_setup_teardown(marks_and_windows_as_configured, setup_strict, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_the_mobiles_is_refused, setup, teardown),
	};
	if (!nslab_possible()) {
		fprintf(stderr, "skipped: may not make network namespaces\n");
		return NSLAB_SKIP;
	}
	struct loop *l = loop_create();
	nslab_new();
	struct conntrack *c = conntrack_open(l, &(struct conntrack_config){ .limit = 16 });
	if (!c) {
		fprintf(stderr, "skipped: this kernel has no ctnetlink: %s\n", strerror(errno));
		return NSLAB_SKIP;
	}
	conntrack_close(c);
	loop_destroy(l);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
