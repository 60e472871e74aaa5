#include "fmip6/fmip6_machine.h"

#include "core/secret.h"

struct counter fmip6_counters[FMIP6_COUNTERS] = {
	[FMIP6_RTSOLPR_RECEIVED] = { .name = "rtsolpr_received", .help = "RtSolPr received" },
	[FMIP6_RTSOLPR_SENT] = { .name = "rtsolpr_sent", .help = "RtSolPr sent" },
	[FMIP6_RTSOLPR_LIMITED] = { .name = "rtsolpr_limited", .help = "RtSolPr not answered or not sent because of a rate limit" },
	[FMIP6_PRRTADV_RECEIVED] = { .name = "prrtadv_received", .help = "PrRtAdv received" },
	[FMIP6_PRRTADV_SENT] = { .name = "prrtadv_sent", .help = "PrRtAdv sent" },
	[FMIP6_PRRTADV_IGNORED] = { .name = "prrtadv_ignored", .help = "PrRtAdv that answered no question of ours, nor came unasked from our router" },
	[FMIP6_TRIGGERS_SENT] = { .name = "triggers_sent", .help = "Mobiles told to move (PrRtAdv with code 1)" },
	[FMIP6_TRIGGERS_RECEIVED] = { .name = "triggers_received", .help = "Times the router told this mobile to move" },
	[FMIP6_FBU_RECEIVED] = { .name = "fbu_received", .help = "FBUs received" },
	[FMIP6_FBU_SENT] = { .name = "fbu_sent", .help = "FBUs sent" },
	[FMIP6_FBU_REFUSED] = { .name = "fbu_refused", .help = "FBUs that changed nothing, for whatever reason" },
	[FMIP6_FBU_BAD_AUTH] = { .name = "fbu_bad_auth", .help = "FBUs without a valid authenticator" },
	[FMIP6_FBU_REPLAYED] = { .name = "fbu_replayed", .help = "FBUs seen before or with an old sequence number" },
	[FMIP6_FBU_FOREIGN_PCOA] = { .name = "fbu_foreign_pcoa", .help = "FBUs for a previous address that is not of this router" },
	[FMIP6_FBU_FOREIGN_NCOA] = { .name = "fbu_foreign_ncoa", .help = "FBUs for a new address behind no neighbour" },
	[FMIP6_FBACK_RECEIVED] = { .name = "fback_received", .help = "FBacks received" },
	[FMIP6_FBACK_SENT] = { .name = "fback_sent", .help = "FBacks sent" },
	[FMIP6_FBACK_IGNORED] = { .name = "fback_ignored", .help = "FBacks without a valid authenticator or an FBU they answer" },
	[FMIP6_HI_RECEIVED] = { .name = "hi_received", .help = "HIs received" },
	[FMIP6_HI_SENT] = { .name = "hi_sent", .help = "HIs sent" },
	[FMIP6_HI_REFUSED] = { .name = "hi_refused", .help = "HIs answered with a refusal" },
	[FMIP6_HI_STRANGER] = { .name = "hi_stranger", .help = "HIs from no usable neighbour" },
	[FMIP6_HACK_RECEIVED] = { .name = "hack_received", .help = "HAcks received" },
	[FMIP6_HACK_SENT] = { .name = "hack_sent", .help = "HAcks sent" },
	[FMIP6_HACK_IGNORED] = { .name = "hack_ignored", .help = "HAcks from a stranger or to no HI of ours" },
	[FMIP6_UNA_RECEIVED] = { .name = "una_received", .help = "UNAs received" },
	[FMIP6_UNA_SENT] = { .name = "una_sent", .help = "UNAs sent" },
	[FMIP6_UNA_IGNORED] = { .name = "una_ignored", .help = "UNAs that name another link-layer address than the HI did" },
	[FMIP6_NAACK_SENT] = { .name = "naack_sent", .help = "Mobiles told after their UNA to use another address" },
	[FMIP6_NAACK_RECEIVED] = { .name = "naack_received", .help = "Times the new router told this mobile to use another address" },
	[FMIP6_COLLISIONS] = { .name = "collisions", .help = "New addresses that were another node's already" },
	[FMIP6_ASSIGNED] = { .name = "assigned", .help = "New addresses that this router chose for a mobile" },
	[FMIP6_MARKER_SENT] = { .name = "marker_sent", .help = "Markers sent the old way of a mobile that came back" },
	[FMIP6_MARKER_RETURNED] = { .name = "marker_returned", .help = "Markers that the mobile answered" },
	[FMIP6_MARKER_TIMEOUT] = { .name = "marker_timeout", .help = "Markers that were given up" },
	[FMIP6_MALFORMED] = { .name = "malformed", .help = "Messages that could not be parsed" },
	[FMIP6_SESSIONS_FULL] = { .name = "sessions_full", .help = "Handovers refused because of the limit of sessions" },
	[FMIP6_HOLD_EXPIRED] = { .name = "hold_expired", .help = "Holds ended because the mobile did not arrive" },
	[FMIP6_BINDINGS_EXPIRED] = { .name = "bindings_expired", .help = "Tunnels ended with their lifetime" },
	[FMIP6_BINDINGS] = { .name = "bindings", .help = "Previous addresses forwarded or being negotiated", .gauge = 1 },
	[FMIP6_NAR_SESSIONS] = { .name = "nar_sessions", .help = "Mobiles expected or just arrived", .gauge = 1 },
	[FMIP6_CLIENTS_ASKED] = { .name = "clients_asked", .help = "Askings for a client, seen or still here, at its router" },
	[FMIP6_CLIENTS_LIMITED] = { .name = "clients_limited", .help = "Clients not asked for because of a rate limit" },
	[FMIP6_CLIENTS_UNANSWERED] = { .name = "clients_unanswered", .help = "Clients that their router did not acknowledge" },
	[FMIP6_CLIENTS_MISMATCH] = { .name = "clients_mismatch", .help = "Clients with the address of another link-layer address" },
	[FMIP6_CLIENTS_ANSWERED_FOR] = { .name = "clients_answered_for", .help = "ARP requests and neighbour solicitations answered because the one asked for is behind a tunnel" },
	[FMIP6_CLIENTS_AWAY] = { .name = "clients_away", .help = "Addresses of clients that are at another router, or on the way", .gauge = 1 },
	[FMIP6_VISITS] = { .name = "visits", .help = "Addresses of visiting clients, here or expected", .gauge = 1 },
	[FMIP6_HK_REQUESTS] = { .name = "hk_requests", .help = "Questions for a handover key received" },
	[FMIP6_HK_GRANTED] = { .name = "hk_granted", .help = "Handover keys given to mobiles, new ones and old ones again" },
	[FMIP6_HK_REFUSED] = { .name = "hk_refused", .help = "Questions for a handover key that were not valid, or too many" },
	[FMIP6_HK_LIMITED] = { .name = "hk_limited", .help = "Of these, dropped unverified because of the rate limit" },
	[FMIP6_HK_ASKED] = { .name = "hk_asked", .help = "Questions for a handover key sent" },
	[FMIP6_HK_RECEIVED] = { .name = "hk_received", .help = "Handover keys received from routers" },
	[FMIP6_HK_IGNORED] = { .name = "hk_ignored", .help = "Answers with a handover key that were not valid, or from a router not trusted" },
	[FMIP6_HK_KEYS] = { .name = "hk_keys", .help = "Handover keys kept for mobiles", .gauge = 1 },
	[FMIP6_LODGED] = { .name = "lodged", .help = "Mobiles whose previous address was served here, as they could have no new one" },
	[FMIP6_LODGERS] = { .name = "lodgers", .gauge = true, .help = "Previous addresses served here now" },
	[FMIP6_FROM_AFAR] = { .name = "hop_limit", .help = "Messages of the link that had come through a router (hop limit not 255)" },
	[FMIP6_SEND_FAILED] = { .name = "send_failed", .help = "Messages that the kernel did not take" },
	[FMIP6_CLIENTS_ADOPTED] = { .name = "clients_adopted",
		.help = "Addresses of clients taken on the word of the router where the client is, which were not known here" },
	[FMIP6_FBU_BAD_IID] = { .name = "fbu_bad_identifier", .help = "FBUs for a new address whose interface identifier the prefix there is too long for" },
	[FMIP6_RTSOLPR_OLDER] = { .name = "rtsolpr_rfc4068", .help = "Of the RtSolPr received, those of mobiles of RFC 4068" },
	[FMIP6_UNA_UNRECOGNIZED] = { .name = "una_unrecognized", .help = "UNAs that name a link-layer address which no station of the link can have" },
	[FMIP6_NAACK_IGNORED] = { .name = "naack_ignored", .help = "Times our router refused an address that we had not announced lately" },
	[FMIP6_INFORMS_SENT] = { .name = "informs_sent", .help = "Mobiles told unasked of the access points around (PrRtAdv with code 4)" },
	[FMIP6_INFORMS_RECEIVED] = { .name = "informs_received", .help = "Times the router told this mobile so" },
};

bool fmip6_seq_newer(uint16_t a, uint16_t b)
{
	uint16_t d = (uint16_t)(a - b);
	return d > 0 && d < 0x8000;
}

uint16_t fmip6_random16(void)
{
	uint16_t v;
	do
		secret_random(&v, sizeof v);
	while (v == 0);
	return v;
}

bool fmip6_on_link(int hop_limit, struct bucket *log, const char *what, const struct in6_addr *src, usec_t at)
{
	if (hop_limit == FMIP6_HOP_LIMIT)
		return true;
	FMIP6_COUNT(FMIP6_FROM_AFAR);
	log_limited(log, at, LOG_LEVEL_NOTICE, "fmip6", "%s ignored peer=%s reason=hop-limit hop_limit=%d expected=%d", what, ADDR(src),
	            hop_limit, FMIP6_HOP_LIMIT);
	return false;
}
