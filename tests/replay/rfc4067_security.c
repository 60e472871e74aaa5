/* RFC 4067 §6: threats, access routers, mobiles: tokens, keys, replays, floods. */
#include <string.h>

#include "cxtp/cxtp_token.h"
#include "rfc4067.h"

static struct cxtp_message forged(uint32_t seq)
{
	struct cxtp_message m = ctar(seq, ALL);
	m.token ^= 0x00010000;
	return m;
}

/* The mobile's last CTAR, as whoever overheard it has it. */
static struct cxtp_message overheard(const char *what)
{
	struct cxtp_message m = *sent(what, 1);
	return m.type == CXTP_CTAR ? m : ctar(7, ALL);
}

/* §6.1 */

static void masquerading_moves_nothing(void)
{
	stranger_sends(PAR, forged(7));
	stranger_sends(NAR, forged(8));
	settle();
	EXPECT(times_sent("PCTD") == 0 && times_sent("CTD") == 0);
	EXPECT(in_place(NAR) == 0 && stage.routers[PAR].forgot == 0);
	EXPECT(counted(CXTP_TOKEN_REFUSED) == 2);
}

static void masquerading_does_not_stand_in_the_mobile_s_way(void)
{
	mobile_announces(NAR);
	at(50);
	stranger_sends(NAR, forged(8));
	at(60);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3 && told_all());
}

static void overheard_token_is_of_no_use_on_the_new_link(void)
{
	stage.expected_known = true; /* the handover says which address the mobile has there */
	mobile_announces(NAR);
	at(50);
	stranger_sends(NAR, overheard("CTAR.par"));
	at(100);
	EXPECT(in_place(NAR) == 0 && keys_at(NAR) == 1);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3 && told_all());
	EXPECT(counted(CXTP_WRONG_SOURCE) == 1);
}

static void transfers_that_nobody_comes_for_end(void)
{
	stage.params.request_rate = 1000;
	cxtp_rate_init(&stage.routers[PAR].rate, 1000);
	for (uint32_t i = 0; i < 20; i++) {
		mobile_sends(PAR, ctar(7 + i, ALL));
		at(300 * (i + 1));
		EXPECT(transfers_at(PAR) <= 1 && transfers_at(NAR) <= 1);
	}
	settle();
	EXPECT(octets_at(PAR) == 0 && octets_at(NAR) == 0);
}

static void rogue_router_gets_nothing_without_a_token(void)
{
	struct cxtp_message wrong = ctreq(7, ALL);
	wrong.token ^= 1;
	router_sends(OTHER, PAR, wrong);
	settle();
	EXPECT_SENT("CT-Req");
	EXPECT(counted(CXTP_TOKEN_REFUSED) == 1);
}

static void rogue_router_cannot_plant_contexts(void)
{
	static const uint8_t block[16] = { 0x40, 0x01, 2, 0, 6, 6, 6 };
	router_sends(OTHER, NAR, contexts(CXTP_CTD, (struct octets){ block, sizeof block }));
	router_sends(OTHER, NAR, contexts(CXTP_PCTD, (struct octets){ block, sizeof block }));
	at(50);
	mobile_moves(NAR);
	settle();
	EXPECT(counted(CXTP_FOREIGN_MOBILE) == 1 && counted(CXTP_UNEXPECTED) == 1);
	EXPECT(in_place(NAR) == 3 && told_all());
}

static void rogue_router_cannot_answer_for_another(void)
{
	static const uint8_t block[16] = { 0x40, 0x01, 2, 0, 6, 6, 6 };
	sim_fault(&stage, "CTD", SIM_DELAY, 1, 50 * USEC_MSEC);
	mobile_sends(NAR, ctar(7, ALL));
	at(10);
	router_sends(OTHER, NAR, contexts(CXTP_CTD, (struct octets){ block, sizeof block }));
	settle();
	EXPECT(counted(CXTP_WRONG_PEER) == 1);
	EXPECT(in_place(NAR) == 3);
}

