/* RFC 5568 as far as it binds the new access router: HI, HAck, the address it defends, what it holds, UNA, NAACK. */
#include <string.h>

#include "rfc5568.h"

/* A HI of PAR's about the mobile on its link, and time for the answer. */
static void is_asked(struct hi m)
{
	judge_answers_are_not_due();
	put_hi(PAR, NAR, m);
	pass(10);
}

static const struct hack *hack(void)
{
	return &last(SIM_HACK)->hack;
}

static struct nd_na announcement(struct in6_addr a)
{
	return (struct nd_na){ .target = a, .lladdr = mobile_lladdr };
}

/* §4: HI with Code 0 */

static void link_is_asked_before_the_address_is_defended(void)
{
	sim_params(stage)->dad = 50 * USEC_MSEC;
	is_asked(hi_for(NAR, 7));
	EXPECT(probes_for(NAR) == 1 && !judge_proxied(NAR) && times_sent(SIM_HACK) == 0);
	pass(50);
	EXPECT(judge_proxied(NAR) && times_sent(SIM_HACK) == 1 && hack()->code == HACK_ACCEPTED);
}

static void link_is_not_asked_where_collisions_are_no_concern(void)
{
	sim_params(stage)->dad = 0;
	is_asked(hi_for(NAR, 7));
	EXPECT(probes_for(NAR) == 0 && judge_proxied(NAR) && hack()->code == HACK_ACCEPTED);
}

static void address_is_defended_for_proxy_nd_lifetime(void)
{
	is_asked(hi_for(NAR, 7));
	EXPECT(judge_proxied(NAR));
	pass(1480);
	EXPECT(judge_proxied(NAR));
	pass(20);
	EXPECT(!judge_proxied(NAR));
}

static void same_mobile_may_have_its_address(void)
{
	is_asked(hi_for(NAR, 7));
	is_asked(hi_for(NAR, 8)); /* announced anew */
	EXPECT(hack()->seq == 8 && hack()->code == HACK_ACCEPTED && sim_held(stage, NAR, NAR));
}

static void another_mobile_may_not(void)
{
	struct hi m = hi_for(NAR, 8);
	sim_params(stage)->collision = FMIP6_COLLISION_REFUSE;
	is_asked(hi_for(NAR, 7));
	m.lladdr = stranger_lladdr;
	m.pcoa = address(PAR, 0x20);
	is_asked(m);
	EXPECT(hack()->seq == 8 && hack()->code == HACK_NCOA_INVALID && counted(FMIP6_COLLISIONS) == 1);
}

static void address_is_allocated_on_request(void)
{
	struct hi m = hi_for(NAR, 7);
	m.flags = HI_ASSIGN | HI_BUFFER;
	is_asked(m);
	EXPECT(hack()->code == HACK_ASSIGNED && is(hack()->ncoa, AT(NAR)) && judge_proxied(NAR));
}

static void link_is_asked_before_the_proposed_address_is_given(void)
{
	struct hi m = hi_for(NAR, 7);
	sim_params(stage)->dad = 50 * USEC_MSEC;
	m.flags = HI_ASSIGN | HI_BUFFER;
	is_asked(m);
	EXPECT(probes_for(NAR) == 1 && !judge_proxied(NAR) && times_sent(SIM_HACK) == 0);
	pass(50);
	EXPECT(hack()->code == HACK_ASSIGNED && is(hack()->ncoa, AT(NAR)) && judge_proxied(NAR));
}

/* The mobile had this address on NAR's link, and NAR forwards for it since it went on to a third router. */
static void address_that_is_forwarded_for_another_mobile(void)
{
	struct hi m = hi_for(NAR, 999);
	sim_params(stage)->collision = FMIP6_COLLISION_REFUSE;
	mobile_moves_announced(NAR);
	pass(600);
	mobile_moves(OTHER);
	pass(600);
	EXPECT(sim_tunnelled(stage, NAR, NAR));
	m.lladdr = stranger_lladdr;
	m.pcoa = address(PAR, 0x20);
	is_asked(m);
	EXPECT(hack()->seq == 999 && hack()->code == HACK_NCOA_INVALID && sim_tunnelled(stage, NAR, NAR));
	m.seq = 998;
	m.code = HI_NOT_FROM_PCOA;
	is_asked(m);
	EXPECT(hack()->seq == 998 && hack()->code == HACK_UNSPECIFIED && sim_tunnelled(stage, NAR, NAR));
}

