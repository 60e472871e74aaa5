/* RFC 5568 as far as a new access router serves the address that a mobile had before (HAck Code 3, §4, §6.2.1.2). */
#include "rfc5568.h"

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

/* The mobile's address at NAR is another's, and NAR serves the one that it has. */
static void previous_addresses_are_served(void)
{
	sim_params(stage)->collision = FMIP6_COLLISION_PCOA;
	sim_taken(stage, NAR, SIM_TAKEN);
}

static void previous_address_is_served_instead(void)
{
	struct in6_addr taken = AT(NAR);
	previous_addresses_are_served();
	mobile_is_told(NAR);
	pass(50);
	EXPECT(last(SIM_HACK)->hack.code == HACK_USE_PCOA && addr_is_zero(&last(SIM_HACK)->hack.ncoa) && !judge_proxied(NAR));
	EXPECT(last(SIM_FBACK)->fback.status == FBACK_USE_ALTERNATE && is(last(SIM_FBACK)->fback.ncoa, AT(PAR)) && mobile_is(MN_PREPARED));
	EXPECT(sim_tunnelled(stage, PAR, PAR) && sim_held(stage, NAR, PAR) && sim_served(stage, NAR, PAR));
	mobile_moves(NAR);
	pass(50);
	EXPECT(sim_at(stage) == NAR && mobile_uses(AT(PAR)) && !sim_has(stage, &taken) && judge_present(NAR) == 1);
	EXPECT(!sim_held(stage, NAR, PAR) && flows());
	EXPECT(sim_outcome(stage, SIM_NAR(NAR)) == HANDOVER_COMPLETE && sim_outcome(stage, SIM_MN) == HANDOVER_COMPLETE);
	EXPECT(sim_result(stage).lost <= 3 && counted(FMIP6_LODGED) == 1 && times_sent(SIM_NAACK) == 0); /* the link was down */
}

static void previous_address_is_served_where_the_link_says_that_it_is_taken(void)
{
	sim_params(stage)->collision = FMIP6_COLLISION_PCOA;
	sim_params(stage)->dad = 20 * USEC_MSEC;
	sim_taken(stage, NAR, SIM_TAKEN_UNKNOWN);
	mobile_moves_announced(NAR);
	EXPECT(flows());
	EXPECT(mobile_uses(AT(PAR)) && sim_served(stage, NAR, PAR) && counted(FMIP6_COLLISIONS) == 1);
}

static void previous_address_is_served_to_a_mobile_that_is_there(void)
{
	previous_addresses_are_served();
	mobile_moves(NAR);
	EXPECT(flows());
	EXPECT(sim_at(stage) == NAR && mobile_uses(AT(PAR)) && sim_served(stage, NAR, PAR) && sim_tunnelled(stage, PAR, PAR));
}

static void mobile_without_an_fback_is_told_of_its_pcoa(void)
{
	previous_addresses_are_served();
	sim_drop(stage, SIM_FBACK, 99);
	mobile_is_told(NAR);
	pass(50);
	mobile_moves(NAR);
	pass(20);
	EXPECT(times_sent(SIM_NAACK) == 1 && last(SIM_NAACK)->naack.status == NAACK_PCOA && is(last(SIM_NAACK)->naack.ncoa, AT(PAR)));
	EXPECT(is(last(SIM_NAACK)->dst, AT(NAR)) && mobile_uses(AT(PAR)));
	sim_drop(stage, SIM_FBACK, 0);
	EXPECT(flows());
}

static void mobile_that_nobody_announced_is_told_of_the_routers_address(void)
{
	previous_addresses_are_served();
	sim_drop(stage, SIM_FBU, 1);
	mobile_moves(NAR);
	pass(10);
	EXPECT(last(SIM_NAACK)->naack.status == NAACK_USE_NAR && addr_is_zero(&last(SIM_NAACK)->naack.ncoa));
	EXPECT(flows());
	EXPECT(is(sent(SIM_HI, 1)->hi.ncoa, sim_router(NAR)) && sent(SIM_HI, 1)->hi.code == HI_FROM_PCOA);
	EXPECT(last(SIM_FBACK)->fback.status == FBACK_ACCEPTED && mobile_uses(AT(PAR)) && sim_served(stage, NAR, PAR));
}