/* §6.3: validation first */

static void token_is_validated_before_contexts_are_pushed(void)
{
	stranger_sends(PAR, forged(7));
	settle();
	EXPECT_SENT("CTAR.par");
	EXPECT(counted(CXTP_CONTEXTS_COLLECTED) == 0);
}

static void token_is_validated_before_contexts_are_sent(void)
{
	stranger_sends(NAR, forged(7));
	settle();
	EXPECT(times_sent("CTD") == 0 && times_sent("CT-Req") == 1);
	EXPECT(counted(CXTP_CONTEXTS_COLLECTED) == 0);
}

static void token_is_validated_before_contexts_are_installed(void)
{
	mobile_sends(PAR, ctar(7, ALL));
	at(50);
	stranger_sends(NAR, forged(7));
	at(500);
	EXPECT(in_place(NAR) == 0 && keys_at(NAR) == 1);
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT(in_place(NAR) == 3);
}

/* §6.3: keys */

static void new_router_discards_the_key_when_it_has_served(void)
{
	mobile_announces(NAR);
	at(100);
	EXPECT(keys_at(NAR) == 1);
	mobile_moves(NAR);
	at(102);
	EXPECT(in_place(NAR) == 3 && keys_at(NAR) == 0);
}

static void new_router_discards_the_key_of_a_mobile_that_does_not_come(void)
{
	mobile_announces(NAR);
	at(2 + 5 + 9999);
	EXPECT(keys_at(NAR) == 1);
	at(2 + 5 + 10000);
	EXPECT(keys_at(NAR) == 0 && octets_at(NAR) == 0);
	mobile_moves(NAR); /* it comes after all */
	settle();
	EXPECT(told_all());
}

static void new_router_keeps_no_key_that_comes_too_late_to_serve(void)
{
	sim_fault(&stage, "PCTD", SIM_DELAY, 1, 100 * USEC_MSEC);
	mobile_announces(NAR);
	at(4);
	mobile_moves(NAR);
	at(2 + 5 + 99);
	EXPECT(in_place(NAR) == 3);
	at(2 + 5 + 100);
	EXPECT(counted(CXTP_PCTD_RECEIVED) == 1 && keys_at(NAR) == 0 && octets_at(NAR) == 0);
}

static bool same_key(unsigned a, unsigned b)
{
	const struct cxtp_message *x = sent("PCTD", a), *y = sent("PCTD", b);
	return x->key && y->key && x->key_len == y->key_len && !memcmp(x->key, y->key, x->key_len);
}

static void next_transfer_has_another_key(void)
{
	mobile_sends(PAR, ctar(7, ALL));
	at(1000);
	mobile_sends(PAR, ctar(8, ALL));
	settle();
	EXPECT(times_sent("PCTD") == 2 && !same_key(1, 2));
}

static void key_is_for_context_transfer_alone(void)
{
	size_t len;
	const uint8_t *master = secret_data(stage.master, &len);
	mobile_announces(NAR);
	at(20);
	const struct cxtp_message *push = sent("PCTD", 1);
	EXPECT(push->key_len == 20 && memcmp(push->key, master, 20) != 0);
}

static void another_mobile_has_another_key(void)
{
	struct cxtp_message second = ctar(7, ALL);
	second.mobile = stage.second;
	authorize(&second);
	mobile_sends(PAR, ctar(7, ALL));
	mobile_sends(PAR, second);
	settle();
	EXPECT(times_sent("PCTD") == 2 && !same_key(1, 2));
}

static void another_router_of_the_mobile_has_another_key(void)
{
	uint8_t at_par[20], at_other[20];
	key_of(7, at_par);
	EXPECT(!cxtp_key(stage.master, &stage.pcoa, &stage.routers[OTHER].on_link, 7, at_other));
	EXPECT(memcmp(at_par, at_other, 20) != 0);
}

