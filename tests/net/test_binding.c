/* Neighbour bindings on a real kernel: what it knows of a mobile is collected, and what another router knew is put in. */
#define _GNU_SOURCE 1
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

#include "context/binding.h"
#include "context/context.h"
#include "core/bus.h"
#include "core/handover.h"
#include "core/log.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "net/net.h"
#include "nslab.h"

#define FPT 65281
#define PCOA "2001:db8:a::10"
#define NCOA "2001:db8:b::10"
#define OTHER "2001:db8:b::11"
#define LINK_LOCAL "fe80::10"
#define IPV4 "192.0.2.10"

static const struct module *const modules[] = { &net_module, &context_module, NULL };
static struct core core;
static struct config *config;
static int router, mobile;
static const struct feature *feature;

static void boot(void)
{
	struct config_errors *errors = config_errors_create();
	config = config_load_text("test", "role = \"access-router\"; interfaces = ( { name = \"acc\"; kind = \"access\"; } );\n"
	                          "neighbors = ( ); context = { multicast = { enabled = false; }; neighbor = { addresses = 4; }; };",
	                          modules, errors);
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
}

static void halt(void)
{
	modules_stop(&core);
	handovers_destroy(core.handovers);
	neighbors_destroy(core.neighbors);
	mobiles_destroy(core.mobiles);
	bus_destroy(core.bus);
	loop_destroy(core.loop);
	config_free(config);
}

static int setup(void **state)
{
	mobile = nslab_new();
	router = nslab_new();
	nslab_veth(router, "acc", mobile, "wlan");
	nslab_enter(router);
	nslab_sh("ip addr add 2001:db8:b::1/64 dev acc nodad; ip addr add 192.0.2.1/24 dev acc");
	boot();
	return 0;
}

static int teardown(void **state)
{
	halt();
	close(router);
	close(mobile);
	return 0;
}

static struct feature_subject subject(const char *previous, const char *addr)
{
	return (struct feature_subject){ .previous = nslab_addr(previous), .addr = nslab_addr(addr), .ifindex = nslab_ifindex("acc") };
}

static struct feature_subject subject_with(const char *previous, const char *addr, const char *lladdr)
{
	struct feature_subject s = subject(previous, addr);
	assert_int_equal(lladdr_parse(lladdr, &s.lladdr), 0);
	return s;
}

/* Is this in the kernel's entry of the address, whatever else is? */
static bool entry(const char *addr, const char *words)
{
	return nslab_try("ip neigh show %s dev acc | grep -q '%s'", addr, words) == 0;
}

/* The field values of a block: link-layer address, IPv6, IPv4. */
static void fill(uint8_t v[26], const char *lladdr, const char *v6, const char *v4)
{
	struct lladdr l;
	struct in6_addr a;
	memset(v, 0, 26);
	assert_int_equal(lladdr_parse(lladdr, &l), 0);
	memcpy(v, l.octet, 6);
	if (v6) {
		a = nslab_addr(v6);
		memcpy(v + 6, &a, 16);
	}
	if (v4) {
		a = nslab_addr(v4);
		memcpy(v + 22, &a.s6_addr[12], 4);
	}
}

static uint8_t install(const struct feature_subject *s, const char *lladdr, const char *v6, const char *v4)
{
	uint8_t v[26];
	fill(v, lladdr, v6, v4);
	return feature->install(&core, s, v, sizeof v);
}

struct emitted {
	int n;
	uint8_t blocks[8][26];
};

static bool emit(const void *data, size_t len, void *arg)
{
	struct emitted *e = arg;
	assert_int_equal(len, 26);
	assert_true(e->n < 8);
	memcpy(e->blocks[e->n++], data, len);
	return true;
}

static void settle(uint64_t entries)
{
	for (int i = 0; i < 1000 && binding_counters[BINDING_ENTRIES].value != entries; i++)
		nslab_for(core.loop, 10 * USEC_MSEC);
	assert_int_equal(binding_counters[BINDING_ENTRIES].value, entries);
}