static void no_address_is_served_that_is_not_behind_the_neighbour(void)
{
	struct hi m = hi_for(NAR, 7);
	previous_addresses_are_served();
	m.pcoa = address(OTHER, 0x20);
	is_asked(m);
	EXPECT(hack()->code == HACK_NCOA_INVALID && counted(FMIP6_LODGED) == 0);
}

static void lodges(void)
{
	previous_addresses_are_served();
	mobile_moves_announced(NAR);
	pass(100);
	EXPECT(sim_served(stage, NAR, PAR) && mobile_uses(AT(PAR)));
}

static void service_ends_when_the_mobile_comes_home(void)
{
	lodges();
	mobile_moves(PAR);
	pass(1500);
	EXPECT(sim_at(stage) == PAR && !sim_served(stage, NAR, PAR) && !sim_tunnelled(stage, PAR, PAR) && flows());
	EXPECT(last(SIM_HI)->hi.code == HI_COMPLETED && last(SIM_HI)->hi.flags == HI_PROXY && last(SIM_HACK)->hack.code == HACK_ACCEPTED);
}

static void service_ends_when_the_mobile_comes_home_announced(void)
{
	lodges();
	unsigned lost = sim_result(stage).lost;
	mobile_is_told(PAR);
	pass(50);
	EXPECT(is(last(SIM_FBU)->fbu.ncoa, AT(PAR)) && mobile_is(MN_PREPARED) && sim_held(stage, PAR, PAR) && !sim_served(stage, NAR, PAR));
	mobile_moves(PAR);
	EXPECT(flows());
	EXPECT(sim_at(stage) == PAR && mobile_uses(AT(PAR)) && last(SIM_FBU)->fbu.lifetime == 0 && !sim_held(stage, PAR, PAR));
	EXPECT(sim_result(stage).lost <= lost + 1);
	pass(500);
	EXPECT(sim_outcome(stage, SIM_MN) == HANDOVER_COMPLETE);
}

static void announced_and_not_come_home(void)
{
	lodges();
	mobile_is_told(PAR);
	pass(50);
	mobile_leaves();
	pass(5200);
	EXPECT(!sim_held(stage, PAR, PAR) && counted(FMIP6_HOLD_EXPIRED) == 1);
	mobile_comes(PAR);
}

static void service_ends_when_the_mobile_goes_on(void)
{
	lodges();
	mobile_moves_announced(OTHER);
	pass(100);
	EXPECT(sim_at(stage) == OTHER && mobile_uses(AT(OTHER)) && !sim_served(stage, NAR, PAR) && flows());
	EXPECT(sim_mode(stage, SIM_MN) == HANDOVER_PREDICTIVE);
}

static void service_ends_when_the_mobile_goes_on_unannounced(void)
{
	lodges();
	mobile_moves(OTHER);
	pass(300);
	EXPECT(sim_at(stage) == OTHER && mobile_uses(AT(OTHER)) && !sim_served(stage, NAR, PAR) && flows());
}

static void service_lasts_as_long_as_the_mobile_is_there(void)
{
	sim_params(stage)->lifetime = 4 * USEC_SEC;
	lodges();
	pass(15000);
	EXPECT(sim_served(stage, NAR, PAR) && sim_tunnelled(stage, PAR, PAR) && flows());
	mobile_leaves();
	pass(10000);
	EXPECT(!sim_served(stage, NAR, PAR) && !sim_tunnelled(stage, PAR, PAR));
	mobile_comes(PAR);
}

/* What the service withstands. Lifetimes of a few seconds, so that a renewal is not far. */

static void lodges_for(unsigned seconds)
{
	sim_params(stage)->lifetime = seconds * USEC_SEC;
	lodges();
}

/* The FBack is lost: the mobile knows by the NAACK alone, and its PAR by the HAck. */
static void lodges_without_an_fback(unsigned seconds)
{
	sim_params(stage)->lifetime = seconds * USEC_SEC;
	previous_addresses_are_served();
	sim_drop(stage, SIM_FBACK, 99);
	mobile_moves_announced(NAR);
	pass(100);
	sim_drop(stage, SIM_FBACK, 0);
	EXPECT(sim_served(stage, NAR, PAR) && mobile_uses(AT(PAR)) && times_sent(SIM_NAACK) == 1);
}

