#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/neighbor.h"
#include "table_output.h"

struct world {
	struct loop *loop;
	struct bus *bus;
	struct neighbors *t;
	struct settings s;
	struct setting_neighbor n[2];
	struct setting_ap aps[2][2];
	struct setting_interface i[1];
	struct lladdr own[1];
	char log[512];
};

static void hear(struct bus_note *note, void *arg)
{
	struct world *w = arg;
	size_t n = strlen(w->log);
	snprintf(w->log + n, sizeof w->log - n, "%s %s %s%s;", note->u.neighbor.neighbor->name,
	         note->topic == BUS_NEIGHBOR_PROTECTION ? "protection" : "association", note->u.neighbor.up ? "up" : "down",
	         note->u.neighbor.neighbor->stale ? " stale" : "");
}

static struct in6_addr A(const char *text)
{
	struct in6_addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct lladdr L(const char *text)
{
	struct lladdr l = { 0 };
	assert_int_equal(lladdr_parse(text, &l), 0);
	return l;
}

static struct prefix P(const char *text)
{
	struct prefix p;
	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->loop = loop_create_virtual(0);
	w->bus = bus_create(w->loop);
	w->t = neighbors_create(w->bus);
	bus_subscribe(w->bus, BUS_NEIGHBOR_PROTECTION, hear, w);
	bus_subscribe(w->bus, BUS_NEIGHBOR_ASSOCIATION, hear, w);
	w->aps[0][0] = (struct setting_ap){ .id = L("02:00:00:00:00:b1"), .prefix = P("2001:db8:b::/48"),
		                                .router = A("2001:db8:b::1"), .link_address = L("02:00:00:00:00:b0") };
	w->aps[0][1] = (struct setting_ap){ .id = L("02:00:00:00:00:b2"), .prefix = P("2001:db8:b:2::/64"),
		                                .router = A("2001:db8:b:2::1"), .link_address = L("02:00:00:00:00:b0") };
	w->aps[1][0] = (struct setting_ap){ .id = L("02:00:00:00:00:c1"), .prefix = P("2001:db8:c::/64"),
		                                .router = A("2001:db8:c::1"), .link_address = L("02:00:00:00:00:c0") };
	w->n[0] = (struct setting_neighbor){ .name = "arb", .address = A("2001:db8:ff::b"), .protect = PROTECT_NONE,
		                                 .aps = { w->aps[0], 2 } };
	w->n[1] = (struct setting_neighbor){ .name = "arc", .address = A("2001:db8:ff::c"), .protect = PROTECT_IPSEC,
		                                 .compat = COMPAT_RFC4068, .aps = { w->aps[1], 1 } };
	w->own[0] = L("02:00:00:00:00:a1");
	w->i[0] = (struct setting_interface){ .name = "lo", .kind = INTERFACE_ACCESS, .aps = { w->own, 1 } };
	w->s = (struct settings){ .neighbors = { w->n, 2 }, .interfaces = { w->i, 1 } };
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	neighbors_destroy(w->t);
	bus_destroy(w->bus);
	loop_destroy(w->loop);
	free(w);
	assert_int_equal(neighbor_counters[NEIGHBOR_COUNT].value, 0);
	assert_int_equal(neighbor_counters[NEIGHBOR_APS].value, 0);
	return 0;
}

static struct neighbor *find(struct world *w, const char *text)
{
	struct in6_addr a = A(text);
	return neighbor_find(w->t, &a);
}

static struct ap *ap(struct world *w, const char *text)
{
	struct lladdr l = L(text);
	return ap_find(w->t, &l);
}

static void test_configure(void **state)
{
	struct world *w = *state;
	assert_int_equal(neighbors_configure(w->t, &w->s), 0);
	struct neighbor *b = neighbor_find_name(w->t, "arb"), *c = neighbor_find_name(w->t, "arc");
	assert_non_null(b);
	assert_ptr_equal(find(w, "2001:db8:ff::b"), b);
	assert_ptr_equal(find(w, "2001:db8:b:2::1"), b);
	assert_ptr_equal(find(w, "2001:db8:c::1"), c);
	assert_null(find(w, "2001:db8:d::1"));
	assert_true(neighbor_usable(b));
	assert_false(neighbor_usable(c));
	assert_int_equal(c->compat, COMPAT_RFC4068);
	assert_string_equal(w->log, "arb protection up;");

	assert_ptr_equal(ap(w, "02:00:00:00:00:c1")->neighbor, c);
	assert_null(ap(w, "02:00:00:00:00:a1")->neighbor);
	assert_string_equal(ap(w, "02:00:00:00:00:a1")->interface, "lo");
	assert_int_equal(ap(w, "02:00:00:00:00:a1")->ifindex, 1);
	assert_null(ap(w, "02:00:00:00:00:ff"));

	struct in6_addr long_match = A("2001:db8:b:2::77"), short_match = A("2001:db8:b:3::77"), none = A("2001:db8:d::1");
	assert_ptr_equal(ap_of_prefix(w->t, &long_match), ap(w, "02:00:00:00:00:b2"));
	assert_ptr_equal(ap_of_prefix(w->t, &short_match), ap(w, "02:00:00:00:00:b1"));
	assert_null(ap_of_prefix(w->t, &none));
}

static void test_identifiers_too_long_for_a_prefix(void **state)
{
	struct world *w = *state;
	neighbors_configure(w->t, &w->s);
	struct in6_addr fits = A("2001:db8:e::77"), too_long = A("2001:db8:e:0:200:ff:fe00:77"), elsewhere = A("2001:db8:e:1:200:ff:fe00:77");
	struct ap *narrow = ap(w, "02:00:00:00:00:b2");
	assert_null(ap_of_short_identifier(w->t, &too_long));
	narrow->prefix = prefix_of(&fits, 80);
	assert_ptr_equal(ap_of_prefix(w->t, &fits), narrow);
	assert_null(ap_of_prefix(w->t, &too_long));
	assert_ptr_equal(ap_of_short_identifier(w->t, &too_long), narrow);
	assert_null(ap_of_short_identifier(w->t, &elsewhere));
	assert_null(ap_of_short_identifier(w->t, &fits));
}

static void test_state_is_published(void **state)
{
	struct world *w = *state;
	neighbors_configure(w->t, &w->s);
	struct neighbor *b = neighbor_find_name(w->t, "arb"), *c = neighbor_find_name(w->t, "arc");
	w->log[0] = '\0';
	neighbor_set_protection(w->t, c, true);
	neighbor_set_protection(w->t, c, true);
	assert_true(neighbor_usable(c));
	neighbor_set_association(w->t, c, true);
	neighbor_set_association(w->t, c, false);
	neighbor_set_protection(w->t, b, false); /* PROTECT_NONE: nobody's business */
	assert_true(neighbor_usable(b));
	assert_string_equal(w->log, "arc protection up;arc association up;arc association down;");
}

static void test_reload_keeps_what_stays(void **state)
{
	struct world *w = *state;
	neighbors_configure(w->t, &w->s);
	struct neighbor *b = neighbor_find_name(w->t, "arb"), *c = neighbor_find_name(w->t, "arc");
	neighbor_set_association(w->t, b, true);
	neighbor_set_protection(w->t, c, true);
	ap(w, "02:00:00:00:00:a1")->prefix = P("2001:db8:a::/64");
	w->log[0] = '\0';
	assert_int_equal(neighbors_configure(w->t, &w->s), 0);
	assert_string_equal(w->log, "");
	assert_ptr_equal(neighbor_find_name(w->t, "arb"), b);
	assert_true(b->associated && c->protected_up);
	assert_int_equal(ap(w, "02:00:00:00:00:a1")->prefix.plen, 64);
}

static void test_reload_drops_and_changes(void **state)
{
	struct world *w = *state;
	neighbors_configure(w->t, &w->s);
	struct neighbor *b = neighbor_find_name(w->t, "arb"), *c = neighbor_find_name(w->t, "arc");
	neighbor_set_association(w->t, c, true);
	w->log[0] = '\0';

	/* arc is gone, its AP now arb's; arb is to be protected from now on */
	w->n[0].protect = PROTECT_IPSEC;
	w->aps[0][1].id = L("02:00:00:00:00:c1");
	w->s.neighbors.n = 1;
	assert_int_equal(neighbors_configure(w->t, &w->s), 0);
	assert_string_equal(w->log, "arc association down stale;arb protection down;");
	assert_true(c->stale); /* readable until the next configure */
	assert_false(neighbor_usable(c));
	assert_null(neighbor_find_name(w->t, "arc"));
	assert_null(ap(w, "02:00:00:00:00:b2"));
	assert_ptr_equal(ap(w, "02:00:00:00:00:c1")->neighbor, b);

	/* another address is another neighbour */
	w->n[0].address = A("2001:db8:ff::bb");
	assert_int_equal(neighbors_configure(w->t, &w->s), 0);
	assert_ptr_not_equal(neighbor_find_name(w->t, "arb"), b);
	assert_true(b->stale);
	assert_ptr_equal(ap(w, "02:00:00:00:00:c1")->neighbor, neighbor_find_name(w->t, "arb"));
}

static struct ap tuple(const char *id, const char *router, const char *prefix)
{
	return (struct ap){ .id = id ? L(id) : (struct lladdr){ 0 }, .router = A(router), .prefix = P(prefix),
		                .link_address = L("02:00:00:00:00:d0") };
}

static void test_learn(void **state)
{
	struct world *w = *state;
	neighbors_configure(w->t, &w->s);
	struct ap d1 = tuple("02:00:00:00:00:d1", "2001:db8:d::1", "2001:db8:d::/64");
	struct ap d2 = tuple("02:00:00:00:00:d2", "2001:db8:d::1", "2001:db8:d::/64");
	struct ap *a = ap_learn(w->t, &d1);
	assert_non_null(a);
	assert_string_equal(a->neighbor->name, "2001:db8:d::1");
	assert_true(neighbor_usable(a->neighbor));
	assert_ptr_equal(ap_learn(w->t, &d2)->neighbor, a->neighbor);
	assert_ptr_equal(ap_learn(w->t, &d1), a);
	assert_ptr_equal(ap(w, "02:00:00:00:00:d1"), a);

	/* it moves to another router */
	struct ap e1 = tuple("02:00:00:00:00:d1", "2001:db8:e::1", "2001:db8:e::/64");
	assert_ptr_equal(ap_learn(w->t, &e1), a);
	assert_ptr_equal(find(w, "2001:db8:e::1"), a->neighbor);
	assert_non_null(find(w, "2001:db8:d::1"));
	struct ap e2 = tuple("02:00:00:00:00:d2", "2001:db8:e::1", "2001:db8:e::/64");
	ap_learn(w->t, &e2);
	assert_null(find(w, "2001:db8:d::1")); /* nobody names it any more */

	/* without AP-ID: told by its router */
	struct ap f = tuple(NULL, "2001:db8:f::1", "2001:db8:f::/64");
	struct ap *learned = ap_learn(w->t, &f);
	assert_ptr_equal(ap_learn(w->t, &f), learned);
	f.router = A("::");
	assert_null(ap_learn(w->t, &f));
	assert_int_equal(errno, EINVAL);

	/* what the configuration says stands */
	struct ap lie = tuple("02:00:00:00:00:c1", "2001:db8:e::1", "2001:db8:e::/64");
	struct ap *c = ap_learn(w->t, &lie);
	assert_string_equal(c->neighbor->name, "arc");
	assert_int_equal(c->prefix.plen, 64);
	assert_string_equal(ADDR(&c->router), "2001:db8:c::1");

	/* learned ones survive a reload, until the configuration takes the AP-ID */
	neighbors_configure(w->t, &w->s);
	assert_non_null(ap(w, "02:00:00:00:00:d2"));
	w->aps[1][0].id = L("02:00:00:00:00:d2");
	neighbors_configure(w->t, &w->s);
	assert_string_equal(ap(w, "02:00:00:00:00:d2")->neighbor->name, "arc");
	assert_non_null(ap(w, "02:00:00:00:00:d1"));
}

static void test_learn_of_a_configured_router(void **state)
{
	struct world *w = *state;
	neighbors_configure(w->t, &w->s);
	struct ap c9 = tuple("02:00:00:00:00:c9", "2001:db8:c::1", "2001:db8:c::/64");
	assert_string_equal(ap_learn(w->t, &c9)->neighbor->name, "arc");
	neighbors_configure(w->t, &w->s);
	assert_non_null(ap(w, "02:00:00:00:00:c9"));
	w->s.neighbors.n = 1;
	neighbors_configure(w->t, &w->s);
	assert_null(ap(w, "02:00:00:00:00:c9"));
}

static void test_learned_are_bounded(void **state)
{
	struct world *w = *state;
	neighbor_counters[NEIGHBOR_APS_EVICTED].value = 0;
	neighbors_configure(w->t, &w->s);
	for (unsigned i = 0; i < NEIGHBOR_APS_LEARNED + 3; i++) {
		struct ap a = tuple("02:00:00:00:dd:00", "2001:db8:d::1", "2001:db8:d::/64");
		a.id.octet[5] = (uint8_t)i;
		a.id.octet[4] = (uint8_t)(0xd0 + (i >> 8));
		a.router.s6_addr[15] = (uint8_t)i;
		a.router.s6_addr[14] = (uint8_t)(1 + (i >> 8));
		assert_non_null(ap_learn(w->t, &a));
		struct ap first = tuple("02:00:00:00:d0:00", "2001:db8:d::100", "2001:db8:d::/64");
		assert_non_null(ap_learn(w->t, &first)); /* heard again and again: stays */
	}
	assert_int_equal(neighbor_counters[NEIGHBOR_APS_EVICTED].value, 3);
	assert_int_equal(neighbor_counters[NEIGHBOR_APS].value, NEIGHBOR_APS_LEARNED + 4);
	assert_non_null(ap(w, "02:00:00:00:d0:00"));
	assert_null(ap(w, "02:00:00:00:d0:01"));
	assert_null(find(w, "2001:db8:d::101"));
	assert_non_null(ap(w, "02:00:00:00:d1:02"));
}

static void test_show(void **state)
{
	struct world *w = *state;
	neighbors_configure(w->t, &w->s);
	struct table_output t;
	table_output_begin(&t);
	neighbors_show(w->t, &t.o);
	assert_string_equal(
	    table_output_end(&t),
	    "[{name='arb' address='2001:db8:ff::b' protect='none' compat='rfc5568' protection='up' association='down' "
	    "learned=false aps[{id='02:00:00:00:00:b1' prefix='2001:db8:b::/48' router='2001:db8:b::1' "
	    "link_address='02:00:00:00:00:b0' }{id='02:00:00:00:00:b2' prefix='2001:db8:b:2::/64' router='2001:db8:b:2::1' "
	    "link_address='02:00:00:00:00:b0' }]}"
	    "{name='arc' address='2001:db8:ff::c' protect='ipsec' compat='rfc4068' protection='down' association='down' "
	    "learned=false aps[{id='02:00:00:00:00:c1' prefix='2001:db8:c::/64' router='2001:db8:c::1' "
	    "link_address='02:00:00:00:00:c0' }]}]");
	free(t.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_configure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identifiers_too_long_for_a_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state_is_published, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_keeps_what_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_drops_and_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_learn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_learn_of_a_configured_router, setup, teardown),
		cmocka_unit_test_setup_teardown(test_learned_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_show, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
