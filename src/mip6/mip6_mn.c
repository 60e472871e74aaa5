/* The Binding Update List's one entry that matters to a mobile without route optimisation: that of its home agent. */
#include "mip6/mip6_mn.h"

#include <stdlib.h>
#include <string.h>

#define INITIAL_TIMEOUT (MIP6_INITIAL_BINDACK_TIMEOUT_MS * USEC_MSEC)
#define MAX_TIMEOUT (MIP6_MAX_BINDACK_TIMEOUT_MS * USEC_MSEC)
#define MAX_UPDATE_RATE 3 /* a second (RFC 6275 §12) */
#define SENDS_KEPT 8      /* whose time is known, for lifetimes */
#define REFUSED_AGAIN (5 * 60 * USEC_SEC) /* a home agent that does not want us may be configured otherwise */
#define WAY_TRIES 2 /* unanswered Binding Updates after which the way to the previous care-of address counts as gone */
#define AGENT_TRIES 3 /* unanswered Binding Updates after which another home agent is tried, if one is known */
#define NUDGE_RATE (10 * USEC_SEC)        /* between Binding Updates that an error message asked for */

struct counter mip6_mn_counters[MIP6_MN_COUNTERS] = {
	[MIP6_MN_BU_SENT] = { .name = "bu_sent", .help = "Binding Updates sent to the home agent" },
	[MIP6_MN_BU_AGAIN] = { .name = "bu_again", .help = "Binding Updates sent because the one before was not acknowledged in time" },
	[MIP6_MN_BA_RECEIVED] = { .name = "ba_received", .help = "Binding Acknowledgements received" },
	[MIP6_MN_BA_IGNORED] = { .name = "ba_ignored", .help = "Binding Acknowledgements that answer nothing we asked" },
	[MIP6_MN_BA_BAD_AUTH] = { .name = "ba_bad_auth", .help = "Binding Acknowledgements whose authenticator was missing or wrong" },
	[MIP6_MN_BA_REFUSED] = { .name = "ba_refused", .help = "Binding Acknowledgements that refused" },
	[MIP6_MN_BE_RECEIVED] = { .name = "be_received", .help = "Binding Errors received from the home agent" },
	[MIP6_MN_REGISTRATIONS] = { .name = "registrations", .help = "Care-of addresses that the home agent accepted" },
	[MIP6_MN_BINDINGS_EXPIRED] = { .name = "registrations_expired", .help = "Registrations that ended without having been extended" },
	[MIP6_MN_RETURNS] = { .name = "returns_home", .help = "Registrations taken back on the home link" },
	[MIP6_MN_RA_RECEIVED] = { .name = "ra_received", .help = "Router Advertisements heard" },
	[MIP6_MN_RS_SENT] = { .name = "rs_sent", .help = "Router Solicitations sent" },
	[MIP6_MN_MOVEMENTS] = { .name = "movements", .help = "Changes of link noticed by Router Advertisements" },
	[MIP6_MN_DEVOLVED] = { .name = "devolved", .help = "Fast handovers that failed and were carried on by a Binding Update" },
	[MIP6_MN_DISCOVERY_SENT] = { .name = "discovery_sent", .help = "Requests for the home agents of the home link sent" },
	[MIP6_MN_DISCOVERY_ANSWERED] = { .name = "discovery_found", .help = "Requests for the home agents of the home link answered" },
	[MIP6_MN_AGENT_CHANGES] = { .name = "agent_changes", .help = "Home agents left for another, because they refused or were silent" },
	[MIP6_MN_PREFIXES_ASKED] = { .name = "prefixes_asked_for", .help = "Mobile Prefix Solicitations sent" },
	[MIP6_MN_PREFIXES_TOLD] = { .name = "prefixes_told", .help = "Mobile Prefix Advertisements that answered one" },
	[MIP6_MN_PREFIXES_UNASKED] = { .name = "prefixes_unasked", .help = "Mobile Prefix Advertisements that answered none, and were not read" },
};

/* What a status means for what we do next. */
enum remedy {
	REMEDY_LATER,  /* may be otherwise before long: again at the slowest pace */
	REMEDY_STOP,   /* of this home agent's making: not again for a long time */
	REMEDY_NEVER,  /* the home address must not be used again (RFC 6275 §11.7.1) */
	REMEDY_NUMBER, /* ask with the number it wants */
	REMEDY_CLOCK,  /* ask with its time */
};