static void allocated_address_is_another_if_the_proposed_is_taken(void)
{
	struct hi m = hi_for(NAR, 7);
	m.flags = HI_ASSIGN | HI_BUFFER;
	sim_taken(stage, NAR, SIM_TAKEN);
	is_asked(m);
	EXPECT(hack()->code == HACK_ASSIGNED && is(hack()->ncoa, sim_assigned(NAR)) && judge_proxied(NAR));
}

static void status_goes_into_the_hack(void)
{
	is_asked(hi_for(NAR, 7));
	EXPECT(times_sent(SIM_HACK) == 1 && hack()->code == HACK_ACCEPTED && hack()->seq == 7);
}

/* §4: HI with Code 1 */

static void nothing_is_done_ahead_for_code_1(void)
{
	struct hi m = hi_for(NAR, 7);
	sim_params(stage)->dad = 50 * USEC_MSEC;
	m.code = HI_NOT_FROM_PCOA;
	m.flags = 0;
	is_asked(m);
	EXPECT(probes_for(NAR) == 0 && !judge_proxied(NAR) && !sim_held(stage, NAR, NAR) && hack()->code == HACK_ACCEPTED);
	EXPECT(judge_present(NAR) == 1);
}

static void no_address_is_allocated_for_code_1(void)
{
	struct hi m = hi_for(NAR, 7);
	m.code = HI_NOT_FROM_PCOA;
	m.flags = HI_ASSIGN | HI_BUFFER;
	is_asked(m);
	EXPECT(hack()->code == HACK_ACCEPTED && addr_is_zero(&hack()->ncoa) && !sim_held(stage, NAR, NAR));
}

static void code_1_vouches_for_the_mobile(void)
{
	mobile_moves(NAR);
	pass(50);
	EXPECT(judge_present(NAR) == 1 && counted(FMIP6_UNA_IGNORED) == 0);
	EXPECT(sim_outcome(stage, SIM_NAR(NAR)) == HANDOVER_COMPLETE);
}

static void code_1_after_code_0_brings_the_mobile(void)
{
	struct hi m = hi_for(NAR, 8);
	is_asked(hi_for(NAR, 7));
	EXPECT(sim_held(stage, NAR, NAR));
	m.code = HI_NOT_FROM_PCOA;
	m.flags = 0;
	is_asked(m);
	pass(10);
	EXPECT(!sim_held(stage, NAR, NAR) && judge_present(NAR) == 1 && !judge_proxied(NAR) && hack()->seq == 8);
}

/* §4: UNA */

static void una_ends_the_defence(void)
{
	is_asked(hi_for(NAR, 7));
	EXPECT(judge_proxied(NAR));
	put_una(NAR, AT(NAR), announcement(AT(NAR)));
	pass(3);
	EXPECT(!judge_proxied(NAR) && judge_present(NAR) == 1);
}

static void una_lets_held_packets_go(void)
{
	mobile_is_told(NAR);
	pass(50);
	mobile_leaves();
	pass(200);
	EXPECT(sim_held(stage, NAR, NAR));
	unsigned before = sim_result(stage).received;
	mobile_comes(NAR);
	pass(20);
	EXPECT(!sim_held(stage, NAR, NAR) && sim_result(stage).received >= before + 20);
	pass(20);
	EXPECT(sim_result(stage).lost < 2 && sim_result(stage).reordered == 0);
}

static void una_before_the_hi_counts(void)
{
	put_una(NAR, AT(NAR), announcement(AT(NAR)));
	pass(5);
	is_asked(hi_for(NAR, 7));
	EXPECT(!sim_held(stage, NAR, NAR) && !judge_proxied(NAR) && judge_present(NAR) == 1);
	EXPECT(hack()->code == HACK_ACCEPTED);
}

