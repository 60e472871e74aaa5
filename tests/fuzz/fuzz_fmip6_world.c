/*
 * The little world of the replay tests, driven by any octets: movements, faults, restarts, and messages of any content from
 * friend and stranger to each machine. What must hold: no machine touches what is not its own, every timeline that is closed
 * was opened (the world asserts that), and in the end the world comes to rest.
 */
#include <stdlib.h>
#include <string.h>

#include "../replay/sim_fmip6.h"
#include "core/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS 96 /* per input: time goes into many short lives */

struct reader {
	const uint8_t *p, *end;
};

static uint8_t next(struct reader *r)
{
	return r->p < r->end ? *r->p++ : 0;
}

static int link_of(uint8_t b)
{
	return b % (SIM_ROUTERS + 1);
}

static int router_of(uint8_t b)
{
	return b % SIM_ROUTERS + 1;
}

static struct in6_addr addr_of(uint8_t b)
{
	struct in6_addr a = sim_addr(b >> 4);
	a.s6_addr[15] = b & 0x0f;
	return a;
}

/* The rest of the input, up to a length it says itself, as a message. */
static void raw(struct sim *s, struct reader *r)
{
	uint8_t kind = next(r), to = next(r), from = next(r), home = next(r), n = next(r);
	size_t len = n < (size_t)(r->end - r->p) ? n : (size_t)(r->end - r->p);
	struct in6_addr src = addr_of(from), pcoa = addr_of(home);
	sim_inject(s, (enum sim_kind)(kind % SIM_KINDS), router_of(to), to & 0x80, &src, &pcoa, r->p, len);
	r->p += len;
}

static void command(struct sim *s, struct reader *r)
{
	uint8_t op = next(r), a = next(r);
	struct in6_addr x, y;
	switch (op % 16) {
	case 0:
	case 1:
		sim_link(s, link_of(a));
		break;
	case 2:
	case 3:
		sim_request(s, router_of(a));
		break;
	case 4:
		sim_run(s, a * USEC_MSEC);
		break;
	case 5:
		sim_run(s, a * 10 * USEC_MSEC);
		break;
	case 6:
		sim_drop(s, (enum sim_kind)(a % SIM_KINDS), a >> 4);
		break;
	case 7:
		sim_repeat(s, (enum sim_kind)(a % SIM_KINDS), a >> 4);
		break;
	case 8:
		sim_delay(s, (enum sim_kind)(a % SIM_KINDS), a >> 4, next(r) * USEC_MSEC);
		break;
	case 9:
		x = addr_of(next(r));
		y = addr_of(next(r));
		sim_inject_fbu(s, router_of(a), &x, &y, next(r));
		break;
	case 10:
		x = addr_of(next(r));
		y = addr_of(next(r));
		struct in6_addr from = sim_neighbor(router_of(next(r)));
		sim_inject_hi(s, router_of(a), &from, &x, &y);
		break;
	case 11:
		sim_replay_fbu(s);
		break;
	case 12:
		sim_restart_router(s, router_of(a));
		break;
	case 13:
		if (a & 1)
			sim_restart_mobile(s);
		else
			sim_link_unseen(s, router_of(a >> 1), a & 0x80);
		if (a & 0x40)
			sim_advertise(s);
		break;
	case 14:
		raw(s, r);
		break;
	case 15:
		if (a & 0x40) {
			sim_taken(s, router_of(a), (enum sim_taken)((a >> 4) % 3));
			sim_params(s)->dad = a & 8 ? 50 * USEC_MSEC : 0;
			sim_params(s)->early_buffer = a & 4;
			sim_params(s)->assigned = a & 0x80;
		} else {
			sim_unusable(s, router_of(a), a & 0x80);
			sim_broken(s, router_of(a), a & 0x20);
			sim_no_fmip(s, router_of(a), a & 0x10);
			sim_dhcp(s, router_of(a), a & 0x08);
			sim_older(s, router_of(a), (a & 0x0c) == 0x04);
			sim_params(s)->collision = a & 0x02 ? FMIP6_COLLISION_PCOA : FMIP6_COLLISION_ASSIGN;
			sim_params(s)->lifetime = (a & 0x01 ? 2 : 60) * USEC_SEC;
		}
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = { data, data + size };
	log_level_set(LOG_LEVEL_ERROR);
	struct sim *s = sim_create();
	sim_pace(s, 20 * USEC_MSEC); /* what is fuzzed are the machines */
	sim_traffic(s, true);
	for (int i = 0; i < COMMANDS && r.p < r.end; i++)
		command(s, &r);
	sim_traffic(s, false);
	sim_run(s, 70 * USEC_SEC); /* retransmissions, holds and memories end */
	if (sim_at(s) && sim_open(s, SIM_MN) > 1)
		abort();
	for (int i = 1; i <= SIM_ROUTERS; i++)
		if (sim_open(s, SIM_NAR(i)) || sim_open(s, SIM_PAR(i)))
			abort();
	sim_destroy(s);
	return 0;
}