static const struct refusal {
	uint8_t status;
	enum remedy remedy;
	const char *text;
} refusals[] = {
	{ BA_UNSPECIFIED, REMEDY_LATER, "reason unspecified" },
	{ BA_PROHIBITED, REMEDY_STOP, "administratively prohibited" },
	{ BA_NO_RESOURCES, REMEDY_LATER, "insufficient resources" },
	{ BA_NO_HOME_REGISTRATION, REMEDY_STOP, "home registration not supported" },
	{ BA_NOT_HOME_SUBNET, REMEDY_STOP, "not home subnet" },
	{ BA_NOT_HOME_AGENT, REMEDY_STOP, "not home agent for this mobile" },
	{ BA_DAD_FAILED, REMEDY_NEVER, "somebody else has the home address" },
	{ BA_SEQUENCE, REMEDY_NUMBER, "sequence number out of window" },
	{ BA_HOME_NONCE, REMEDY_STOP, "expired home nonce index" },
	{ BA_COA_NONCE, REMEDY_STOP, "expired care-of nonce index" },
	{ BA_NONCES, REMEDY_STOP, "expired nonces" },
	{ BA_TYPE_CHANGE, REMEDY_STOP, "registration type change disallowed" },
	{ BA_ID_MISMATCH, REMEDY_CLOCK, "timestamp too far from the home agent's clock" },
	{ BA_MESG_ID_REQUIRED, REMEDY_STOP, "timestamp wanted" },
	{ BA_AUTH_FAILED, REMEDY_STOP, "authentication failed" },
	{ BA_INVALID_COA, REMEDY_STOP, "invalid care-of address" },
};

enum exchange { EXCHANGE_NONE, EXCHANGE_REGISTER, EXCHANGE_REFRESH, EXCHANGE_RETURN };

struct mip6_mn {
	struct loop *loop;
	struct mip6_mn_params p;
	const struct mip6_mn_ops *ops;
	void *arg;
	enum mip6_mn_state state;
	bool down;
	struct in6_addr coa, registered; /* of the exchange under way or the last one; of the home agent's word */
	usec_t valid_until, home_until, expires;
	enum mip6_way way;
	bool told;       /* the home agent may have a binding, whether it said so or not */
	bool burnt;      /* the home address is another's */
	usec_t elsewhere; /* until then a home agent that we left may have a binding, and defend the home address */
	bool native;     /* packets leave without a tunnel; what was registered may be taken back already */

	enum exchange exchange;
	usec_t began;
	bool slow;       /* and its silence was told */
	uint16_t seq, first_seq;
	unsigned tries;
	unsigned corrected; /* how often in a row the home agent corrected us instead of answering */
	usec_t timeout;
	int64_t clock_error; /* of ours, in µs, as the home agent told */
	struct {
		usec_t at;
		uint64_t timestamp;
	} kept[SENDS_KEPT]; /* Binding Updates, by sequence number */
	usec_t left[MAX_UPDATE_RATE]; /* when the last ones were sent */
	unsigned updates;
	usec_t nudged;
	uint8_t status;
	struct timer retry, refresh, expire;
	struct bucket log;
};

const char *mip6_mn_state_name(enum mip6_mn_state s)
{
	static const char *const names[] = {
		[MIP6_MN_IDLE] = "idle", [MIP6_MN_HOME] = "home", [MIP6_MN_UPDATING] = "updating", [MIP6_MN_REGISTERED] = "registered",
		[MIP6_MN_RETURNING] = "returning", [MIP6_MN_REFUSED] = "refused", [MIP6_MN_ENDED] = "ended",
	};
	return names[s];
}

static const struct refusal *refusal_of(uint8_t status)
{
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusals[i].status == status)
			return &refusals[i];
	return &refusals[0];
}

const char *mip6_status_text(uint8_t status)
{
	return status < BA_REFUSED ? "accepted" : refusal_of(status)->text;
}

static bool bound(const struct mip6_mn *m)
{
	return !addr_is_zero(&m->registered);
}

/* ---- the way of packets ---- */