static bool served_at_nar(void)
{
	return sim_served(stage, NAR, PAR) && sim_tunnelled(stage, PAR, PAR) && mobile_uses(AT(PAR)) && flows();
}

/* Its packets come to an address of its own making on NAR's link, and NAR has nothing left of the service. */
static bool moved_to_its_own(void)
{
	return mobile_uses(address(NAR, 0x42)) && !sim_served(stage, NAR, PAR) && flows();
}

static void previous_router_restarts_during_the_service(void)
{
	lodges_for(4);
	sim_restart_router(stage, PAR);
	judge_disturbed();
	pass(6000);
	EXPECT(moved_to_its_own() || served_at_nar());
	pass(10000);
	EXPECT(flows());
}

static void previous_router_restarts_after_status_4(void)
{
	lodges_without_an_fback(4);
	sim_restart_router(stage, PAR);
	pass(6000);
	EXPECT(moved_to_its_own() || served_at_nar());
	pass(10000);
	EXPECT(flows());
}

static void previous_router_is_silent_for_good(void)
{
	struct in6_addr had = AT(PAR);
	lodges_for(4);
	sim_restart_router(stage, PAR);
	sim_drop(stage, SIM_FBU, 99999);
	pass(20000);
	EXPECT(mobile_uses(address(NAR, 0x42)) && !sim_has(stage, &had) && !sim_served(stage, NAR, PAR));
	sim_drop(stage, SIM_FBU, 0);
}

static void new_router_restarts_during_the_service(void)
{
	lodges_for(4);
	sim_restart_router(stage, NAR);
	pass(6000);
	EXPECT(served_at_nar());
	pass(10000);
	EXPECT(served_at_nar());
}

static void new_router_that_restarted_does_not_know_the_owner(void)
{
	lodges_for(4);
	sim_taken(stage, NAR, SIM_FREE);
	sim_restart_router(stage, NAR);
	pass(6000);
	EXPECT(served_at_nar());
}

static void new_router_that_is_back_is_asked_at_once(void)
{
	struct in6_addr nar = sim_neighbor(NAR), other = sim_neighbor(OTHER);
	lodges_for(60);
	sim_restart_router(stage, NAR);
	par_neighbor_back(sim_par(stage, PAR), &other);
	pass(50);
	EXPECT(!sim_served(stage, NAR, PAR));
	par_neighbor_back(sim_par(stage, PAR), &nar);
	pass(50);
	EXPECT(served_at_nar());
}

static void previous_router_that_is_back_is_told_at_once(void)
{
	struct in6_addr par = sim_neighbor(PAR), other = sim_neighbor(OTHER);
	lodges_for(60);
	pass(10000);
	sim_restart_router(stage, PAR);
	nar_neighbor_back(sim_nar(stage, NAR), &other);
	pass(50);
	EXPECT(times_sent(SIM_NAACK) == 0);
	nar_neighbor_back(sim_nar(stage, NAR), &par);
	pass(3000);
	EXPECT(moved_to_its_own());
}

/* A HI about the mobile that is served, later than all that PAR has said. */
static struct hi later_hi(int link, uint8_t code)
{
	struct hi m = hi_for(link, (uint16_t)(last(SIM_HI)->hi.seq + 100));
	m.code = code;
	m.flags = code == HI_FROM_PCOA ? HI_BUFFER : code == HI_COMPLETED ? HI_PROXY : 0;
	return m;
}

static void mobile_that_was_gone_is_announced_by_a_new_address(void)
{
	lodges_for(4);
	mobile_leaves();
	pass(2900);
	EXPECT(!sim_served(stage, NAR, PAR));
	is_asked(later_hi(NAR, HI_NOT_FROM_PCOA));
	EXPECT(hack()->code == HACK_USE_PCOA && sim_served(stage, NAR, PAR));
	mobile_comes(PAR);
}