static void una_that_nobody_waits_for_is_neighbour_discovery(void)
{
	put_una(NAR, AT(NAR), announcement(AT(NAR)));
	pass(20);
	EXPECT(judge_present(NAR) == 0 && times_sent(SIM_NAACK) == 0 && counted(FMIP6_UNA_RECEIVED) == 1);
}

static void una_of_another_mobile_releases_nothing(void)
{
	struct nd_na m = announcement(AT(NAR));
	is_asked(hi_for(NAR, 7));
	m.lladdr = stranger_lladdr;
	put_una(NAR, AT(NAR), m);
	pass(20);
	EXPECT(judge_present(NAR) == 0 && sim_held(stage, NAR, NAR) && judge_proxied(NAR));
	EXPECT(counted(FMIP6_UNA_IGNORED) == 1);
}

static void advertisement_with_a_flag_is_no_una(void)
{
	struct nd_na m = announcement(AT(NAR));
	is_asked(hi_for(NAR, 7));
	m.flags = NA_OVERRIDE;
	put_una(NAR, AT(NAR), m);
	m.flags = NA_SOLICITED;
	put_una(NAR, AT(NAR), m);
	m.flags = NA_ROUTER;
	put_una(NAR, AT(NAR), m);
	pass(20);
	EXPECT(judge_present(NAR) == 0 && sim_held(stage, NAR, NAR) && counted(FMIP6_UNA_RECEIVED) == 0);
}

static void una_for_another_address_than_its_source_is_none(void)
{
	is_asked(hi_for(NAR, 7));
	put_una(NAR, address(NAR, 0x20), announcement(AT(NAR)));
	pass(20);
	EXPECT(judge_present(NAR) == 0 && sim_held(stage, NAR, NAR));
}

static void una_without_a_link_layer_address_is_none(void)
{
	struct nd_na m = announcement(AT(NAR));
	is_asked(hi_for(NAR, 7));
	m.lladdr.len = 0;
	put_una(NAR, AT(NAR), m);
	pass(20);
	EXPECT(judge_present(NAR) == 0 && sim_held(stage, NAR, NAR) && times_sent(SIM_NAACK) == 0);
}

static struct nd_na announcement_of(struct lladdr l)
{
	return (struct nd_na){ .target = AT(NAR), .lladdr = l };
}
static const struct lladdr of_another_kind = { .len = 8, .octet = { 2, 0, 0, 0xff, 0xfe, 0, 9, 9 } };

static bool says_unrecognized(unsigned times)
{
	const struct naack *m = &last(SIM_NAACK)->naack;
	return times_sent(SIM_NAACK) == times && m->status == NAACK_LLA_UNKNOWN && addr_is_zero(&m->ncoa) && is(last(SIM_NAACK)->dst, AT(NAR)) &&
	       counted(FMIP6_UNA_UNRECOGNIZED) == times;
}

static void una_with_an_address_of_another_link_layer(void)
{
	put_una(NAR, AT(NAR), announcement_of(of_another_kind));
	pass(20);
	EXPECT(says_unrecognized(1) && judge_present(NAR) == 0);
}

static void una_with_an_address_that_no_station_has(void)
{
	put_una(NAR, AT(NAR), announcement_of((struct lladdr){ .len = 6, .octet = { 0x33, 0x33, 0, 0, 0, 1 } }));
	put_una(NAR, AT(NAR), announcement_of((struct lladdr){ .len = 6 }));
	pass(20);
	EXPECT(says_unrecognized(2) && judge_present(NAR) == 0);
}

static void awaited_mobile_that_does_not_know_its_address_here(void)
{
	is_asked(hi_for(NAR, 7));
	put_una(NAR, AT(NAR), announcement_of(of_another_kind));
	pass(20);
	EXPECT(says_unrecognized(1) && judge_present(NAR) == 0 && sim_held(stage, NAR, NAR) && judge_proxied(NAR));
	put_una(NAR, AT(NAR), announcement(AT(NAR)));
	pass(20);
	EXPECT(judge_present(NAR) == 1);
}