static void leave_by_tunnel(struct mip6_mn *m)
{
	m->native = false;
	m->ops->tunnel(m->arg, &m->coa);
}

static void leave_native(struct mip6_mn *m)
{
	m->native = true;
	m->ops->native(m->arg);
}

/* ---- Binding Updates ---- */

/* RFC 6275 §11.7.1, §11.4.2: no longer than the care-of address is valid, and the home address. */
static uint16_t lifetime_units(const struct mip6_mn *m, usec_t now)
{
	usec_t until = m->valid_until < m->home_until ? m->valid_until : m->home_until, left = until > now ? until - now : 0;
	usec_t units = (left < m->p.lifetime ? left : m->p.lifetime) / (MIP6_UNIT * USEC_SEC);
	return units == 0 ? 1 : units > UINT16_MAX ? UINT16_MAX : (uint16_t)units;
}

static int pack(struct mip6_mn *m, const struct in6_addr *coa, uint16_t lifetime, uint8_t *out, size_t cap)
{
	struct mip6_key key;
	bool keyed = m->ops->key(m->arg, &key);
	struct bu u = { .seq = m->seq, .lifetime = lifetime, .flags = BU_ACK | BU_HOME | (m->p.link_local ? BU_LINK_LOCAL : 0) };
	u.o.alt_coa = *coa;
	if (keyed) {
		u.o.auth = (struct mip6_auth){ .present = true, .spi = m->p.spi };
		u.o.has_timestamp = m->p.timestamps;
		u.o.timestamp = mip6_timestamp((uint64_t)((int64_t)loop_realtime(m->loop, loop_now(m->loop)) + m->clock_error));
		m->kept[m->seq % SENDS_KEPT].timestamp = u.o.timestamp;
	}
	int n = bu_pack(&u, out, cap);
	if (n > 0 && keyed && mip6_auth_sign(&key, coa, &m->p.home, out, (size_t)n) < 0)
		n = -1;
	secret_wipe(&key, sizeof key);
	return n;
}

/* 0: now; else when the next Binding Update may leave. */
static usec_t too_soon(const struct mip6_mn *m, usec_t now)
{
	usec_t third = m->left[m->updates % MAX_UPDATE_RATE];
	return third && third + USEC_SEC > now ? third + USEC_SEC : 0;
}

static void pace(struct mip6_mn *m, usec_t now)
{
	timer_after(&m->retry, m->timeout);
	if (m->timeout >= MAX_TIMEOUT && !m->slow) {
		m->slow = true;
		m->ops->event(m->arg, MIP6_MN_SILENT, m->status, now);
	}
	m->timeout = m->timeout * 2 < MAX_TIMEOUT ? m->timeout * 2 : MAX_TIMEOUT;
}

static void update_send(struct mip6_mn *m)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	usec_t now = loop_now(m->loop), wait = too_soon(m, now);
	bool home = m->exchange == EXCHANGE_RETURN;
	const struct in6_addr *coa = home ? &m->p.home : &m->coa;
	if (wait) {
		timer_at(&m->retry, wait);
		return;
	}
	m->seq++;
	if (m->tries++ == 0)
		m->first_seq = m->seq;
	else
		MIP6_MN_COUNT(MIP6_MN_BU_AGAIN);
	m->kept[m->seq % SENDS_KEPT].at = m->left[m->updates++ % MAX_UPDATE_RATE] = now;
	pace(m, now);
	int n = pack(m, coa, home ? 0 : lifetime_units(m, now), out, sizeof out);
	if (n < 0) {
		log_limited(&m->log, now, LOG_LEVEL_ERROR, "mip6", "Binding Update not sent home=%s peer=%s reason=\"it could not be made\"",
		            ADDR(&m->p.home), ADDR(&m->p.agent));
		return;
	}
	MIP6_MN_COUNT(MIP6_MN_BU_SENT);
	m->told = true;
	m->ops->send(m->arg, coa, home, out, (size_t)n);
	m->ops->sent(m->arg, m->exchange == EXCHANGE_REFRESH, now);
	if (home)
		leave_native(m);
	else if (m->way != MIP6_WAY_CARRIED && (m->way == MIP6_WAY_GONE || m->native || !bound(m) || m->tries > WAY_TRIES))
		leave_by_tunnel(m);
}

