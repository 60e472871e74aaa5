/* RFC 5568 §4 as far as routers are asked and answer, §5.1, §6.1: RtSolPr, PrRtAdv. */
#include <string.h>

#include "rfc5568.h"

/* A question of the mobile's by hand, about up to two access points. */
static void ask(uint16_t id, struct lladdr a, struct lladdr b)
{
	struct rtsolpr q = { .id = id, .source = mobile_lladdr, .aps_n = b.len ? 2 : 1, .aps = { a, b } };
	put_rtsolpr(q);
	pass(10);
}

static bool is_ap(struct lladdr l, int link)
{
	struct lladdr ap = sim_ap(link);
	return lladdr_eq(&l, &ap);
}

static const struct lladdr nobody = { .len = 0 };

static const struct prrtadv *answer(void)
{
	return &last(SIM_PRRTADV)->prrtadv;
}

/* What PAR says without having been asked. */
static struct prrtadv unasked(uint8_t code, int link)
{
	return (struct prrtadv){ .code = code, .source = tuple_of(PAR).router_lladdr, .tuples_n = 1, .tuples = { tuple_of(link) } };
}

/* §4 */

static void link_up_is_a_trigger(void)
{
	mobile_is_told(NAR);
	pass(50);
	mobile_leaves();
	pass(20);
	mobile_comes(NAR);
	EXPECT(sent(SIM_UNA, 1)->at == 70);
}

static void question_names_the_access_point(void)
{
	mobile_is_told(NAR);
	pass(10);
	EXPECT(sent(SIM_RTSOLPR, 1)->rtsolpr.aps_n == 1);
	EXPECT(is_ap(sent(SIM_RTSOLPR, 1)->rtsolpr.aps[0], NAR));
}

static void wildcard_asks_for_all(void)
{
	sim_restart_mobile(stage);
	pass(50);
	EXPECT(sent(SIM_RTSOLPR, 1)->rtsolpr.wildcard && sent(SIM_RTSOLPR, 1)->rtsolpr.aps_n == 0);
	EXPECT(answer()->code == PRRTADV_SUBSET && answer()->tuples_n == 3);
}

static void unknown_access_point_is_said_unknown(void)
{
	ask(7, sim_ap(9), nobody);
	EXPECT(answer()->code == PRRTADV_NOTHING_NEW);
	EXPECT(answer()->tuples_n == 1 && answer()->tuples[0].code == LLA_NO_PREFIX);
	EXPECT(!answer()->tuples[0].has_prefix && addr_is_zero(&answer()->tuples[0].router));
}

static void nothing_more_on_this_link_if_it_is_unknown(void)
{
	mobile_is_told(9);
	pass(500);
	EXPECT(times_sent(SIM_RTSOLPR) == 1 && times_sent(SIM_FBU) == 0);
	EXPECT(mobile_is(MN_ATTACHED) && sim_outcome(stage, SIM_MN) == HANDOVER_FAILED);
}

static void unknown_access_point_and_an_fbu_from_the_new_link(void)
{
	mobile_is_told(9);
	pass(50);
	mobile_moves(NAR);
	pass(100);
	EXPECT(is(sent(SIM_FBU, 1)->src, AT(NAR)));
	EXPECT(sim_outcome(stage, SIM_MN) == HANDOVER_RUNNING || sim_outcome(stage, SIM_MN) == HANDOVER_COMPLETE);
	EXPECT(sim_tunnelled(stage, PAR, PAR) && flows());
}

static void own_access_point_is_said_to_be_so(void)
{
	ask(7, sim_ap(PAR), nobody);
	EXPECT(answer()->code == PRRTADV_NOTHING_NEW);
	EXPECT(answer()->tuples[0].code == LLA_SAME_INTERFACE && !answer()->tuples[0].has_prefix);
	EXPECT(last(SIM_PRRTADV)->len == 8 + 16 + 16); /* the source's address, the access point's, nothing else */
}

static void no_action_for_an_access_point_of_the_same_link(void)
{
	sim_forget_places(stage);
	mobile_is_told(PAR);
	pass(500);
	EXPECT(times_sent(SIM_FBU) == 0 && sim_outcome(stage, SIM_MN) == HANDOVER_CANCELLED);
	EXPECT(mobile_is(MN_ATTACHED));
}

static void known_access_point_and_everything_about_it(void)
{
	struct tuple want = tuple_of(NAR);
	ask(7, sim_ap(NAR), nobody);
	const struct tuple *t = &answer()->tuples[0];
	EXPECT(answer()->code == PRRTADV_TUPLES && answer()->tuples_n == 1 && t->code == LLA_NEW_AP);
	EXPECT(lladdr_eq(&t->ap, &want.ap) && lladdr_eq(&t->router_lladdr, &want.router_lladdr));
	EXPECT(is(t->router, want.router) && is(t->prefix.addr, want.prefix.addr) && t->prefix.plen == 64);
}

static void router_without_fast_handover_is_said_so(void)
{
	sim_no_fmip(stage, NAR, true);
	ask(7, sim_ap(NAR), nobody);
	EXPECT(answer()->code == PRRTADV_NOTHING_NEW && answer()->tuples[0].code == LLA_NO_FMIP);
	ask(8, sim_ap(NAR), sim_ap(OTHER));
	EXPECT(answer()->code == PRRTADV_SUBSET);
	EXPECT(answer()->tuples[0].code == LLA_NO_FMIP && !answer()->tuples[0].has_prefix);
	EXPECT(answer()->tuples[1].code == LLA_NEW_AP && answer()->tuples[1].has_prefix);
}

