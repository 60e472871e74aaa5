/* RFC 4067 §5: the signaling flows, and what becomes of them on the way. */
#include <errno.h>

#include "rfc4067.h"

/* §5.1: the previous router sends before it is asked. */

static void announced_then_pushed_then_activated(void)
{
	mobile_announces(NAR);
	at(300);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.par PCTD CTAR.nar CTDR CTAA");
	EXPECT(in_place(NAR) == 3 && told_all());
	EXPECT(stage.routers[PAR].forgot == 1);
}

static void pushed_contexts_are_there_at_once(void)
{
	mobile_announces(NAR);
	at(300);
	mobile_moves(NAR);
	at(300 + 2);
	EXPECT(in_place(NAR) == 3 && released(NAR) == 1);
}

static void mobile_may_come_long_after_the_push(void)
{
	mobile_announces(NAR);
	at(9900);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.par PCTD CTAR.nar CTDR CTAA");
	EXPECT(told_all());
}

static void mobile_may_come_to_another_router_than_announced(void)
{
	mobile_announces(NAR);
	at(300);
	mobile_moves(OTHER);
	settle();
	EXPECT(in_place(OTHER) == 3 && in_place(NAR) == 0);
	EXPECT(told_all());
}

static void mobile_may_stay(void)
{
	mobile_announces(NAR);
	at(50);
	mobile_stays();
	settle();
	EXPECT_SENT("CTAR.par PCTD CTC");
	EXPECT(in_place(NAR) == 0 && stage.routers[PAR].forgot == 0);
}

static void mobile_may_change_its_mind(void)
{
	mobile_announces(OTHER);
	at(300);
	mobile_announces(NAR);
	at(600);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3 && in_place(OTHER) == 0);
	EXPECT(told_all());
}

static void push_may_come_after_the_mobile(void)
{
	sim_fault(&stage, "PCTD", SIM_DELAY, 1, 3 * USEC_MSEC);
	mobile_announces(NAR);
	at(4);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3 && told_all());
}

static void foreseen_then_pushed_then_activated(void)
{
	mobile_has_come();
	EXPECT(par_foresees(NAR) == 1);
	at(50);
	EXPECT_SENT("PCTD");
	EXPECT(in_place(NAR) == 0 && keys_at(NAR) == 1 && keys_at(PAR) == 0);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("PCTD CTAR.nar CTDR CTAA");
	EXPECT(in_place(NAR) == 3 && told_all());
	EXPECT(stage.routers[PAR].forgot == 1);
}

static void several_routers_may_be_foreseen(void)
{
	mobile_has_come();
	EXPECT(par_foresees_one_of(NAR, OTHER) == 2);
	at(50);
	EXPECT(keys_at(NAR) == 1 && keys_at(OTHER) == 1);
	mobile_moves(OTHER);
	at(9000);
	EXPECT(in_place(OTHER) == 3 && keys_at(OTHER) == 0 && keys_at(NAR) == 1);
	settle(); /* the one not chosen forgets when its time ends */
	EXPECT_SENT("PCTD PCTD CTAR.nar CTDR CTAA CTC");
	EXPECT(in_place(NAR) == 0 && told_all());
}

static void mobile_may_go_where_nobody_foresaw(void)
{
	mobile_has_come();
	par_foresees(NAR);
	at(50);
	mobile_moves(OTHER);
	settle();
	EXPECT(in_place(OTHER) == 3 && in_place(NAR) == 0 && told_all());
}

static void mobile_may_announce_what_was_foreseen(void)
{
	mobile_has_come();
	par_foresees(NAR);
	at(50);
	mobile_announces(NAR);
	at(100);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3 && told_all());
}

static void number_that_cannot_be_told_costs_the_push(void)
{
	EXPECT(par_foresees(NAR) == -ENOENT); /* it came by no transfer */
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(told_all());
}

static void number_told_wrongly_costs_a_request(void)
{
	mobile_has_come();
	mobile_restarts();
	par_foresees(NAR);
	at(50);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("PCTD CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(in_place(NAR) == 3 && told_all());
}

static void foreseen_again_when_the_mobile_stayed(void)
{
	mobile_has_come();
	par_foresees(NAR);
	at(11000);
	EXPECT_SENT("PCTD CTC");
	EXPECT(par_foresees(NAR) == 1);
	at(11050);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("PCTD CTC PCTD CTAR.nar CTDR CTAA");
	EXPECT(told_all());
}

/* §5.2: the new router asks before the mobile's CTAR is there. */

static void expected_then_asked_for_then_activated(void)
{
	mobile_has_come();
	EXPECT(nar_foresees(NAR) == 0);
	EXPECT(sent("CT-Req", 1)->token == 0);
	at(50);
	EXPECT_SENT("CT-Req PCTD");
	EXPECT(in_place(NAR) == 0 && keys_at(NAR) == 1);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CT-Req PCTD CTAR.nar CTDR CTAA");
	EXPECT(in_place(NAR) == 3 && told_all());
}

static void mobile_may_be_quicker_than_expected(void)
{
	mobile_has_come();
	nar_foresees(NAR);
	at(2);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3 && told_all());
}

static void mobile_may_be_expected_at_two_routers(void)
{
	mobile_has_come();
	nar_foresees(OTHER);
	at(50);
	nar_foresees(NAR);
	at(100);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3 && in_place(OTHER) == 0 && told_all());
}

static void mobile_may_be_expected_in_vain(void)
{
	mobile_has_come();
	nar_foresees(NAR);
	settle();
	EXPECT_SENT("CT-Req PCTD CTC");
	EXPECT(in_place(NAR) == 0 && stage.routers[PAR].forgot == 0);
}