static void exchange_begin(struct mip6_mn *m, enum exchange x)
{
	m->exchange = x;
	m->tries = 0;
	m->slow = false;
	m->began = loop_now(m->loop);
	m->timeout = bound(m) || x == EXCHANGE_RETURN ? INITIAL_TIMEOUT : m->p.first_timeout;
	timer_stop(&m->refresh);
	m->state = x == EXCHANGE_RETURN ? MIP6_MN_RETURNING : x == EXCHANGE_REFRESH ? MIP6_MN_REGISTERED : MIP6_MN_UPDATING;
	if (!m->down)
		update_send(m);
}

static void exchange_end(struct mip6_mn *m)
{
	m->exchange = EXCHANGE_NONE;
	m->began = 0;
	m->corrected = 0;
	timer_stop(&m->retry);
}

static void unbound(struct mip6_mn *m)
{
	m->registered = in6addr_any;
	m->expires = 0;
	timer_stop(&m->refresh);
	timer_stop(&m->expire);
}

void mip6_mn_agent(struct mip6_mn *m, const struct in6_addr *agent)
{
	if (addr_eq(agent, &m->p.agent))
		return;
	if (m->told)
		m->elsewhere = loop_now(m->loop) + m->p.lifetime;
	m->p.agent = *agent;
	m->told = false;
	unbound(m);
	exchange_end(m);
	if (!m->burnt && m->state != MIP6_MN_ENDED && !addr_is_zero(&m->coa))
		exchange_begin(m, EXCHANGE_REGISTER);
}

/* RFC 6275 §11.4.1. What is being taken back at home is the matter of the home agent that has it. */
static bool another_agent(struct mip6_mn *m, const char *why)
{
	struct in6_addr agent, was = m->p.agent;
	if (m->exchange == EXCHANGE_RETURN || !m->ops->next(m->arg, &agent) || addr_eq(&agent, &was))
		return false;
	MIP6_MN_COUNT(MIP6_MN_AGENT_CHANGES);
	LOG_NOTICE("mip6", "another home agent is tried home=%s peer=%s left=%s bus=%u status=%u reason=\"%s\"", ADDR(&m->p.home), ADDR(&agent),
	           ADDR(&was), m->tries, m->status, why);
	mip6_mn_agent(m, &agent);
	return true;
}

static void retry_timeout(struct timer *t, void *arg)
{
	struct mip6_mn *m = arg;
	if (m->down || m->burnt)
		return;
	if (m->exchange == EXCHANGE_NONE && m->state == MIP6_MN_REFUSED)
		exchange_begin(m, addr_is_zero(&m->coa) ? EXCHANGE_RETURN : EXCHANGE_REGISTER);
	else if (m->exchange != EXCHANGE_NONE && !(m->tries == AGENT_TRIES && another_agent(m, "it does not answer")))
		update_send(m);
}

static void refresh_timeout(struct timer *t, void *arg)
{
	struct mip6_mn *m = arg;
	if (m->exchange == EXCHANGE_NONE && m->state == MIP6_MN_REGISTERED)
		exchange_begin(m, EXCHANGE_REFRESH);
}

static void expire_timeout(struct timer *t, void *arg)
{
	struct mip6_mn *m = arg;
	MIP6_MN_COUNT(MIP6_MN_BINDINGS_EXPIRED);
	unbound(m);
	if (m->exchange == EXCHANGE_REFRESH)
		m->exchange = EXCHANGE_REGISTER;
	if (m->state == MIP6_MN_REGISTERED)
		m->state = MIP6_MN_UPDATING;
	m->ops->event(m->arg, MIP6_MN_EXPIRED, m->status, loop_now(m->loop));
	if (m->state == MIP6_MN_UPDATING && m->exchange == EXCHANGE_NONE)
		exchange_begin(m, EXCHANGE_REGISTER);
}

/* ---- Binding Acknowledgements ---- */

/* The time that the home agent has, where ours is too far from it (RFC 4285 §6): it put its high 32 bits over ours. */
static void clock_adjust(struct mip6_mn *m, const struct ba *a, usec_t at)
{
	uint64_t own = mip6_timestamp((uint64_t)((int64_t)loop_realtime(m->loop, at) + m->clock_error));
	int32_t seconds = (int32_t)((uint32_t)(a->o.timestamp >> 32) - (uint32_t)(own >> 32));
	m->clock_error += (int64_t)seconds * (int64_t)USEC_SEC;
}

