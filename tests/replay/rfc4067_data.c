/* RFC 4067 §2.5.3 to §2.5.6: CTD, CTDR, CTC, CT-Req. */
#include <string.h>

#include "rfc4067.h"

static const uint8_t one_context[16] = { 0x40, 0x01, 2, 0, 1, 2, 3, 4, 5 };
#define ONE_CONTEXT ((struct octets){ one_context, sizeof one_context })

/* §2.5.3 */

static void reply_comes_if_asked_for(void)
{
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT(sent("CTD", 1)->flag);
	EXPECT(times_sent("CTDR") == 1);
}

static void reply_to_a_push_comes_when_its_contexts_are_in_place(void)
{
	mobile_sends(PAR, ctar(7, ALL));
	at(50);
	EXPECT(sent("PCTD", 1)->flag);
	EXPECT(times_sent("CTDR") == 0);
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT(times_sent("CTDR") == 1);
}

static void reply_does_not_come_if_not_asked_for(void)
{
	struct cxtp_message push = contexts(CXTP_PCTD, ONE_CONTEXT);
	push.flag = false;
	router_sends(PAR, NAR, push);
	at(50);
	mobile_sends(NAR, ctar(7, only(SIM_FPT_OTHER)));
	settle();
	EXPECT_SENT("PCTD CTAR.nar CTAA");
	EXPECT(in_place(NAR) == 1);
}

static void elapsed_time_counts_from_the_first(void)
{
	sim_fault(&stage, "PCTD", SIM_LOSE, 1, 0);
	mobile_announces(NAR);
	at(150);
	mobile_moves(NAR);
	settle();
	EXPECT(sent("PCTD", 1)->elapsed == 0);
	EXPECT(sent("CTD", 1)->elapsed == 155); /* 2 + 150 + 2 + 5, less the first 2 and 2 */
}

static void algorithm_is_hmac_sha1(void)
{
	mobile_announces(NAR);
	at(20);
	EXPECT(sent("PCTD", 1)->algorithm == 1);
	EXPECT(sent("PCTD", 1)->key_len == 20);
}

