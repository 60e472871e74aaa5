/*
 * The router that clients visit (fmip6_visit.h), alone under a virtual clock: HIs of their anchors written here, stations seen on its
 * links. What it does is written down as words, one for each action, and compared whole: so is their order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fmip6/fmip6_visit.h"

#define MS(n) ((usec_t)(n) * USEC_MSEC)
#define S(n) ((usec_t)(n) * USEC_SEC)
#define LINK 12
#define LINK2 13
#define PHONE ((struct lladdr){ .len = 6, .octet = { 2, 0, 0, 0, 0, 7 } })
#define OTHER ((struct lladdr){ .len = 6, .octet = { 2, 0, 0, 0, 0, 8 } })

static struct {
	struct loop *loop;
	struct fmip6_params params;
	struct fmip6_visit *visit;
	char did[1024];
	bool no_hold, no_serve, no_release, shut[3];
	int known; /* the link where the phone is a station of our own */
	unsigned changed;
} w;

__attribute__((format(printf, 1, 2))) static void did(const char *fmt, ...)
{
	size_t at = strlen(w.did);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(w.did + at, sizeof w.did - at, fmt, ap);
	va_end(ap);
	at = strlen(w.did);
	snprintf(w.did + at, sizeof w.did - at, "; ");
}

/* Compares what was done since the last look. */
static void expect(const char *want)
{
	char got[sizeof w.did];
	size_t n = strlen(w.did);
	memcpy(got, w.did, n + 1);
	if (n >= 2)
		got[n - 2] = '\0';
	*w.did = '\0';
	assert_string_equal(got, want);
}

/* Anchor n has 2001:db8:n::/64 and is ff::n among routers, and ff::1n by another address. */
static struct in6_addr client(uint8_t net, uint8_t host)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, [5] = net, [15] = host } };
}

static struct in6_addr router(uint8_t n)
{
	return (struct in6_addr){ .s6_addr = { [1] = 0xff, [15] = n } };
}

static bool op_peer(void *arg, const struct in6_addr *src, struct in6_addr *out)
{
	uint8_t n = src->s6_addr[15] & 0xf;
	*out = router(n);
	return src->s6_addr[1] == 0xff && (n == 1 || n == 2) && !w.shut[n];
}

static bool op_home(void *arg, const struct in6_addr *a, struct in6_addr *out)
{
	*out = router(a->s6_addr[5]);
	return a->s6_addr[5] == 1 || a->s6_addr[5] == 2;
}

static size_t op_peers(void *arg, struct in6_addr *out, size_t max)
{
	out[0] = router(1);
	out[1] = router(2);
	return 2;
}

static bool op_known(void *arg, int ifindex, const struct lladdr *l)
{
	return ifindex == w.known;
}

static int op_hold(void *arg, const struct in6_addr *a)
{
	did("hold %x.%x", a->s6_addr[5], a->s6_addr[15]);
	return w.no_hold ? -1 : 0;
}

static int op_release(void *arg, const struct visit_view *v)
{
	did("release %x.%x", v->pcoa.s6_addr[5], v->pcoa.s6_addr[15]);
	return w.no_release ? -1 : 0;
}

static int op_serve(void *arg, const struct visit_view *v)
{
	did(v->ifindex ? "serve %x.%x %x>%x on %d" : "serve %x.%x %x>%x", v->pcoa.s6_addr[5], v->pcoa.s6_addr[15], v->remote.s6_addr[15],
	    v->local.s6_addr[15], v->ifindex);
	return w.no_serve ? -1 : 0;
}

static void op_leave(void *arg, const struct visit_view *v)
{
	did("leave %x.%x", v->pcoa.s6_addr[5], v->pcoa.s6_addr[15]);
}

static void op_probe(void *arg, const struct visit_view *v)
{
	did("probe %x.%x", v->pcoa.s6_addr[5], v->pcoa.s6_addr[15]);
}

