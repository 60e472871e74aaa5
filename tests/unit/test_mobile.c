#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <malloc.h>

#include "core/mobile.h"
#include "core/secret.h"
#include "table_output.h"

struct world {
	struct loop *loop;
	struct bus *bus;
	struct mobiles *t;
	char log[512]; /* "+addr-addr": what the bus said */
	struct mobile *seen_removed;
	int walked;
};

static void hear(struct bus_note *note, void *arg)
{
	struct world *w = arg;
	struct mobile *m = note->u.mobile.mobile;
	size_t n = strlen(w->log);
	snprintf(w->log + n, sizeof w->log - n, "%c%s", note->topic == BUS_MOBILE_ADDED ? '+' : '-', ADDR(&m->addrs[0]));
	if (note->topic == BUS_MOBILE_REMOVED) {
		w->seen_removed = m;
		assert_null(mobile_find(w->t, &m->addrs[0]));
		mobile_remove(w->t, m); /* once more: harmless */
	}
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->loop = loop_create_virtual(0);
	w->bus = bus_create(w->loop);
	w->t = mobiles_create(w->bus, 4);
	bus_subscribe(w->bus, BUS_MOBILE_ADDED, hear, w);
	bus_subscribe(w->bus, BUS_MOBILE_REMOVED, hear, w);
	mobile_counters[MOBILE_REFUSED].value = 0;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	mobiles_destroy(w->t);
	bus_destroy(w->bus);
	loop_destroy(w->loop);
	free(w);
	return 0;
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

static struct mobile *get(struct world *w, const char *text)
{
	struct in6_addr a = A(text);
	return mobile_get(w->t, &a);
}

static struct mobile *find(struct world *w, const char *text)
{
	struct in6_addr a = A(text);
	return mobile_find(w->t, &a);
}

static void test_get_and_find(void **state)
{
	struct world *w = *state;
	assert_null(find(w, "2001:db8::1"));
	struct mobile *m = get(w, "2001:db8::1");
	assert_non_null(m);
	assert_ptr_equal(get(w, "2001:db8::1"), m);
	assert_ptr_equal(find(w, "2001:db8::1"), m);
	assert_non_null(get(w, "192.0.2.1"));
	assert_int_equal(mobiles_count(w->t), 2);
	assert_int_equal(mobile_counters[MOBILE_COUNT].value, 2);
	assert_string_equal(w->log, "+2001:db8::1+192.0.2.1");
}

static void test_refuses_what_names_nobody(void **state)
{
	struct world *w = *state;
	assert_null(get(w, "::"));
	assert_int_equal(errno, EINVAL);
	assert_null(get(w, "ff02::1"));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(mobiles_count(w->t), 0);
}

static void test_limit(void **state)
{
	struct world *w = *state;
	for (int i = 1; i <= 4; i++) {
		char text[32];
		snprintf(text, sizeof text, "2001:db8::%d", i);
		assert_non_null(get(w, text));
	}
	assert_null(get(w, "2001:db8::5"));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(mobile_counters[MOBILE_REFUSED].value, 1);
	assert_non_null(get(w, "2001:db8::3"));
	mobile_remove(w->t, find(w, "2001:db8::3"));
	assert_non_null(get(w, "2001:db8::5"));
}

static void test_addresses(void **state)
{
	struct world *w = *state;
	struct mobile *m = get(w, "2001:db8::1"), *other = get(w, "2001:db8::2");
	struct in6_addr a = A("2001:db8:1::1"), b = A("2001:db8:2::1"), c = A("2001:db8::2"), none = A("::");
	assert_int_equal(mobile_add_addr(w->t, m, &a), 0);
	assert_int_equal(mobile_add_addr(w->t, m, &a), 0);
	assert_int_equal(m->addrs_n, 2);
	assert_int_equal(mobile_add_addr(w->t, m, &b), 0);
	assert_int_equal(mobile_add_addr(w->t, m, &c), -EEXIST);
	assert_int_equal(mobile_add_addr(w->t, m, &none), -EINVAL);
	assert_ptr_equal(find(w, "2001:db8:2::1"), m);

	mobile_del_addr(w->t, m, &c); /* another's: nothing */
	assert_ptr_equal(find(w, "2001:db8::2"), other);
	mobile_del_addr(w->t, m, &a); /* the middle one */
	assert_null(find(w, "2001:db8:1::1"));
	assert_int_equal(m->addrs_n, 2);
	assert_true(addr_eq(&m->addrs[1], &b));
	struct in6_addr first = m->addrs[0];
	mobile_del_addr(w->t, m, &first);
	assert_true(addr_eq(&m->addrs[0], &b));
	mobile_del_addr(w->t, m, &b);
	assert_ptr_equal(w->seen_removed, m);
	assert_int_equal(mobiles_count(w->t), 1);
	assert_string_equal(w->log, "+2001:db8::1+2001:db8::2-2001:db8:2::1");
}

static void test_address_limit(void **state)
{
	struct world *w = *state;
	struct mobile *m = get(w, "2001:db8::1");
	struct in6_addr a = A("2001:db8:1::");
	for (int i = 1; i < MOBILE_ADDRS; i++) {
		a.s6_addr[15] = (uint8_t)i;
		assert_int_equal(mobile_add_addr(w->t, m, &a), 0);
	}
	a.s6_addr[15] = 99;
	assert_int_equal(mobile_add_addr(w->t, m, &a), -ENOSPC);
	mobile_remove(w->t, m);
	a.s6_addr[15] = 3;
	assert_null(mobile_find(w->t, &a));
}

static void test_link(void **state)
{
	struct world *w = *state;
	struct mobile *m = get(w, "2001:db8::1"), *n = get(w, "2001:db8::2");
	struct lladdr l = L("02:00:00:00:00:01"), k = L("02:00:00:00:00:02"), longer = L("02:00:00:00:00:01:00:00");
	assert_int_equal(mobile_set_link(w->t, m, 3, &l), 0);
	assert_ptr_equal(mobile_find_lladdr(w->t, 3, &l), m);
	assert_null(mobile_find_lladdr(w->t, 4, &l));
	assert_null(mobile_find_lladdr(w->t, 3, &k));
	assert_null(mobile_find_lladdr(w->t, 3, &longer));
	/* octets behind the length do not count */
	struct lladdr dirty = l;
	dirty.octet[15] = 7;
	assert_ptr_equal(mobile_find_lladdr(w->t, 3, &dirty), m);

	assert_int_equal(mobile_set_link(w->t, m, 4, &l), 0);
	assert_null(mobile_find_lladdr(w->t, 3, &l));
	assert_ptr_equal(mobile_find_lladdr(w->t, 4, &l), m);

	/* who claims it last has it */
	assert_int_equal(mobile_set_link(w->t, n, 4, &l), 0);
	assert_ptr_equal(mobile_find_lladdr(w->t, 4, &l), n);
	mobile_remove(w->t, m);
	assert_ptr_equal(mobile_find_lladdr(w->t, 4, &l), n);
	assert_int_equal(mobile_set_link(w->t, n, 0, NULL), 0);
	assert_null(mobile_find_lladdr(w->t, 4, &l));
	assert_int_equal(n->lladdr.len, 0);
}

static bool remove_all(struct mobile *m, void *arg)
{
	struct world *w = arg;
	/* the given one and the one after it */
	struct mobile *second = find(w, "2001:db8::2");
	w->walked++;
	mobile_remove(w->t, m);
	if (second && second != m)
		mobile_remove(w->t, second);
	return true;
}

static bool count_two(struct mobile *m, void *arg)
{
	return ++*(int *)arg < 2;
}

static void test_walk(void **state)
{
	struct world *w = *state;
	get(w, "2001:db8::1");
	get(w, "2001:db8::2");
	get(w, "2001:db8::3");
	int n = 0;
	mobiles_each(w->t, count_two, &n);
	assert_int_equal(n, 2);
	mobiles_each(w->t, remove_all, w);
	assert_int_equal(w->walked, 2);
	assert_int_equal(mobiles_count(w->t), 0);
	assert_string_equal(strchr(w->log, '-'), "-2001:db8::1-2001:db8::2-2001:db8::3");
}

static void remove_at_once(struct bus_note *note, void *arg)
{
	mobile_remove(((struct world *)arg)->t, note->u.mobile.mobile);
}

static void test_removed_while_announced(void **state)
{
	struct world *w = *state;
	bus_subscribe(w->bus, BUS_MOBILE_ADDED, remove_at_once, w);
	assert_null(get(w, "2001:db8::1"));
	assert_int_equal(errno, ECANCELED);
	assert_int_equal(mobiles_count(w->t), 0);
}

static void test_key(void **state)
{
	struct setting_mobile all[4] = { 0 };
	struct secret *keys[4];
	for (int i = 0; i < 4; i++) {
		char text[32];
		snprintf(text, sizeof text, "a key no. %d", i);
		all[i].key = keys[i] = secret_create(text, strlen(text));
	}
	prefix_parse("2001:db8::/32", &all[0].prefix);
	prefix_parse("2001:db8:1::/48", &all[1].prefix);
	all[2].address = A("2001:db8:1::1");
	prefix_parse("::/0", &all[3].prefix);
	struct settings s = { .mobiles = { all, 3 } };

	struct in6_addr host = A("2001:db8:1::1"), near = A("2001:db8:1::2"), far = A("2001:db8:2::1"), alien = A("2001:dead::1");
	assert_ptr_equal(mobile_key(&s, &host), keys[2]);
	assert_ptr_equal(mobile_key(&s, &near), keys[1]);
	assert_ptr_equal(mobile_key(&s, &far), keys[0]);
	assert_null(mobile_key(&s, &alien));
	s.mobiles.n = 4;
	assert_ptr_equal(mobile_key(&s, &alien), keys[3]);
	assert_ptr_equal(mobile_key(&s, &far), keys[0]);
	for (int i = 0; i < 4; i++)
		secret_unref(keys[i]);
}

static void test_show(void **state)
{
	struct world *w = *state;
	struct mobile *m = get(w, "2001:db8::1");
	struct in6_addr a = A("2001:db8:1::1");
	struct lladdr l = L("02:00:00:00:00:01");
	mobile_add_addr(w->t, m, &a);
	mobile_set_link(w->t, m, 3, &l);
	get(w, "192.0.2.1");
	struct table_output t;
	table_output_begin(&t);
	mobiles_show(w->t, &t.o);
	assert_string_equal(table_output_end(&t),
	                    "[{mobile='2001:db8::1' lladdr='02:00:00:00:00:01' ifindex=3 addresses['2001:db8::1' '2001:db8:1::1' ]}"
	                    "{mobile='192.0.2.1' lladdr=~ ifindex=0 addresses['192.0.2.1' ]}]");
	free(t.text);
}

static void test_memory_per_mobile(void **state)
{
	enum { N = 20000 };
	struct mobiles *t = mobiles_create(NULL, N);
	size_t before = mallinfo2().uordblks;
	struct in6_addr a = A("2001:db8::"), b = A("2001:db8:1::");
	struct lladdr l = L("02:00:00:00:00:00");
	for (unsigned i = 0; i < N; i++) {
		memcpy(&a.s6_addr[12], &i, 4);
		memcpy(&b.s6_addr[12], &i, 4);
		memcpy(&l.octet[2], &i, 4);
		a.s6_addr[11] = b.s6_addr[11] = 1;
		struct mobile *m = mobile_get(t, &a);
		assert_non_null(m);
		assert_int_equal(mobile_add_addr(t, m, &b), 0);
		assert_int_equal(mobile_set_link(t, m, 1, &l), 0);
	}
	size_t each = (mallinfo2().uordblks - before) / N;
	print_message("%zu octets a mobile with two addresses\n", each);
	assert_true(each < 1024);
	mobiles_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_get_and_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses_what_names_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_address_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_walk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed_while_announced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_show, setup, teardown),
		cmocka_unit_test(test_memory_per_mobile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