static void other_algorithm_is_refused_and_the_mobile_served(void)
{
	struct cxtp_message push = contexts(CXTP_PCTD, ONE_CONTEXT);
	push.algorithm = 2;
	router_sends(PAR, NAR, push);
	at(50);
	EXPECT(keys_at(NAR) == 0 && octets_at(NAR) == 0);
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT_SENT("PCTD CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(in_place(NAR) == 3);
}

static void key_longer_than_any_is_refused(void)
{
	static const uint8_t octets[SECRET_MAX + 1];
	struct cxtp_message push = contexts(CXTP_PCTD, ONE_CONTEXT);
	push.key = octets;
	push.key_len = sizeof octets;
	router_sends(PAR, NAR, push);
	at(50);
	EXPECT(keys_at(NAR) == 0);
	EXPECT(counted(CXTP_BAD_KEY_MATERIAL) == 1);
}

static void new_router_checks_with_what_it_was_given(void)
{
	struct cxtp_message wrong = ctar(7, ALL);
	wrong.token ^= 0x80000000;
	mobile_sends(PAR, ctar(7, ALL));
	at(50);
	stranger_sends(NAR, wrong);
	at(53);
	EXPECT(in_place(NAR) == 0 && keys_at(NAR) == 1);
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT(in_place(NAR) == 3);
	EXPECT(times_sent("CTD") == 0);
}

static void request_without_a_token_gets_the_key(void)
{
	stage.own_likeliest = true;
	struct cxtp_message early = ctreq(7, ALL);
	early.token = 0;
	router_sends(NAR, PAR, early);
	at(50);
	EXPECT_SENT("CT-Req PCTD");
	EXPECT(keys_at(NAR) == 1 && in_place(NAR) == 0);
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT_SENT("CT-Req PCTD CTAR.nar CTDR CTAA");
	EXPECT(in_place(NAR) == 3);
}

static void contexts_go_to_neighbours_only(void)
{
	stage.routers[NAR].unreachable = true; /* no protected association: there is no other way */
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	at(1000);
	EXPECT_SENT("CTAR.par CTAR.nar");
	EXPECT(counted(CXTP_SEND_FAILED) > 0);
	stage.routers[NAR].unreachable = false;
	settle();
	EXPECT(in_place(NAR) == 3);
}

static void push_that_could_not_leave_leaves_no_trace(void)
{
	stage.routers[NAR].unreachable = true;
	mobile_announces(NAR);
	at(20000);
	stage.routers[NAR].unreachable = false;
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.par CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(told_all());
}

static void contexts_are_cached_until_the_reply(void)
{
	mobile_sends(PAR, ctar(7, ALL));
	at(50);
	EXPECT(keys_at(PAR) == 1 && octets_at(PAR) == 80);
	mobile_sends(NAR, ctar(7, ALL));
	at(100);
	EXPECT(keys_at(PAR) == 0 && octets_at(PAR) == 0 && transfers_at(PAR) == 0);
	router_sends(NAR, PAR, ctreq(7, ALL));
	settle();
	EXPECT(times_sent("CTD") == 0);
}

static void contexts_are_cached_until_the_time_is_over(void)
{
	mobile_announces(NAR);
	at(2 + 199);
	EXPECT(keys_at(PAR) == 1 && octets_at(PAR) == 80);
	at(2 + 200);
	EXPECT(keys_at(PAR) == 0 && octets_at(PAR) == 0);
	mobile_moves(NAR); /* the new router has them still */
	settle();
	EXPECT(in_place(NAR) == 3);
}

static void lost_push_is_asked_for_and_sent_again(void)
{
	sim_fault(&stage, "PCTD", SIM_LOSE, 1, 0);
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.par PCTD! CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(sent("CT-Req", 1)->seq == sent("CTAR.par", 1)->seq);
	EXPECT(counted(CXTP_CONTEXTS_COLLECTED) == 3); /* once, for both */
}

static void lost_push_is_asked_for_when_the_cache_is_gone(void)
{
	sim_fault(&stage, "PCTD", SIM_LOSE, 1, 0);
	mobile_announces(NAR);
	at(500);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.par PCTD! CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(counted(CXTP_CONTEXTS_COLLECTED) == 6);
}

/* §2.5.4 */

static void s_says_that_all_came(void)
{
	mobile_moves(NAR);
	settle();
	EXPECT(sent("CTDR", 1)->flag);
	EXPECT(status_in(sent("CTDR", 1), SIM_FPT_GROUPS) == 0 && status_in(sent("CTDR", 1), SIM_FPT_OTHER) == 0);
}

static void without_s_some_status_is_not_zero(void)
{
	stage.install_status = FEATURE_FAILED;
	mobile_moves(NAR);
	settle();
	EXPECT(!sent("CTDR", 1)->flag);
	EXPECT(status_in(sent("CTDR", 1), SIM_FPT_GROUPS) == 0);
	EXPECT(status_in(sent("CTDR", 1), SIM_FPT_OTHER) == FEATURE_FAILED);
}

static void reply_names_the_mobile_it_is_about(void)
{
	struct cxtp_message second = ctar(7, ALL);
	second.mobile = stage.second;
	authorize(&second);
	mobile_sends(PAR, ctar(7, ALL));
	mobile_sends(PAR, second);
	at(50);
	mobile_sends(NAR, second);
	at(100);
	EXPECT(addr_eq(&sent("CTDR", 1)->mobile, &stage.second));
	EXPECT(keys_at(PAR) == 1 && transfers_at(PAR) == 1);
	settle();
}

static void reply_from_another_router_counts_for_nothing(void)
{
	mobile_announces(NAR);
	at(50);
	router_sends(OTHER, PAR, word(CXTP_CTDR));
	at(100);
	EXPECT(transfers_at(PAR) == 1 && stage.routers[PAR].forgot == 0);
	EXPECT(counted(CXTP_WRONG_PEER) == 1);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3);
}

static void reply_waits_for_a_context_that_takes_its_time(void)
{
	stage.install_status = FEATURE_PENDING;
	mobile_moves(NAR);
	at(60);
	EXPECT_SENT("CTAR.nar CT-Req CTD");
	feature_answers(NAR, FEATURE_OK);
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(sent("CTDR", 1)->flag && told_all());
}

static void reply_waits_no_longer_than_a_transfer_may_take(void)
{
	stage.install_status = FEATURE_PENDING;
	mobile_moves(NAR);
	settle();
	EXPECT(when_sent("CTDR", 1) == 2 + 5 + 5 + 200);
	EXPECT(status_in(sent("CTDR", 1), SIM_FPT_OTHER) == FEATURE_NO_PROGRAM);
	EXPECT(told_status(SIM_FPT_OTHER) == FEATURE_NO_PROGRAM && told_status(SIM_FPT_GROUPS) == 0);
}

/* §2.5.5 */

static void what_takes_too_long_is_cancelled(void)
{
	sim_fault(&stage, "CTD", SIM_LOSE, 1, 0);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD! CTAA CTC");
	EXPECT(when_sent("CTC", 1) == 2 + 200);
	EXPECT(addr_eq(&sent("CTC", 1)->mobile, &stage.pcoa));
}

static void cancelled_transfer_ends(void)
{
	mobile_announces(NAR);
	at(50);
	router_sends(NAR, PAR, word(CXTP_CTC));
	at(60);
	EXPECT(transfers_at(PAR) == 0 && keys_at(PAR) == 0 && octets_at(PAR) == 0);
	EXPECT(counted(CXTP_TRANSFERS_CANCELLED) == 1);
}