static void op_send_hack(void *arg, const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *data, size_t len)
{
	struct hack m;
	assert_int_equal(hack_parse(data, len, &m), 0);
	if (m.code == HACK_UNSOLICITED)
		did(addr_is_zero(&m.nar) ? "ask %x about %x.%x of %x" : "ask %x about %x.%x of %x to %x", dst->s6_addr[15], m.pcoa.s6_addr[5],
		    m.pcoa.s6_addr[15], m.lladdr.octet[5], m.nar.s6_addr[15]);
	else
		did(m.flags & HACK_PROXY ? "HAck %u P to %x" : "HAck %u to %x", m.code, dst->s6_addr[15]);
}

static void op_changed(void *arg)
{
	w.changed++;
}

static void op_opened(void *arg, const struct visit_view *v, usec_t at)
{
	did("opened");
}

static void op_step(void *arg, const struct in6_addr *a, enum handover_step s, usec_t at)
{
	did("(%s)", handover_step_name(s));
}

static void op_arrived(void *arg, const struct visit_view *v)
{
	did("arrived on %d", v->ifindex);
}

static void op_closed(void *arg, const struct in6_addr *a, enum handover_result r, const char *reason)
{
	did(r == HANDOVER_COMPLETE ? "complete" : r == HANDOVER_CANCELLED ? "cancelled" : "failed");
}

static const struct visit_ops ops = { .peer = op_peer, .home = op_home, .peers = op_peers, .known = op_known, .hold = op_hold,
	.release = op_release, .serve = op_serve, .leave = op_leave, .probe = op_probe, .send_hack = op_send_hack, .changed = op_changed,
	.opened = op_opened, .step = op_step, .arrived = op_arrived, .closed = op_closed };

static int setup(void **state)
{
	memset(&w, 0, sizeof w);
	log_level_set(LOG_LEVEL_ERROR);
	fmip6_counters[FMIP6_VISITS].value = 0;
	fmip6_params_default(&w.params);
	w.params.clients = true;
	w.params.hold_time = S(2);
	w.params.lifetime = S(40);
	w.params.hi_timeout = MS(100);
	w.params.hi_retries = 3;
	w.loop = loop_create_virtual(S(1000));
	w.visit = visit_create(w.loop, &w.params, &ops, NULL);
	return w.visit ? 0 : -1;
}

static int teardown(void **state)
{
	visit_destroy(w.visit);
	assert_int_equal(fmip6_counters[FMIP6_VISITS].value, 0);
	assert_int_equal(loop_next_due(w.loop), UINT64_MAX); /* no timer is left behind */
	loop_destroy(w.loop);
	return 0;
}

static void after(usec_t t)
{
	loop_advance(w.loop, loop_now(w.loop) + t);
}

static void look_away(void)
{
	*w.did = '\0';
}

/* ---- what comes ---- */

static void hi_from(uint8_t src, uint8_t dst, struct hi m)
{
	const struct mh_in in = { .src = router(src), .dst = router(dst), .at = loop_now(w.loop) };
	visit_hi(w.visit, &m, &in);
}

/* The client with that address is there (present), or will come. */
static struct hi hi_for(uint8_t host, bool present)
{
	return (struct hi){ .seq = 1, .flags = present ? 0 : HI_BUFFER, .code = HI_NOT_FROM_PCOA, .lladdr = PHONE, .pcoa = client(1, host) };
}

static void seen(uint8_t net, uint8_t host, struct lladdr l, int ifindex)
{
	struct in6_addr a = net ? client(net, host) : in6addr_any;
	visit_seen(w.visit, &a, &l, ifindex, loop_now(w.loop));
}

static void released(uint8_t host)
{
	struct in6_addr a = client(1, host);
	visit_released(w.visit, &a);
}

/* It is here, and all that waited has gone to it. */
static void visits(uint8_t host)
{
	hi_from(1, 9, hi_for(host, false));
	seen(1, host, PHONE, LINK);
	hi_from(1, 9, hi_for(host, true));
	released(host);
	look_away();
}

/* ---- coming ---- */