static void another_router_ends_no_service(void)
{
	lodges();
	judge_answers_are_not_due();
	put_hi(OTHER, NAR, later_hi(NAR, HI_COMPLETED));
	put_hi(OTHER, NAR, later_hi(NAR, HI_FROM_PCOA));
	pass(20);
	EXPECT(served_at_nar() && hack()->code >= HACK_NCOA_INVALID && hack()->code != HACK_USE_PCOA);
}

static void parting_without_its_flag_is_none(void)
{
	struct hi m = later_hi(NAR, HI_COMPLETED);
	lodges();
	m.flags = 0;
	m.seq = (uint16_t)(last(SIM_HI)->hi.seq + 2);
	is_asked(m);
	EXPECT(served_at_nar());
}

static void mobile_that_went_away_is_announced_again(void)
{
	lodges();
	mobile_leaves();
	is_asked(later_hi(NAR, HI_FROM_PCOA));
	EXPECT(hack()->code == HACK_USE_PCOA && sim_held(stage, NAR, PAR) && counted(FMIP6_LODGED) == 2);
	mobile_comes(NAR);
}

static void another_card_of_the_mobile_is_announced(void)
{
	lodges();
	struct hi m = later_hi(NAR, HI_FROM_PCOA);
	m.lladdr = stranger_lladdr;
	m.ncoa = sim_router(NAR);
	is_asked(m);
	EXPECT(hack()->code == HACK_USE_PCOA && sim_held(stage, NAR, PAR) && counted(FMIP6_LODGED) == 2);
}

static void renewal_asks_for_a_mobile_whose_word_was_lost(void)
{
	sim_params(stage)->lifetime = 2 * USEC_SEC;
	previous_addresses_are_served();
	sim_drop(stage, SIM_UNA, 99);
	mobile_moves_announced(NAR);
	pass(1300);
	EXPECT(sim_held(stage, NAR, PAR));
	pass(300);
	EXPECT(!sim_held(stage, NAR, PAR) && served_at_nar());
}

static void stranger_is_not_taken_for_the_mobile(void)
{
	lodges_for(4);
	mobile_leaves();
	for (int i = 0; i < 30; i++) { /* which would count as its own word */
		put_una(NAR, AT(PAR), (struct nd_na){ .target = AT(PAR), .lladdr = stranger_lladdr });
		nar_seen(sim_nar(stage, NAR), &last(SIM_UNA)->src, &stranger_lladdr, 7, loop_now(sim_loop(stage)));
		pass(100);
	}
	EXPECT(!sim_served(stage, NAR, PAR) && counted(FMIP6_UNA_IGNORED) == 30);
	mobile_comes(PAR);
}

static void mobile_that_is_back_is_told_to_say_so(void)
{
	lodges_for(4);
	mobile_leaves();
	pass(2900);
	EXPECT(!sim_served(stage, NAR, PAR));
	put_una(NAR, AT(PAR), (struct nd_na){ .target = AT(PAR), .lladdr = stranger_lladdr });
	pass(10);
	EXPECT(times_sent(SIM_NAACK) == 0);
	put_una(NAR, AT(PAR), (struct nd_na){ .target = AT(PAR), .lladdr = mobile_lladdr });
	pass(10);
	EXPECT(last(SIM_NAACK)->naack.status == NAACK_USE_NAR && times_sent(SIM_NAACK) == 1);
	mobile_comes(PAR);
}

static void reminders_are_limited(void)
{
	struct in6_addr par = sim_neighbor(PAR);
	lodges();
	sim_drop(stage, SIM_NAACK, 99);
	for (int i = 0; i < 40; i++)
		nar_neighbor_back(sim_nar(stage, NAR), &par);
	EXPECT(counted(FMIP6_NAACK_SENT) >= 10 && counted(FMIP6_NAACK_SENT) <= 21);
	sim_drop(stage, SIM_NAACK, 0);
}

static void both_routers_restart(void)
{
	lodges_without_an_fback(4);
	sim_restart_router(stage, PAR);
	sim_restart_router(stage, NAR);
	pass(8000);
	EXPECT(flows());
	pass(10000);
	EXPECT(flows());
}