static bool authentic(struct mip6_mn *m, const struct ba *a, const uint8_t *data)
{
	struct mip6_key key;
	if (!m->ops->key(m->arg, &key))
		return true;
	const struct in6_addr *coa = m->exchange == EXCHANGE_RETURN ? &m->p.home : &m->coa;
	bool good = a->o.auth.spi == m->p.spi && mip6_auth_verify(&key, coa, &m->p.home, data, &a->o.auth);
	secret_wipe(&key, sizeof key);
	if (good && m->p.timestamps && a->status != BA_ID_MISMATCH && a->status != BA_SEQUENCE)
		good = a->o.has_timestamp && a->o.timestamp == m->kept[a->seq % SENDS_KEPT].timestamp;
	return good;
}

/* Does it answer a Binding Update of the exchange under way? Of older ones than are kept the time is not known. */
static bool answers(const struct mip6_mn *m, const struct ba *a)
{
	uint16_t ago = (uint16_t)(m->seq - a->seq);
	if (m->exchange == EXCHANGE_NONE || m->tries == 0)
		return false;
	if (a->status == BA_SEQUENCE)
		return a->seq == m->seq || mip6_seq_newer(a->seq, m->seq);
	return ago <= (uint16_t)(m->seq - m->first_seq) && ago < SENDS_KEPT;
}

/* RFC 6275 §11.7.3: the lifetime counts from when the Binding Update was sent. */
static void registered(struct mip6_mn *m, const struct ba *a, usec_t at)
{
	usec_t granted = (usec_t)a->lifetime * MIP6_UNIT * USEC_SEC, sent = m->kept[a->seq % SENDS_KEPT].at;
	usec_t advice = (usec_t)a->o.refresh * MIP6_UNIT * USEC_SEC, left = sent + granted > at ? sent + granted - at : 0;
	usec_t refresh = left / 4 * 3;
	m->registered = m->coa;
	m->expires = at + left;
	m->state = MIP6_MN_REGISTERED;
	timer_at(&m->expire, m->expires);
	timer_after(&m->refresh, advice && advice < refresh ? advice : refresh);
	m->way = MIP6_WAY_GONE; /* what it spared us is done */
	leave_by_tunnel(m);
}

static void returned(struct mip6_mn *m, usec_t at)
{
	unbound(m);
	m->told = false;
	m->state = MIP6_MN_HOME;
	MIP6_MN_COUNT(MIP6_MN_RETURNS);
	m->ops->claim(m->arg);
	m->ops->event(m->arg, MIP6_MN_DEREGISTERED, m->status, at);
}

static void accepted(struct mip6_mn *m, const struct ba *a, usec_t at)
{
	enum exchange x = m->exchange;
	if (x == EXCHANGE_RETURN) {
		exchange_end(m);
		returned(m, at);
		return;
	}
	exchange_end(m);
	if (a->lifetime == 0) { /* accepted for no time at all */
		unbound(m);
		m->state = MIP6_MN_REFUSED;
		timer_after(&m->retry, MAX_TIMEOUT);
		m->ops->event(m->arg, MIP6_MN_DENIED, BA_UNSPECIFIED, at);
		return;
	}
	if (x == EXCHANGE_REGISTER)
		MIP6_MN_COUNT(MIP6_MN_REGISTRATIONS);
	registered(m, a, at);
	m->ops->event(m->arg, MIP6_MN_ACCEPTED, a->status, at);
}

/* It corrects us, and we ask again; should it do so for ever, at the pace of one whom nobody answers. */
static void correct(struct mip6_mn *m, const struct ba *a, enum remedy remedy, usec_t at)
{
	if (remedy == REMEDY_NUMBER)
		m->seq = a->seq;
	else
		clock_adjust(m, a, at);
	m->tries = 0;
	memset(m->kept, 0, sizeof m->kept);
	if (m->corrected++ == 0)
		update_send(m);
}