static void key_serves_once(void)
{
	mobile_moves(NAR);
	at(5000);
	stranger_sends(OTHER, overheard("CTAR.nar"));
	settle();
	EXPECT(in_place(OTHER) == 0);
	EXPECT(counted(CXTP_REPLAYED) == 1);
}

static void candidate_has_a_key_of_its_own(void)
{
	mobile_has_come();
	par_foresees_one_of(NAR, OTHER);
	settle();
	EXPECT(sent("PCTD", 1)->key_len == 20 && !same_key(1, 2));
}

static void pushed_key_serves_once(void)
{
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	at(20000);
	stranger_sends(OTHER, overheard("CTAR.nar"));
	settle();
	EXPECT(in_place(OTHER) == 0);
}

static void candidate_s_key_serves_at_it_alone(void)
{
	mobile_has_come();
	par_foresees_one_of(NAR, OTHER);
	at(50);
	mobile_moves(NAR);
	at(5000);
	stranger_sends(OTHER, overheard("CTAR.nar"));
	at(5500);
	EXPECT(in_place(OTHER) == 0 && keys_at(OTHER) == 1);
}

/* §6.3: replays */

static void previous_router_drops_contexts_and_key_after_a_push(void)
{
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	at(50 + 2 + 5);
	EXPECT(transfers_at(PAR) == 0 && keys_at(PAR) == 0 && octets_at(PAR) == 0);
}

static void previous_router_drops_contexts_and_key_after_a_request(void)
{
	mobile_moves(NAR);
	at(2 + 5 + 5 + 5);
	EXPECT(transfers_at(PAR) == 0 && keys_at(PAR) == 0 && octets_at(PAR) == 0);
}

static void replay_at_the_previous_router_fails(void)
{
	mobile_moves(NAR);
	at(1000);
	stranger_sends(PAR, overheard("CTAR.nar"));
	settle();
	EXPECT(times_sent("PCTD") == 0);
	EXPECT(counted(CXTP_CTAR_REPEATED) == 1);
}

static void replayed_request_fails(void)
{
	mobile_moves(NAR);
	at(1000);
	struct cxtp_message again = *sent("CT-Req", 1);
	if (again.type == CXTP_CTREQ)
		router_sends(OTHER, PAR, again);
	settle();
	EXPECT(times_sent("CTD") == 1);
	EXPECT(counted(CXTP_REPLAYED) == 1);
}

static void replay_while_the_transfer_is_outstanding_goes_nowhere_else(void)
{
	sim_fault(&stage, "CTDR", SIM_LOSE, 1, 0);
	mobile_moves(NAR);
	at(100); /* the previous router has not heard yet that all is well */
	stranger_sends(OTHER, overheard("CTAR.nar"));
	settle();
	EXPECT(in_place(NAR) == 3 && in_place(OTHER) == 0);
}

static void replay_at_the_new_router_is_a_repetition(void)
{
	mobile_moves(NAR);
	at(1000);
	stranger_sends(NAR, overheard("CTAR.nar"));
	settle();
	EXPECT_SENT("CTAR.nar CT-Req CTD CTDR CTAA CTAR.nar CTAA");
	EXPECT(sent_to("CTAA", 2, &stage.ncoa)); /* to whom it belongs */
}

static void replay_at_the_new_router_much_later_fails(void)
{
	mobile_moves(NAR);
	at(60000);
	stranger_sends(NAR, overheard("CTAR.nar"));
	settle();
	EXPECT(in_place(NAR) == 3 && times_sent("CTD") == 1);
}

static void previous_router_ignores_requests_while_one_is_outstanding(void)
{
	mobile_sends(PAR, ctar(7, ALL));
	at(50);
	router_sends(OTHER, PAR, ctreq(8, ALL));
	at(100);
	EXPECT(times_sent("CTD") == 0 && counted(CXTP_BUSY) == 1);
	at(300); /* timed out: the next may begin */
	router_sends(OTHER, PAR, ctreq(9, ALL));
	settle();
	EXPECT(times_sent("CTD") == 1);
}

