#include "cxtp/cxtp_count.h"

struct counter cxtp_counters[CXTP_COUNTERS] = {
	[CXTP_CTAR_SENT] = { .name = "ctar_sent", .help = "CTARs sent, repetitions included" },
	[CXTP_CTAR_RECEIVED] = { .name = "ctar_received", .help = "CTARs received" },
	[CXTP_CTAR_REPEATED] = { .name = "ctar_repeated", .help = "CTARs ignored because they had come before" },
	[CXTP_CTAA_SENT] = { .name = "ctaa_sent", .help = "CTAAs sent" },
	[CXTP_CTAA_RECEIVED] = { .name = "ctaa_received", .help = "CTAAs received" },
	[CXTP_CTD_SENT] = { .name = "ctd_sent", .help = "CTDs sent" },
	[CXTP_CTD_RECEIVED] = { .name = "ctd_received", .help = "CTDs received" },
	[CXTP_PCTD_SENT] = { .name = "pctd_sent", .help = "Predictive CTDs sent" },
	[CXTP_PCTD_RECEIVED] = { .name = "pctd_received", .help = "Predictive CTDs received" },
	[CXTP_CTDR_SENT] = { .name = "ctdr_sent", .help = "CTDRs sent" },
	[CXTP_CTDR_RECEIVED] = { .name = "ctdr_received", .help = "CTDRs received" },
	[CXTP_CTC_SENT] = { .name = "ctc_sent", .help = "CTCs sent" },
	[CXTP_CTC_RECEIVED] = { .name = "ctc_received", .help = "CTCs received" },
	[CXTP_CTREQ_SENT] = { .name = "ctreq_sent", .help = "CT-Reqs sent" },
	[CXTP_CTREQ_RECEIVED] = { .name = "ctreq_received", .help = "CT-Reqs received" },
	[CXTP_CONTEXTS_COLLECTED] = { .name = "contexts_collected", .help = "Context blocks collected for a transfer" },
	[CXTP_CONTEXTS_INSTALLED] = { .name = "contexts_installed", .help = "Context blocks put in force" },
	[CXTP_CONTEXTS_FAILED] = { .name = "contexts_failed", .help = "Context blocks that could not be collected or put in force" },
	[CXTP_CONTEXTS_CUT] = { .name = "contexts_cut", .help = "Transfers whose contexts did not all fit one message" },
	[CXTP_TRANSFERS_COMPLETE] = { .name = "transfers_complete", .help = "Transfers with every context in place" },
	[CXTP_TRANSFERS_INCOMPLETE] = { .name = "transfers_incomplete", .help = "Transfers with some contexts not in place" },
	[CXTP_TRANSFERS_FAILED] = { .name = "transfers_failed", .help = "Transfers given up because nothing came in time" },
	[CXTP_TRANSFERS_CANCELLED] = { .name = "transfers_cancelled", .help = "Transfers cancelled by the new router" },
	[CXTP_PUSHES_EXPIRED] = { .name = "pushes_expired", .help = "Pushed contexts wiped because their mobile did not come" },
	[CXTP_TOKEN_REFUSED] = { .name = "token_refused", .help = "Tokens that did not validate" },
	[CXTP_REPLAYED] = { .name = "replayed", .help = "Requests whose sequence number had served before" },
	[CXTP_RATE_DROPPED] = { .name = "rate_dropped", .help = "CTARs dropped beyond the request rate" },
	[CXTP_BUSY] = { .name = "busy", .help = "Requests ignored because a transfer of that mobile was outstanding" },
	[CXTP_MALFORMED] = { .name = "malformed", .help = "Messages that could not be parsed" },
	[CXTP_HOP_LIMIT] = { .name = "hop_limit", .help = "ICMP messages with a hop limit other than 255" },
	[CXTP_WRONG_LINK] = { .name = "wrong_link", .help = "CTARs that did not come from an access link" },
	[CXTP_WRONG_SOURCE] = { .name = "wrong_source", .help = "CTARs and CTAAs from an address other than the expected one" },
	[CXTP_WRONG_PEER] = { .name = "wrong_peer", .help = "Messages about a transfer from a router that has no part in it" },
	[CXTP_UNPROTECTED] = { .name = "unprotected", .help = "Messages from or to a neighbour whose protection is not up" },
	[CXTP_UNEXPECTED] = { .name = "unexpected", .help = "Messages that nothing was waiting for" },
	[CXTP_UNKNOWN_ROUTER] = { .name = "unknown_router", .help = "CTARs naming a router that is not a usable neighbour" },
	[CXTP_NO_KEY] = { .name = "no_key", .help = "Requests for a mobile without a configured key" },
	[CXTP_BAD_KEY_MATERIAL] = { .name = "bad_key_material", .help = "Predictive CTDs with an algorithm or key that is not supported" },
	[CXTP_FOREIGN_MOBILE] = { .name = "foreign_mobile", .help = "Pushes by a router whose link the mobile's address does not belong to" },
	[CXTP_NO_ROOM] = { .name = "no_room", .help = "Transfers refused at cxtp.transfers or cxtp.memory" },
	[CXTP_HELD_MOBILES] = { .name = "held_mobiles", .help = "Mobiles whose traffic waited for their contexts (cxtp.hold)" },
	[CXTP_SEND_FAILED] = { .name = "send_failed", .help = "Messages that could not be sent" },
	[CXTP_REPLAY_FORGOTTEN] = { .name = "replay_forgotten", .help = "Sequence numbers forgotten before cxtp.replay_window" },
	[CXTP_PAR_TRANSFERS] = { .name = "par_transfers", .help = "Transfers this router knows of as the previous router", .gauge = 1 },
	[CXTP_NAR_TRANSFERS] = { .name = "nar_transfers", .help = "Transfers this router knows of as the new router", .gauge = 1 },
	[CXTP_ARRIVALS] = { .name = "arrivals", .help = "Mobiles here whose next sequence number can be told", .gauge = 1 },
	[CXTP_HELD_OCTETS] = { .name = "held_octets", .help = "Octets of contexts held in memory", .gauge = 1 },
};

struct bucket *cxtp_lines(enum cxtp_counter c)
{
	static struct bucket lines[CXTP_COUNTERS];
	if (lines[c].burst < 1)
		bucket_init(&lines[c], 5, 20);
	return &lines[c];
}

void cxtp_refuse(enum cxtp_counter c, usec_t now, const char *what, const struct in6_addr *mobile, const struct in6_addr *peer,
                 const char *reason)
{
	cxtp_count(c);
	log_limited(cxtp_lines(c), now, LOG_LEVEL_NOTICE, "cxtp", "%s refused mobile=%s peer=%s reason=%s", what, ADDR(mobile),
	            ADDR(peer), reason);
}
