/*
 * The judge of every run of every scenario, disturbed or not. What must hold whatever was lost:
 *
 *  1. Every message that a daemon sends is as §6 has it: what must be in it is, what must be zero is, what must come last
 *     comes last, and its authenticator is right.
 *  2. What is repeated is repeated ever more slowly and no more often than §9 allows.
 *  3. A tunnel is made only for who asked with the right key, where a new router agreed, to the address that was asked for or
 *     that the new router gave. An FBU is acknowledged only when that is done, and for no longer than was asked.
 *  4. A HAck answers a HI, in everything that it copies; a HI of a neighbour does not stay without an answer.
 *  5. An address is defended only after a HI with Code 0, and for no longer than PROXY_ND_LIFETIME; a neighbour entry is made
 *     only when its mobile has announced itself, or its router has said that it is there.
 *  6. No packet comes twice. None comes out of order, unless a router lost its memory or a message came beyond every timer.
 *  7. In the end every timeline is closed, nothing is held, nothing defended, and the mobile knows where it is.
 */
#include <stdio.h>
#include <string.h>

#include "rfc5568.h"

#define CAME 256

/* A message that came to a machine. */
static struct came {
	struct word w; /* its octets are gone */
	int router;
	bool answered; /* a HI: by a HAck */
	struct in6_addr coa; /* of an FBU */
} came[CAME];
static size_t came_n;

static struct {
	bool proxied;
	struct in6_addr address;
	usec_t since;
	unsigned present, probes;
} routers[SIM_ROUTERS + 1];

static struct made {
	int router;
	struct in6_addr pcoa, ncoa;
} tunnels[64];
static size_t tunnels_n;

static unsigned faults;
static bool amnesia, unanswered, wrong_key, copies;
static struct {
	uint16_t seq;
	bool any;
} fbus[SIM_ROUTERS + 1];

/* The last messages of a kind, for their pace: RtSolPr by identifier, HI by sequence number. */
static struct pace {
	int router;
	uint16_t id;
	unsigned n;
	usec_t last, wait;
} paces[128];
static size_t paces_n;
static usec_t solicited[256];
static size_t solicited_n;
static uint16_t solicited_id; /* of the last */

static usec_t clock_now(void)
{
	return loop_now(sim_loop(stage));
}

static void must(bool holds, const char *rule)
{
	if (holds)
		return;
	fprintf(stderr, "at %u ms: %s\n", now(), rule);
	faults++;
}

void judge_open(void)
{
	came_n = tunnels_n = paces_n = solicited_n = 0;
	faults = 0;
	amnesia = unanswered = wrong_key = copies = false;
	memset(routers, 0, sizeof routers);
	memset(fbus, 0, sizeof fbus);
}

void judge_answers_are_not_due(void)
{
	unanswered = true;
}

void judge_key_is_wrong(void)
{
	wrong_key = true;
}

void judge_copies(void)
{
	copies = true;
}

void judge_disturbed(void)
{
	amnesia = true;
}

unsigned judge_faults(void)
{
	return faults;
}

bool judge_proxied(int router)
{
	return routers[router].proxied;
}

unsigned probes_for(int router)
{
	return routers[router].probes;
}

unsigned judge_present(int router)
{
	return routers[router].present;
}

/* ---- what comes ---- */

static void message_came(struct sim *s, int router, const struct sim_message *m)
{
	if (came_n == CAME)
		return;
	struct came *c = &came[came_n];
	*c = (struct came){ .router = router, .w = { .kind = m->kind, .src = m->src, .dst = m->dst, .home = m->home, .octets = m->data,
		                                     .len = m->len } };
	if (word_read(&c->w) != 0)
		return;
	if (m->kind == SIM_FBACK) /* told where to go on, the mobile does so from there */
		fbus[m->src.s6_addr[5] & 3].any &= c->w.fback.status != FBACK_SEQUENCE;
	if (m->kind == SIM_FBU) {
		c->coa = coa_of(&c->w);
		if (!c->w.fbu.has_badf || !key_verifies(&m->home, &c->coa, &m->dst, m->data, m->len))
			return;
	}
	c->w.octets = NULL;
	came_n++;
}