static void service_that_its_router_does_not_renew_goes_on_by_the_mobile(void)
{
	sim_params(stage)->lifetime = 60 * USEC_SEC;
	previous_addresses_are_served();
	mobile_is_told(NAR);
	pass(50);
	sim_params(stage)->lifetime = 12 * USEC_SEC; /* NAR's, which PAR does not know */
	mobile_moves(NAR);
	pass(100);
	for (int i = 0; i < 10; i++) {
		pass(2000);
		EXPECT(served_at_nar());
	}
	EXPECT(last(SIM_NAACK)->naack.status == NAACK_USE_NAR && is(last(SIM_NAACK)->dst, AT(PAR)));
}

static void renewal_does_not_release_before_the_mobile_is_there(void)
{
	sim_params(stage)->lifetime = 2 * USEC_SEC;
	previous_addresses_are_served();
	mobile_is_told(NAR);
	pass(50);
	mobile_leaves();
	pass(1800);
	EXPECT(sim_held(stage, NAR, PAR) && judge_present(NAR) == 0);
	unsigned lost = sim_result(stage).lost, received = sim_result(stage).received;
	mobile_comes(NAR);
	pass(100);
	EXPECT(mobile_uses(AT(PAR)) && sim_result(stage).received > received + 150 && sim_result(stage).lost <= lost);
}

static void renewals_do_not_prolong_the_hold(void)
{
	sim_params(stage)->lifetime = 2 * USEC_SEC;
	previous_addresses_are_served();
	mobile_is_told(NAR);
	pass(50);
	mobile_leaves();
	pass(5200);
	EXPECT(!sim_held(stage, NAR, PAR) && counted(FMIP6_HOLD_EXPIRED) == 1);
	pass(4000);
	EXPECT(!sim_served(stage, NAR, PAR) && !sim_tunnelled(stage, PAR, PAR) && counted(FMIP6_LODGED) == 1);
	mobile_comes(PAR);
}

static void mobile_comes_after_the_hold(void)
{
	previous_addresses_are_served();
	mobile_is_told(NAR);
	pass(50);
	mobile_leaves();
	pass(6000);
	mobile_comes(NAR);
	pass(200);
	EXPECT(served_at_nar());
}

static void shortest_lifetime_is_served(void)
{
	lodges_for(2);
	for (int i = 0; i < 10; i++) {
		pass(700);
		EXPECT(served_at_nar());
	}
}

static void service_that_nobody_renews_leaves_nothing(void)
{
	sim_params(stage)->renew = false;
	lodges_for(4);
	pass(5000);
	EXPECT(!sim_served(stage, NAR, PAR) && !sim_tunnelled(stage, PAR, PAR) && mobile_uses(address(NAR, 0x42)));
}

static void lost_renewals_are_repeated_until_the_end(void)
{
	lodges_for(20);
	sim_drop(stage, SIM_HI, 4);
	pass(30000);
	EXPECT(served_at_nar() && counted(FMIP6_BINDINGS_EXPIRED) == 0);
}

/* The mobile does not renew: what goes on goes on between the routers. */
static void lost_renewals_between_routers_are_repeated(void)
{
	sim_params(stage)->lifetime = 20 * USEC_SEC;
	previous_addresses_are_served();
	mobile_is_told(NAR);
	while (times_sent(SIM_FBACK) == 0 && now() < 1000)
		pass(1);
	sim_params(stage)->renew = false;
	pass(50);
	sim_params(stage)->renew = true;
	mobile_moves(NAR);
	pass(13000);
	unsigned his = times_sent(SIM_HI);
	sim_drop(stage, SIM_HI, 4);
	sim_drop(stage, SIM_NAACK, 99);
	pass(6000);
	sim_drop(stage, SIM_NAACK, 0);
	EXPECT(times_sent(SIM_HI) == his + 5 && last(SIM_HI)->hi.code == HI_NOT_FROM_PCOA && hack()->seq == last(SIM_HI)->hi.seq);
	EXPECT(served_at_nar());
}