static void what_the_kernel_knows_is_collected(void **state)
{
	struct feature_subject s = subject_with(NCOA, NCOA, "02:00:00:00:00:10"), stranger = subject("2001:db8:b::99", "2001:db8:b::99");
	struct emitted e = { 0 };
	uint8_t want[26];
	nslab_sh("ip neigh replace " NCOA " lladdr 02:00:00:00:00:10 dev acc nud stale; "
	         "ip neigh replace " LINK_LOCAL " lladdr 02:00:00:00:00:10 dev acc nud reachable; "
	         "ip neigh replace " IPV4 " lladdr 02:00:00:00:00:10 dev acc nud stale; "
	         "ip neigh replace " OTHER " lladdr 02:00:00:00:00:11 dev acc nud stale");
	settle(4);
	assert_int_equal(feature->collect(&core, &s, emit, &e), 0);
	assert_int_equal(e.n, 2); /* two of IPv6, of which one together with that of IPv4 */
	fill(want, "02:00:00:00:00:10", NCOA, IPV4);
	assert_memory_equal(e.blocks[0], want, 26);
	fill(want, "02:00:00:00:00:10", LINK_LOCAL, NULL);
	assert_memory_equal(e.blocks[1], want, 26);

	assert_int_equal(feature->collect(&core, &stranger, emit, &e), -ENOENT);
	nslab_sh("ip neigh del " LINK_LOCAL " dev acc; ip neigh del " IPV4 " dev acc");
	settle(2);
	e.n = 0;
	assert_int_equal(feature->collect(&core, &s, emit, &e), 0);
	assert_int_equal(e.n, 1);
}

static void no_more_than_the_limit_is_collected(void **state)
{
	struct feature_subject s = subject_with(NCOA, NCOA, "02:00:00:00:00:10");
	struct emitted e = { 0 };
	for (int i = 0; i < 9; i++)
		nslab_sh("ip neigh replace 2001:db8:b::%d lladdr 02:00:00:00:00:10 dev acc nud stale", 20 + i);
	settle(9);
	assert_int_equal(feature->collect(&core, &s, emit, &e), 0);
	assert_int_equal(e.n, 4);
}

static void what_is_reached_here_is_installed(void **state)
{
	struct feature_subject s = subject(PCOA, NCOA);
	assert_int_equal(install(&s, "02:00:00:00:00:10", PCOA, IPV4), FEATURE_OK);
	assert_int_equal(install(&s, "02:00:00:00:00:10", LINK_LOCAL, "198.51.100.10"), FEATURE_OK);
	assert_true(entry(NCOA, "02:00:00:00:00:10 .*STALE"));
	assert_true(entry(LINK_LOCAL, "02:00:00:00:00:10 .*STALE"));
	assert_true(entry(IPV4, "02:00:00:00:00:10 .*STALE"));
	assert_false(entry(PCOA, "02:00")); /* stays on the other link */
	assert_false(entry("198.51.100.10", "02:00"));

	/* With a route of its own the previous address is reached here, too. */
	nslab_sh("ip route add " PCOA "/128 dev acc");
	assert_int_equal(install(&s, "02:00:00:00:00:10", PCOA, NULL), FEATURE_OK);
	assert_true(entry(PCOA, "02:00:00:00:00:10 .*STALE"));

	/* The events of our own entries change nothing. */
	settle(4);
	struct in6_addr addr = nslab_addr(NCOA);
	feature->forget(&core, &addr);
	assert_int_equal(nslab_try("ip neigh show dev acc nud stale | grep -q ."), 1);
	assert_int_equal(binding_counters[BINDING_ENTRIES].value, 0);
}

/* The new link's own word on the link-layer address is the better one. */
static void what_is_known_here_counts_more(void **state)
{
	struct feature_subject s = subject_with(PCOA, NCOA, "02:00:00:00:00:22");
	nslab_sh("ip neigh replace " NCOA " lladdr 02:00:00:00:00:22 dev acc nud reachable");
	assert_int_equal(install(&s, "02:00:00:00:00:10", LINK_LOCAL, NULL), FEATURE_OK);
	assert_true(entry(LINK_LOCAL, "02:00:00:00:00:22 .*STALE"));
	assert_true(entry(NCOA, "02:00:00:00:00:22 .*REACHABLE")); /* not ours: not touched */
	settle(2);
	struct in6_addr addr = nslab_addr(NCOA);
	feature->forget(&core, &addr);
	assert_true(entry(NCOA, "02:00:00:00:00:22"));
	assert_false(entry(LINK_LOCAL, "02:00"));
}

