/* RFC 4067 §2.5, §2.5.1, §2.5.2: one transfer at a time, CTAR and CTAA. */
#include <string.h>

#include "rfc4067.h"

/* §2.5 */

static void mobile_is_named_by_its_previous_address(void)
{
	static const char *const all[] = { "CTAR.par", "PCTD", "CTAR.nar", "CT-Req", "CTD", "CTDR", "CTAA" };
	sim_fault(&stage, "PCTD", SIM_LOSE, 1, 0);
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	settle();
	for (size_t i = 0; i < 7; i++)
		EXPECT(addr_eq(&sent(all[i], 1)->mobile, &stage.pcoa));
}

static void previous_router_does_one_transfer_of_a_mobile_at_a_time(void)
{
	mobile_sends(PAR, ctar(7, ALL));
	at(100);
	mobile_sends(PAR, ctar(8, ALL)); /* the first is outstanding until 202 ms */
	at(200);
	EXPECT_SENT("CTAR.par PCTD CTAA CTAR.par");
	EXPECT(counted(CXTP_BUSY) == 1);
	at(250);
	mobile_sends(PAR, ctar(9, ALL));
	at(300);
	EXPECT(times_sent("PCTD") == 2);
	EXPECT(transfers_at(PAR) == 1);
}

static void new_router_does_one_transfer_of_a_mobile_at_a_time(void)
{
	sim_fault(&stage, "CTD", SIM_DELAY, 1, 100 * USEC_MSEC);
	mobile_sends(NAR, ctar(7, ALL));
	at(50);
	mobile_sends(NAR, ctar(8, ALL));
	settle();
	EXPECT(times_sent("CT-Req") == 1);
	EXPECT(counted(CXTP_BUSY) == 1);
	EXPECT(in_place(NAR) == 3);
}

static void mobiles_do_not_wait_for_each_other(void)
{
	struct cxtp_message second = ctar(7, ALL);
	second.mobile = stage.second;
	authorize(&second);
	mobile_sends(PAR, ctar(7, ALL));
	mobile_sends(PAR, second);
	at(50);
	EXPECT(keys_at(NAR) == 2 && transfers_at(NAR) == 2);
	mobile_sends(NAR, second);
	at(53);
	EXPECT(keys_at(NAR) == 1);
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT(times_sent("PCTD") == 2 && times_sent("CTDR") == 2 && in_place(NAR) == 6);
}

static void v_bit_tells_the_family(void)
{
	static const char *const all[] = { "CTAR.par", "PCTD", "CTAR.nar", "CT-Req", "CTD", "CTDR", "CTAA" };
	uint8_t v = addr_is_v4(&stage.pcoa) ? 0x80 : 0;
	sim_fault(&stage, "PCTD", SIM_LOSE, 1, 0);
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	settle();
	for (size_t i = 0; i < 7; i++)
		EXPECT(octets_sent(all[i], 1).p && (octets_sent(all[i], 1).p[1] & 0x80) == v);
	EXPECT(told_all());
}

/* §2.5.1 */

static void ctar_is_sent_even_if_there_is_nothing_to_transfer(void)
{
	stage.collects = 0;
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(sent("CTD", 1)->blocks_len == 0);
	EXPECT(told_all());
}

static void acknowledgement_comes_if_asked_for(void)
{
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(sent_to("CTAA", 1, &stage.ncoa));
}

static void acknowledgement_does_not_come_if_not_asked_for(void)
{
	struct cxtp_message quiet = ctar(7, ALL);
	quiet.flag = false;
	mobile_sends(NAR, quiet);
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD CTDR");
	EXPECT(in_place(NAR) == 3);
}

static void previous_router_acknowledges_if_asked_for(void)
{
	mobile_sends(PAR, ctar(7, ALL));
	settle();
	EXPECT_SENT("CTAR.par PCTD CTAA CTC"); /* the mobile never went */
	EXPECT(sent_to("CTAA", 1, &stage.pcoa));
	EXPECT(sent("CTAA", 1)->statuses_len == 0);
}