/* The last one of a kind to come to a router for which `fits` holds; NULL: none. */
typedef bool fits_fn(const struct came *c, const void *arg);

static struct came *find_came(enum sim_kind k, int router, fits_fn *fits, const void *arg)
{
	for (size_t i = came_n; i--;)
		if (came[i].w.kind == k && came[i].router == router && fits(&came[i], arg))
			return &came[i];
	return NULL;
}

/* ---- the pace of repetitions ---- */

static void judge_pace(int router, uint16_t id, usec_t first, int64_t retries, const char *rule)
{
	struct pace *p = NULL;
	for (size_t i = 0; i < paces_n; i++)
		if (paces[i].router == router && paces[i].id == id)
			p = &paces[i];
	if (!p) {
		if (paces_n < 128)
			paces[paces_n++] = (struct pace){ router, id, 1, clock_now(), first };
		return;
	}
	p->n++;
	must(clock_now() - p->last >= p->wait, rule);
	must(retries < 0 || p->n <= (unsigned)retries + 1, rule);
	p->last = clock_now();
	p->wait *= 2;
}

/* ---- each message ---- */

static void judge_rtsolpr(const struct word *w)
{
	const struct rtsolpr *q = &w->rtsolpr;
	must(w->octets[1] == 0 && w->octets[5] == 0, "RtSolPr: Code and Reserved are zero");
	must(q->id != 0, "RtSolPr: an Identifier that tells an answer from what nobody asked for");
	must(q->wildcard != (q->aps_n > 0), "RtSolPr: APs, or a wildcard alone");
	must(lladdr_eq(&q->source, &mobile_lladdr), "RtSolPr: the mobile's link-layer address");
	if (solicited_n && q->id != solicited_id) /* another use: the same number may come again by chance */
		for (size_t i = 0; i < paces_n; i++)
			paces[i].router = paces[i].router == 0 ? -1 : paces[i].router;
	solicited_id = q->id;
	judge_pace(0, q->id, sim_params(stage)->rtsolpr_timeout, -1, "RtSolPr: repeated after 100 ms, doubled each time");
	if (solicited_n < 256)
		solicited[solicited_n++] = clock_now();
	unsigned within = 0;
	for (size_t i = 0; i < solicited_n; i++)
		within += solicited[i] + USEC_SEC > clock_now();
	must(within <= 2 * (unsigned)sim_params(stage)->rtsolpr_rate, "RtSolPr: no more than MAX_RTSOLPR_RATE and one burst");
}

static bool asked_so(const struct came *c, const void *arg)
{
	const struct word *w = arg;
	return c->w.rtsolpr.id == w->prrtadv.id && addr_eq(&c->w.src, &w->dst);
}

static void judge_prrtadv(const struct word *w)
{
	const struct prrtadv *a = &w->prrtadv;
	must(w->octets[5] == 0, "PrRtAdv: Reserved is zero");
	must(a->id == 0 || find_came(SIM_RTSOLPR, w->router, asked_so, w), "PrRtAdv: Identifier and destination of the question");
	must(a->tuples_n > 0, "PrRtAdv: at least one access point");
	must(a->source.len == 6, "PrRtAdv: the router's link-layer address");
	for (unsigned i = 0; i < a->tuples_n; i++) {
		const struct tuple *t = &a->tuples[i];
		must(t->code != LLA_NEW_AP || (t->router_lladdr.len && !addr_is_zero(&t->router) && t->has_prefix),
		     "PrRtAdv: everything about a new router");
	}
}

static void judge_fbu(const struct word *w)
{
	const struct fbu *m = &w->fbu;
	int par = w->dst.s6_addr[5];
	must((m->flags & (FBU_ACK | FBU_HOME)) == (FBU_ACK | FBU_HOME), "FBU: A and H");
	must((w->octets[8] & 0x2f) == 0 && w->octets[9] == 0, "FBU: other flags are zero");
	must(!addr_is_zero(&w->home), "FBU: Home Address option");
	must(!addr_eq(&w->src, &w->home) || m->lifetime == 0 || !addr_is_zero(&m->ncoa), "FBU: alternate care-of address from the old link");
	struct in6_addr coa = coa_of(w);
	must(m->has_badf && (wrong_key || key_verifies(&w->home, &coa, &w->dst, w->octets, w->len)), "FBU: a right authenticator, last");
	if (par <= SIM_ROUTERS) {
		must(!fbus[par].any || fmip6_seq_newer(m->seq, fbus[par].seq), "FBU: each with a greater sequence number");
		fbus[par].any = true;
		fbus[par].seq = m->seq;
	}
}