static void announced_and_come(void **state)
{
	hi_from(1, 9, hi_for(5, false));
	expect("hold 1.5; serve 1.5 1>9; opened; (hold); (HAck); HAck 3 to 1");
	assert_true(w.changed > 0);
	w.changed = 0;
	seen(1, 5, PHONE, LINK);
	expect("(L2 update); arrived on 12; ask 1 about 1.5 of 7; (release); serve 1.5 1>9 on 12; release 1.5");
	assert_true(w.changed > 0);
	hi_from(1, 9, hi_for(5, true));
	expect("(HAck); HAck 3 to 1");
	released(5);
	expect("(released); complete");
	released(5); /* again, and somebody else: nothing */
	released(6);
	expect("");
	after(S(1));
	expect(""); /* it is asked for no more */
}

static void announced_and_not_come(void **state)
{
	hi_from(1, 9, hi_for(5, false));
	look_away();
	after(S(2) - 1);
	expect("");
	after(1);
	expect("leave 1.5; failed");
	seen(0, 0, OTHER, LINK);
	look_away();
}

/* Announced again: it may take as long again. */
static void announced_twice(void **state)
{
	hi_from(1, 9, hi_for(5, false));
	after(S(1));
	look_away();
	hi_from(1, 9, hi_for(5, false));
	expect("(HAck); HAck 3 to 1");
	after(S(2) - 1);
	expect("");
	hi_from(0x11, 9, hi_for(5, false)); /* the anchor by another address of its own: its tunnel ends there now */
	expect("serve 1.5 11>9; (HAck); HAck 3 to 11");
	hi_from(0x11, 8, hi_for(5, false)); /* to another of ours */
	expect("serve 1.5 11>8; (HAck); HAck 3 to 11");
}

/* Another station has the address now. */
static void announced_anew(void **state)
{
	struct hi m = hi_for(5, false);
	visits(5);
	m.lladdr = OTHER;
	hi_from(1, 9, m);
	expect("leave 1.5; hold 1.5; serve 1.5 1>9; opened; (hold); (HAck); HAck 3 to 1");
	seen(1, 5, PHONE, LINK); /* whose it was is not believed any more */
	expect("");
}

/* ---- being seen first ---- */

static void seen_and_asked_for(void **state)
{
	seen(1, 5, PHONE, LINK);
	expect("ask 1 about 1.5 of 7");
	after(MS(99));
	expect("");
	after(MS(1));
	expect("ask 1 about 1.5 of 7");
	after(MS(199));
	expect("");
	after(MS(1));
	expect("ask 1 about 1.5 of 7");
	hi_from(1, 9, hi_for(5, true));
	expect("hold 1.5; serve 1.5 1>9; opened; (hold); (HAck); HAck 3 to 1; (L2 update); arrived on 12; (release); serve 1.5 1>9 on 12; "
	       "release 1.5");
	after(S(1));
	expect("");
	hi_from(1, 9, hi_for(6, true)); /* its other address is where it is */
	expect("hold 1.6; serve 1.6 1>9; opened; (hold); (HAck); HAck 3 to 1; (L2 update); arrived on 12; (release); serve 1.6 1>9 on 12; "
	       "release 1.6");
}

/* In vain: then not again for a while, wherever it is seen. */
static void asked_for_in_vain(void **state)
{
	uint64_t unanswered = fmip6_counters[FMIP6_CLIENTS_UNANSWERED].value;
	seen(1, 5, PHONE, LINK);
	after(S(2));
	expect("ask 1 about 1.5 of 7; ask 1 about 1.5 of 7; ask 1 about 1.5 of 7; ask 1 about 1.5 of 7");
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_UNANSWERED].value, unanswered + 1);
	seen(1, 5, PHONE, LINK);
	after(S(9));
	seen(1, 5, PHONE, LINK2);
	expect("");
	after(S(2));
	seen(1, 5, PHONE, LINK);
	expect("ask 1 about 1.5 of 7");
}