static void new_router_takes_one_push_of_a_mobile(void)
{
	mobile_announces(NAR);
	at(50);
	router_sends(OTHER, NAR, contexts(CXTP_PCTD, ALL));
	at(100);
	EXPECT(keys_at(NAR) == 1 && octets_at(NAR) == 80);
	mobile_moves(NAR);
	settle();
	EXPECT(told_all());
}

/* §6.3: floods */

static void flood(unsigned each, unsigned seconds, unsigned rate)
{
	stage.params.request_rate = rate;
	cxtp_rate_init(&stage.routers[NAR].rate, rate);
	for (unsigned i = 0; i < each * seconds; i++) {
		stranger_sends(NAR, forged(1000 + i));
		at(1000 * (i + 1) / each);
	}
}

static void requests_are_limited_to_the_rate(void)
{
	flood(60, 2, 10);
	EXPECT(counted(CXTP_RATE_DROPPED) >= 2 * (60 - 10));
	EXPECT(times_sent("CT-Req") <= 2 * 10);
}

static void rate_is_configured(void)
{
	flood(50, 2, 40);
	EXPECT(counted(CXTP_RATE_DROPPED) >= 2 * (50 - 40) && counted(CXTP_RATE_DROPPED) <= 2 * 50 - 40);
}

static void mobile_gets_through_a_flood(void)
{
	flood(60, 2, 10);
	mobile_sends(PAR, ctar(7, ALL)); /* other links are not concerned, and a push needs no limit */
	at(2100);
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT(in_place(NAR) == 3);
}

/* Not the first of each second: whoever is early would win. */
static void drops_are_random(void)
{
	struct cxtp_rate r;
	unsigned late = 0;
	cxtp_rate_init(&r, 10);
	for (usec_t t = 0; t < 100 * USEC_SEC; t += 5 * USEC_MSEC) {
		stage.random = stage.random * 1664525U + 1013904223U;
		if (cxtp_rate_take(&r, 1, 0, USEC_SEC + t, stage.random >> 8) && t % USEC_SEC >= USEC_SEC / 2)
			late++;
	}
	EXPECT(late > 100 && late < 700);
}