static void another_router_cannot_cancel(void)
{
	mobile_announces(NAR);
	at(50);
	router_sends(OTHER, PAR, word(CXTP_CTC));
	at(60);
	EXPECT(transfers_at(PAR) == 1 && keys_at(PAR) == 1);
	mobile_moves(NAR);
	settle();
	EXPECT(told_all());
}

static void what_comes_after_the_cancellation_is_not_installed(void)
{
	sim_fault(&stage, "CTD", SIM_DELAY, 1, 300 * USEC_MSEC);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD~ CTAA CTC");
	EXPECT(in_place(NAR) == 0);
	EXPECT(told() == 1 && !told_all());
}

static void what_is_not_wanted_any_more_is_cancelled(void)
{
	mobile_announces(NAR);
	at(50);
	nar_wants_no_more(NAR);
	EXPECT(keys_at(NAR) == 0 && octets_at(NAR) == 0);
	settle();
	EXPECT_SENT("CTAR.par PCTD CTC");
	EXPECT(counted(CXTP_TRANSFERS_CANCELLED) == 1);
}

/* §2.5.6 */

static void request_is_verbatim(void)
{
	/* Not as we would write it: a short form, a presence vector, reserved bits. */
	static const uint8_t odd[] = { 0x40, 0x01, 1, 0xff, 0x80, 0, 0, 1, 0x00, 0x01, 0, 0 };
	struct cxtp_message m = ctar(0xfffffffe, (struct octets){ odd, sizeof odd });
	mobile_sends(NAR, m);
	settle();
	const struct cxtp_message *request = sent("CT-Req", 1);
	EXPECT(request->seq == 0xfffffffe && request->token == m.token);
	EXPECT(request->blocks_len == sizeof odd && !memcmp(request->blocks, odd, sizeof odd));
	EXPECT(in_place(NAR) == 3);
}

static void request_for_something_else_is_told_from_the_cached(void)
{
	mobile_sends(PAR, ctar(7, ALL));
	at(50);
	router_sends(NAR, PAR, ctreq(8, ALL));
	at(100);
	EXPECT(times_sent("CTD") == 0 && counted(CXTP_BUSY) == 1);
	router_sends(NAR, PAR, ctreq(7, ALL));
	at(150);
	EXPECT(times_sent("CTD") == 1);
}

static void announced_contexts_need_no_request(void)
{
	mobile_announces(NAR);
	at(20);
	EXPECT_SENT("CTAR.par PCTD");
	EXPECT(sent("PCTD", 1)->key_len == 20);
}

static void failed_push_of_any_kind_is_asked_for(void)
{
	mobile_announces(NAR);
	at(50);
	restart(NAR); /* it has forgotten what was pushed */
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.par PCTD CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(in_place(NAR) == 3 && told_all());
}

static void previous_router_keeps_nothing_beyond_the_time_of_a_transfer(void)
{
	sim_fault(&stage, "CTDR", SIM_LOSE, 1, 0);
	mobile_moves(NAR);
	at(7 + 199);
	EXPECT(octets_at(PAR) == 80);
	at(7 + 200);
	EXPECT(octets_at(PAR) == 0 && keys_at(PAR) == 0);
	EXPECT(in_place(NAR) == 3);
}

static void reactive_transfer_takes_any_sequence_number(void)
{
	mobile_sends(PAR, ctar(7, ALL)); /* long ago, and nothing came of it */
	at(20000);
	mobile_sends(NAR, ctar(8, ALL));
	settle();
	EXPECT(sent("CTD", 1)->blocks_len == 80);
	EXPECT(in_place(NAR) == 3);
}

static void early_request_for_an_announced_move_gets_its_key(void)
{
	sim_fault(&stage, "PCTD", SIM_LOSE, 1, 0);
	mobile_announces(NAR);
	at(50);
	struct cxtp_message early = ctreq(0, ALL);
	early.token = 0; /* a trigger, but no CTAR yet: neither is known */
	router_sends(NAR, PAR, early);
	at(100);
	EXPECT_SENT("CTAR.par PCTD! CT-Req PCTD");
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.par PCTD! CT-Req PCTD CTAR.nar CTDR CTAA");
	EXPECT(in_place(NAR) == 3);
}

static void key_that_does_not_fit_costs_a_request(void)
{
	struct cxtp_message early = ctreq(99, ALL);
	early.token = 0; /* guessed the sequence number, and wrong */
	router_sends(NAR, PAR, early);
	at(50);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CT-Req PCTD CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(in_place(NAR) == 3 && told_all());
}