static void asked_for_then_sent_then_activated(void)
{
	struct cxtp_message early = ctreq(0, ALL);
	early.token = 0;
	sim_fault(&stage, "PCTD", SIM_LOSE, 1, 0);
	mobile_announces(NAR);
	at(50);
	router_sends(NAR, PAR, early);
	at(100);
	EXPECT(times_sent("PCTD") == 2 && in_place(NAR) == 0);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3 && told_all());
}

/* §5.3: the mobile asks at the new router. */

static void activated_then_asked_for_then_sent(void)
{
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(in_place(NAR) == 3 && told_all());
	EXPECT(stage.routers[PAR].forgot == 1);
}

static void contexts_follow_from_router_to_router(void)
{
	mobile_moves(NAR);
	at(1000);
	mobile_moves(OTHER);
	at(2000);
	EXPECT(in_place(NAR) == 3 && in_place(OTHER) == 3);
	EXPECT(stage.routers[PAR].forgot == 1 && stage.routers[NAR].forgot == 1);
	mobile_moves(PAR);
	settle();
	EXPECT(in_place(PAR) == 3 && told() == 3 && told_all());
}

static void contexts_follow_there_and_back(void)
{
	for (unsigned i = 0; i < 4; i++) {
		mobile_announces(i % 2 ? PAR : NAR);
		at(1000 * i + 50);
		mobile_moves(i % 2 ? PAR : NAR);
		at(1000 * i + 1000);
	}
	EXPECT(told() == 4 && told_all());
	EXPECT(in_place(NAR) == 6 && in_place(PAR) == 6);
}

static void previous_router_may_have_restarted(void)
{
	mobile_announces(NAR);
	at(50);
	restart(NAR);
	restart(PAR);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.par PCTD CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(told_all());
}

static void previous_router_may_be_out_of_reach_for_a_while(void)
{
	stage.routers[PAR].unreachable = true;
	mobile_moves(NAR);
	at(1000);
	EXPECT_SENT("CTAR.nar");
	stage.routers[PAR].unreachable = false;
	settle();
	EXPECT(told_all());
}

static void two_families_go_their_own_ways(void)
{
	/* A mobile of both is two mobiles to CXTP: here the second address asks for itself. */
	struct cxtp_message other_address = ctar(9, ALL);
	other_address.mobile = stage.second;
	authorize(&other_address);
	mobile_announces(NAR);
	mobile_sends(PAR, other_address);
	at(50);
	mobile_moves(NAR);
	mobile_sends(NAR, other_address);
	settle();
	EXPECT(in_place(NAR) == 6 && told_all());
}

const struct sentence rfc4067_flows[] = {
	{ "5.1", "", "CTD, CTAR, CTDR, begun by the mobile's announcement", SHOWN(announced_then_pushed_then_activated) },
	{ "5.1", "", "CTD, CTAR, CTDR, begun by a trigger at the previous router", SHOWN(foreseen_then_pushed_then_activated) },
	{ "5.1", "", "there may be several target nodes (§2)", SHOWN(several_routers_may_be_foreseen) },
	{ "5.1", "", "the mobile goes to none of them", SHOWN(mobile_may_go_where_nobody_foresaw) },
	{ "5.1", "", "the mobile itself says so after the trigger did", SHOWN(mobile_may_announce_what_was_foreseen) },
	{ "5.1", "", "no key can be foreseen", SHOWN(number_that_cannot_be_told_costs_the_push) },
	{ "5.1", "", "a wrong key was foreseen", SHOWN(number_told_wrongly_costs_a_request) },
	{ "5.1", "", "the mobile did not go, and later does", SHOWN(foreseen_again_when_the_mobile_stayed) },
	{ "5.1", "", "the contexts are there when the mobile is", SHOWN(pushed_contexts_are_there_at_once) },
	{ "5.1", "", "the mobile takes its time", SHOWN(mobile_may_come_long_after_the_push) },
	{ "5.1", "", "it comes to another router", SHOWN(mobile_may_come_to_another_router_than_announced) },
	{ "5.1", "", "it stays where it is", SHOWN(mobile_may_stay) },
	{ "5.1", "", "it announces another move", SHOWN(mobile_may_change_its_mind) },
	{ "5.1", "", "the push is overtaken by the mobile", SHOWN(push_may_come_after_the_mobile) },
	{ "5.2", "", "CT-Req, CTD, CTAR, CTDR, begun by a trigger at the new router", SHOWN(expected_then_asked_for_then_activated) },
	{ "5.2", "", "the mobile is there before the contexts", SHOWN(mobile_may_be_quicker_than_expected) },
	{ "5.2", "", "two routers expect it", SHOWN(mobile_may_be_expected_at_two_routers) },
	{ "5.2", "", "it does not come", SHOWN(mobile_may_be_expected_in_vain) },
	{ "5.2", "", "what was announced and lost is asked for, then activated", SHOWN(asked_for_then_sent_then_activated) },
	{ "5.3", "", "CTAR, CT-Req, CTD", SHOWN(activated_then_asked_for_then_sent) },
	{ "5.3", "", "from there to the next router", SHOWN(contexts_follow_from_router_to_router) },
	{ "5.3", "", "there and back again", SHOWN(contexts_follow_there_and_back) },
	{ "5.3", "", "both routers have forgotten everything", SHOWN(previous_router_may_have_restarted) },
	{ "5.3", "", "the previous router cannot be reached at first",
	  SHOWN(previous_router_may_be_out_of_reach_for_a_while) },
	{ "5.3", "", "a second address of the node goes beside the first", SHOWN(two_families_go_their_own_ways) },
	END_OF_SENTENCES,
};