static void previous_router_is_quiet_if_not_asked(void)
{
	mobile_announces(NAR);
	settle();
	EXPECT(!sent("CTAR.par", 1)->flag);
	EXPECT_SENT("CTAR.par PCTD CTC");
}

static void mobile_asks_the_new_router_for_an_acknowledgement(void)
{
	mobile_moves(NAR);
	EXPECT(sent("CTAR.nar", 1)->flag);
}

static void list_of_types_is_what_is_transferred(void)
{
	mobile_sends(NAR, ctar(7, only(SIM_FPT_GROUPS)));
	settle();
	EXPECT(sent("CTD", 1)->blocks_len == 64);
	EXPECT(in_place(NAR) == 2);
}

static void list_of_types_is_what_is_pushed(void)
{
	mobile_sends(PAR, ctar(7, only(SIM_FPT_OTHER)));
	at(50);
	EXPECT(sent("PCTD", 1)->blocks_len == 16);
	mobile_sends(NAR, ctar(7, only(SIM_FPT_OTHER)));
	settle();
	EXPECT(in_place(NAR) == 1);
}

static void each_router_hears_of_the_other(void)
{
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	EXPECT(addr_eq(&sent("CTAR.par", 1)->router, &stage.routers[NAR].on_link));
	EXPECT(addr_eq(&sent("CTAR.nar", 1)->router, &stage.routers[PAR].on_link));
}

static void both_routers_get_the_same_sequence_number(void)
{
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	settle();
	EXPECT(sent("CTAR.par", 1)->seq != 0);
	EXPECT(sent("CTAR.par", 1)->seq == sent("CTAR.nar", 1)->seq);
}

static void new_router_that_was_not_announced_gets_it_too(void)
{
	mobile_announces(OTHER);
	at(50);
	mobile_moves(NAR);
	settle();
	EXPECT(sent("CTAR.par", 1)->seq == sent("CTAR.nar", 1)->seq);
	EXPECT(in_place(NAR) == 3 && in_place(OTHER) == 0);
}

static void sequence_number_tells_whether_the_cache_serves(void)
{
	sim_fault(&stage, "PCTD", SIM_LOSE, 1, 0);
	mobile_sends(PAR, ctar(7, ALL));
	at(50);
	stage.collects = 5; /* too late for what is cached */
	mobile_sends(NAR, ctar(7, ALL));
	at(100);
	EXPECT(sent("CTD", 1)->blocks_len == 80);
}

static void reserved_bits_are_ignored(void)
{
	uint8_t octets[64];
	struct cxtp_message m = ctar(7, ALL);
	m.router = stage.routers[PAR].on_link;
	size_t len = cxtp_pack(&m, octets, sizeof octets);
	octets[1] |= 0x3f;
	sim_inject_ctar(&stage, NAR, &stage.ncoa, octets, len);
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD CTDR CTAA");
	EXPECT(in_place(NAR) == 3);
}

static void refused_whatever_token_does_not_cover(struct cxtp_message m)
{
	mobile_sends(NAR, m);
	settle();
	EXPECT(times_sent("CT-Req") == 1 && times_sent("CTD") == 0);
	EXPECT(in_place(NAR) == 0);
	EXPECT(counted(CXTP_TOKEN_REFUSED) == 1);
}

static void token_covers_the_sequence_number(void)
{
	struct cxtp_message m = ctar(7, ALL);
	m.seq = 8;
	refused_whatever_token_does_not_cover(m);
}

static void token_covers_the_address(void)
{
	struct cxtp_message m = ctar(7, ALL);
	m.mobile = stage.second;
	refused_whatever_token_does_not_cover(m);
}

static void token_covers_the_blocks(void)
{
	struct cxtp_message m = ctar(7, only(SIM_FPT_GROUPS));
	m.blocks = NULL;
	m.blocks_len = 0; /* to get them all */
	refused_whatever_token_does_not_cover(m);
}