const struct sentence rfc4067_data[] = {
	{ "2.5.3", "", "A in a CTD asks for a reply", SHOWN(reply_comes_if_asked_for) },
	{ "2.5.3", "", "A in a push: when the mobile has come",
	  SHOWN(reply_to_a_push_comes_when_its_contexts_are_in_place) },
	{ "2.5.3", "", "without A there is none", SHOWN(reply_does_not_come_if_not_asked_for) },
	{ "2.5.3", "", "elapsed: since the first CTD for this mobile", SHOWN(elapsed_time_counts_from_the_first) },
	{ "2.5.3", "", "the one algorithm is HMAC-SHA1, 1", SHOWN(algorithm_is_hmac_sha1) },
	{ "2.5.3", "", "what names another is of no use", SHOWN(other_algorithm_is_refused_and_the_mobile_served) },
	{ "2.5.3", "", "nor is a key of a length that none has", SHOWN(key_longer_than_any_is_refused) },
	{ "2.5.3", "", "with the supplied parameters the new router verifies the token",
	  SHOWN(new_router_checks_with_what_it_was_given) },
	{ "2.5.3", "", "they are sent too when asked without a token", SHOWN(request_without_a_token_gets_the_key) },
	{ "2.5.3", "MUST", "a CTD travels protected by IPsec: to a neighbour that is, or not at all",
	  SHOWN(contexts_go_to_neighbours_only) },
	{ "2.5.3", "MUST", "… and may go later", SHOWN(push_that_could_not_leave_leaves_no_trace) },
	{ "2.5.3", "SHOULD", "sequence number and CTD are kept until the CTDR",
	  SHOWN(contexts_are_cached_until_the_reply) },
	{ "2.5.3", "SHOULD", "… or until CT_MAX_HANDOVER_TIME", SHOWN(contexts_are_cached_until_the_time_is_over) },
	{ "2.5.3", "MAY", "a push that did not arrive is asked for under its sequence number",
	  SHOWN(lost_push_is_asked_for_and_sent_again) },
	{ "2.5.3", "MAY", "… also when it is no longer cached", SHOWN(lost_push_is_asked_for_when_the_cache_is_gone) },
	{ "2.5.4", "", "S: all contexts came", SHOWN(s_says_that_all_came) },
	{ "2.5.4", "", "no S: a status is not zero, per FPT", SHOWN(without_s_some_status_is_not_zero) },
	{ "2.5.4", "", "the address tells which transfer is acknowledged", SHOWN(reply_names_the_mobile_it_is_about) },
	{ "2.5.4", "", "it is the new router's word", SHOWN(reply_from_another_router_counts_for_nothing) },
	{ "2.5.4", "", "success or failure of each is known first",
	  SHOWN(reply_waits_for_a_context_that_takes_its_time) },
	{ "2.5.4", "", "… if it is known in time", SHOWN(reply_waits_no_longer_than_a_transfer_may_take) },
	{ "2.5.5", "may", "the new router cancels what is not done in time", SHOWN(what_takes_too_long_is_cancelled) },
	{ "2.5.5", "may", "… or not wanted any more", SHOWN(what_is_not_wanted_any_more_is_cancelled) },
	{ "2.5.5", "", "that ends the transfer", SHOWN(cancelled_transfer_ends) },
	{ "2.5.5", "", "only the new router's word does", SHOWN(another_router_cannot_cancel) },
	{ "2.5.5", "", "nothing of it is installed afterwards",
	  SHOWN(what_comes_after_the_cancellation_is_not_installed) },
	{ "2.5.6", "", "a CT-Req repeats the CTAR's fields verbatim", SHOWN(request_is_verbatim) },
	{ "2.5.6", "", "its sequence number tells it from what was sent before",
	  SHOWN(request_for_something_else_is_told_from_the_cached) },
	{ "2.5.6", "", "after a CTAR before the handover contexts are pushed",
	  SHOWN(announced_contexts_need_no_request) },
	{ "2.5.6", "", "if that failed they are asked for under the same number",
	  SHOWN(failed_push_of_any_kind_is_asked_for) },
	{ "2.5.6", "", "the previous router deletes them after the time of a transfer",
	  SHOWN(previous_router_keeps_nothing_beyond_the_time_of_a_transfer) },
	{ "2.5.6", "", "a reactive transfer does not depend on the number",
	  SHOWN(reactive_transfer_takes_any_sequence_number) },
	{ "2.5.6", "", "a token of zero: the CTAR has not come, so the key goes with the contexts",
	  SHOWN(early_request_for_an_announced_move_gets_its_key) },
	{ "2.5.6", "", "with it the new router checks the CTAR, or asks again if it is not under that key",
	  SHOWN(key_that_does_not_fit_costs_a_request) },
	END_OF_SENTENCES,
};