static void wildcard_is_answered_with_the_neighbourhood(void)
{
	put_rtsolpr((struct rtsolpr){ .id = 7, .wildcard = true });
	pass(10);
	EXPECT(answer()->code == PRRTADV_SUBSET && answer()->tuples_n == 3);
	EXPECT(answer()->tuples[0].code == LLA_SAME_INTERFACE && answer()->tuples[1].code == LLA_NEW_AP);
	EXPECT(last(SIM_PRRTADV)->len <= 1232);
}

static void router_is_asked_and_answers(void)
{
	mobile_is_told(NAR);
	pass(10);
	EXPECT(times_sent(SIM_RTSOLPR) == 1 && times_sent(SIM_PRRTADV) == 1);
	EXPECT(times_sent(SIM_FBU) == 1);
}

static void fbu_goes_from_the_old_link_if_there_is_time(void)
{
	mobile_is_told(NAR);
	pass(50);
	EXPECT(times_sent(SIM_FBU) == 1 && is(sent(SIM_FBU, 1)->src, AT(PAR)) && is(sent(SIM_FBU, 1)->fbu.ncoa, AT(NAR)));
	EXPECT(mobile_is(MN_PREPARED));
	mobile_moves(NAR);
	EXPECT(flows());
	EXPECT(times_sent(SIM_FBU) == 1);
	EXPECT(sim_result(stage).lost < 2); /* but what is under way */
}

static void fbu_goes_from_the_new_link_if_there_was_none(void)
{
	mobile_moves(NAR);
	pass(5); /* two for a probe and its answer */
	EXPECT(times_sent(SIM_FBU) == 1 && is(sent(SIM_FBU, 1)->src, AT(NAR)));
	pass(100);
	EXPECT(flows());
}

/* §5.1 */

static void gives_up_asking(void)
{
	sim_drop(stage, SIM_RTSOLPR, 99);
	mobile_is_told(NAR);
	pass(10000);
	EXPECT(times_sent(SIM_RTSOLPR) == 1 + RTSOLPR_RETRIES);
	EXPECT(sim_outcome(stage, SIM_MN) == HANDOVER_FAILED && mobile_is(MN_ATTACHED) && times_sent(SIM_FBU) == 0);
}

static void gives_up_refreshing(void)
{
	sim_drop(stage, SIM_RTSOLPR, 99);
	pass(31000);
	EXPECT(times_sent(SIM_RTSOLPR) == 1 + RTSOLPR_RETRIES);
}

static void stops_if_the_new_router_cannot(void)
{
	sim_no_fmip(stage, NAR, true);
	mobile_is_told(NAR);
	pass(500);
	EXPECT(times_sent(SIM_FBU) == 0 && sim_outcome(stage, SIM_MN) == HANDOVER_FAILED && mobile_is(MN_ATTACHED));
}

/* §6.1.1 */

static void question_tells_the_mobiles_link_layer_address(void)
{
	static const uint8_t option[] = { 19, 2, 4, 2, 0, 0, 0, 9, 9, 0, 0, 0, 0, 0, 0, 0 };
	mobile_is_told(NAR);
	EXPECT(times_sent(SIM_RTSOLPR) == 1 && !memcmp(sent(SIM_RTSOLPR, 1)->octets + 8, option, sizeof option));
}

static void question_names_an_access_point_always(void)
{
	static const uint8_t named[] = { 19, 2, 1, 2, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 0, 0, 0 }, any[] = { 19, 1, 0, 0, 0, 0, 0, 0 };
	mobile_is_told(NAR);
	pass(10);
	sim_restart_mobile(stage);
	pass(10);
	EXPECT(times_sent(SIM_RTSOLPR) == 2);
	EXPECT(!memcmp(sent(SIM_RTSOLPR, 1)->octets + 24, named, sizeof named));
	EXPECT(!memcmp(sent(SIM_RTSOLPR, 2)->octets + 24, any, sizeof any));
}

static void reserved_octet_of_a_question_is_ignored(void)
{
	static const uint8_t octets[] = { 154, 0, 0, 0, 2, 0xff, 0, 7, 19, 2, 1, 2, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 0, 0, 0 };
	put_octets(SIM_RTSOLPR, PAR, AT(PAR), in6addr_any, octets, sizeof octets);
	pass(10);
	EXPECT(answer()->id == 7 && answer()->tuples[0].code == LLA_NEW_AP);
}

static void identifier_tells_one_question_from_another(void)
{
	mobile_is_told(NAR);
	pass(50);
	mobile_is_told(OTHER);
	pass(10);
	EXPECT(times_sent(SIM_RTSOLPR) == 2);
	EXPECT(sent(SIM_RTSOLPR, 1)->rtsolpr.id != sent(SIM_RTSOLPR, 2)->rtsolpr.id);
	EXPECT(sent(SIM_PRRTADV, 2)->prrtadv.id == sent(SIM_RTSOLPR, 2)->rtsolpr.id);
}

static void unknown_options_of_a_question_are_ignored(void)
{
	static const uint8_t octets[] = { 154, 0, 0, 0, 2, 0, 0, 7, 200, 1, 1, 2, 3, 4, 5, 6, 19, 1, 99, 1, 1, 1, 1, 1,
		19, 2, 1, 2, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 0, 0, 0 };
	put_octets(SIM_RTSOLPR, PAR, AT(PAR), in6addr_any, octets, sizeof octets);
	pass(10);
	EXPECT(times_sent(SIM_PRRTADV) == 1 && answer()->tuples_n == 1 && answer()->tuples[0].code == LLA_NEW_AP);
}