static void token_of_nothing_is_none(void)
{
	struct cxtp_message m = ctar(7, ALL);
	m.token = 0;
	mobile_sends(NAR, m);
	mobile_sends(PAR, m);
	settle();
	EXPECT(times_sent("CT-Req") == 0 && times_sent("PCTD") == 0 && times_sent("CTAA") == 0);
	EXPECT(counted(CXTP_TOKEN_REFUSED) == 2);
}

/* §2.5.2 */

static void acknowledgement_lists_what_was_not_transferred(void)
{
	stage.install_status = FEATURE_NO_RESOURCES;
	mobile_moves(NAR);
	settle();
	EXPECT(sent("CTAA", 1)->statuses_len == 4);
	EXPECT(status_in(sent("CTAA", 1), SIM_FPT_OTHER) == FEATURE_NO_RESOURCES);
	EXPECT(told() == 1 && !told_all());
	EXPECT(in_place(NAR) == 2);
}

static void acknowledgement_is_of_the_router_that_was_asked(void)
{
	struct cxtp_link other = { .peer = stage.routers[OTHER].on_link, .local = stage.ncoa };
	struct cxtp_message all_well = word(CXTP_CTAA), of_another = all_well;
	sim_fault(&stage, "CTD", SIM_LOSE, 1, 0);
	mobile_moves(NAR);
	at(50);
	cxtp_mn_ctaa(stage.mn, &other, &all_well);
	of_another.mobile = stage.second;
	other.peer = stage.routers[NAR].on_link;
	cxtp_mn_ctaa(stage.mn, &other, &of_another);
	EXPECT(told() == 0);
	EXPECT(counted(CXTP_WRONG_SOURCE) == 1 && counted(CXTP_UNEXPECTED) == 1);
	settle();
	EXPECT(told() == 1 && !told_all());
}

static void acknowledgement_is_empty_if_all_was(void)
{
	mobile_moves(NAR);
	settle();
	EXPECT(sent("CTAA", 1)->statuses_len == 0);
	EXPECT(told() == 1 && told_all());
}

static void acknowledgement_says_that_the_previous_router_is_unknown(void)
{
	struct cxtp_message m = ctar(7, both(SIM_FPT_GROUPS, SIM_FPT_OTHER));
	uint8_t octets[64];
	m.router = stage.stranger;
	sim_inject_ctar(&stage, NAR, &stage.ncoa, octets, cxtp_pack(&m, octets, sizeof octets));
	settle();
	EXPECT_SENT("CTAR.nar CTAA");
	EXPECT(status_in(sent("CTAA", 1), SIM_FPT_GROUPS) == CXTP_STATUS_UNREACHABLE);
	EXPECT(status_in(sent("CTAA", 1), SIM_FPT_OTHER) == CXTP_STATUS_UNREACHABLE);
}

static void acknowledgement_says_that_the_new_router_is_unknown(void)
{
	struct cxtp_message m = ctar(7, ALL);
	uint8_t octets[64];
	m.router = stage.stranger;
	sim_inject_ctar(&stage, PAR, &stage.pcoa, octets, cxtp_pack(&m, octets, sizeof octets));
	settle();
	EXPECT_SENT("CTAR.par CTAA");
	EXPECT(status_in(sent("CTAA", 1), SIM_FPT_GROUPS) == CXTP_STATUS_UNREACHABLE);
}

static void acknowledgement_says_that_nothing_came_in_time(void)
{
	sim_fault(&stage, "CTD", SIM_LOSE, 1, 0);
	mobile_moves(NAR);
	settle();
	EXPECT(told_status(SIM_FPT_GROUPS) == CXTP_STATUS_TIMEOUT);
	EXPECT(told_status(SIM_FPT_OTHER) == CXTP_STATUS_TIMEOUT);
	EXPECT(in_place(NAR) == 0);
}

