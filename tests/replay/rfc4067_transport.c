/* RFC 4067 §3 and §4: between routers, on the air, and the constants. */
#include <string.h>

#include "cxtp/cxtp_config.h"
#include "rfc4067.h"

#define IPV6_MINIMUM_MTU 1280

/* §3.1 */

static void order_of_messages_does_not_matter(void)
{
	sim_fault(&stage, "PCTD", SIM_DELAY, 1, 7 * USEC_MSEC); /* behind the CTD that is sent after it */
	mobile_announces(NAR);
	at(4);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.par PCTD~ CTAR.nar CT-Req CTD CTDR CTAA CTDR");
	EXPECT(in_place(NAR) == 3 && told_all());
}

static void each_message_is_of_one_mobile(void)
{
	struct cxtp_message second = ctar(7, only(SIM_FPT_OTHER));
	second.mobile = stage.second;
	authorize(&second);
	mobile_sends(NAR, ctar(7, ALL));
	mobile_sends(NAR, second);
	settle();
	EXPECT(times_sent("CTD") == 2);
	EXPECT(addr_eq(&sent("CTD", 1)->mobile, &stage.pcoa) && addr_eq(&sent("CTD", 2)->mobile, &stage.second));
	EXPECT(sent("CTD", 1)->blocks_len == 80 && sent("CTD", 2)->blocks_len == 16);
}

static void what_comes_too_late_is_not_used(void)
{
	sim_fault(&stage, "CTD", SIM_DELAY, 1, 195 * USEC_MSEC);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 0);
	EXPECT(counted(CXTP_UNEXPECTED) == 1);
}

static void time_of_a_transfer_is_configured(void)
{
	stage.params.max_transfer_time = 1000 * USEC_MSEC;
	sim_fault(&stage, "CTD", SIM_DELAY, 1, 600 * USEC_MSEC);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD~ CTDR CTAA");
	EXPECT(in_place(NAR) == 3);
}

static void traffic_waits_until_the_contexts_are_in_place(void)
{
	mobile_moves(NAR);
	at(11);
	EXPECT(released(NAR) == 0);
	settle();
	EXPECT(released(NAR) == 1 && when_released(NAR) == 2 + 5 + 5);
}

static void traffic_waits_no_longer_than_a_transfer_may_take(void)
{
	sim_fault(&stage, "CTD", SIM_LOSE, 1, 0);
	mobile_moves(NAR);
	settle();
	EXPECT(released(NAR) == 1 && when_released(NAR) == 2 + 200);
}

/* §3.2 */

/* As many types as a packet of IPv6's least MTU can name; the answer lists them all, and fits as well. */
static void ctaa_lists_no_more_than_a_packet_holds(void)
{
	uint8_t request[297 * 4] = { 0 };
	for (unsigned i = 0; i < 297; i++) {
		request[4 * i] = (uint8_t)(0x50 + i / 256);
		request[4 * i + 1] = (uint8_t)i;
	}
	mobile_sends(NAR, ctar(7, (struct octets){ request, sizeof request }));
	settle();
	EXPECT(octets_sent("CTAR.nar", 1).len + 48 <= IPV6_MINIMUM_MTU);
	EXPECT(sent("CTAA", 1)->statuses_len == 297 * 4);
	EXPECT(octets_sent("CTAA", 1).len + 48 <= IPV6_MINIMUM_MTU);
}

static void first_repetition_after_the_retry_time(void)
{
	sim_fault(&stage, "CTAR.nar", SIM_LOSE, 1, 0);
	mobile_moves(NAR);
	at(1999);
	EXPECT(times_sent("CTAR.nar") == 1);
	at(2000);
	EXPECT(times_sent("CTAR.nar") == 2);
	settle();
	EXPECT(told_all());
}

static void each_wait_is_twice_the_one_before(void)
{
	sim_fault(&stage, "CTAR.nar", SIM_LOSE, 99, 0);
	mobile_moves(NAR);
	settle();
	EXPECT(times_sent("CTAR.nar") == 4);
	EXPECT(when_sent("CTAR.nar", 2) == 2000);
	EXPECT(when_sent("CTAR.nar", 3) == 2000 + 4000);
	EXPECT(when_sent("CTAR.nar", 4) == 2000 + 4000 + 8000);
}

static void repetitions_stop_when_the_answer_comes(void)
{
	sim_fault(&stage, "CTAA", SIM_LOSE, 1, 0);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD CTDR CTAA! CTAR.nar CTAA");
	EXPECT(told() == 1 && told_all());
}

static void bad_news_is_an_answer_too(void)
{
	stage.install_status = FEATURE_FAILED;
	mobile_moves(NAR);
	settle();
	EXPECT(times_sent("CTAR.nar") == 1);
	EXPECT(told() == 1 && !told_all());
}

static void repetitions_end_after_the_greatest_time(void)
{
	sim_fault(&stage, "CTAR.nar", SIM_LOSE, 99, 0);
	mobile_moves(NAR);
	at(14999);
	EXPECT(told() == 0 && cxtp_mn_state(stage.mn) == CXTP_MN_WAITING);
	at(15000);
	EXPECT(told() == 1 && !told_all() && cxtp_mn_state(stage.mn) == CXTP_MN_IDLE);
}