static void wildcard_beside_a_name_is_no_question(void)
{
	static const uint8_t octets[] = { 154, 0, 0, 0, 2, 0, 0, 7, 19, 1, 0, 0, 0, 0, 0, 0,
		19, 2, 1, 2, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 0, 0, 0 };
	put_octets(SIM_RTSOLPR, PAR, AT(PAR), in6addr_any, octets, sizeof octets);
	pass(10);
	EXPECT(times_sent(SIM_PRRTADV) == 0);
}

static void asks_again_after_100_ms(void)
{
	sim_drop(stage, SIM_PRRTADV, 1);
	mobile_is_told(NAR);
	pass(300);
	EXPECT(times_sent(SIM_RTSOLPR) == 2 && sent(SIM_RTSOLPR, 2)->at == 100);
	EXPECT(sent(SIM_RTSOLPR, 1)->rtsolpr.id == sent(SIM_RTSOLPR, 2)->rtsolpr.id);
	EXPECT(mobile_is(MN_PREPARED));
}

static void asks_ever_more_slowly(void)
{
	sim_drop(stage, SIM_PRRTADV, 3);
	mobile_is_told(NAR);
	pass(1000);
	EXPECT(times_sent(SIM_RTSOLPR) == 4);
	EXPECT(sent(SIM_RTSOLPR, 3)->at == 300 && sent(SIM_RTSOLPR, 4)->at == 700);
	EXPECT(mobile_is(MN_PREPARED));
}

static void left_without_an_answer(void)
{
	sim_drop(stage, SIM_PRRTADV, 99);
	mobile_is_told(NAR);
	pass(150);
	mobile_moves(NAR);
	pass(5);
	EXPECT(times_sent(SIM_FBU) == 1 && is(sent(SIM_FBU, 1)->src, AT(NAR)));
	pass(100);
	EXPECT(flows());
}

static void asks_no_more_often_than_is_allowed(void)
{
	for (int i = 0; i < 40; i++) {
		(void)sim_request(stage, i % 2 ? NAR : OTHER);
		pass(50);
	}
	EXPECT(times_sent(SIM_RTSOLPR) <= 3 + 2 * MAX_RTSOLPR_RATE);
	EXPECT(counted(FMIP6_RTSOLPR_LIMITED) > 0);
}

/* §6.1.2 */

static void identifier_and_source_are_copied(void)
{
	ask(0x1234, sim_ap(NAR), nobody);
	EXPECT(answer()->id == 0x1234 && is(last(SIM_PRRTADV)->dst, AT(PAR)));
}

