/* RFC 5568 §5.4 to §5.6: whole movements, fast and erroneous ones, and what becomes of the packets. */
#include "rfc5568.h"

static bool nothing_lost(void)
{
	struct sim_traffic_result r;
	sim_traffic(stage, false);
	pass(500);
	r = sim_result(stage);
	return r.lost == 0 && r.repeated == 0 && r.reordered == 0;
}

static void predictive_and_nothing_is_lost(void)
{
	mobile_moves_announced(NAR);
	pass(300);
	EXPECT(nothing_lost());
}

static void reactive_and_what_was_sent_into_the_gap_is_lost(void)
{
	mobile_moves(NAR);
	pass(300);
	EXPECT(flows() && sim_result(stage).lost <= 5); /* 20 ms, and 10 until the FBU is at PAR */
}

static void back_before_the_handover_is_done(void)
{
	mobile_is_told(NAR);
	pass(6); /* FBU sent */
	mobile_leaves();
	pass(5);
	mobile_comes(PAR);
	pass(1500);
	EXPECT(sim_at(stage) == PAR && !sim_tunnelled(stage, PAR, PAR) && !sim_held(stage, PAR, PAR));
	EXPECT(flows());
}

static void back_after_all_was_prepared(void)
{
	mobile_is_told(NAR);
	pass(50);
	mobile_moves(PAR);
	pass(1000);
	EXPECT(sim_at(stage) == PAR && !sim_tunnelled(stage, PAR, PAR) && !sim_held(stage, NAR, NAR));
	EXPECT(nothing_lost());
}

static void back_after_a_moment(void)
{
	mobile_moves_announced(NAR);
	pass(30);
	mobile_moves(PAR);
	pass(1000);
	EXPECT(sim_at(stage) == PAR && !sim_tunnelled(stage, PAR, PAR));
	EXPECT(flows());
}

static void to_and_fro(void)
{
	for (int i = 0; i < 6; i++) {
		mobile_moves_announced(i % 2 ? PAR : NAR);
		pass(1500); /* RtSolPr must not come more often */
	}
	pass(500);
	EXPECT(sim_at(stage) == PAR && !sim_tunnelled(stage, PAR, PAR));
	EXPECT(nothing_lost());
}

static void on_to_a_third_router(void)
{
	struct par_view v = { .forwarding = false };
	struct in6_addr pcoa = AT(PAR);
	mobile_moves_announced(NAR);
	pass(600);
	mobile_moves_announced(OTHER);
	pass(800);
	EXPECT(par_find(sim_par(stage, PAR), &pcoa, &v) && is(v.ncoa, AT(OTHER)));
	EXPECT(sim_tunnelled(stage, NAR, NAR) && nothing_lost());
}

static void on_to_a_third_router_before_the_second_is_done(void)
{
	mobile_moves_announced(NAR);
	pass(5);
	mobile_moves(OTHER);
	pass(1000);
	EXPECT(sim_at(stage) == OTHER && flows());
}

static void told_elsewhere_before_the_first_is_done(void)
{
	mobile_is_told(NAR);
	pass(10);
	mobile_is_told(OTHER);
	pass(50);
	mobile_moves(OTHER);
	pass(500);
	EXPECT(sim_at(stage) == OTHER && sim_outcome(stage, SIM_MN) == HANDOVER_COMPLETE && flows());
}

static void prepared_and_never_gone(void)
{
	mobile_is_told(NAR);
	pass(2900);
	EXPECT(sim_held(stage, NAR, NAR));
	pass(1000);
	EXPECT(sim_at(stage) == PAR && !sim_held(stage, NAR, NAR) && !sim_tunnelled(stage, PAR, PAR));
	EXPECT(nothing_lost());
}

static void unexpected_router_and_the_fbu_to_par(void)
{
	mobile_is_told(NAR);
	pass(50);
	mobile_moves(OTHER);
	pass(1000);
	EXPECT(count(SIM_FBU, OTHER, false) + count(SIM_FBU, PAR, false) >= 2);
	EXPECT(nothing_lost());
}

static void unexpected_router_and_the_expected_one_silent(void)
{
	mobile_is_told(NAR);
	pass(50);
	sim_restart_router(stage, NAR); /* what it held is gone, and nobody tells */
	mobile_moves(OTHER);
	pass(4000);
	EXPECT(sim_at(stage) == OTHER && flows());
}

static void link_changes_unseen(void)
{
	mobile_is_told(NAR);
	pass(50);
	sim_link_unseen(stage, NAR, false);
	pass(500);
	EXPECT(sim_at(stage) == NAR && flows());
}

static void carrier_goes_and_comes_back(void)
{
	mobile_moves(PAR);
	pass(300);
	EXPECT(times_sent(SIM_FBU) == 0 && times_sent(SIM_HI) == 0 && mobile_is(MN_ATTACHED) && flows());
}

static void probability_of_collisions_is_low_enough(void)
{
	sim_params(stage)->dad = 50 * USEC_MSEC;
	mobile_is_told(NAR);
	pass(200);
	EXPECT(probes_for(NAR) == 1 && mobile_is(MN_PREPARED));
	mobile_moves(NAR);
	pass(300);
	EXPECT(nothing_lost());
}

