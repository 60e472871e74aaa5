#include "cxtp/cxtp_config.h"

#include <string.h>

#include "cxtp/cxtp_wire.h"
#include "net/sctp.h"

static const char *const backends[] = { [SCTP_AUTO] = "auto", [SCTP_KERNEL] = "kernel", [SCTP_USRSCTP] = "usrsctp", NULL };

#define MSEC ((int64_t)USEC_MSEC)
#define SEC ((int64_t)USEC_SEC)
#define CXTP(member) .offset = offsetof(struct cxtp_config, member)
static const struct config_item items[] = {
	{ .name = "backend", .type = CONFIG_ENUM, CXTP(backend), .preset = "auto", .choices = backends,
	  .help = "Whose SCTP: the kernel's, usrsctp's, or the kernel's where it has one." },
	{ .name = "port", .type = CONFIG_INT, CXTP(port), .preset = "5091", .min = 1, .max = 65535,
	  .help = "SCTP port of this router and of its neighbours." },
	{ .name = "udp_port", .type = CONFIG_INT, CXTP(udp_port), .preset = "0", .min = 0, .max = 65535,
	  .help = "UDP port for SCTP in UDP (RFC 6951, which suggests 9899), here and at the neighbours; 0: not in UDP." },
	{ .name = "address", .type = CONFIG_ADDR, CXTP(address),
	  .help = "This router's address between routers, the one that the neighbours' configuration names; left out: any." },
	{ .name = "request_rate", .type = CONFIG_INT, CXTP(request_rate), .preset = "10", .min = 1, .max = 1000000,
	  .help = "CTARs looked at in a second on one link (CT_REQUEST_RATE); beyond that they are dropped at random; write the "
	          "handovers a second that the link should carry." },
	{ .name = "max_transfer_time", .type = CONFIG_DURATION, CXTP(max_transfer_time), .preset = "200ms", .min = 10 * MSEC,
	  .max = 60 * SEC,
	  .help = "How long contexts may take from router to router (CT_MAX_TRANSFER_TIME): their lifetime in SCTP, and how long "
	          "the new router waits for an answer." },
	/* The RFC's 2 s would leave a mobile whose CTAR was lost on the air without its contexts for that long. Anything above
	 * max_transfer_time and a round trip repeats nothing that is still being worked on. */
	{ .name = "request_retry", .type = CONFIG_DURATION, CXTP(request_retry), .preset = "500ms", .min = 10 * MSEC, .max = 60 * SEC,
	  .help = "Mobile: first repetition of an unanswered CTAR (CT_REQUEST_RETRY); each later one waits twice as long; RFC 4067 "
	          "has 2s, less brings the contexts of a mobile sooner when its CTAR was lost on the air." },
	{ .name = "retry_max", .type = CONFIG_DURATION, CXTP(retry_max), .preset = "15s", .min = 10 * MSEC, .max = 600 * SEC,
	  .help = "Mobile: no more repetitions so long after the first CTAR (CT_RETRY_MAX)." },
	{ .name = "sequence_reuse", .type = CONFIG_DURATION, CXTP(sequence_reuse), .preset = "7s", .min = 7 * SEC, .max = 3600 * SEC,
	  .help = "Mobile: a sequence number is not drawn again for so long." },
	{ .name = "context_lifetime", .type = CONFIG_DURATION, CXTP(context_lifetime), .preset = "10s", .min = 10 * MSEC,
	  .max = 600 * SEC,
	  .help = "How long a new router keeps pushed contexts and their key for a mobile that has not come, and a previous router "
	          "waits to hear of them." },
	{ .name = "replay_window", .type = CONFIG_DURATION, CXTP(replay_window), .preset = "1h", .min = 60 * SEC,
	  .max = 30 * 24 * 3600 * SEC, .help = "How long a sequence number that served a transfer is refused." },
	{ .name = "hold", .type = CONFIG_BOOL, CXTP(hold), .preset = "false",
	  .help = "Whether a new router that has to ask for a mobile's contexts holds the mobile's IPv6 traffic, both ways, until they "
	          "are in place, max_transfer_time at most (RFC 4067 section 3.1): for contexts without which it would drop or "
	          "misplace packets, as a stateful firewall does; for mobiles that come with FMIPv6, fmip6.release decides." },
	{ .name = "piggyback", .type = CONFIG_BOOL, CXTP(piggyback), .preset = "false",
	  .help = "Mobile: whether the CTAR to the previous router goes along in the FBU, as an Experimental Mobility Option (RFC 4067 "
	          "section 3.2, RFC 5096), rather than in a packet of its own; routers other than handoverd's pass it over." },
	{ .name = "network", .type = CONFIG_BOOL, CXTP(network), .preset = "false",
	  .help = "Whether contexts also move ahead of the mobile's CTAR when FMIPv6 tells of a movement: pushed at an accepted FBU, asked "
	          "for at a HI (RFC 4067 sections 5.1 and 5.2); contexts then come in time even if a CTAR is lost, for a message more." },
	{ .name = "candidates", .type = CONFIG_STRINGS, CXTP(candidates), .max = 8,
	  .help = "Names of the neighbours that contexts are pushed to when a mobile is to move and nobody knows where (handoverctl "
	          "handover MOBILE to any); left out: every neighbour, eight at most." },
	{ .name = "rto_min", .type = CONFIG_DURATION, CXTP(rto_min), .preset = "20ms", .min = 1 * MSEC, .max = 10 * SEC,
	  .help = "SCTP's least retransmission timeout; its usual 1s would leave no retransmission within max_transfer_time." },
	{ .name = "rto_initial", .type = CONFIG_DURATION, CXTP(rto_initial), .preset = "100ms", .min = 1 * MSEC, .max = 10 * SEC,
	  .help = "SCTP's retransmission timeout before a round trip was measured." },
	{ .name = "rto_max", .type = CONFIG_DURATION, CXTP(rto_max), .preset = "1s", .min = 1 * MSEC, .max = 60 * SEC,
	  .help = "SCTP's greatest retransmission timeout." },
	{ .name = "heartbeat", .type = CONFIG_DURATION, CXTP(heartbeat), .preset = "5s", .min = 100 * MSEC, .max = 600 * SEC,
	  .help = "How often an idle association is probed." },
	{ .name = "reconnect_min", .type = CONFIG_DURATION, CXTP(reconnect_min), .preset = "200ms", .min = 10 * MSEC, .max = 60 * SEC,
	  .help = "First wait before a lost association is set up again; doubles with each attempt." },
	{ .name = "reconnect_max", .type = CONFIG_DURATION, CXTP(reconnect_max), .preset = "5s", .min = 10 * MSEC, .max = 600 * SEC,
	  .help = "Greatest wait between attempts to set up an association." },
	{ .name = "transfers", .type = CONFIG_INT, CXTP(transfers), .preset = "4096", .min = 1, .max = 4194304,
	  .help = "Transfers known at a time, in each role of this router." },
	{ .name = "arrivals", .type = CONFIG_INT, CXTP(arrivals), .preset = "65536", .min = 0, .max = 4194304,
	  .help = "Mobiles whose arrival is remembered, so that their contexts can be pushed before they ask; 0: none." },
	{ .name = "memory", .type = CONFIG_SIZE, CXTP(memory), .preset = "16M", .min = 65536, .max = (int64_t)16 << 30,
	  .help = "Octets of contexts held at a time, in each role of this router." },
	{ .name = "queue", .type = CONFIG_SIZE, CXTP(queue), .preset = "1M", .min = 65536, .max = (int64_t)1 << 30,
	  .help = "Octets queued to one neighbour before messages to it are refused." },
	{ 0 },
};