/* By its link-layer address alone all are asked, twice. */
static void a_station_without_an_address(void **state)
{
	uint64_t unanswered = fmip6_counters[FMIP6_CLIENTS_UNANSWERED].value;
	w.known = LINK;
	seen(0, 0, PHONE, LINK); /* one of our own */
	expect("");
	seen(0, 0, PHONE, LINK2);
	expect("ask 1 about 0.0 of 7; ask 2 about 0.0 of 7");
	seen(0, 0, PHONE, LINK2);
	expect("");
	w.shut[2] = true; /* its protection has gone */
	after(S(2));
	expect("ask 1 about 0.0 of 7");
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_UNANSWERED].value, unanswered); /* who does not know it says nothing */
	hi_from(1, 9, hi_for(5, false)); /* not asked for any more, so it is awaited */
	expect("hold 1.5; serve 1.5 1>9; opened; (hold); (HAck); HAck 3 to 1");
	seen(0, 0, PHONE, LINK2); /* and comes: nobody else is asked */
	expect("(L2 update); arrived on 13; ask 1 about 1.5 of 7; (release); serve 1.5 1>9 on 13; release 1.5");
	seen(0, 0, PHONE, LINK2);
	expect("");
}

/* It answers while it is asked for: then it is where it was seen last, whatever the flag says. */
static void announced_while_it_is_asked_for(void **state)
{
	seen(1, 5, PHONE, LINK);
	seen(1, 5, PHONE, LINK2);
	look_away();
	hi_from(1, 9, hi_for(5, false));
	expect("hold 1.5; serve 1.5 1>9; opened; (hold); (HAck); HAck 3 to 1; (L2 update); arrived on 13; ask 1 about 1.5 of 7; (release); "
	       "serve 1.5 1>9 on 13; release 1.5");
}

/* ---- being here ---- */

static void asked_now_and_then_whether_it_is_here(void **state)
{
	visits(5);
	after(S(10) - 1);
	expect("");
	after(1);
	expect("ask 1 about 1.5 of 7; probe 1.5");
	hi_from(1, 9, hi_for(5, true));
	look_away();
	seen(1, 5, PHONE, LINK);
	after(S(10));
	expect("ask 1 about 1.5 of 7; probe 1.5");
	hi_from(1, 9, hi_for(5, true));
	look_away();
	after(S(10)); /* silent since */
	expect("probe 1.5");
	after(S(20));
	expect("probe 1.5; probe 1.5");
	after(S(10) - 1);
	expect("");
	after(1);
	expect("leave 1.5"); /* its anchor confirmed it last 40 s ago */
}

/* All its addresses go from one of our links to another. */
static void from_link_to_link(void **state)
{
	visits(5);
	visits(6);
	seen(1, 5, PHONE, LINK);
	expect("");
	seen(1, 5, PHONE, LINK2);
	assert_true(strstr(w.did, "serve 1.5 1>9 on 13; release 1.5; ") && strstr(w.did, "serve 1.6 1>9 on 13; release 1.6; "));
	assert_int_equal(strlen(w.did), 2 * strlen("serve 1.5 1>9 on 13; release 1.5; "));
	look_away();
	seen(1, 6, PHONE, LINK2);
	expect("");
}

static void not_who_it_says(void **state)
{
	visits(5);
	uint64_t before = fmip6_counters[FMIP6_CLIENTS_MISMATCH].value;
	seen(1, 5, OTHER, LINK2);
	expect("");
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_MISMATCH].value, before + 1);
}

static void moved_on(void **state)
{
	struct in6_addr a = client(1, 5), b = client(1, 6), to = router(3);
	struct hi over = { .seq = 7, .flags = HI_PROXY, .code = HI_COMPLETED, .lladdr = PHONE, .pcoa = a };
	hi_from(1, 9, hi_for(6, false));
	look_away();
	assert_non_null(visit_move(w.visit, &b, &to)); /* not here */
	visits(5);
	assert_null(visit_move(w.visit, &a, &to));
	expect("ask 1 about 1.5 of 7 to 3");
	hi_from(2, 9, over); /* not its anchor's business */
	expect("HAck 0 P to 2");
	hi_from(1, 9, over);
	expect("leave 1.5; HAck 0 P to 1");
	hi_from(1, 9, over); /* the answer was lost */
	expect("HAck 0 P to 1");
	after(S(1));
	look_away();
}