static void nobody_is_told_to_leave_an_address_by_a_stranger(void)
{
	is_asked(hi_for(NAR, 7));
	sim_frames_from(stage, &stranger_lladdr);
	put_una(NAR, AT(NAR), announcement_of(of_another_kind));
	pass(20);
	EXPECT(times_sent(SIM_NAACK) == 0 && sim_held(stage, NAR, NAR) && judge_proxied(NAR) && counted(FMIP6_UNA_UNRECOGNIZED) == 1);
}

static void nobody_is_told_to_leave_an_address_that_is_his(void)
{
	mobile_moves_announced(NAR);
	pass(100);
	put_una(NAR, AT(NAR), announcement_of(of_another_kind)); /* in the mobile's own frame */
	mobile_moves(OTHER);
	pass(30);
	put_una(OTHER, AT(OTHER), (struct nd_na){ .target = AT(OTHER), .lladdr = of_another_kind });
	pass(100);
	EXPECT(times_sent(SIM_NAACK) == 0 && counted(FMIP6_UNA_UNRECOGNIZED) == 2 && mobile_uses(AT(OTHER)) && flows());
}

static void una_repeated_changes_nothing_more(void)
{
	is_asked(hi_for(NAR, 7));
	for (int i = 0; i < 3; i++) {
		put_una(NAR, AT(NAR), announcement(AT(NAR)));
		pass(10);
	}
	EXPECT(judge_present(NAR) == 1 && !sim_held(stage, NAR, NAR));
	EXPECT(sim_outcome(stage, SIM_NAR(NAR)) == HANDOVER_COMPLETE);
}

static void una_during_duplicate_address_detection(void)
{
	sim_params(stage)->dad = 500 * USEC_MSEC;
	is_asked(hi_for(NAR, 7));
	EXPECT(times_sent(SIM_HACK) == 0);
	put_una(NAR, AT(NAR), announcement(AT(NAR)));
	pass(10);
	EXPECT(times_sent(SIM_HACK) == 1 && !sim_held(stage, NAR, NAR) && judge_present(NAR) == 1);
}

static void naack_offers_another_address(void)
{
	sim_taken(stage, NAR, SIM_TAKEN);
	put_una(NAR, AT(NAR), announcement(AT(NAR)));
	pass(10);
	EXPECT(times_sent(SIM_NAACK) == 1 && is(sent(SIM_NAACK, 1)->dst, AT(NAR)));
	EXPECT(sent(SIM_NAACK, 1)->naack.status == NAACK_USE_SUPPLIED && is(sent(SIM_NAACK, 1)->naack.ncoa, sim_assigned(NAR)));
}

static void naack_without_an_address_where_none_is_given(void)
{
	sim_params(stage)->collision = FMIP6_COLLISION_REFUSE;
	sim_taken(stage, NAR, SIM_TAKEN);
	put_una(NAR, AT(NAR), announcement(AT(NAR)));
	pass(10);
	EXPECT(times_sent(SIM_NAACK) == 1 && sent(SIM_NAACK, 1)->naack.status == NAACK_CONFIGURE);
	EXPECT(addr_is_zero(&sent(SIM_NAACK, 1)->naack.ncoa));
}

static void naacks_are_limited(void)
{
	sim_taken(stage, NAR, SIM_TAKEN);
	for (int i = 0; i < 200; i++) {
		put_una(NAR, AT(NAR), announcement(AT(NAR)));
		pass(1);
	}
	EXPECT(times_sent(SIM_NAACK) >= 20 && times_sent(SIM_NAACK) <= 23);
}

/* §5.2, §5.4, §5.5 */

static void every_hi_is_answered(void)
{
	is_asked(hi_for(NAR, 7));
	is_asked(hi_for(NAR, 7));
	is_asked(hi_for(NAR, 7));
	EXPECT(times_sent(SIM_HACK) == 3 && counted(FMIP6_HI_RECEIVED) == 3);
	EXPECT(sim_handovers(stage, SIM_NAR(NAR)) == 1);
}