const struct config_table cxtp_config_table = { .name = "cxtp", .size = sizeof(struct cxtp_config), .items = items };

static bool is_neighbor(const struct settings *settings, const char *name)
{
	const struct setting_neighbor *all = settings->neighbors.items;
	for (size_t i = 0; i < settings->neighbors.n; i++)
		if (all[i].name && strcmp(all[i].name, name) == 0)
			return true;
	return false;
}

void cxtp_config_check(const struct settings *settings, const void *cfg, struct config_errors *errors)
{
	const struct cxtp_config *c = cfg;
	char *const *names = c->candidates.items;
	for (size_t i = 0; i < c->candidates.n; i++)
		if (!is_neighbor(settings, names[i]))
			config_error(errors, &c->where, "cxtp.candidates has %s, which is no neighbor's name; write names from neighbors", names[i]);
	if (c->context_lifetime < c->max_transfer_time)
		config_error(errors, &c->where, "cxtp.context_lifetime is less than cxtp.max_transfer_time; write at least as much");
	if (c->retry_max < c->request_retry)
		config_error(errors, &c->where, "cxtp.retry_max is less than cxtp.request_retry; write at least as much");
	if (c->rto_max < c->rto_min || c->rto_initial < c->rto_min || c->rto_initial > c->rto_max)
		config_error(errors, &c->where, "cxtp.rto_initial is not between cxtp.rto_min and cxtp.rto_max");
	if (c->rto_min >= c->max_transfer_time)
		config_error(errors, &c->where, "cxtp.rto_min is not less than cxtp.max_transfer_time: a lost message could never be "
		                                "sent again in time; write a smaller one");
	if (c->reconnect_max < c->reconnect_min)
		config_error(errors, &c->where, "cxtp.reconnect_max is less than cxtp.reconnect_min; write at least as much");
}

void cxtp_config_params(const struct cxtp_config *c, struct cxtp_params *out)
{
	*out = (struct cxtp_params){ .request_rate = (uint32_t)c->request_rate, .max_transfer_time = c->max_transfer_time,
		                     .request_retry = c->request_retry, .retry_max = c->retry_max,
		                     .sequence_reuse = c->sequence_reuse, .context_lifetime = c->context_lifetime,
		                     .replay_window = c->replay_window, .hold = c->hold, .piggyback = c->piggyback,
		                     .transfers = (size_t)c->transfers, .arrivals = (size_t)c->arrivals, .memory = c->memory };
}

/* Every octet counts: it is compared to see whether a reload changes anything. */
void cxtp_config_sctp(const struct cxtp_config *c, struct sctp_config *out)
{
	memset(out, 0, sizeof *out);
	out->backend = (enum sctp_backend)c->backend;
	out->local = c->address;
	out->port = (uint16_t)c->port;
	out->udp_port = (uint16_t)c->udp_port;
	out->rto_min = c->rto_min;
	out->rto_initial = c->rto_initial;
	out->rto_max = c->rto_max;
	out->heartbeat = c->heartbeat;
	out->max_message = CXTP_MESSAGE_MAX;
	out->max_peers = 4096;
	out->queue_limit = c->queue;
	out->retry_min = c->reconnect_min;
	out->retry_max = c->reconnect_max;
}