/* ---- refusals ---- */

static void refused(void **state)
{
	struct hi m = hi_for(5, false);
	m.lladdr.len = 0;
	hi_from(1, 9, m);
	expect("HAck 128 to 1");
	m = hi_for(5, false);
	m.pcoa = in6addr_any;
	hi_from(1, 9, m);
	expect("HAck 128 to 1");
	m = hi_for(5, false);
	m.code = HI_COMPLETED; /* without P */
	hi_from(1, 9, m);
	expect("HAck 129 to 1");
	hi_from(2, 9, hi_for(5, false)); /* not behind that neighbour */
	expect("HAck 129 to 2");
	hi_from(3, 9, hi_for(5, false)); /* a stranger */
	expect("");
	w.params.clients = false;
	hi_from(1, 9, hi_for(5, false));
	expect("HAck 129 to 1");
}

static void no_room(void **state)
{
	w.params.sessions = 1;
	w.no_hold = true;
	hi_from(1, 9, hi_for(5, false));
	expect("hold 1.5; leave 1.5; HAck 130 to 1");
	w.no_hold = false;
	w.no_serve = true;
	hi_from(1, 9, hi_for(5, false));
	expect("hold 1.5; serve 1.5 1>9; leave 1.5; HAck 130 to 1");
	w.no_serve = false;
	hi_from(1, 9, hi_for(5, false));
	look_away();
	hi_from(1, 9, hi_for(6, false));
	expect("HAck 130 to 1");
	w.no_release = true;
	seen(1, 5, PHONE, LINK);
	expect("(L2 update); arrived on 12; ask 1 about 1.5 of 7; (release); serve 1.5 1>9 on 12; release 1.5; leave 1.5; failed");
}

/* A link's stations are asked for so many times a second, our own visitors not counted. */
static void rate_of_a_link(void **state)
{
	uint64_t before = fmip6_counters[FMIP6_CLIENTS_LIMITED].value;
	w.params.client_rate = 2;
	for (uint8_t i = 0; i < 10; i++)
		seen(1, (uint8_t)(10 + i), (struct lladdr){ .len = 6, .octet = { 2, 1, [5] = i } }, LINK);
	assert_int_equal(fmip6_counters[FMIP6_CLIENTS_LIMITED].value, before + 6);
	look_away();
	seen(1, 5, PHONE, LINK2); /* another link's */
	expect("ask 1 about 1.5 of 7");
}

static unsigned told;

static void view(const struct visit_view *v, void *arg)
{
	told++;
	assert_true(v->state == VISIT_HERE && v->ifindex == LINK && lladdr_eq(&v->lladdr, &PHONE));
}

static void what_is_told_of_visits(void **state)
{
	struct in6_addr a = client(1, 5);
	struct visit_view v;
	visits(5);
	visits(6);
	told = 0;
	visit_each(w.visit, view, NULL);
	assert_int_equal(told, 2);
	assert_true(visit_find(w.visit, &a, &v) && addr_eq(&v.pcoa, &a));
	assert_int_equal(fmip6_counters[FMIP6_VISITS].value, 2);
	a = client(1, 7);
	assert_false(visit_find(w.visit, &a, &v));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(announced_and_come), T(announced_and_not_come), T(announced_twice), T(announced_anew), T(seen_and_asked_for),
		T(asked_for_in_vain), T(a_station_without_an_address), T(announced_while_it_is_asked_for),
		T(asked_now_and_then_whether_it_is_here), T(from_link_to_link), T(not_who_it_says), T(moved_on), T(refused), T(no_room),
		T(rate_of_a_link), T(what_is_told_of_visits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