static void nobodys_address_is_taken_away(void **state)
{
	struct feature_subject s = subject(PCOA, NCOA);
	char reason[FEATURE_REASON_MAX] = "";
	s.reason = reason;
	nslab_sh("ip neigh replace " OTHER " lladdr 02:00:00:00:00:11 dev acc nud reachable");
	assert_int_equal(install(&s, "02:00:00:00:00:10", OTHER, NULL), BINDING_ADDRESS_IN_USE);
	assert_string_equal(reason, "address=" OTHER " link_address=02:00:00:00:00:11");
	assert_string_equal(FEATURE_STATUS(FPT, BINDING_ADDRESS_IN_USE), "address-in-use");
	assert_int_equal(install(&s, "02:00:00:00:00:10", "2001:db8:b::1", NULL), BINDING_ADDRESS_IN_USE); /* the router's */
	assert_int_equal(install(&s, "02:00:00:00:00:10", NULL, "192.0.2.1"), BINDING_ADDRESS_IN_USE);
	assert_false(entry(NCOA, "02:00")); /* nor was the rest of these blocks put in */
	assert_true(entry(OTHER, "02:00:00:00:00:11"));
}

static void nonsense_is_refused(void **state)
{
	struct feature_subject s = subject(PCOA, NCOA);
	assert_int_equal(install(&s, "00:00:00:00:00:00", NULL, IPV4), FEATURE_MALFORMED);
	assert_int_equal(install(&s, "33:33:00:00:00:01", NULL, IPV4), FEATURE_MALFORMED);
	assert_int_equal(install(&s, "02:00:00:00:00:10", "ff02::1", NULL), FEATURE_MALFORMED);
	assert_int_equal(install(&s, "02:00:00:00:00:10", "::1", NULL), FEATURE_MALFORMED);
	assert_int_equal(install(&s, "02:00:00:00:00:10", "::ffff:192.0.2.9", NULL), FEATURE_MALFORMED);
	assert_int_equal(install(&s, "02:00:00:00:00:10", NULL, "224.0.0.1"), FEATURE_MALFORMED);
	assert_int_equal(install(&s, "02:00:00:00:00:10", NULL, "127.0.0.1"), FEATURE_MALFORMED);
	s.ifindex = 0;
	assert_int_equal(install(&s, "02:00:00:00:00:10", NULL, IPV4), FEATURE_FAILED);
	assert_int_equal(nslab_try("ip neigh show dev acc | grep -q lladdr"), 1);
}

static void one_mobile_has_a_limit(void **state)
{
	struct feature_subject s = subject(PCOA, NCOA);
	assert_int_equal(install(&s, "02:00:00:00:00:10", LINK_LOCAL, IPV4), FEATURE_OK); /* with the new address: three */
	assert_int_equal(install(&s, "02:00:00:00:00:10", "2001:db8:b::12", NULL), FEATURE_OK);
	assert_int_equal(install(&s, "02:00:00:00:00:10", "2001:db8:b::13", NULL), FEATURE_NO_RESOURCES);
	assert_int_equal(install(&s, "02:00:00:00:00:10", "2001:db8:b::12", NULL), FEATURE_OK); /* there already */
	assert_false(entry("2001:db8:b::13", "02:00"));
}

static void a_mobile_that_vanishes_leaves_nothing(void **state)
{
	struct feature_subject s = subject(PCOA, NCOA);
	assert_int_equal(install(&s, "02:00:00:00:00:10", LINK_LOCAL, IPV4), FEATURE_OK);
	settle(3);
	nslab_sh("ip neigh del " NCOA " dev acc"); /* as when the kernel has asked in vain */
	settle(0);
	assert_false(entry(LINK_LOCAL, "02:00"));
	assert_false(entry(IPV4, "02:00"));
}

/* What a killed daemon leaves carries its protocol number; the next one's start removes it, of both families. */
static void a_restart_sweeps(void **state)
{
	nslab_sh("ip neigh replace " LINK_LOCAL " lladdr 02:00:00:00:00:10 dev acc nud stale protocol 200; "
	         "ip neigh replace " IPV4 " lladdr 02:00:00:00:00:10 dev acc nud stale protocol 200; "
	         "ip neigh replace " OTHER " lladdr 02:00:00:00:00:11 dev acc nud stale");
	halt();
	boot();
	assert_false(entry(LINK_LOCAL, "02:00"));
	assert_false(entry(IPV4, "02:00"));
	assert_true(entry(OTHER, "02:00:00:00:00:11"));
	assert_int_equal(binding_counters[BINDING_ENTRIES].value, 1); /* read at the start */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_the_kernel_knows_is_collected),
		T(no_more_than_the_limit_is_collected),
		T(what_is_reached_here_is_installed),
		T(what_is_known_here_counts_more),
		T(nobodys_address_is_taken_away),
		T(nonsense_is_refused),
		T(one_mobile_has_a_limit),
		T(a_mobile_that_vanishes_leaves_nothing),
		T(a_restart_sweeps),
	};
	if (!nslab_possible())
		return NSLAB_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