const struct sentence rfc4067_activate[] = {
	{ "2.5", "", "every message names the mobile by its previous address",
	  SHOWN(mobile_is_named_by_its_previous_address) },
	{ "2.5", "", "one transfer of a mobile is in progress at a time: previous router",
	  SHOWN(previous_router_does_one_transfer_of_a_mobile_at_a_time) },
	{ "2.5", "", "one transfer of a mobile is in progress at a time: new router",
	  SHOWN(new_router_does_one_transfer_of_a_mobile_at_a_time) },
	{ "2.5", "", "of one mobile, that is: others go on", SHOWN(mobiles_do_not_wait_for_each_other) },
	{ "2.5", "", "V tells the family of the addresses", SHOWN(v_bit_tells_the_family) },
	{ "2.5.1", "", "the CTAR is sent whether or not there is anything to transfer",
	  SHOWN(ctar_is_sent_even_if_there_is_nothing_to_transfer) },
	{ "2.5.1", "", "A asks for an acknowledgement", SHOWN(acknowledgement_comes_if_asked_for) },
	{ "2.5.1", "", "without A none is sent", SHOWN(acknowledgement_does_not_come_if_not_asked_for) },
	{ "2.5.1", "", "A asks the previous router too", SHOWN(previous_router_acknowledges_if_asked_for) },
	{ "2.5.1", "", "without A it sends none either", SHOWN(previous_router_is_quiet_if_not_asked) },
	{ "2.5.1", "", "who needs an acknowledgement sets A: our mobile, at the new router",
	  SHOWN(mobile_asks_the_new_router_for_an_acknowledgement) },
	{ "2.5.1", "may", "a CTAR may list types: these are asked for", SHOWN(list_of_types_is_what_is_transferred) },
	{ "2.5.1", "may", "a CTAR may list types: these are pushed", SHOWN(list_of_types_is_what_is_pushed) },
	{ "2.5.1", "may", "the mobile may tell its previous router, naming the new one; and the other way round",
	  SHOWN(each_router_hears_of_the_other) },
	{ "2.5.1", "MUST", "one sequence number for both routers", SHOWN(both_routers_get_the_same_sequence_number) },
	{ "2.5.1", "MUST", "also if the new router is not the one announced",
	  SHOWN(new_router_that_was_not_announced_gets_it_too) },
	{ "2.5.1", "", "by it the previous router knows whether what it cached is meant",
	  SHOWN(sequence_number_tells_whether_the_cache_serves) },
	{ "2.5.1", "", "reserved bits are ignored", SHOWN(reserved_bits_are_ignored) },
	{ "2.5.1", "", "the token covers the sequence number", SHOWN(token_covers_the_sequence_number) },
	{ "2.5.1", "", "the token covers the previous address", SHOWN(token_covers_the_address) },
	{ "2.5.1", "", "the token covers the context blocks", SHOWN(token_covers_the_blocks) },
	{ "2.5.1", "", "a token of zero is none", SHOWN(token_of_nothing_is_none) },
	{ "2.5.1", "", "the token's first 32 bits of HMAC-SHA1", SHOWN_BY("tests/unit/test_cxtp_token.c::test_token") },
	{ "2.5.2", "may", "a CTAA lists what was not transferred, and why",
	  SHOWN(acknowledgement_lists_what_was_not_transferred) },
	{ "2.5.2", "", "it is the word of who received the CTAR",
	  SHOWN(acknowledgement_is_of_the_router_that_was_asked) },
	{ "2.5.2", "", "nothing listed: all was", SHOWN(acknowledgement_is_empty_if_all_was) },
	{ "2.5.2", "", "a failure's reason: the previous router is not known",
	  SHOWN(acknowledgement_says_that_the_previous_router_is_unknown) },
	{ "2.5.2", "", "a failure's reason: the new router is not known",
	  SHOWN(acknowledgement_says_that_the_new_router_is_unknown) },
	{ "2.5.2", "", "a failure's reason: the contexts did not come in time",
	  SHOWN(acknowledgement_says_that_nothing_came_in_time) },
	END_OF_SENTENCES,
};
