#include "fmip6/fmip6_machine.h"

#include "core/secret.h"

struct counter fmip6_counters[FMIP6_COUNTERS] = {
	[FMIP6_RTSOLPR_RECEIVED] = { "rtsolpr_received", "RtSolPr received" },
	[FMIP6_RTSOLPR_SENT] = { "rtsolpr_sent", "RtSolPr sent" },
	[FMIP6_RTSOLPR_LIMITED] = { "rtsolpr_limited", "RtSolPr not answered or not sent because of a rate limit" },
	[FMIP6_PRRTADV_RECEIVED] = { "prrtadv_received", "PrRtAdv received" },
	[FMIP6_PRRTADV_SENT] = { "prrtadv_sent", "PrRtAdv sent" },
	[FMIP6_PRRTADV_IGNORED] = { "prrtadv_ignored", "PrRtAdv that answered no question of ours" },
	[FMIP6_FBU_RECEIVED] = { "fbu_received", "FBUs received" },
	[FMIP6_FBU_SENT] = { "fbu_sent", "FBUs sent" },
	[FMIP6_FBU_REFUSED] = { "fbu_refused", "FBUs that changed nothing, for whatever reason" },
	[FMIP6_FBU_BAD_AUTH] = { "fbu_bad_auth", "FBUs without a valid authenticator" },
	[FMIP6_FBU_REPLAYED] = { "fbu_replayed", "FBUs seen before or with an old sequence number" },
	[FMIP6_FBU_FOREIGN_PCOA] = { "fbu_foreign_pcoa", "FBUs for a previous address that is not of this router" },
	[FMIP6_FBU_FOREIGN_NCOA] = { "fbu_foreign_ncoa", "FBUs for a new address behind no neighbour" },
	[FMIP6_FBACK_RECEIVED] = { "fback_received", "FBacks received" },
	[FMIP6_FBACK_SENT] = { "fback_sent", "FBacks sent" },
	[FMIP6_FBACK_IGNORED] = { "fback_ignored", "FBacks without a valid authenticator or an FBU they answer" },
	[FMIP6_HI_RECEIVED] = { "hi_received", "HIs received" },
	[FMIP6_HI_SENT] = { "hi_sent", "HIs sent" },
	[FMIP6_HI_REFUSED] = { "hi_refused", "HIs answered with a refusal" },
	[FMIP6_HI_STRANGER] = { "hi_stranger", "HIs from no usable neighbour" },
	[FMIP6_HACK_RECEIVED] = { "hack_received", "HAcks received" },
	[FMIP6_HACK_SENT] = { "hack_sent", "HAcks sent" },
	[FMIP6_HACK_IGNORED] = { "hack_ignored", "HAcks from a stranger or to no HI of ours" },
	[FMIP6_UNA_RECEIVED] = { "una_received", "UNAs received" },
	[FMIP6_UNA_SENT] = { "una_sent", "UNAs sent" },
	[FMIP6_UNA_IGNORED] = { "una_ignored", "UNAs that name another link-layer address than the HI did" },
	[FMIP6_MARKER_SENT] = { "marker_sent", "Markers sent the old way of a mobile that came back" },
	[FMIP6_MARKER_RETURNED] = { "marker_returned", "Markers that the mobile answered" },
	[FMIP6_MARKER_TIMEOUT] = { "marker_timeout", "Markers that were given up" },
	[FMIP6_MALFORMED] = { "malformed", "Messages that could not be parsed" },
	[FMIP6_SESSIONS_FULL] = { "sessions_full", "Handovers refused because of the limit of sessions" },
	[FMIP6_HOLD_EXPIRED] = { "hold_expired", "Holds ended because the mobile did not arrive" },
	[FMIP6_BINDINGS_EXPIRED] = { "bindings_expired", "Tunnels ended with their lifetime" },
	[FMIP6_BINDINGS] = { "bindings", "Previous addresses forwarded or being negotiated", .gauge = 1 },
	[FMIP6_NAR_SESSIONS] = { "nar_sessions", "Mobiles expected or just arrived", .gauge = 1 },
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
