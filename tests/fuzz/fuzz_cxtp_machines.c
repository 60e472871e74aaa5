/*
 * CXTP's three machines under a script of octets: movements, time, restarts, losses, and messages that the input spells out.
 * Whatever comes: in the end no key, no octet and no timer is left, and contexts only ever went to the mobile.
 */
#include <stdlib.h>
#include <string.h>

#include "../replay/sim_cxtp.h"
#include "core/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS_MAX 64

static struct sim sim;

static enum sim_router pick(uint8_t v)
{
	return (enum sim_router)(v % SIM_ROUTERS);
}

/* A message of the input's, about our mobile unless the input insists on another. */
static bool spell(struct rd *r, uint8_t how, struct cxtp_message *m)
{
	uint8_t len;
	if (!rd_u8(r, &len))
		return false;
	size_t n = len < rd_left(r) ? len : rd_left(r);
	const uint8_t *bytes = rd_bytes(r, n);
	if (!bytes || cxtp_parse(bytes, n, m) != CXTP_OK)
		return false;
	if (!(how & 0x80)) {
		m->mobile = sim.pcoa;
		m->router = sim.routers[pick(how)].on_link;
	}
	return addr_is_v4(&m->mobile) == addr_is_v4(&sim.pcoa);
}

static void inject(struct rd *r, uint8_t how)
{
	struct cxtp_message m, last;
	if (!spell(r, how, &m))
		return;
	/* Half of them with what the mobile last used, so that something gets past the token. */
	if ((how & 0x40) && cxtp_parse(sim.last_ctar, sim.last_ctar_len, &last) == CXTP_OK) {
		m.seq = last.seq;
		m.token = last.token;
	}
	const struct in6_addr *from[] = { &sim.stranger, &sim.ncoa, &sim.pcoa, &sim.routers[SIM_OTHER].on_link };
	uint8_t out[1024];
	if (m.type == CXTP_CTAR) {
		size_t len = cxtp_pack(&m, out, sizeof out);
		if (len)
			sim_inject_ctar(&sim, pick(how >> 2), from[(how >> 4) % 4], out, len);
	} else if (m.type == CXTP_CTAA) {
		struct cxtp_link link = { .peer = sim.routers[pick(how)].on_link, .local = sim.ncoa };
		cxtp_mn_ctaa(sim.mn, &link, &m);
	} else {
		sim_inject(&sim, pick(how >> 2), pick(how >> 4), &m);
	}
}

/* What installing a feature says from now on, or what one says that took its time. */
static void feature(uint8_t how)
{
	if (how & 0x40)
		sim.install_status = how & 0x20 ? FEATURE_PENDING : how & 0x1f;
	else
		cxtp_nar_installed(sim.routers[pick(how)].nar, &sim.pcoa, how & 0x20 ? SIM_FPT_GROUPS : SIM_FPT_OTHER, how >> 2 & 7, NULL);
}

/* What triggers do, and whoever does not want the contexts any more. */
static void trigger(uint8_t what, uint8_t how)
{
	enum sim_router to[] = { pick(how), pick(how >> 2), pick(how >> 4) };
	switch (what % 4) {
	case 0:
		sim_trigger_par(&sim, to, how >> 6);
		break;
	case 1:
		sim_trigger_nar(&sim, to[0]);
		break;
	case 2:
		cxtp_nar_cancel(sim.routers[to[0]].nar, &sim.pcoa, "whatever");
		break;
	default:
		sim_restart_mobile(&sim);
	}
}

static void command(struct rd *r, uint8_t what, uint8_t how)
{
	static const char *const kinds[] = { "CTAR.par", "PCTD", "CTAR.nar", "CT-Req", "CTD", "CTDR", "CTAA", "CTC" };
	if (what >= 0xe0) {
		trigger(what, how);
		return;
	}
	switch (what % 8) {
	case 0:
		sim_prepare(&sim, pick(how));
		break;
	case 1:
		sim_attach(&sim, pick(how), pick(how >> 2));
		break;
	case 2:
		loop_advance(sim.loop, loop_now(sim.loop) + how * USEC_MSEC);
		break;
	case 3:
		loop_advance(sim.loop, loop_now(sim.loop) + how * 100 * USEC_MSEC);
		break;
	case 4:
		if (how & 0x80)
			feature(how);
		else
			sim_restart(&sim, pick(how));
		break;
	case 5:
		if (sim.faults_n < SIM_FAULTS)
			sim_fault(&sim, kinds[how % 8], (enum sim_fault)(how >> 3) % 3, 1 + (how >> 6), how * USEC_MSEC);
		break;
	default:
		inject(r, how);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_make(data, size);
	uint8_t what, how;
	log_level_set(LOG_LEVEL_ERROR);
	sim_open(&sim, size & 1);
	if (size & 2)
		sim_arrive(&sim);
	sim.expected_known = true;
	for (int i = 0; i < COMMANDS_MAX && rd_u8(&r, &what) && rd_u8(&r, &how); i++)
		command(&r, what, how);
	while (loop_next_due(sim.loop) != UINT64_MAX)
		loop_advance(sim.loop, loop_next_due(sim.loop));
	for (int i = 0; i < SIM_ROUTERS; i++)
		if (cxtp_par_keys(sim.routers[i].par) || cxtp_nar_keys(sim.routers[i].nar) ||
		    (sim.routers[i].overheard && i == SIM_NAR))
			abort();
	sim_close(&sim);
	return 0;
}