static void another_address_is_supplied_during_the_service(void)
{
	lodges();
	put_naack(NAR, (struct naack){ .status = NAACK_USE_SUPPLIED, .ncoa = sim_assigned(NAR), .source = tuple_of(NAR).router_lladdr });
	struct in6_addr had = AT(PAR);
	pass(2);
	EXPECT(mobile_uses(sim_assigned(NAR)) && sim_has(stage, &had));
	pass(98);
	EXPECT(mobile_uses(sim_assigned(NAR)) && is(last(SIM_FBU)->src, sim_assigned(NAR)) && !sim_served(stage, NAR, PAR) && flows());
}

/* The binding's time is over while the mobile is on its way, or its FBU is. */
static void lifetime_ends_while_the_mobile_moves(void)
{
	lodges_for(4);
	mobile_leaves();
	pass(5400);
	sim_drop(stage, SIM_FBU, 3);
	mobile_comes(OTHER);
	pass(3000);
	EXPECT(sim_at(stage) == OTHER && mobile_is(MN_ATTACHED) && flows());
}

static void lifetime_ends_unrenewed_while_the_link_is_down(void)
{
	sim_params(stage)->renew = false;
	lodges_for(4);
	mobile_leaves();
	pass(5000);
	mobile_comes(OTHER);
	pass(1000);
	EXPECT(sim_at(stage) == OTHER && flows());
}

static void link_is_down_for_longer_than_the_lifetime(void)
{
	lodges_for(4);
	mobile_leaves();
	pass(7000);
	mobile_comes(NAR);
	pass(1000);
	EXPECT(served_at_nar());
}

static void late_word_of_parting_does_not_end_a_later_service(void)
{
	lodges();
	mobile_moves(PAR);
	pass(500);
	struct hi part = last(SIM_HI)->hi;
	EXPECT(part.code == HI_COMPLETED);
	mobile_moves_announced(NAR);
	pass(200);
	EXPECT(served_at_nar());
	put_hi(PAR, NAR, part);
	pass(50);
	EXPECT(served_at_nar() && last(SIM_HACK)->hack.seq == part.seq);
}

static void late_announcement_does_not_end_the_service(void)
{
	lodges_for(4);
	pass(8000);
	EXPECT(served_at_nar() && sent(SIM_HI, 1)->hi.code == HI_FROM_PCOA);
	put_hi(PAR, NAR, sent(SIM_HI, 1)->hi);
	pass(50);
	EXPECT(served_at_nar() && counted(FMIP6_LODGED) == 1);
}

static void parting_never_comes(void)
{
	lodges_for(4);
	mobile_is_told(OTHER);
	pass(50);
	sim_drop(stage, SIM_HI, 99);
	mobile_moves(OTHER);
	pass(6000);
	sim_drop(stage, SIM_HI, 0);
	EXPECT(!sim_served(stage, NAR, PAR) && flows());
}

static void word_of_the_mobile_may_be_older_than_the_hi(void)
{
	struct hi m = hi_for(NAR, 7);
	previous_addresses_are_served();
	sim_params(stage)->lifetime = 2 * USEC_SEC;
	m.code = HI_NOT_FROM_PCOA;
	m.flags = 0;
	put_una(NAR, AT(PAR), (struct nd_na){ .target = AT(PAR), .lladdr = mobile_lladdr });
	pass(1500);
	is_asked(m);
	pass(600);
	EXPECT(sim_served(stage, NAR, PAR)); /* half a lifetime of silence from the service on */
	pass(1500);
	EXPECT(!sim_served(stage, NAR, PAR));
}

static void mobile_vanishes(void)
{
	lodges_for(4);
	mobile_leaves();
	pass(12000);
	EXPECT(!sim_served(stage, NAR, PAR) && !sim_tunnelled(stage, PAR, PAR));
	mobile_comes(NAR);
	pass(1000);
	EXPECT(flows());
}

static void nothing_is_served_between_routers_of_rfc_4068(void)
{
	previous_addresses_are_served();
	sim_older(stage, PAR, true);
	mobile_is_told(NAR);
	pass(50);
	EXPECT(hack()->code == HACK_NCOA_INVALID && sent(SIM_FBACK, 1)->fback.status == FBACK_UNSPECIFIED && !sim_tunnelled(stage, PAR, PAR));
	EXPECT(counted(FMIP6_LODGED) == 0 && !sim_held(stage, NAR, PAR));
	mobile_moves(NAR);
	pass(4000);
	EXPECT(last(SIM_NAACK)->naack.status == NAACK_USE_NAR && last(SIM_FBACK)->fback.status == FBACK_ACCEPTED);
	EXPECT(moved_to_its_own() && counted(FMIP6_LODGED) == 0);
}