static void address_in_use_is_replaced(void)
{
	sim_taken(stage, NAR, SIM_TAKEN);
	is_asked(hi_for(NAR, 7));
	EXPECT(hack()->code == HACK_ASSIGNED && is(hack()->ncoa, sim_assigned(NAR)) && counted(FMIP6_ASSIGNED) == 1);
}

static void address_in_use_is_refused_if_so_configured(void)
{
	sim_params(stage)->collision = FMIP6_COLLISION_REFUSE;
	sim_taken(stage, NAR, SIM_TAKEN);
	is_asked(hi_for(NAR, 7));
	EXPECT(hack()->code == HACK_NCOA_INVALID && addr_is_zero(&hack()->ncoa) && !sim_held(stage, NAR, NAR));
}

static void owner_of_the_address_answers_the_probe(void)
{
	sim_params(stage)->dad = 50 * USEC_MSEC;
	sim_taken(stage, NAR, SIM_TAKEN_UNKNOWN);
	is_asked(hi_for(NAR, 7));
	EXPECT(probes_for(NAR) == 1 && hack()->code == HACK_ASSIGNED && is(hack()->ncoa, sim_assigned(NAR)));
	EXPECT(!sim_held(stage, NAR, NAR) && judge_proxied(NAR)); /* the other one is held for, and defended */
}

static void owner_answers_and_nothing_else_is_given(void)
{
	sim_params(stage)->dad = 50 * USEC_MSEC;
	sim_params(stage)->collision = FMIP6_COLLISION_REFUSE;
	sim_taken(stage, NAR, SIM_TAKEN_UNKNOWN);
	is_asked(hi_for(NAR, 7));
	EXPECT(hack()->code == HACK_NCOA_INVALID && !judge_proxied(NAR) && !sim_held(stage, NAR, NAR));
}

static void hi_repeated_during_duplicate_address_detection(void)
{
	sim_params(stage)->dad = 50 * USEC_MSEC;
	is_asked(hi_for(NAR, 7));
	is_asked(hi_for(NAR, 7));
	EXPECT(times_sent(SIM_HACK) == 0 && probes_for(NAR) == 1);
	pass(40);
	EXPECT(times_sent(SIM_HACK) == 1);
}

static void packets_wait_for_the_mobile(void)
{
	mobile_is_told(NAR);
	pass(50);
	mobile_leaves();
	pass(300);
	EXPECT(sim_held(stage, NAR, NAR));
	mobile_comes(NAR);
	pass(100);
	EXPECT(sim_result(stage).lost < 2 && sim_result(stage).reordered == 0 && sim_result(stage).repeated == 0);
}

static void packets_wait_no_longer_than_hold_time(void)
{
	is_asked(hi_for(NAR, 7));
	pass(4900);
	EXPECT(sim_held(stage, NAR, NAR));
	pass(100);
	EXPECT(!sim_held(stage, NAR, NAR) && counted(FMIP6_HOLD_EXPIRED) == 1);
	EXPECT(sim_outcome(stage, SIM_NAR(NAR)) == HANDOVER_FAILED);
}

/* §6.2.1.2 */

static void hack_mirrors_the_hi(void)
{
	is_asked(hi_for(NAR, 0xfffe));
	EXPECT(is(last(SIM_HACK)->src, sim_neighbor(NAR)) && is(last(SIM_HACK)->dst, sim_neighbor(PAR)) && hack()->seq == 0xfffe);
}

static void reserved_bits_of_a_hi_are_ignored(void)
{
	struct hi m = hi_for(NAR, 7);
	m.flags = 0x7f; /* U, all reserved */
	is_asked(m);
	EXPECT(hack()->code == HACK_ACCEPTED && sim_held(stage, NAR, NAR));
}

static void hi_without_a_link_layer_address_is_refused(void)
{
	struct hi m = hi_for(NAR, 7);
	m.lladdr.len = 0;
	is_asked(m);
	EXPECT(hack()->code == HACK_UNSPECIFIED && !sim_held(stage, NAR, NAR));
}

static void hi_without_a_previous_address_serves(void)
{
	struct hi m = hi_for(NAR, 7);
	m.pcoa = in6addr_any;
	is_asked(m);
	EXPECT(hack()->code == HACK_ACCEPTED && sim_held(stage, NAR, NAR));
}