static bool acknowledged_so(const struct came *c, const void *arg)
{
	const struct word *w = arg;
	struct in6_addr coa = w->fback.status == FBACK_USE_ALTERNATE ? w->fback.ncoa : c->coa;
	if (w->fback.status != FBACK_SEQUENCE && c->w.fbu.seq != w->fback.seq)
		return false;
	return key_verifies(&c->w.home, &coa, &c->w.dst, w->octets, w->len) || key_verifies(&c->w.home, &c->w.home, &c->w.dst, w->octets, w->len);
}

static bool tunnelled_for(int router, const struct in6_addr *pcoa)
{
	for (size_t i = 0; i < tunnels_n; i++)
		if (tunnels[i].router == router && addr_eq(&tunnels[i].pcoa, pcoa))
			return true;
	return false;
}

static void judge_fback(const struct word *w)
{
	const struct fback *m = &w->fback;
	int par = w->src.s6_addr[5];
	const struct came *c = find_came(SIM_FBU, par, acknowledged_so, w);
	must(c, "FBack: answers an FBU that came, with the right authenticator");
	must((w->octets[7] & 0x7f) == 0, "FBack: Reserved is zero");
	must(m->status != FBACK_USE_ALTERNATE || !addr_is_zero(&m->ncoa), "FBack: an address with Status 1");
	if (!c)
		return;
	must(m->lifetime <= c->w.fbu.lifetime, "FBack: no longer than was asked");
	must(m->status >= FBACK_UNSPECIFIED || c->w.fbu.lifetime == 0 || addr_eq(&c->coa, &c->w.home) || tunnelled_for(par, &c->w.home),
	     "FBack: accepted only when packets are tunnelled");
}

static bool asks_for(const struct came *c, const void *arg)
{
	const struct word *w = arg;
	return addr_eq(&c->w.home, &w->hi.pcoa) && addr_eq(&c->coa, &w->hi.ncoa) &&
	       addr_eq(&c->w.src, &c->w.home) == (w->hi.code == HI_FROM_PCOA);
}

/* Its PCoA is served by that router, and it is asked, or told, about that. */
static bool serves(const struct came *c, const void *arg)
{
	const struct word *w = arg;
	return c->w.hack.code == HACK_USE_PCOA && addr_eq(&c->w.src, &w->dst);
}

static void judge_hi(const struct word *w)
{
	const struct hi *m = &w->hi;
	int par = w->src.s6_addr[15];
	if (m->code != HI_FROM_PCOA && find_came(SIM_HACK, par, serves, w)) {
		must((m->code == HI_COMPLETED) == (m->flags == HI_PROXY), "HI: between routers, of a PCoA that is served");
		return;
	}
	must((w->octets[8] & 0x3f) == 0, "HI: Reserved is zero");
	must(m->code == HI_FROM_PCOA || m->flags == 0, "HI: no flags with Code 1");
	must(m->lladdr.len == 6, "HI: the mobile's link-layer address");
	must(!addr_is_zero(&m->pcoa), "HI: the previous care-of address");
	must(find_came(SIM_FBU, par, asks_for, w), "HI: what an FBU asked for, and whence");
	judge_pace(par + 10 * m->code, m->seq, sim_params(stage)->hi_timeout, sim_params(stage)->hi_retries,
	           "HI: repeated after 100 ms, doubled each time, HI_RETRIES times");
}

static bool answered_so(const struct came *c, const void *arg)
{
	const struct word *w = arg;
	return c->w.hi.seq == w->hack.seq && addr_eq(&c->w.src, &w->dst) && addr_eq(&c->w.dst, &w->src);
}