const struct sentence rfc4067_security[] = {
	{ "6.1", "", "who masquerades as a mobile shifts no state", SHOWN(masquerading_moves_nothing) },
	{ "6.1", "", "… and does not stand in its way", SHOWN(masquerading_does_not_stand_in_the_mobile_s_way) },
	{ "6.1", "", "… nor does a token overheard on the old link help",
	  SHOWN(overheard_token_is_of_no_use_on_the_new_link) },
	{ "6.1", "", "who requests transfers and disappears leaves nothing", SHOWN(transfers_that_nobody_comes_for_end) },
	{ "6.1", "", "a rogue router's bogus requests get nothing", SHOWN(rogue_router_gets_nothing_without_a_token) },
	{ "6.1", "", "… and it plants nothing", SHOWN(rogue_router_cannot_plant_contexts) },
	{ "6.1", "", "… nor answers for another", SHOWN(rogue_router_cannot_answer_for_another) },
	{ "6.2", "MUST", "IPsec is supported between routers",
	  NOT_SHOWN("IPsec is the vpn module's; without it a neighbour is not used") },
	{ "6.2", "SHOULD", "security associations are there before any move", NOT_SHOWN("IPsec is the vpn module's") },
	{ "6.2", "MUST", "ESP in transport mode, with encryption and authentication",
	  NOT_SHOWN("IPsec is the kernel's") },
	{ "6.2", "MUST", "ESP's protection against replays", NOT_SHOWN("IPsec is the kernel's") },
	{ "6.2", "SHOULD", "tunnel mode where the IP layer needs protection", NOT_SHOWN("IPsec is the kernel's") },
	{ "6.2", "should", "encryption that is not null", NOT_SHOWN("IPsec is the kernel's") },
	{ "6.3", "MUST", "validation of the token comes before the transfer: a push",
	  SHOWN(token_is_validated_before_contexts_are_pushed) },
	{ "6.3", "MUST", "validation of the token comes before the transfer: an answer",
	  SHOWN(token_is_validated_before_contexts_are_sent) },
	{ "6.3", "MUST", "validation of the token comes before the installation",
	  SHOWN(token_is_validated_before_contexts_are_installed) },
	{ "6.3", "MUST", "the new router discards the key when it has validated",
	  SHOWN(new_router_discards_the_key_when_it_has_served) },
	{ "6.3", "MUST", "… or when nobody came for it",
	  SHOWN(new_router_discards_the_key_of_a_mobile_that_does_not_come) },
	{ "6.3", "MUST", "… or if it came too late to validate anything",
	  SHOWN(new_router_keeps_no_key_that_comes_too_late_to_serve) },
	{ "6.3", "MUST", "a new key for the next transfer", SHOWN(next_transfer_has_another_key) },
	{ "6.3", "SHOULD", "care with keys that serve something else: theirs is never sent",
	  SHOWN(key_is_for_context_transfer_alone) },
	{ "6.3", "RECOMMENDED", "a key of its own for context transfer",
	  SHOWN(another_router_of_the_mobile_has_another_key) },
	{ "6.3", "MUST NOT", "a key is not used again, for another mobile", SHOWN(another_mobile_has_another_key) },
	{ "6.3", "MUST NOT", "a key is not used again, for the same mobile", SHOWN(key_serves_once) },
	{ "6.3", "MUST NOT", "a key is not used again, when it was pushed", SHOWN(pushed_key_serves_once) },
	{ "6.3", "MUST NOT", "a key is not used for two routers", SHOWN(candidate_has_a_key_of_its_own) },
	{ "6.3", "MUST NOT", "… nor the token of the one at the other", SHOWN(candidate_s_key_serves_at_it_alone) },
	{ "6.3", "", "predictive: contexts and key are dropped upon completion",
	  SHOWN(previous_router_drops_contexts_and_key_after_a_push) },
	{ "6.3", "", "reactive: contexts and key are dropped upon completion",
	  SHOWN(previous_router_drops_contexts_and_key_after_a_request) },
	{ "6.3", "", "a replay fails: CTAR, previous router", SHOWN(replay_at_the_previous_router_fails) },
	{ "6.3", "", "a replay fails: CT-Req", SHOWN(replayed_request_fails) },
	{ "6.3", "", "a replay fails: also while the reply is not there",
	  SHOWN(replay_while_the_transfer_is_outstanding_goes_nowhere_else) },
	{ "6.3", "", "a replay fails: CTAR, new router", SHOWN(replay_at_the_new_router_is_a_repetition) },
	{ "6.3", "", "a replay fails: CTAR, new router, when all is forgotten",
	  SHOWN(replay_at_the_new_router_much_later_fails) },
	{ "6.3", "", "requests for a mobile with a transfer outstanding are ignored: previous router",
	  SHOWN(previous_router_ignores_requests_while_one_is_outstanding) },
	{ "6.3", "", "requests for a mobile with a transfer outstanding are ignored: new router",
	  SHOWN(new_router_takes_one_push_of_a_mobile) },
	{ "6.3", "SHOULD", "CTARs are limited to CT_REQUEST_RATE", SHOWN(requests_are_limited_to_the_rate) },
	{ "6.3", "SHOULD", "beyond it they are dropped at random", SHOWN(drops_are_random) },
	{ "6.3", "", "so a mobile gets through", SHOWN(mobile_gets_through_a_flood) },
	{ "6.3", "SHOULD", "the rate is configured", SHOWN(rate_is_configured) },
	END_OF_SENTENCES,
};