static void address_of_another_link_is_prohibited(void)
{
	is_asked(hi_for(OTHER, 7));
	EXPECT(hack()->code == HACK_PROHIBITED && counted(FMIP6_HI_REFUSED) == 1);
}

static void too_many_sessions_are_no_resources(void)
{
	struct hi m = hi_for(NAR, 8);
	sim_params(stage)->sessions = 1;
	is_asked(hi_for(NAR, 7));
	m.ncoa = address(NAR, 0x20);
	m.pcoa = address(PAR, 0x20);
	m.lladdr = stranger_lladdr;
	is_asked(m);
	EXPECT(hack()->seq == 8 && hack()->code == HACK_NO_RESOURCES && counted(FMIP6_SESSIONS_FULL) == 1);
}

static void hold_that_cannot_be_made_is_no_resources(void)
{
	sim_broken(stage, NAR, true);
	is_asked(hi_for(NAR, 7));
	EXPECT(hack()->code == HACK_NO_RESOURCES && !judge_proxied(NAR));
	EXPECT(sim_outcome(stage, SIM_NAR(NAR)) == HANDOVER_FAILED);
}

static void codes_that_code_1_has_no_use_for(void)
{
	struct hi m = hi_for(NAR, 7);
	sim_taken(stage, NAR, SIM_TAKEN);
	m.code = HI_NOT_FROM_PCOA;
	m.flags = 0;
	is_asked(m);
	EXPECT(hack()->code == HACK_UNSPECIFIED && judge_present(NAR) == 0);
}

static void address_given_before_is_told_without_code_2(void)
{
	struct hi m = hi_for(NAR, 7);
	sim_taken(stage, NAR, SIM_TAKEN);
	is_asked(m);
	EXPECT(hack()->code == HACK_ASSIGNED);
	m.code = HI_NOT_FROM_PCOA;
	m.flags = 0;
	is_asked(m);
	EXPECT(hack()->code == HACK_ACCEPTED && is(hack()->ncoa, sim_assigned(NAR)) && judge_present(NAR) == 1);
}

static void hi_of_a_stranger_is_not_answered(void)
{
	struct in6_addr stranger = address(12, 1), pcoa = AT(PAR), ncoa = AT(NAR);
	sim_inject_hi(stage, NAR, &stranger, &pcoa, &ncoa);
	pass(20);
	EXPECT(times_sent(SIM_HACK) == 0 && counted(FMIP6_HI_STRANGER) == 1 && !sim_held(stage, NAR, NAR));
}

static void hi_without_protection_is_not_answered(void)
{
	sim_unusable(stage, PAR, true);
	is_asked(hi_for(NAR, 7));
	EXPECT(times_sent(SIM_HACK) == 0 && counted(FMIP6_HI_STRANGER) == 1);
}

static void hi_with_a_code_nobody_has_defined(void)
{
	struct hi m = hi_for(NAR, 7);
	m.code = 77;
	is_asked(m);
	EXPECT(hack()->code >= HACK_UNSPECIFIED && !sim_held(stage, NAR, NAR) && judge_present(NAR) == 0);
}

static void another_router_learns_where_the_mobile_is(void)
{
	struct hi m = hi_for(NAR, 8);
	mobile_moves_announced(NAR);
	pass(100);
	m.code = HI_NOT_FROM_PCOA;
	m.flags = 0;
	m.pcoa = AT(OTHER);
	put_hi(OTHER, NAR, m);
	pass(20);
	EXPECT(hack()->seq == 8 && hack()->code == HACK_ACCEPTED && is(last(SIM_HACK)->dst, sim_neighbor(OTHER)));
	EXPECT(flows());
}