static void refused(struct mip6_mn *m, const struct ba *a, usec_t at)
{
	const struct refusal *r = refusal_of(a->status);
	MIP6_MN_COUNT(MIP6_MN_BA_REFUSED);
	if (r->remedy == REMEDY_NUMBER || r->remedy == REMEDY_CLOCK) {
		correct(m, a, r->remedy, at);
		return;
	}
	bool home = m->exchange == EXCHANGE_RETURN, never = r->remedy == REMEDY_NEVER && at >= m->elsewhere;
	if (!never && another_agent(m, r->text))
		return;
	exchange_end(m);
	if (home && a->status == BA_NOT_HOME_AGENT) { /* it knows of no binding: that is what we wanted */
		returned(m, at);
		return;
	}
	unbound(m);
	m->state = MIP6_MN_REFUSED;
	m->burnt = never;
	if (!m->burnt)
		timer_after(&m->retry, r->remedy == REMEDY_STOP ? REFUSED_AGAIN : MAX_TIMEOUT);
	m->ops->event(m->arg, MIP6_MN_DENIED, a->status, at);
}

void mip6_mn_ba(struct mip6_mn *m, const struct in6_addr *src, const uint8_t *data, size_t len, usec_t at)
{
	struct ba a;
	MIP6_MN_COUNT(MIP6_MN_BA_RECEIVED);
	if (ba_parse(data, len, &a) < 0) {
		MIP6_COUNT(MIP6_MALFORMED);
		return;
	}
	const char *why = !addr_eq(src, &m->p.agent) ? "not from the home agent" : !answers(m, &a) ? "answers nothing" : NULL;
	if (!why && !authentic(m, &a, data)) {
		MIP6_MN_COUNT(MIP6_MN_BA_BAD_AUTH);
		why = "authenticator";
	}
	if (why) {
		MIP6_MN_COUNT(MIP6_MN_BA_IGNORED);
		log_limited(&m->log, at, LOG_LEVEL_NOTICE, "mip6", "Binding Acknowledgement ignored home=%s peer=%s seq=%u status=%u reason=\"%s\"",
		            ADDR(&m->p.home), ADDR(src), a.seq, a.status, why);
		return;
	}
	m->status = a.status;
	if (a.status < BA_REFUSED)
		accepted(m, &a, at);
	else
		refused(m, &a, at);
}

/* ---- errors ---- */

/* Something says that the home agent does not know us any more. It may be forged: it costs one Binding Update, now and then. */
static void nudge(struct mip6_mn *m, usec_t at, const char *what)
{
	if (m->state != MIP6_MN_REGISTERED || m->exchange != EXCHANGE_NONE || (m->nudged && at < m->nudged + NUDGE_RATE))
		return;
	m->nudged = at;
	log_limited(&m->log, at, LOG_LEVEL_NOTICE, "mip6", "asking the home agent whether it still knows us home=%s peer=%s reason=\"%s\"",
	            ADDR(&m->p.home), ADDR(&m->p.agent), what);
	exchange_begin(m, EXCHANGE_REFRESH);
}

void mip6_mn_be(struct mip6_mn *m, const struct in6_addr *src, const uint8_t *data, size_t len, usec_t at)
{
	struct be e;
	if (be_parse(data, len, &e) < 0) {
		MIP6_COUNT(MIP6_MALFORMED);
		return;
	}
	/* RFC 6275 §11.3.6: we have no entry for anyone else, and another home address's is another's matter. */
	if (!addr_eq(src, &m->p.agent) || (!addr_is_zero(&e.home) && !addr_eq(&e.home, &m->p.home)))
		return;
	MIP6_MN_COUNT(MIP6_MN_BE_RECEIVED);
	if (e.status == BE_UNKNOWN_BINDING)
		nudge(m, at, "it sent a Binding Error");
	else if (m->exchange != EXCHANGE_NONE)
		log_limited(&m->log, at, LOG_LEVEL_WARNING, "mip6", "the home agent does not know what we send home=%s peer=%s status=%u",
		            ADDR(&m->p.home), ADDR(src), e.status);
}

void mip6_mn_unknown_header(struct mip6_mn *m, usec_t at)
{
	nudge(m, at, "its system knows no such header");
}

/* ---- where we are ---- */