static void what_asks_for_no_answer_is_not_repeated(void)
{
	sim_fault(&stage, "CTAR.par", SIM_LOSE, 99, 0);
	mobile_announces(NAR);
	at(60000);
	EXPECT(times_sent("CTAR.par") == 1);
}

static void repetition_is_the_same_ctar(void)
{
	sim_fault(&stage, "CTAR.nar", SIM_LOSE, 1, 0);
	mobile_moves(NAR);
	settle();
	struct octets first = octets_sent("CTAR.nar", 1), second = octets_sent("CTAR.nar", 2);
	EXPECT(second.p && first.len == second.len && !memcmp(first.p, second.p, first.len));
}

static void sequence_numbers_are_random(void)
{
	uint32_t seen[6] = { 0 };
	for (unsigned i = 0; i < 6; i++) {
		mobile_announces(i % 2 ? NAR : OTHER); /* a new plan each time */
		at(1000 * (i + 1));
		seen[i] = sent("CTAR.par", i + 1)->seq;
		for (unsigned k = 0; k < i; k++)
			EXPECT(seen[i] != seen[k] && seen[i] - seen[k] > 8 && seen[k] - seen[i] > 8);
	}
}

static uint32_t first_number_again(unsigned ms)
{
	uint32_t random = stage.random;
	mobile_announces(NAR);
	at(ms);
	stage.random = random; /* the dice fall as they did */
	mobile_announces(OTHER);
	return sent("CTAR.par", 2)->seq;
}

static void number_is_not_used_again_within_seven_seconds(void)
{
	EXPECT(first_number_again(6999) != sent("CTAR.par", 1)->seq);
}

static void number_may_be_used_again_after_seven_seconds(void)
{
	EXPECT(first_number_again(7000) == sent("CTAR.par", 1)->seq);
}

static void predictive_transfer_uses_one_number(void)
{
	sim_fault(&stage, "CTAR.nar", SIM_LOSE, 2, 0);
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	settle();
	for (unsigned i = 1; i <= 3; i++) {
		EXPECT(sent("CTAR.nar", i)->seq == sent("CTAR.par", 1)->seq);
		EXPECT(sent("CTAR.nar", i)->token == sent("CTAR.par", 1)->token);
	}
}

static void previous_router_ignores_what_it_has_received(void)
{
	struct cxtp_message m = ctar(7, ALL);
	m.flag = false;
	mobile_sends(PAR, m);
	at(50);
	mobile_sends(PAR, m);
	at(500); /* also when the first is no longer outstanding */
	mobile_sends(PAR, m);
	settle();
	EXPECT_SENT("CTAR.par PCTD CTAR.par CTAR.par CTC");
	EXPECT(counted(CXTP_CTAR_REPEATED) == 2);
}

static void new_router_ignores_what_it_has_received(void)
{
	mobile_sends(NAR, ctar(7, ALL));
	mobile_sends(NAR, ctar(7, ALL));
	at(50);
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT(times_sent("CT-Req") == 1 && times_sent("CTDR") == 1);
	EXPECT(counted(CXTP_CTAR_REPEATED) == 2);
	EXPECT(in_place(NAR) == 3);
}

static void same_number_of_another_mobile_is_not_a_repetition(void)
{
	struct cxtp_message second = ctar(7, ALL);
	second.mobile = stage.second;
	authorize(&second);
	mobile_sends(PAR, ctar(7, ALL));
	mobile_sends(PAR, second);
	at(50);
	EXPECT(times_sent("PCTD") == 2);
	EXPECT(counted(CXTP_CTAR_REPEATED) == 0);
}

/* §4 */

static bool preset(const char *name, const char *value)
{
	for (const struct config_item *i = cxtp_config_table.items; i->name; i++)
		if (!strcmp(i->name, name))
			return !strcmp(i->preset, value);
	return false;
}

static void constants_are_settings(void)
{
	EXPECT(preset("request_rate", "10"));
	EXPECT(preset("max_transfer_time", "200ms"));
	EXPECT(preset("request_retry", "500ms")); /* not 2s: handoverd.conf(5) says why, and 2s may be written */
	EXPECT(preset("retry_max", "15s"));
	EXPECT(preset("sequence_reuse", "7s"));
}