/* It says Code 3, and means that it has given an address; Code 1, and means that the address is not valid. */
static void code_3_of_rfc_4068_is_an_address(void)
{
	sim_params(stage)->assigned = true;
	sim_older(stage, NAR, true);
	sim_taken(stage, NAR, SIM_TAKEN);
	mobile_moves_announced(NAR);
	EXPECT(flows());
	EXPECT(hack()->code == HACK_ASSIGNED && mobile_uses(sim_assigned(NAR)) && counted(FMIP6_LODGED) == 0);
}

static void link_flaps_during_the_service(void)
{
	lodges_for(8);
	mobile_leaves();
	pass(5000);
	mobile_comes(NAR);
	pass(500);
	EXPECT(served_at_nar());
}

const struct sentence rfc5568_serve[] = {
	{ "4", "MAY", "a host route for the PCoA where the NCoA cannot be accepted; packets do not invoke neighbour discovery before the mobile is there", SHOWN(previous_address_is_served_instead) },
	{ "6.2.1.2", "MAY", "the same where the link says that the NCoA is another's", SHOWN(previous_address_is_served_where_the_link_says_that_it_is_taken) },
	{ "6.2.1.2", "MAY", "and to a HI with Code 1", SHOWN(previous_address_is_served_to_a_mobile_that_is_there) },
	{ "6.4.6", "", "NAACK Status 4 where the PCoA is served already", SHOWN(mobile_without_an_fback_is_told_of_its_pcoa) },
	{ "6.4.6", "", "NAACK Status 3 where no HI came yet; the FBU then names the router's address", SHOWN(mobile_that_nobody_announced_is_told_of_the_routers_address) },
	{ "6.2.1.2", "", "only a PCoA behind the router that sent the HI is served", SHOWN(no_address_is_served_that_is_not_behind_the_neighbour) },
	{ "6.2.1.2", "", "the service ends when the mobile comes home", SHOWN(service_ends_when_the_mobile_comes_home) },
	{ "6.2.1.2", "", "when it says that it will; what comes then waits for it at home", SHOWN(service_ends_when_the_mobile_comes_home_announced) },
	{ "6.2.1.2", "", "for hold_time", SHOWN(announced_and_not_come_home) },
	{ "6.2.1.2", "", "when it goes on", SHOWN(service_ends_when_the_mobile_goes_on) },
	{ "6.2.1.2", "", "when it goes on without a word", SHOWN(service_ends_when_the_mobile_goes_on_unannounced) },
	{ "6.2.1.2", "", "and not before it is gone", SHOWN(service_lasts_as_long_as_the_mobile_is_there) },
	{ "6.2.1.2", "", "the previous router restarts: the mobile is reached again", SHOWN(previous_router_restarts_during_the_service) },
	{ "6.4.6", "", "also where the mobile was never sent an FBack (NAACK Status 4)", SHOWN(previous_router_restarts_after_status_4) },
	{ "6.2.1.2", "", "it stays away: the mobile takes an address of its own, and nothing is left of the service", SHOWN(previous_router_is_silent_for_good) },
	{ "6.2.1.2", "", "the new router restarts: it serves again", SHOWN(new_router_restarts_during_the_service) },
	{ "6.2.1.2", "", "though it no longer knows that the new address is another's", SHOWN(new_router_that_restarted_does_not_know_the_owner) },
	{ "6.2.1.2", "", "at once, where it is seen to be back", SHOWN(new_router_that_is_back_is_asked_at_once) },
	{ "6.2.1.2", "", "as is the previous router where that is back", SHOWN(previous_router_that_is_back_is_told_at_once) },
	{ "6.2.1.2", "", "a mobile that was gone is announced anew by a HI with Code 1 and its new address", SHOWN(mobile_that_was_gone_is_announced_by_a_new_address) },
	{ "6.2.1.2", "", "one that went away, by a HI with Code 0: packets wait for it", SHOWN(mobile_that_went_away_is_announced_again) },
	{ "6.2.1.1", "", "with another link-layer address, too", SHOWN(another_card_of_the_mobile_is_announced) },
	{ "10", "", "what another router says of it changes nothing", SHOWN(another_router_ends_no_service) },
	{ "6.2.1.1", "", "nor does Code 2 without its flag", SHOWN(parting_without_its_flag_is_none) },
	{ "6.3", "SHOULD", "nor an UNA with another link-layer address, which counted as no sign of the mobile", SHOWN(stranger_is_not_taken_for_the_mobile) },
	{ "6.2.1.2", "", "a mobile whose UNAs were lost is asked for at the renewal", SHOWN(renewal_asks_for_a_mobile_whose_word_was_lost) },
	{ "6.4.6", "", "a mobile that says that it is back is told to say so to its previous router (Status 3)", SHOWN(mobile_that_is_back_is_told_to_say_so) },
	{ "6.4.6", "", "such words are limited with all NAACKs", SHOWN(reminders_are_limited) },
	{ "6.2.1.2", "", "both restart", SHOWN(both_routers_restart) },
	{ "6.2.1.2", "", "a previous router that confirms too seldom is reminded through the mobile (NAACK Status 3)", SHOWN(service_that_its_router_does_not_renew_goes_on_by_the_mobile) },
	{ "5.4", "", "a renewal is no sign that the mobile is there", SHOWN(renewal_does_not_release_before_the_mobile_is_there) },
	{ "5.4", "", "nor does it prolong the hold", SHOWN(renewals_do_not_prolong_the_hold) },
	{ "6.3", "", "a mobile that comes after that is served all the same", SHOWN(mobile_comes_after_the_hold) },
	{ "6.2.1.2", "", "a lifetime of two seconds", SHOWN(shortest_lifetime_is_served) },
	{ "6.2.1.2", "", "where nothing is renewed the service ends with the binding, and the mobile takes an address of its own", SHOWN(service_that_nobody_renews_leaves_nothing) },
	{ "6.2.1.2", "", "a renewal that is lost is repeated", SHOWN(lost_renewals_are_repeated_until_the_end) },
	{ "6.2.1.2", "", "also where the mobile renews nothing", SHOWN(lost_renewals_between_routers_are_repeated) },
	{ "6.4.6", "", "another address is supplied: that is used, and the service ends", SHOWN(another_address_is_supplied_during_the_service) },
	{ "6.2.3", "", "the lifetime ends while the mobile is on its way", SHOWN(lifetime_ends_while_the_mobile_moves) },
	{ "6.2.3", "", "or has no link", SHOWN(lifetime_ends_unrenewed_while_the_link_is_down) },
	{ "6.2.3", "", "and then comes back to where it was", SHOWN(link_is_down_for_longer_than_the_lifetime) },
	{ "6.2.1.2", "", "a late word of an earlier parting ends no later service", SHOWN(late_word_of_parting_does_not_end_a_later_service) },
	{ "6.2.1.2", "", "nor does a late announcement", SHOWN(late_announcement_does_not_end_the_service) },
	{ "6.2.1.2", "", "a parting of which no word comes is noticed", SHOWN(parting_never_comes) },
	{ "6.3", "", "an UNA before the HI counts", SHOWN(word_of_the_mobile_may_be_older_than_the_hi) },
	{ "6.2.1.2", "", "a mobile that vanished and is back is served again", SHOWN(mobile_vanishes) },
	{ "6.2.1.2", "", "not where the routers speak RFC 4068 with each other, whose Code 3 is another: the mobile takes an address of its own", SHOWN(nothing_is_served_between_routers_of_rfc_4068) },
	{ "6.2.1.2", "", "such a router's Code 3 is an address that it gives", SHOWN(code_3_of_rfc_4068_is_an_address) },
	{ "6.2.1.2", "", "and one whose link was down for longer than the new router waits", SHOWN(link_flaps_during_the_service) },
	END_OF_SENTENCES,
};