static void reserved_octet_of_an_answer_is_ignored(void)
{
	uint8_t octets[] = { 154, 4, 0, 0, 3, 0x7f, 0, 0, 19, 2, 4, 2, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0,
		19, 2, 1, 2, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 0, 0, 0, 19, 2, 3, 2, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0,
		17, 3, 3, 64, 9, 9, 9, 9, 0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	sim_forget_places(stage);
	put_octets(SIM_PRRTADV, PAR, in6addr_any, in6addr_any, octets, sizeof octets);
	pass(50);
	EXPECT(counted(FMIP6_PRRTADV_IGNORED) == 0);
	mobile_moves(NAR);
	pass(5);
	EXPECT(times_sent(SIM_UNA) >= 1); /* without a question: it was known where that is */
}

static void answer_to_no_question_is_ignored(void)
{
	struct prrtadv a = unasked(PRRTADV_TUPLES, NAR);
	a.id = 4711;
	put_prrtadv(PAR, a);
	pass(50);
	EXPECT(counted(FMIP6_PRRTADV_IGNORED) == 1 && times_sent(SIM_FBU) == 0);
}

static void answer_to_an_earlier_question_is_ignored(void)
{
	struct prrtadv a = unasked(PRRTADV_TUPLES, NAR);
	sim_drop(stage, SIM_RTSOLPR, 99);
	mobile_is_told(NAR);
	a.id = (uint16_t)(sent(SIM_RTSOLPR, 1)->rtsolpr.id ^ 0x8000) | 1;
	put_prrtadv(PAR, a);
	pass(50);
	EXPECT(counted(FMIP6_PRRTADV_IGNORED) == 1 && mobile_is(MN_SOLICITING));
}

static void answer_without_an_identifier_is_none(void)
{
	sim_drop(stage, SIM_RTSOLPR, 99);
	mobile_is_told(NAR);
	put_prrtadv(PAR, unasked(PRRTADV_TUPLES, NAR));
	pass(50);
	EXPECT(counted(FMIP6_PRRTADV_IGNORED) == 1 && mobile_is(MN_SOLICITING));
}

static void answer_names_all_that_were_asked_for(void)
{
	put_rtsolpr((struct rtsolpr){ .id = 7, .aps_n = 4, .aps = { sim_ap(NAR), sim_ap(9), sim_ap(PAR), sim_ap(OTHER) } });
	pass(10);
	EXPECT(answer()->code == PRRTADV_SUBSET && answer()->tuples_n == 4);
	EXPECT(answer()->tuples[0].code == LLA_NEW_AP && answer()->tuples[1].code == LLA_NO_PREFIX);
	EXPECT(answer()->tuples[2].code == LLA_SAME_INTERFACE && answer()->tuples[3].code == LLA_NEW_AP);
	EXPECT(is_ap(answer()->tuples[3].ap, OTHER) && is(answer()->tuples[3].router, sim_router(OTHER)));
}

static void options_stand_in_their_order(void)
{
	static const uint8_t order[][3] = { { 19, 4, 2 }, { 19, 1, 2 }, { 19, 3, 2 }, { 17, 3, 3 }, { 17, 4, 3 } }; /* type, code, length */
	size_t at = 8;
	ask(7, sim_ap(NAR), nobody);
	const struct word *w = last(SIM_PRRTADV);
	for (size_t i = 0; i < 5; i++) {
		EXPECT(at + 3 <= w->len && w->octets[at] == order[i][0] && w->octets[at + 2] == order[i][1] && w->octets[at + 1] == order[i][2]);
		at += 8U * order[i][2];
	}
	EXPECT(w->len == at);
}

static void told_to_move(void)
{
	put_prrtadv(PAR, unasked(PRRTADV_TRIGGER, NAR));
	pass(50);
	EXPECT(times_sent(SIM_RTSOLPR) == 0 && times_sent(SIM_FBU) == 1 && is(sent(SIM_FBU, 1)->fbu.ncoa, AT(NAR)));
	EXPECT(mobile_is(MN_PREPARED));
	mobile_moves(NAR);
	EXPECT(flows() && sim_result(stage).lost < 2);
}

static void told_to_move_with_an_address(void)
{
	struct prrtadv a = unasked(PRRTADV_TRIGGER, NAR);
	a.ncoa = address(NAR, 0x99);
	put_prrtadv(PAR, a);
	pass(3);
	EXPECT(times_sent(SIM_FBU) == 1 && is(sent(SIM_FBU, 1)->fbu.ncoa, a.ncoa));
	pass(50);
	mobile_moves(NAR);
	EXPECT(flows());
	EXPECT(mobile_uses(a.ncoa) && sim_result(stage).lost < 2);
}

static void told_by_another_than_its_router(void)
{
	struct prrtadv a = unasked(PRRTADV_TRIGGER, NAR);
	a.source = stranger_lladdr;
	put_prrtadv(PAR, a);
	pass(50);
	EXPECT(times_sent(SIM_FBU) == 0 && mobile_is(MN_ATTACHED));
}

static void told_and_not_asked_to_listen(void)
{
	sim_params(stage)->network_trigger = false;
	put_prrtadv(PAR, unasked(PRRTADV_TRIGGER, NAR));
	pass(50);
	EXPECT(times_sent(SIM_FBU) == 0 && counted(FMIP6_TRIGGERS_RECEIVED) == 1);
}

static void access_point_of_the_same_link_needs_no_new_address(void)
{
	sim_forget_places(stage);
	mobile_is_told(PAR);
	pass(20);
	EXPECT(mobile_is(MN_ATTACHED) && mobile_uses(AT(PAR)));
	EXPECT(flows());
}

static void no_prefix_known_and_an_fbu_as_soon_as_connected(void)
{
	mobile_is_told(9);
	pass(50);
	mobile_moves(NAR);
	pass(5);
	EXPECT(times_sent(SIM_FBU) == 1 && sent(SIM_FBU, 1)->at <= 70 + 3);
}

static void router_without_fast_handover_ends_it(void)
{
	struct prrtadv a = { .code = PRRTADV_NOTHING_NEW, .source = tuple_of(PAR).router_lladdr, .tuples_n = 1 };
	sim_drop(stage, SIM_PRRTADV, 99);
	mobile_is_told(NAR);
	a.id = sent(SIM_RTSOLPR, 1)->rtsolpr.id;
	a.tuples[0] = (struct tuple){ .code = LLA_NO_FMIP, .ap = sim_ap(NAR) };
	sim_drop(stage, SIM_PRRTADV, 0);
	put_prrtadv(PAR, a);
	pass(1000);
	EXPECT(times_sent(SIM_FBU) == 0 && times_sent(SIM_RTSOLPR) == 1 && mobile_is(MN_ATTACHED));
	EXPECT(strstr(sim_reason(stage, SIM_MN), "does not speak FMIPv6"));
}

static void no_fast_handover_said_with_code_3(void)
{
	struct prrtadv a = { .code = PRRTADV_SUBSET, .source = tuple_of(PAR).router_lladdr, .tuples_n = 1 };
	sim_drop(stage, SIM_PRRTADV, 99);
	mobile_is_told(NAR);
	a.id = sent(SIM_RTSOLPR, 1)->rtsolpr.id;
	a.tuples[0] = (struct tuple){ .code = LLA_NEW_AP, .ap = sim_ap(NAR) }; /* and nothing about it */
	sim_drop(stage, SIM_PRRTADV, 0);
	put_prrtadv(PAR, a);
	pass(1000);
	EXPECT(times_sent(SIM_FBU) == 0 && times_sent(SIM_RTSOLPR) == 1 && mobile_is(MN_ATTACHED));
}

static void subset_serves_if_the_wanted_one_is_in_it(void)
{
	struct prrtadv a = { .code = PRRTADV_SUBSET, .source = tuple_of(PAR).router_lladdr, .tuples_n = 3 };
	sim_drop(stage, SIM_PRRTADV, 99);
	mobile_is_told(NAR);
	a.id = sent(SIM_RTSOLPR, 1)->rtsolpr.id;
	a.tuples[0] = (struct tuple){ .code = LLA_NO_PREFIX, .ap = sim_ap(9) };
	a.tuples[1] = tuple_of(OTHER);
	a.tuples[2] = tuple_of(NAR);
	sim_drop(stage, SIM_PRRTADV, 0);
	put_prrtadv(PAR, a);
	pass(50);
	EXPECT(times_sent(SIM_FBU) == 1 && is(sent(SIM_FBU, 1)->fbu.ncoa, AT(NAR)));
}

static void subset_without_the_wanted_one_ends_it(void)
{
	struct prrtadv a = { .code = PRRTADV_SUBSET, .source = tuple_of(PAR).router_lladdr, .tuples_n = 2 };
	sim_drop(stage, SIM_PRRTADV, 99);
	mobile_is_told(NAR);
	a.id = sent(SIM_RTSOLPR, 1)->rtsolpr.id;
	a.tuples[0] = (struct tuple){ .code = LLA_NO_PREFIX, .ap = sim_ap(NAR) };
	a.tuples[1] = tuple_of(OTHER);
	sim_drop(stage, SIM_PRRTADV, 0);
	put_prrtadv(PAR, a);
	pass(1000);
	EXPECT(times_sent(SIM_FBU) == 0 && sim_outcome(stage, SIM_MN) == HANDOVER_FAILED);
}

static void several_tuples_and_the_wanted_one_is_taken(void)
{
	struct prrtadv a = { .code = PRRTADV_TUPLES, .source = tuple_of(PAR).router_lladdr, .tuples_n = 2 };
	sim_drop(stage, SIM_PRRTADV, 99);
	mobile_is_told(OTHER);
	a.id = sent(SIM_RTSOLPR, 1)->rtsolpr.id;
	a.tuples[0] = tuple_of(NAR);
	a.tuples[1] = tuple_of(OTHER);
	sim_drop(stage, SIM_PRRTADV, 0);
	put_prrtadv(PAR, a);
	pass(50);
	EXPECT(times_sent(SIM_FBU) == 1 && is(sent(SIM_FBU, 1)->fbu.ncoa, AT(OTHER)));
}

static void unasked_information_is_no_order(void)
{
	struct prrtadv a = unasked(PRRTADV_UNSOLICITED, NAR);
	sim_forget_places(stage);
	a.tuples_n = 2;
	a.tuples[1] = tuple_of(OTHER);
	put_prrtadv(PAR, a);
	pass(50);
	EXPECT(times_sent(SIM_FBU) == 0 && mobile_is(MN_ATTACHED));
	mobile_moves(OTHER);
	pass(5);
	EXPECT(sim_at(stage) == OTHER && times_sent(SIM_RTSOLPR) == 0);
}

/* Code 4 by the routers themselves */

static unsigned informed(void)
{
	const struct word *w = last(SIM_PRRTADV);
	return w->prrtadv.code == PRRTADV_UNSOLICITED && w->prrtadv.id == 0 && is(w->dst, AT(PAR)) ? w->prrtadv.tuples_n : 0;
}

static void router_informs_unasked(void)
{
	sim_forget_places(stage);
	sim_inform(stage, 8 * USEC_SEC);
	pass(5000);
	EXPECT(times_sent(SIM_PRRTADV) == 0);
	pass(6000);
	EXPECT(times_sent(SIM_PRRTADV) == 1 && informed() == 2 && counted(FMIP6_INFORMS_RECEIVED) == 1);
	EXPECT(times_sent(SIM_FBU) == 0 && times_sent(SIM_RTSOLPR) == 0 && mobile_is(MN_ATTACHED));
	mobile_moves(OTHER);
	pass(5);
	EXPECT(sim_at(stage) == OTHER && times_sent(SIM_RTSOLPR) == 0);
}

static void router_informs_at_intervals(void)
{
	sim_inform(stage, 8 * USEC_SEC);
	pass(45000);
	EXPECT(times_sent(SIM_PRRTADV) >= 4 && times_sent(SIM_PRRTADV) <= 7);
	for (unsigned n = 2; n <= times_sent(SIM_PRRTADV); n++)
		EXPECT(sent(SIM_PRRTADV, n)->at - sent(SIM_PRRTADV, n - 1)->at >= 6000 - 1);
	EXPECT(times_sent(SIM_RTSOLPR) == 0); /* what it would have asked after 30 s it knows */
}

static void router_informs_of_what_has_changed(void)
{
	sim_inform(stage, 3600 * USEC_SEC);
	sim_unusable(stage, NAR, true);
	pass(50);
	EXPECT(times_sent(SIM_PRRTADV) == 1 && informed() == 1 && lladdr_eq(&last(SIM_PRRTADV)->prrtadv.tuples[0].ap, &(struct lladdr){
		.len = 6, .octet = { 2, 0, 0, 0, 0xaa, OTHER } }));
	sim_unusable(stage, NAR, false);
	pass(500);
	EXPECT(times_sent(SIM_PRRTADV) == 1); /* not twice in a second */
	pass(1000);
	EXPECT(times_sent(SIM_PRRTADV) == 2 && informed() == 2 && counted(FMIP6_INFORMS_SENT) == 2);
	sim_unusable(stage, NAR, false);
	pass(2000);
	EXPECT(times_sent(SIM_PRRTADV) == 2); /* that is no change */
}

static void router_that_is_not_to_does_not_inform(void)
{
	sim_unusable(stage, NAR, true);
	pass(5000);
	sim_inform(stage, 8 * USEC_SEC);
	sim_inform(stage, 0);
	pass(20000);
	EXPECT(times_sent(SIM_PRRTADV) == 0 && counted(FMIP6_INFORMS_SENT) == 0);
	sim_unusable(stage, NAR, false);
}

static void information_by_another_than_the_router_is_none(void)
{
	struct prrtadv a = unasked(PRRTADV_UNSOLICITED, NAR);
	sim_forget_places(stage);
	a.source.octet[5] ^= 0x40;
	put_prrtadv(PAR, a);
	a.source.len = 0;
	put_prrtadv(PAR, a);
	pass(50);
	EXPECT(counted(FMIP6_INFORMS_RECEIVED) == 0 && counted(FMIP6_PRRTADV_IGNORED) == 2);
}

static void information_is_taken_no_faster_than_routers_give_it(void)
{
	for (int i = 0; i < 30; i++)
		put_prrtadv(PAR, unasked(PRRTADV_UNSOLICITED, NAR));
	pass(50);
	EXPECT(counted(FMIP6_INFORMS_RECEIVED) == 5 && counted(FMIP6_PRRTADV_IGNORED) == 25);
	put_prrtadv(PAR, unasked(PRRTADV_TRIGGER, NAR)); /* an order is heard all the same */
	pass(50);
	EXPECT(times_sent(SIM_FBU) == 1);
}

static void unknown_options_of_an_answer_are_ignored(void)
{
	uint8_t octets[] = { 154, 1, 0, 0, 3, 0, 0, 0, 19, 2, 4, 2, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 201, 1, 1, 1, 1, 1, 1, 1,
		19, 2, 1, 2, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 0, 0, 0, 19, 1, 77, 0, 0, 0, 0, 0, 19, 2, 3, 2, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0,
		17, 3, 3, 64, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		17, 3, 99, 64, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	put_octets(SIM_PRRTADV, PAR, in6addr_any, in6addr_any, octets, sizeof octets);
	pass(50);
	EXPECT(times_sent(SIM_FBU) == 1 && is(sent(SIM_FBU, 1)->fbu.ncoa, AT(NAR)));
}

static void address_in_an_answer_is_used(void)
{
	struct prrtadv a = { .code = PRRTADV_TUPLES, .source = tuple_of(PAR).router_lladdr, .tuples_n = 1, .tuples = { tuple_of(NAR) } };
	sim_drop(stage, SIM_PRRTADV, 99);
	mobile_is_told(NAR);
	a.id = sent(SIM_RTSOLPR, 1)->rtsolpr.id;
	a.ncoa = address(NAR, 0x99);
	sim_drop(stage, SIM_PRRTADV, 0);
	put_prrtadv(PAR, a);
	pass(50);
	EXPECT(times_sent(SIM_FBU) == 1 && is(sent(SIM_FBU, 1)->fbu.ncoa, a.ncoa));
	mobile_moves(NAR);
	EXPECT(flows());
	EXPECT(mobile_uses(a.ncoa));
}

/* NAR's addresses come by DHCP, says PAR. */
static void told_of_dhcp(void)
{
	struct prrtadv a = { .code = PRRTADV_DHCP, .source = tuple_of(PAR).router_lladdr, .tuples_n = 1, .tuples = { tuple_of(NAR) } };
	sim_drop(stage, SIM_PRRTADV, 99);
	mobile_is_told(NAR);
	a.id = sent(SIM_RTSOLPR, 1)->rtsolpr.id;
	sim_drop(stage, SIM_PRRTADV, 0);
	put_prrtadv(PAR, a);
	pass(50);
}

static void new_address_for_the_fbu_where_addresses_come_by_dhcp(void)
{
	told_of_dhcp();
	EXPECT(times_sent(SIM_FBU) == 1 && is(sent(SIM_FBU, 1)->fbu.ncoa, AT(NAR)) && mobile_is(MN_PREPARED));
}

static void previous_address_where_addresses_come_by_dhcp(void)
{
	struct in6_addr ncoa = AT(NAR);
	told_of_dhcp();
	mobile_moves(NAR);
	pass(100);
	EXPECT(sim_at(stage) == NAR && mobile_uses(AT(PAR)) && !sim_has(stage, &ncoa));
	EXPECT(is(last(SIM_UNA)->src, AT(PAR))); /* that its new router sees it */
	EXPECT(times_sent(SIM_FBU) == 1 && sim_outcome(stage, SIM_MN) == HANDOVER_COMPLETE);
}

static void fbu_from_the_new_link_where_addresses_come_by_dhcp(void)
{
	sim_drop(stage, SIM_FBU, 1);
	told_of_dhcp();
	mobile_moves(NAR);
	pass(20);
	EXPECT(mobile_uses(AT(PAR)) && is(last(SIM_FBU)->fbu.ncoa, AT(NAR)) && is(last(SIM_FBU)->dst, sim_router(PAR)));
}

static void router_says_that_addresses_come_by_dhcp(void)
{
	struct in6_addr ncoa = AT(NAR);
	sim_dhcp(stage, NAR, true);
	mobile_is_told(NAR);
	pass(50);
	EXPECT(last(SIM_PRRTADV)->prrtadv.code == PRRTADV_DHCP && is(last(SIM_FBU)->fbu.ncoa, AT(NAR)) && is(last(SIM_HI)->hi.ncoa, AT(NAR)));
	EXPECT(last(SIM_HACK)->hack.code == HACK_USE_PCOA && sim_held(stage, NAR, PAR) && counted(FMIP6_COLLISIONS) == 0);
	mobile_moves(NAR);
	EXPECT(flows());
	EXPECT(mobile_uses(AT(PAR)) && !sim_has(stage, &ncoa) && sim_served(stage, NAR, PAR));
}

static void unannounced_where_addresses_come_by_dhcp(void)
{
	sim_dhcp(stage, NAR, true);
	mobile_moves(NAR);
	EXPECT(flows());
	EXPECT(mobile_uses(AT(PAR)) && sim_served(stage, NAR, PAR));
}

static void both_kinds_of_link_in_one_answer(void)
{
	struct rtsolpr q = { .id = 77, .source = mobile_lladdr, .aps_n = 2, .aps = { sim_ap(NAR), sim_ap(OTHER) } };
	sim_dhcp(stage, NAR, true);
	put_rtsolpr(q);
	pass(10);
	EXPECT(last(SIM_PRRTADV)->prrtadv.code == PRRTADV_TUPLES);
	sim_dhcp(stage, OTHER, true);
	q.id = 78;
	put_rtsolpr(q);
	pass(10);
	EXPECT(last(SIM_PRRTADV)->prrtadv.code == PRRTADV_DHCP && last(SIM_PRRTADV)->prrtadv.tuples_n == 2);
}

const struct sentence rfc5568_solicit[] = {
	{ "4", "SHOULD", "link-layer triggers are used: on the new link UNA goes out at once", SHOWN(link_up_is_a_trigger) },
	{ "4", "", "RtSolPr names one or more access points", SHOWN(question_names_the_access_point) },
	{ "4", "", "a wildcard asks for all tuples", SHOWN(wildcard_asks_for_all) },
	{ "4", "MUST", "PAR says of an access point that it has no entry for that it is unknown", SHOWN(unknown_access_point_is_said_unknown) },
	{ "4", "MUST", "the mobile then stops on this link", SHOWN(nothing_more_on_this_link_if_it_is_unknown) },
	{ "4", "MAY", "and sends its FBU from the new one", SHOWN(unknown_access_point_and_an_fbu_from_the_new_link) },
	{ "4", "MUST", "PAR says of an access point of the mobile's own link so, without prefix information", SHOWN(own_access_point_is_said_to_be_so) },
	{ "4", "", "then nothing needs to be done", SHOWN(no_action_for_an_access_point_of_the_same_link) },
	{ "4", "MUST", "PAR tells the tuple of an access point that it knows", SHOWN(known_access_point_and_everything_about_it) },
	{ "4", "MUST", "PAR says of a router that does not support fast handover so", SHOWN(router_without_fast_handover_is_said_so) },
	{ "4", "SHOULD", "a wildcard is answered with tuples of the neighbourhood", SHOWN(wildcard_is_answered_with_the_neighbourhood) },
	{ "4", "", "as many as fit the link", SHOWN_BY("tests/unit/test_fmip6_wire.c::test_prrtadv_pack_fits") },
	{ "4", "MUST", "mobile and router have RtSolPr and PrRtAdv", SHOWN(router_is_asked_and_answers) },
	{ "4", "SHOULD", "the FBU goes from PAR's link where that is feasible", SHOWN(fbu_goes_from_the_old_link_if_there_is_time) },
	{ "4", "", "where it is not, at once from NAR's", SHOWN(fbu_goes_from_the_new_link_if_there_was_none) },
	{ "5.1", "must", "no PrRtAdv after RTSOLPR_RETRIES: no more RtSolPr, no handover with this router", SHOWN(gives_up_asking) },
	{ "5.1", "must", "the same where only the map is refreshed; it is tried again after fmip6.refresh", SHOWN(gives_up_refreshing) },
	{ "5.1", "", "a new router that cannot is found out beforehand", SHOWN(stops_if_the_new_router_cannot) },
	{ "6.1.1", "SHOULD", "RtSolPr tells the sender's link-layer address", SHOWN(question_tells_the_mobiles_link_layer_address) },
	{ "6.1.1", "MUST", "every RtSolPr has a New Access Point option", SHOWN(question_names_an_access_point_always) },
	{ "6.1.1", "MUST", "RtSolPr: Reserved is ignored", SHOWN(reserved_octet_of_a_question_is_ignored) },
	{ "6.1.1", "MUST", "RtSolPr: an Identifier by which replies are matched", SHOWN(identifier_tells_one_question_from_another) },
	{ "6.1.1", "MUST", "RtSolPr: unknown options are ignored, the rest is processed", SHOWN(unknown_options_of_a_question_are_ignored) },
	{ "6.1.1", "must", "a wildcard stands alone", SHOWN(wildcard_beside_a_name_is_no_question) },
	{ "6.1.1", "SHOULD", "RtSolPr is sent again after 100 ms", SHOWN(asks_again_after_100_ms) },
	{ "6.1.1", "MUST", "each time after twice the time", SHOWN(asks_ever_more_slowly) },
	{ "6.1.1", "SHOULD", "no PrRtAdv before the link went: FBU at once with the new address", SHOWN(left_without_an_answer) },
	{ "6.1.1", "MUST", "RtSolPr no more often than MAX_RTSOLPR_RATE", SHOWN(asks_no_more_often_than_is_allowed) },
	{ "6.1.2", "", "Identifier and destination are those of the RtSolPr", SHOWN(identifier_and_source_are_copied) },
	{ "6.1.2", "MUST", "PrRtAdv: Reserved is ignored", SHOWN(reserved_octet_of_an_answer_is_ignored) },
	{ "6.1.2", "", "a PrRtAdv that answers nothing changes nothing", SHOWN(answer_to_no_question_is_ignored) },
	{ "6.1.2", "", "nor does one that answers another question", SHOWN(answer_to_an_earlier_question_is_ignored) },
	{ "6.1.2", "", "Identifier 0 answers nothing", SHOWN(answer_without_an_identifier_is_none) },
	{ "6.1.2", "MUST", "the New Access Point option is present, copied from the RtSolPr, each with what is known", SHOWN(answer_names_all_that_were_asked_for) },
	{ "6.1.2", "MUST", "with Code 0 or 1: router's link-layer address, address, prefix; in this order", SHOWN(options_stand_in_their_order) },
	{ "6.1.2", "", "the prefix option may be missing where the address says the same", SHOWN_BY("tests/unit/test_fmip6_wire.c::test_prrtadv_prefix") },
	{ "6.1.2", "", "Code 1 tells the mobile to move", SHOWN(told_to_move) },
	{ "6.1.2", "MUST", "with Code 1 and a New CoA: that one is used, the FBU goes at once", SHOWN(told_to_move_with_an_address) },
	{ "6.1.2", "", "only its router can tell it to move", SHOWN(told_by_another_than_its_router) },
	{ "6.1.2", "SHOULD", "also without the source link-layer address: then that of the frame counts", SHOWN_BY("tests/net/test_links.py::test_told_to_move_by_a_router_that_does_not_name_itself") },
	{ "6.1.2", "", "and only one that is configured to obey", SHOWN(told_and_not_asked_to_listen) },
	{ "6.1.2", "MUST", "a router tells a mobile to move from its link-local address, without an Identifier", SHOWN_BY("tests/net/test_handover.py::test_told_to_move_by_the_router") },
	{ "6.1.2", "", "Code 0 with several tuples: the one that belongs to the access point", SHOWN(several_tuples_and_the_wanted_one_is_taken) },
	{ "6.1.2", "", "Code 2, Option-Code 5: no change of address", SHOWN(access_point_of_the_same_link_needs_no_new_address) },
	{ "6.1.2", "SHOULD", "Code 2, Option-Code 6: an FBU as soon as there is connectivity", SHOWN(no_prefix_known_and_an_fbu_as_soon_as_connected) },
	{ "6.1.2", "MUST", "Code 2, Option-Code 7: stop", SHOWN(router_without_fast_handover_ends_it) },
	{ "4", "MUST", "Code 3 for a known access point that does not support it, as this section words it: stop", SHOWN(no_fast_handover_said_with_code_3) },
	{ "6.1.2", "", "Code 3: what there is of the wanted one is used", SHOWN(subset_serves_if_the_wanted_one_is_in_it) },
	{ "6.1.2", "", "Code 3: the wanted one has nothing, others have", SHOWN(subset_without_the_wanted_one_ends_it) },
	{ "6.1.2", "", "Code 4 is no order to move; its tuples are kept", SHOWN(unasked_information_is_no_order) },
	{ "6.1.2", "", "Code 4: a router tells so unasked, with several tuples, without an Identifier, to a mobile's address", SHOWN(router_informs_unasked) },
	{ "6.1.2", "", "Code 4: again and again, at intervals that differ; the mobile need not ask", SHOWN(router_informs_at_intervals) },
	{ "6.1.2", "", "Code 4: soon after the map has changed, not more than once a second", SHOWN(router_informs_of_what_has_changed) },
	{ "6.1.2", "", "Code 4: only where fmip6.inform is set", SHOWN(router_that_is_not_to_does_not_inform) },
	{ "6.1.2", "", "Code 4 is taken from the mobile's router alone", SHOWN(information_by_another_than_the_router_is_none) },
	{ "6.1.2", "", "Code 4 is taken at a limited rate, which orders to move do not share", SHOWN(information_is_taken_no_faster_than_routers_give_it) },
	{ "6.1.2", "MUST", "PrRtAdv: unknown options are ignored, the rest is processed", SHOWN(unknown_options_of_an_answer_are_ignored) },
	{ "5.2", "MUST", "an address in a PrRtAdv is used as the prospective one", SHOWN(address_in_an_answer_is_used) },
	{ "6.1.2", "must", "Code 5: an NCoA is formulated for the FBU", SHOWN(new_address_for_the_fbu_where_addresses_come_by_dhcp) },
	{ "5.2", "", "Code 5: that NCoA is not used; packets come to the PCoA", SHOWN(previous_address_where_addresses_come_by_dhcp) },
	{ "6.1.2", "", "Code 5: also where the FBU has to be sent from the new link", SHOWN(fbu_from_the_new_link_where_addresses_come_by_dhcp) },
	{ "5.2", "MUST", "Code 5: the mobile does DHCP on the new link", NOT_SHOWN("its DHCP client does, when it sees the link change") },
	{ "6.1.2", "", "Code 5: said by the router; PAR and NAR forward to the PCoA", SHOWN(router_says_that_addresses_come_by_dhcp) },
	{ "5.2", "", "forwarding for the PCoA also where nothing was said", SHOWN(unannounced_where_addresses_come_by_dhcp) },
	{ "6.1.2", "", "Code 5 only if it holds for all that were asked for", SHOWN(both_kinds_of_link_in_one_answer) },
	END_OF_SENTENCES,
};