static void judge_hack(const struct word *w)
{
	const struct hack *m = &w->hack;
	struct came *c = find_came(SIM_HI, w->src.s6_addr[15], answered_so, w);
	must(c, "HAck: answers a HI, its addresses exchanged, its sequence number copied");
	must(w->octets[8] == 0, "HAck: Reserved is zero");
	if (!c)
		return;
	for (size_t i = 0; i < came_n; i++) /* of all copies of it */
		if (came[i].w.kind == SIM_HI && came[i].router == c->router && answered_so(&came[i], w))
			came[i].answered = true;
	must(c->w.hi.code == HI_FROM_PCOA || (m->code != HACK_NCOA_INVALID && m->code != HACK_ASSIGNED && m->code != HACK_UNSOLICITED),
	     "HAck: not 1, 2 or 4 to a HI with Code 1");
	must(c->w.hi.code != HI_FROM_PCOA || !(c->w.hi.flags & HI_ASSIGN) || m->code >= HACK_UNSPECIFIED || m->code == HACK_USE_PCOA ||
	             !addr_is_zero(&m->ncoa),
	     "HAck: an address to a HI with S");
}

static void judge_una(const struct word *w)
{
	must((w->una.flags & (NA_ROUTER | NA_SOLICITED)) == 0, "UNA: R and S are zero");
	must(addr_eq(&w->src, &w->una.target), "UNA: source and target are the new address");
	must(lladdr_eq(&w->una.lladdr, &mobile_lladdr), "UNA: the mobile's link-layer address");
}

static bool announced_so(const struct came *c, const void *arg)
{
	const struct word *w = arg;
	return addr_eq(&c->w.src, &w->dst);
}

static void judge_naack(const struct word *w)
{
	bool reminder = w->naack.status == NAACK_USE_NAR && sim_served(stage, w->router, w->dst.s6_addr[5]);
	must(reminder || find_came(SIM_UNA, w->router, announced_so, w), "NAACK: to the source of an UNA, or to whom it serves");
	must(w->naack.status != NAACK_USE_SUPPLIED || !addr_is_zero(&w->naack.ncoa), "NAACK: an address with Status 2");
}

void judge_sent(const struct word *w)
{
	switch (w->kind) {
	case SIM_RTSOLPR:
		judge_rtsolpr(w);
		break;
	case SIM_PRRTADV:
		judge_prrtadv(w);
		break;
	case SIM_FBU:
		judge_fbu(w);
		break;
	case SIM_FBACK:
		judge_fback(w);
		break;
	case SIM_HI:
		judge_hi(w);
		break;
	case SIM_HACK:
		judge_hack(w);
		break;
	case SIM_UNA:
		judge_una(w);
		break;
	case SIM_NAACK:
		judge_naack(w);
		break;
	case SIM_PROBE:
	case SIM_NA:
	case SIM_ECHO:
	case SIM_DATA:
	case SIM_KINDS:
		break;
	}
}

/* ---- what routers do ---- */

struct tunnel_wanted {
	int router;
	const struct in6_addr *pcoa, *ncoa;
};

static bool wants_it(const struct came *c, const void *arg)
{
	const struct tunnel_wanted *t = arg;
	return addr_eq(&c->w.home, t->pcoa) && c->w.fbu.lifetime > 0;
}

/* A HAck to a HI of this router about this mobile, and the address is the one asked for or the one given. */
static bool agrees(const struct came *c, const void *arg)
{
	const struct tunnel_wanted *t = arg;
	if (c->w.hack.code >= HACK_UNSPECIFIED)
		return false;
	for (unsigned i = 1; i <= times_sent(SIM_HI); i++) {
		const struct word *w = sent(SIM_HI, i);
		if (w->hi.seq == c->w.hack.seq && addr_eq(&w->hi.pcoa, t->pcoa) &&
		    (addr_eq(&w->hi.ncoa, t->ncoa) || addr_eq(&c->w.hack.ncoa, t->ncoa) ||
		     (c->w.hack.code == HACK_USE_PCOA && addr_eq(&c->w.src, t->ncoa))))
			return true;
	}
	return false;
}