const struct sentence rfc5568_new[] = {
	{ "4", "MUST", "NAR asks the link before it defends an address", SHOWN(link_is_asked_before_the_address_is_defended) },
	{ "4", "", "or not, where collisions are no concern (DupAddrDetectTransmits 0: fmip6.dad)", SHOWN(link_is_not_asked_where_collisions_are_no_concern) },
	{ "4", "", "it defends it for PROXY_ND_LIFETIME", SHOWN(address_is_defended_for_proxy_nd_lifetime) },
	{ "4", "MAY", "an NCoA that is known already with the mobile's own link-layer address is allowed", SHOWN(same_mobile_may_have_its_address) },
	{ "4", "", "with another one it is not", SHOWN(another_mobile_may_not) },
	{ "4", "MAY", "Assigned Addressing: the proposed NCoA is given", SHOWN(address_is_allocated_on_request) },
	{ "5.2", "MUST", "which the link was asked about like any other", SHOWN(link_is_asked_before_the_proposed_address_is_given) },
	{ "4", "", "or another, and that is defended", SHOWN(allocated_address_is_another_if_the_proposed_is_taken) },
	{ "4", "", "HAck has the status", SHOWN(status_goes_into_the_hack) },
	{ "4", "MUST", "HI with Code 1: no probe, no defence, no allocation, no buffer", SHOWN(nothing_is_done_ahead_for_code_1) },
	{ "6.2.1.1", "MUST", "S and U say nothing with Code 1", SHOWN(no_address_is_allocated_for_code_1) },
	{ "4", "", "HI with Code 1 validates the entry made at the UNA", SHOWN(code_1_vouches_for_the_mobile) },
	{ "4", "", "HI with Code 1 after one with Code 0: the mobile is here", SHOWN(code_1_after_code_0_brings_the_mobile) },
	{ "4", "", "UNA: the proxy entry goes", SHOWN(una_ends_the_defence) },
	{ "4", "", "and the entry is STALE", NOT_SHOWN("it is REACHABLE: the link-layer address in the UNA is the one that the HI named, which confirms it before any probe") },
	{ "4", "", "UNA: buffered packets are forwarded, then arriving ones", SHOWN(una_lets_held_packets_go) },
	{ "6.3", "", "UNA before HI and HAck: plain neighbour discovery, and remembered", SHOWN(una_before_the_hi_counts) },
	{ "6.3", "", "UNA without HI and HAck: plain neighbour discovery", SHOWN(una_that_nobody_waits_for_is_neighbour_discovery) },
	{ "6.3", "SHOULD", "NCoA and link-layer address together tell the mobile from others", SHOWN(una_of_another_mobile_releases_nothing) },
	{ "6.3", "", "O, S and R are zero in an UNA", SHOWN(advertisement_with_a_flag_is_no_una) },
	{ "6.3", "MUST", "source and target of an UNA are the NCoA", SHOWN(una_for_another_address_than_its_source_is_none) },
	{ "6.3", "MUST", "it names the link-layer address", SHOWN(una_without_a_link_layer_address_is_none) },
	{ "6.3", "MAY", "UNAs may be repeated", SHOWN(una_repeated_changes_nothing_more) },
	{ "5.5", "", "an UNA ends duplicate address detection: the mobile has the address itself", SHOWN(una_during_duplicate_address_detection) },
	{ "4", "MUST", "NAACK goes to the source of the UNA", SHOWN(naack_offers_another_address) },
	{ "6.4.6", "", "NAACK without an address: Status 1", SHOWN(naack_without_an_address_where_none_is_given) },
	{ "6.4.6", "", "Status 128: an UNA that names a link-layer address of another kind of link", SHOWN(una_with_an_address_of_another_link_layer) },
	{ "6.4.6", "", "or one that no station has: a group's, zeros", SHOWN(una_with_an_address_that_no_station_has) },
	{ "6.4.6", "", "also where the mobile is awaited; announced rightly it is let in", SHOWN(awaited_mobile_that_does_not_know_its_address_here) },
	{ "10", "", "Status 128 is never said on a stranger's account", SHOWN(nobody_is_told_to_leave_an_address_by_a_stranger) },
	{ "10", "", "nor of an address whose owner is known here", SHOWN(nobody_is_told_to_leave_an_address_that_is_his) },
	{ "6.4.6", "", "NAACKs are limited", SHOWN(naacks_are_limited) },
	{ "5.2", "MUST", "NAR answers HI with HAck, each time", SHOWN(every_hi_is_answered) },
	{ "5.2", "MUST", "NAR verifies whether the NCoA is in use; another is given", SHOWN(address_in_use_is_replaced) },
	{ "5.2", "MUST", "in use is also one that is forwarded for a mobile which went on", SHOWN(address_that_is_forwarded_for_another_mobile) },
	{ "5.2", "MUST", "or it is refused", SHOWN(address_in_use_is_refused_if_so_configured) },
	{ "5.5", "", "who has the address answers the probe", SHOWN(owner_of_the_address_answers_the_probe) },
	{ "5.5", "", "and if nothing else is given, the HI is refused", SHOWN(owner_answers_and_nothing_else_is_given) },
	{ "5.5", "", "a HI repeated meanwhile does not begin anew", SHOWN(hi_repeated_during_duplicate_address_detection) },
	{ "6.2.1.1", "SHOULD", "U: packets are buffered", SHOWN(packets_wait_for_the_mobile) },
	{ "5.4", "", "for a limited time", SHOWN(packets_wait_no_longer_than_hold_time) },
	{ "5.4", "", "within limits of memory", SHOWN_BY("tests/unit/test_hold.c::own_limit_drops_own_oldest") },
	{ "5.4", "MUST", "the default algorithm is there: the rate of arrival is metered", SHOWN_BY("tests/unit/test_hold.c::the_meter_follows_the_stream") },
	{ "5.4", "MAY", "no more than 5 packets back to back, then at that rate", SHOWN_BY("tests/net/test_paths.c::drain_as_the_rfc_says") },
	{ "6.2.1.2", "", "source, destination and sequence number of HAck are those of the HI", SHOWN(hack_mirrors_the_hi) },
	{ "6.2.1.1", "MUST", "reserved bits of HI are ignored", SHOWN(reserved_bits_of_a_hi_are_ignored) },
	{ "6.2.1.1", "MUST", "HI without the mobile's link-layer address is refused", SHOWN(hi_without_a_link_layer_address_is_refused) },
	{ "6.2.1.1", "SHOULD", "one without the PCoA is not", SHOWN(hi_without_a_previous_address_serves) },
	{ "5.3", "", "a link may have several prefixes", SHOWN_BY("tests/net/test_links.py::test_new_addresses_in_two_prefixes") },
	{ "6.2.1.2", "MUST", "a refusal has its reason: 129", SHOWN(address_of_another_link_is_prohibited) },
	{ "6.2.1.2", "MUST", "a refusal has its reason: 130, the table is full", SHOWN(too_many_sessions_are_no_resources) },
	{ "6.2.1.2", "MUST", "a refusal has its reason: 130, no room to hold packets", SHOWN(hold_that_cannot_be_made_is_no_resources) },
	{ "6.2.1.2", "", "to a HI with Code 1 Codes 1, 2 and 4 are not relevant", SHOWN(codes_that_code_1_has_no_use_for) },
	{ "5.2", "may", "an address that the mobile was given before is told with Code 0", SHOWN(address_given_before_is_told_without_code_2) },
	{ "10", "", "a HI of who is no neighbour is not answered", SHOWN(hi_of_a_stranger_is_not_answered) },
	{ "10", "MUST", "nor that of a neighbour whose protection is not up", SHOWN(hi_without_protection_is_not_answered) },
	{ "6.2.1.1", "", "a Code other than 0 and 1 is refused", SHOWN(hi_with_a_code_nobody_has_defined) },
	{ "5.6", "", "another router of the mobile's past is told where it is", SHOWN(another_router_learns_where_the_mobile_is) },
	{ "8", "", "a mobile of RFC 4068 is answered in its words; its FBU needs an authenticator all the same", SHOWN_BY("tests/net/test_capture_fmip6.py::test_mobiles_of_rfc_4068") },
	{ "8", "", "NAR may process the FNA of RFC 4068", SHOWN_BY("tests/net/test_capture_fmip6.py::test_mobiles_of_rfc_4068") },
	END_OF_SENTENCES,
};