const struct sentence rfc4067_transport[] = {
	{ "3.1", "MUST", "SCTP is supported between routers", SHOWN_BY("tests/net/test_cxtp.py::test_predictive") },
	{ "3.1", "SHOULD", "and used", SHOWN_BY("tests/net/test_handover.py::test_predictive") },
	{ "3.1", "not rec.", "several streams or addresses are not used",
	  SHOWN_BY("tests/net/test_sctp.py::test_messages_on_the_wire") },
	{ "3.1", "must", "stale contexts are dropped by the transport",
	  SHOWN_BY("tests/net/test_sctp.py::test_a_message_is_not_delivered_after_its_lifetime") },
	{ "3.1", "should", "a message may be longer than a packet",
	  SHOWN_BY("tests/net/test_sctp.py::test_a_large_message_arrives_whole") },
	{ "3.1", "", "a failed SCTP checksum is told as BAD_CHECKSUM",
	  NOT_SHOWN("SCTP discards such a packet before anybody can tell whose it was, and sends it again") },
	{ "3.1", "", "messages come in any order", SHOWN(order_of_messages_does_not_matter) },
	{ "3.1", "", "each is about one mobile", SHOWN(each_message_is_of_one_mobile) },
	{ "3.1", "SHOULD", "retransmission ends with CT_MAX_TRANSFER_TIME",
	  SHOWN_BY("tests/net/test_sctp.py::test_a_lost_packet_is_repeated_within_the_lifetime_of_a_context") },
	{ "3.1", "SHOULD", "contexts are wanted in time or not at all", SHOWN(what_comes_too_late_is_not_used) },
	{ "3.1", "SHOULD", "CT_MAX_TRANSFER_TIME is configured", SHOWN(time_of_a_transfer_is_configured) },
	{ "3.1", "SHOULD", "bundling is off", SHOWN_BY("tests/net/test_sctp.py::test_messages_on_the_wire") },
	{ "3.1", "SHOULD", "the mobile's traffic waits until its contexts are in place",
	  SHOWN(traffic_waits_until_the_contexts_are_in_place) },
	{ "3.1", "SHOULD", "… or the timer ends", SHOWN(traffic_waits_no_longer_than_a_transfer_may_take) },
	{ "3.1", "SHOULD", "PR-SCTP is used where both ends have it",
	  SHOWN_BY("tests/net/test_sctp.py::test_a_message_is_not_delivered_after_its_lifetime") },
	{ "3.1", "MUST", "the U bit is set", SHOWN_BY("tests/net/test_sctp.py::test_messages_on_the_wire") },
	{ "3.1", "MUST", "who piggybacks on another protocol designs an extension of it",
	  SHOWN_BY("tests/net/test_cxtp.py::test_the_ctar_rides_in_the_fbu") },
	{ "3.1", "MUST", "who uses another transport engineers it well",
	  NOT_SHOWN("between routers there is SCTP only; UDP encapsulation is SCTP's own (RFC 6951)") },
	{ "3.2", "MUST", "ICMP is implemented for CTAR and CTAA", SHOWN_BY("tests/net/test_cxtp.py::test_reactive") },
	{ "3.2", "SHOULD", "and used", SHOWN_BY("tests/net/test_handover.py::test_reactive") },
	{ "3.2", "SHOULD", "CTAR and CTAA list no more than one packet holds",
	  SHOWN(ctaa_lists_no_more_than_a_packet_holds) },
	{ "3.2", "", "hop limit 255, code 0, subtype 1, reserved octets zero and ignored",
	  SHOWN_BY("tests/net/test_cxtp.py::test_icmp_fields") },
	{ "3.2", "", "what comes from farther is refused",
	  SHOWN_BY("tests/net/test_cxtp.py::test_forged_tokens_and_distant_senders_change_nothing") },
	{ "3.2", "", "the first repetition comes after the retry time", SHOWN(first_repetition_after_the_retry_time) },
	{ "3.2", "MUST", "each wait is twice the one before", SHOWN(each_wait_is_twice_the_one_before) },
	{ "3.2", "should", "repetitions go on until there is an answer", SHOWN(repetitions_stop_when_the_answer_comes) },
	{ "3.2", "should", "… which may be an error", SHOWN(bad_news_is_an_answer_too) },
	{ "3.2", "should", "… or until the greatest time", SHOWN(repetitions_end_after_the_greatest_time) },
	{ "3.2", "", "only what asks for an answer is repeated", SHOWN(what_asks_for_no_answer_is_not_repeated) },
	{ "3.2", "", "what is repeated is the CTAR as it was", SHOWN(repetition_is_the_same_ctar) },
	{ "3.2", "SHOULD", "sequence numbers are random", SHOWN(sequence_numbers_are_random) },
	{ "3.2", "SHOULD", "none is used again within 7 s", SHOWN(number_is_not_used_again_within_seven_seconds) },
	{ "3.2", "SHOULD", "… but after that it may be", SHOWN(number_may_be_used_again_after_seven_seconds) },
	{ "3.2", "MUST", "a predictive transfer has one number, whatever is repeated",
	  SHOWN(predictive_transfer_uses_one_number) },
	{ "3.2", "MUST", "a CTAR received before is ignored: previous router",
	  SHOWN(previous_router_ignores_what_it_has_received) },
	{ "3.2", "MUST", "a CTAR received before is ignored: new router",
	  SHOWN(new_router_ignores_what_it_has_received) },
	{ "3.2", "MUST", "… if mobile and number are the same",
	  SHOWN(same_number_of_another_mobile_is_not_a_repetition) },
	{ "3.2", "MAY", "a CTAR may travel with the FBU", SHOWN_BY("tests/net/test_cxtp.py::test_the_ctar_rides_in_the_fbu") },
	{ "4", "", "the constants have the values of the table, and can be set", SHOWN(constants_are_settings) },
	END_OF_SENTENCES,
};