static void tunnel_made(struct sim *s, int router, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa)
{
	struct tunnel_wanted t = { router, pcoa, ncoa };
	struct in6_addr own = sim_router(router);
	must(find_came(SIM_FBU, router, wants_it, &t), "a tunnel that nobody asked for with the right key");
	must(find_came(SIM_HACK, router, agrees, &t), "a tunnel that no new router agreed to");
	must(addr_eq(local, &own), "a tunnel from another address than the one that the mobile knows");
	if (tunnels_n < 64)
		tunnels[tunnels_n++] = (struct made){ router, *pcoa, *ncoa };
}

static bool announces(const struct came *c, const void *arg)
{
	const struct in6_addr *a = arg;
	return addr_eq(&c->w.hi.ncoa, a) && c->w.hi.code == HI_FROM_PCOA;
}

static void proxy_changed(struct sim *s, int router, const struct in6_addr *a, bool on)
{
	usec_t held = clock_now() - routers[router].since;
	must(on || held <= sim_params(stage)->proxy_nd_lifetime, "an address defended for longer than PROXY_ND_LIFETIME");
	must(!on || find_came(SIM_HI, router, announces, a) || addr_eq(a, &(struct in6_addr){ 0 }) || is(*a, sim_assigned(router)),
	     "an address defended without a HI with Code 0");
	routers[router].proxied = on;
	routers[router].address = *a;
	routers[router].since = clock_now();
}

static bool is_there(const struct came *c, const void *arg)
{
	const struct nar_view *v = arg;
	return (addr_eq(&c->w.una.target, &v->ncoa) || v->lodged) && lladdr_eq(&c->w.una.lladdr, &v->lladdr);
}

static bool said_there(const struct came *c, const void *arg)
{
	const struct nar_view *v = arg;
	return c->w.hi.code == HI_NOT_FROM_PCOA && lladdr_eq(&c->w.hi.lladdr, &v->lladdr) &&
	       (v->lodged || addr_eq(&c->w.hi.ncoa, &v->ncoa) || is(v->ncoa, sim_assigned(c->router)));
}

static void neighbor_made(struct sim *s, int router, const struct nar_view *v)
{
	must(find_came(SIM_UNA, router, is_there, v) || find_came(SIM_HI, router, said_there, v),
	     "a neighbour entry without its mobile's word, nor its router's");
	routers[router].present++;
}

static void address_probed(struct sim *s, int router, const struct in6_addr *a)
{
	must(!routers[router].proxied || !addr_eq(a, &routers[router].address), "an address defended before the link was asked");
	routers[router].probes++;
}

static void restarted(struct sim *s, int router)
{
	amnesia = true;
	memset(&routers[router], 0, sizeof routers[router]);
	paces_n = 0;
	solicited_n = router ? solicited_n : 0;
	fbus[0].any = fbus[1].any = fbus[2].any = fbus[3].any = false;
}

const struct sim_eyes judge_eyes = { .came = message_came, .tunnel = tunnel_made, .proxy = proxy_changed, .probe = address_probed, .neighbor = neighbor_made,
	.restarted = restarted };

/* ---- in the end ---- */

static void judge_router(int i)
{
	must(!routers[i].proxied, "in the end an address is defended");
	must(!sim_open(stage, SIM_PAR(i)) && !sim_open(stage, SIM_NAR(i)), "in the end a router's timeline runs");
	for (int link = 1; link <= SIM_ROUTERS; link++)
		must(!sim_held(stage, i, link) && !sim_copied(stage, i, link), "in the end packets are held");
}

void judge_close(void)
{
	struct sim_traffic_result r = sim_result(stage);
	for (size_t i = 0; i < came_n; i++)
		must(came[i].w.kind != SIM_HI || came[i].answered || amnesia || unanswered || addr_eq(&came[i].w.src, &came[i].w.dst) ||
		             came[i].w.src.s6_addr[5] != 0xff || came[i].w.src.s6_addr[15] > SIM_ROUTERS,
		     "a HI without an answer");
	for (int i = 1; i <= SIM_ROUTERS; i++)
		judge_router(i);
	must(!sim_open(stage, SIM_MN), "in the end the mobile's timeline runs");
	must(copies || r.repeated == 0, "a packet came twice");
	must(amnesia || copies || r.reordered == 0, "packets came out of order");
}