static void duplicate_found_before_the_mobile_comes(void)
{
	sim_params(stage)->dad = 50 * USEC_MSEC;
	sim_taken(stage, NAR, SIM_TAKEN_UNKNOWN);
	mobile_is_told(NAR);
	pass(200);
	EXPECT(mobile_is(MN_PREPARED));
	mobile_moves(NAR);
	pass(300);
	EXPECT(mobile_uses(sim_assigned(NAR)) && nothing_lost());
}

static void contexts_first(void)
{
	struct in6_addr pcoa = AT(PAR);
	sim_params(stage)->release = FMIP6_RELEASE_CONTEXTS;
	mobile_moves_announced(NAR);
	pass(100);
	EXPECT(sim_held(stage, NAR, NAR) && !judge_proxied(NAR));
	nar_contexts_done(sim_nar(stage, NAR), &pcoa, &in6addr_any);
	pass(50);
	EXPECT(!sim_held(stage, NAR, NAR) && nothing_lost());
}

static void contexts_that_do_not_come(void)
{
	sim_params(stage)->release = FMIP6_RELEASE_CONTEXTS;
	mobile_moves_announced(NAR);
	pass(190);
	EXPECT(sim_held(stage, NAR, NAR));
	pass(100);
	EXPECT(!sim_held(stage, NAR, NAR) && nothing_lost());
}

static void return_and_packets_still_under_way(void)
{
	mobile_moves_announced(NAR);
	pass(600);
	mobile_moves(PAR); /* unannounced: what is in the tunnels is older than what comes from now on */
	pass(1000);
	EXPECT(counted(FMIP6_MARKER_RETURNED) >= 1 && !sim_tunnelled(stage, PAR, PAR));
	EXPECT(flows() && sim_result(stage).reordered == 0 && sim_result(stage).repeated == 0);
}

static void return_and_contexts_that_were_there(void)
{
	struct in6_addr pcoa = AT(NAR), coa = AT(PAR);
	mobile_moves_announced(NAR);
	pass(600);
	sim_drop(stage, SIM_ECHO, 99);
	mobile_moves(PAR);
	pass(30);
	nar_contexts_done(sim_nar(stage, PAR), &pcoa, &coa);
	EXPECT(sim_held(stage, PAR, PAR)); /* nobody knows yet that nothing older is under way */
	pass(400);
	EXPECT(!sim_held(stage, PAR, PAR) && counted(FMIP6_MARKER_TIMEOUT) == 1);
}

static void return_where_nothing_can_be_held(void)
{
	mobile_moves_announced(NAR);
	pass(600);
	sim_broken(stage, PAR, true);
	mobile_is_told(PAR);
	pass(50);
	EXPECT(last(SIM_HACK)->hack.code == HACK_NO_RESOURCES);
	EXPECT(!sim_tunnelled(stage, PAR, PAR)); /* nobody would end it any more */
}

const struct sentence rfc5568_movement[] = {
	{ "5.4", "", "a predictive handover loses nothing", SHOWN(predictive_and_nothing_is_lost) },
	{ "5.4", "", "a reactive one what was sent until its FBU came", SHOWN(reactive_and_what_was_sent_into_the_gap_is_lost) },
	{ "5.4", "", "\"contexts\": packets wait for them as well", SHOWN(contexts_first) },
	{ "5.4", "", "and no longer than release_timeout", SHOWN(contexts_that_do_not_come) },
	{ "5.5", "SHOULD", "duplicate address detection that finds nothing delays nothing but the FBack", SHOWN(probability_of_collisions_is_low_enough) },
	{ "5.5", "", "a duplicate that it finds is replaced before the mobile comes", SHOWN(duplicate_found_before_the_mobile_comes) },
	{ "5.6", "", "ping-pong: back before the FBack", SHOWN(back_before_the_handover_is_done) },
	{ "5.6", "", "back after it, and what waits at NAR follows", SHOWN(back_after_all_was_prepared) },
	{ "5.6", "", "back a moment after the UNA", SHOWN(back_after_a_moment) },
	{ "5.6", "", "to and fro", SHOWN(to_and_fro) },
	{ "5.6", "", "on to a third router: all of the past follow", SHOWN(on_to_a_third_router) },
	{ "5.6", "", "on before the handover is done", SHOWN(on_to_a_third_router_before_the_second_is_done) },
	{ "5.6", "", "told elsewhere before the first handover is done", SHOWN(told_elsewhere_before_the_first_is_done) },
	{ "5.6", "", "erroneous movement: prepared, and never gone", SHOWN(prepared_and_never_gone) },
	{ "5.6", "SHOULD", "erroneous movement: at another router, which the FBU to PAR makes the mobile's", SHOWN(unexpected_router_and_the_fbu_to_par) },
	{ "5.6", "SHOULD", "also where the expected router has forgotten everything", SHOWN(unexpected_router_and_the_expected_one_silent) },
	{ "4", "", "a link that changes without a sign", SHOWN(link_changes_unseen) },
	{ "4", "", "a link that comes back as it was", SHOWN(carrier_goes_and_comes_back) },
	{ "5.6", "", "nothing is out of order on return", SHOWN(return_and_packets_still_under_way) },
	{ "5.6", "", "whatever else is ready, and no longer than marker_timeout", SHOWN(return_and_contexts_that_were_there) },
	{ "5.6", "", "a router that cannot hold for who returns leaves no tunnel behind", SHOWN(return_where_nothing_can_be_held) },
	END_OF_SENTENCES,
};