void mip6_mn_away(struct mip6_mn *m, const struct in6_addr *coa, usec_t valid_until, enum mip6_way way)
{
	bool same = addr_eq(coa, &m->coa), was_down = m->down; /* at home there is none */
	m->down = false;
	m->coa = *coa;
	m->valid_until = valid_until;
	if (addr_is_zero(&m->p.agent))
		m->way = way;
	if (m->burnt) {
		exchange_end(m); /* one begun at home */
		m->state = MIP6_MN_REFUSED;
	}
	if (m->burnt || m->state == MIP6_MN_ENDED || addr_is_zero(&m->p.agent))
		return;
	if (same && m->exchange == EXCHANGE_NONE) {
		if (m->state == MIP6_MN_REFUSED && !timer_armed(&m->retry)) /* it was due while there was no link */
			exchange_begin(m, EXCHANGE_REGISTER);
		return;
	}
	if (same && !was_down) {
		if (way == MIP6_WAY_GONE)
			mip6_mn_way_gone(m);
		return;
	}
	m->way = way;
	exchange_begin(m, !m->native && addr_eq(&m->registered, coa) ? EXCHANGE_REFRESH : EXCHANGE_REGISTER);
}

void mip6_mn_valid_until(struct mip6_mn *m, usec_t until)
{
	m->home_until = until;
}

void mip6_mn_end(struct mip6_mn *m)
{
	exchange_end(m);
	unbound(m);
	m->told = false;
	m->state = MIP6_MN_ENDED;
}

void mip6_mn_way_gone(struct mip6_mn *m)
{
	if (m->way == MIP6_WAY_GONE)
		return;
	m->way = MIP6_WAY_GONE;
	if (m->state == MIP6_MN_UPDATING && m->tries > 0)
		leave_by_tunnel(m);
}

void mip6_mn_home(struct mip6_mn *m)
{
	m->down = false;
	m->coa = in6addr_any;
	if (m->state == MIP6_MN_ENDED)
		return;
	if (!m->told) {
		exchange_end(m);
		m->state = MIP6_MN_HOME;
		leave_native(m);
		return;
	}
	if (m->state != MIP6_MN_RETURNING || m->tries == 0)
		exchange_begin(m, EXCHANGE_RETURN);
	else
		update_send(m);
}

void mip6_mn_down(struct mip6_mn *m)
{
	m->down = true;
	if (m->exchange != EXCHANGE_NONE)
		timer_stop(&m->retry);
	m->tries = 0; /* whatever comes back to us is asked for anew */
}

void mip6_mn_farewell(struct mip6_mn *m)
{
	uint8_t out[MIP6_MESSAGE_MAX];
	if (!m->told || m->down || addr_is_zero(&m->coa))
		return;
	m->seq++;
	int n = pack(m, &m->coa, 0, out, sizeof out);
	if (n < 0)
		return;
	MIP6_MN_COUNT(MIP6_MN_BU_SENT);
	m->ops->send(m->arg, &m->coa, false, out, (size_t)n);
}

/* ---- life ---- */

struct mip6_mn_view mip6_mn_view(const struct mip6_mn *m)
{
	return (struct mip6_mn_view){ .state = m->state, .coa = m->coa, .registered = m->registered, .expires = m->expires,
		.seq = m->seq, .status = m->status, .tries = m->tries, .began = m->began };
}

struct mip6_mn *mip6_mn_create(struct loop *l, const struct mip6_mn_params *params, const struct mip6_mn_ops *ops, void *arg)
{
	struct mip6_mn *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->loop = l;
	m->p = *params;
	m->ops = ops;
	m->arg = arg;
	m->home_until = UINT64_MAX;
	secret_random(&m->seq, sizeof m->seq); /* RFC 6275 §11.7.2 */
	bucket_init(&m->log, 1, 10);
	timer_init(&m->retry, l, retry_timeout, m);
	timer_init(&m->refresh, l, refresh_timeout, m);
	timer_init(&m->expire, l, expire_timeout, m);
	return m;
}

void mip6_mn_reload(struct mip6_mn *m, const struct mip6_mn_params *params)
{
	const struct in6_addr agent = m->p.agent;
	m->p = *params;
	m->p.agent = agent;
}

void mip6_mn_destroy(struct mip6_mn *m)
{
	if (!m)
		return;
	timer_stop(&m->retry);
	timer_stop(&m->refresh);
	timer_stop(&m->expire);
	free(m);
}
