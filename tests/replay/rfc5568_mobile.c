/* RFC 5568 as far as it binds the mobile: FBU, what it makes of an FBack, UNA, NAACK. */
#include <string.h>

#include "rfc5568.h"

/* Told to move to NAR, and this is the answer to its FBU. */
static void fback_says(struct fback m)
{
	m.has_badf = true;
	m.badf.spi = BADF_SPI_CONFIGURED;
	fback_instead(m);
	mobile_is_told(NAR);
	pass(20);
}

static bool gave_up(void)
{
	return mobile_is(MN_ATTACHED) && sim_outcome(stage, SIM_MN) == HANDOVER_FAILED && sim_at(stage) == PAR;
}

static struct naack naack(uint8_t status)
{
	return (struct naack){ .status = status, .source = tuple_of(NAR).router_lladdr, .lifetime = 1800 };
}

/* The mobile has come to NAR unannounced, and all is done. */
static void is_at_the_new_router(void)
{
	mobile_moves(NAR);
	pass(100);
	EXPECT(sim_at(stage) == NAR && sim_tunnelled(stage, PAR, PAR));
}

/* §4 */

static void address_of_the_fback_is_used(void)
{
	hack_instead((struct hack){ .code = HACK_ASSIGNED, .ncoa = address(NAR, 0x55) });
	mobile_is_told(NAR);
	pass(50);
	struct in6_addr given = address(NAR, 0x55);
	EXPECT(mobile_is(MN_PREPARED) && sim_has(stage, &given)); /* ready for what the UNA sets loose */
	mobile_moves(NAR);
	pass(10);
	EXPECT(mobile_uses(address(NAR, 0x55)) && is(sent(SIM_UNA, 1)->src, address(NAR, 0x55)));
}

static void address_of_the_fback_is_used_on_the_new_link_too(void)
{
	hack_instead((struct hack){ .code = HACK_ACCEPTED, .ncoa = address(NAR, 0x55) });
	mobile_moves(NAR);
	pass(100);
	EXPECT(mobile_uses(address(NAR, 0x55)) && !sim_has(stage, &(struct in6_addr){ 0 }));
	EXPECT(is(last(SIM_UNA)->src, address(NAR, 0x55)));
}

/* Another router than ours may say so without Status 1. */
static void address_of_an_fback_with_status_0_is_used(void)
{
	struct in6_addr given = address(NAR, 0x55);
	sim_drop(stage, SIM_HI, 99);
	mobile_is_told(NAR);
	pass(20);
	put_fback(PAR, PAR, given, (struct fback){ .seq = last(SIM_FBU)->fbu.seq, .lifetime = 60, .ncoa = given, .has_badf = true,
	                                           .badf = { .spi = BADF_SPI_CONFIGURED } });
	pass(10);
	EXPECT(mobile_is(MN_PREPARED) && sim_has(stage, &given));
}

static void no_fback_after_all_retries(void)
{
	sim_drop(stage, SIM_FBACK, 99);
	mobile_is_told(NAR);
	pass(1490);
	EXPECT(times_sent(SIM_FBU) == 1 + FBU_RETRIES && mobile_is(MN_UPDATING));
	pass(100);
	EXPECT(gave_up());
}

static void fbu_is_repeated_ever_more_slowly(void)
{
	sim_drop(stage, SIM_FBU, 99);
	mobile_is_told(NAR);
	pass(1000);
	EXPECT(sent(SIM_FBU, 2)->at - sent(SIM_FBU, 1)->at == 100 && sent(SIM_FBU, 3)->at - sent(SIM_FBU, 2)->at == 200);
	EXPECT(sent(SIM_FBU, 4)->at - sent(SIM_FBU, 3)->at == 400);
}

static void fbu_repeated_has_a_greater_sequence_number(void)
{
	sim_drop(stage, SIM_FBU, 1);
	mobile_is_told(NAR);
	pass(200);
	EXPECT(times_sent(SIM_FBU) == 2 && sent(SIM_FBU, 2)->fbu.seq == (uint16_t)(sent(SIM_FBU, 1)->fbu.seq + 1));
	EXPECT(mobile_is(MN_PREPARED));
}

static void una_and_the_fbu_after_it(void)
{
	mobile_moves(NAR);
	pass(5);
	EXPECT(times_sent(SIM_UNA) >= 1 && times_sent(SIM_FBU) == 1);
	EXPECT(sent(SIM_UNA, 1) < sent(SIM_FBU, 1));
}

static void una_and_an_fbu_where_the_fback_did_not_come(void)
{
	sim_drop(stage, SIM_FBACK, 2);
	mobile_is_told(NAR);
	pass(50);
	EXPECT(mobile_is(MN_UPDATING));
	mobile_moves(NAR);
	pass(3);
	EXPECT(is(last(SIM_FBU)->src, AT(NAR)) && last(SIM_FBU) > sent(SIM_UNA, 1));
	pass(50);
	EXPECT(flows() && sim_outcome(stage, SIM_MN) == HANDOVER_COMPLETE);
}

static void una_alone_where_it_did(void)
{
	mobile_moves_announced(NAR);
	pass(200);
	EXPECT(times_sent(SIM_FBU) == 1 && times_sent(SIM_UNA) >= 1);
}

static void address_is_said_to_be_its_own(void)
{
	mobile_moves_announced(NAR);
	pass(800);
	EXPECT(sim_confirmed(stage) == 1 && last(SIM_UNA)->una.flags == NA_OVERRIDE && is(last(SIM_UNA)->una.target, AT(NAR)));
}

static void address_is_said_to_be_its_own_when_nobody_claims_it(void)
{
	mobile_moves(NAR);
	pass(900);
	EXPECT(sim_asked(stage) == 1 && sim_confirmed(stage) == 0);
	pass(300);
	EXPECT(sim_confirmed(stage) == 1 && last(SIM_UNA)->una.flags == NA_OVERRIDE && is(last(SIM_UNA)->una.target, AT(NAR)));
}

static void mobile_asks_its_new_link(void)
{
	mobile_moves_announced(NAR);
	EXPECT(flows()); /* without waiting for an answer */
	pass(20);
	EXPECT(sim_asked(stage) == 1);
}

static void address_that_another_claims_is_given_up(void)
{
	struct in6_addr ncoa = AT(NAR);
	sim_taken(stage, NAR, SIM_TAKEN_UNKNOWN);
	mobile_moves(NAR);
	pass(100);
	EXPECT(!mobile_uses(ncoa) && !sim_has(stage, &ncoa) && sim_at(stage) == NAR && is(last(SIM_FBU)->src, last(SIM_UNA)->src));
	EXPECT(sim_asked(stage) == 2 && flows());
}

static void claim_of_its_own_router_is_none(void)
{
	uint8_t octets[] = { 136, 0, 0, 0, 0x20, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 1, 2, 0, 0, 0, 1, 2 };
	mobile_moves(NAR);
	pass(10);
	sim_inject(stage, SIM_NA, NAR, true, &in6addr_any, &in6addr_any, octets, sizeof octets); /* it still defends it for the mobile */
	octets[30] = 9;
	octets[31] = 9;
	sim_inject(stage, SIM_NA, NAR, true, &in6addr_any, &in6addr_any, octets, sizeof octets); /* the mobile itself */
	octets[23] = 6;
	octets[30] = 6;
	octets[31] = 6;
	sim_inject(stage, SIM_NA, NAR, true, &in6addr_any, &in6addr_any, octets, sizeof octets); /* another, of another address */
	pass(10);
	EXPECT(mobile_uses(AT(NAR)));
}

static void address_is_not_confirmed_without_a_link(void)
{
	mobile_moves(NAR);
	pass(300);
	mobile_leaves();
	pass(1500);
	EXPECT(sim_confirmed(stage) == 0);
	mobile_comes(NAR);
}

static void claim_that_comes_too_late_is_none(void)
{
	uint8_t octets[] = { 136, 0, 0, 0, 0x20, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 1, 2, 0, 0, 0, 6, 6 };
	mobile_moves(NAR);
	pass(1100);
	sim_inject(stage, SIM_NA, NAR, true, &in6addr_any, &in6addr_any, octets, sizeof octets);
	pass(10);
	EXPECT(mobile_uses(AT(NAR)));
}

/* §4, §6.4.6: NAACK */

static void naack_with_an_address(void)
{
	struct naack m = naack(NAACK_USE_SUPPLIED);
	is_at_the_new_router();
	unsigned fbus = times_sent(SIM_FBU);
	m.ncoa = address(NAR, 0x66);
	m.ncoa.s6_addr[15] = 0x67;
	put_naack(NAR, m);
	pass(100);
	EXPECT(mobile_uses(m.ncoa) && times_sent(SIM_FBU) == fbus + 1 && is(last(SIM_FBU)->src, m.ncoa));
	EXPECT(flows());
}

static void naack_without_one(void)
{
	is_at_the_new_router();
	unsigned fbus = times_sent(SIM_FBU);
	put_naack(NAR, naack(NAACK_CONFIGURE));
	pass(100);
	EXPECT(!mobile_uses(AT(NAR)) && sim_at(stage) == NAR && times_sent(SIM_FBU) == fbus + 1);
	EXPECT(flows());
}

static void naack_for_an_unknown_link_layer_address(void)
{
	struct in6_addr ncoa = AT(NAR);
	is_at_the_new_router();
	put_naack(NAR, naack(NAACK_LLA_UNKNOWN));
	pass(100);
	EXPECT(!mobile_uses(AT(NAR)) && !sim_has(stage, &ncoa));
	EXPECT(flows());
}

static void naack_that_supplies_the_pcoa(void)
{
	struct in6_addr ncoa = AT(NAR);
	struct naack m = naack(NAACK_PCOA);
	m.ncoa = AT(PAR);
	is_at_the_new_router();
	unsigned fbus = times_sent(SIM_FBU);
	put_naack(NAR, m);
	pass(100);
	EXPECT(mobile_uses(AT(PAR)) && sim_at(stage) == NAR && !sim_has(stage, &ncoa) && mobile_is(MN_ATTACHED));
	pass(44000);
	EXPECT(times_sent(SIM_FBU) == fbus);
	pass(2000); /* when it would be renewed, it is asked for */
	EXPECT(times_sent(SIM_FBU) > fbus && is(last(SIM_FBU)->fbu.ncoa, sim_router(NAR)));
}

static void naack_that_supplies_the_pcoa_before_the_fback(void)
{
	sim_drop(stage, SIM_FBU, 1);
	mobile_moves(NAR);
	pass(5);
	put_naack(NAR, naack(NAACK_PCOA));
	pass(2000);
	EXPECT(times_sent(SIM_FBU) == 1 && mobile_uses(AT(PAR)) && sim_outcome(stage, SIM_MN) == HANDOVER_COMPLETE);
}

static void home_again_after_the_pcoa_was_used_abroad(void)
{
	is_at_the_new_router();
	put_naack(NAR, naack(NAACK_PCOA));
	pass(1000);
	mobile_moves(PAR);
	pass(1500);
	EXPECT(sim_at(stage) == PAR && mobile_uses(AT(PAR)) && last(SIM_FBU)->fbu.lifetime == 0 && !sim_tunnelled(stage, PAR, PAR));
	EXPECT(sim_outcome(stage, SIM_MN) == HANDOVER_COMPLETE && flows());
}

static void on_after_the_pcoa_was_used_abroad(void)
{
	is_at_the_new_router();
	put_naack(NAR, naack(NAACK_PCOA));
	pass(1000);
	mobile_moves(OTHER);
	pass(1500);
	EXPECT(sim_at(stage) == OTHER && mobile_uses(AT(OTHER)) && is(last(SIM_FBU)->dst, sim_router(PAR)));
	EXPECT(is(last(SIM_FBU)->home, AT(PAR)) && flows());
}

static void naack_that_wants_the_routers_address(void)
{
	is_at_the_new_router();
	unsigned fbus = times_sent(SIM_FBU);
	sim_drop(stage, SIM_FBU, 99); /* no router here would know what to do with it */
	put_naack(NAR, naack(NAACK_USE_NAR));
	pass(50);
	EXPECT(times_sent(SIM_FBU) == fbus + 1 && is(last(SIM_FBU)->fbu.ncoa, sim_router(NAR)) && is(last(SIM_FBU)->home, AT(PAR)));
	EXPECT(is(last(SIM_FBU)->src, AT(PAR)) && is(last(SIM_FBU)->dst, sim_router(PAR)) && mobile_uses(AT(PAR)));
}

static void naack_of_another_router_is_none(void)
{
	struct naack m = naack(NAACK_CONFIGURE);
	is_at_the_new_router();
	m.source = stranger_lladdr;
	put_naack(NAR, m);
	pass(50);
	EXPECT(mobile_uses(AT(NAR)) && counted(FMIP6_NAACK_RECEIVED) == 0);
}

static void naack_with_an_address_of_another_link_is_not_followed(void)
{
	struct naack m = naack(NAACK_USE_SUPPLIED);
	is_at_the_new_router();
	m.ncoa = address(OTHER, 0x67);
	put_naack(NAR, m);
	pass(50);
	EXPECT(mobile_uses(AT(NAR)) && counted(FMIP6_NAACK_RECEIVED) == 1);
}

static void naack_long_after_the_una_is_none(void)
{
	is_at_the_new_router();
	pass(6000);
	put_naack(NAR, naack(NAACK_LLA_UNKNOWN));
	pass(50);
	EXPECT(mobile_uses(AT(NAR)) && counted(FMIP6_NAACK_RECEIVED) == 0 && counted(FMIP6_NAACK_IGNORED) == 1);
}

static void naack_with_a_status_nobody_has_defined(void)
{
	is_at_the_new_router();
	put_naack(NAR, naack(77));
	pass(50);
	EXPECT(mobile_uses(AT(NAR)) && flows());
}

static void naack_and_the_exchange_after_it(void)
{
	sim_taken(stage, NAR, SIM_TAKEN);
	mobile_moves(NAR);
	pass(2000);
	EXPECT(mobile_uses(sim_assigned(NAR)) && sim_tunnelled(stage, PAR, PAR));
	EXPECT(flows());
}

/* §5.6 */

static void return_before_the_bindings_are_updated(void)
{
	mobile_moves_announced(NAR);
	pass(300);
	unsigned before = count(SIM_FBU, PAR, false);
	mobile_moves(PAR);
	pass(1000);
	EXPECT(count(SIM_FBU, PAR, false) > before || last(SIM_FBU)->dst.s6_addr[5] == PAR);
	EXPECT(is(last(SIM_FBU)->home, AT(PAR)) && is(last(SIM_FBU)->src, AT(PAR)) && last(SIM_FBU)->fbu.lifetime == 0);
	EXPECT(is(last(SIM_FBU)->dst, sim_router(PAR)) && !sim_tunnelled(stage, PAR, PAR));
	EXPECT(flows());
}

static void return_announced(void)
{
	mobile_moves_announced(NAR);
	pass(600);
	mobile_moves_announced(PAR);
	pass(1000);
	EXPECT(is(last(SIM_FBU)->dst, sim_router(PAR)) && last(SIM_FBU)->fbu.lifetime == 0);
	EXPECT(!sim_tunnelled(stage, PAR, PAR) && flows());
	EXPECT(sim_result(stage).lost < 2 && sim_result(stage).reordered == 0);
}

static void router_that_was_not_expected(void)
{
	mobile_is_told(NAR);
	pass(50);
	mobile_moves(OTHER);
	pass(1000);
	struct par_view v = { .forwarding = false };
	struct in6_addr pcoa = AT(PAR);
	EXPECT(par_find(sim_par(stage, PAR), &pcoa, &v) && is(v.ncoa, AT(OTHER)));
	EXPECT(flows() && sim_result(stage).lost < 2);
}

/* §6.2.2 */

static void fbu_asks_for_an_acknowledgement(void)
{
	mobile_is_told(NAR);
	pass(20);
	EXPECT(sent(SIM_FBU, 1)->fbu.flags == (FBU_ACK | FBU_HOME) && sent(SIM_FBU, 1)->octets[8] == 0xc0 && sent(SIM_FBU, 1)->octets[9] == 0);
}

static void fbu_from_the_old_link_names_the_new_address(void)
{
	mobile_is_told(NAR);
	pass(20);
	EXPECT(is(sent(SIM_FBU, 1)->src, AT(PAR)) && is(sent(SIM_FBU, 1)->fbu.ncoa, AT(NAR)) && is(sent(SIM_FBU, 1)->home, AT(PAR)));
}

static void fbu_from_the_new_link_comes_from_the_new_address(void)
{
	mobile_moves(NAR);
	pass(20);
	EXPECT(is(sent(SIM_FBU, 1)->src, AT(NAR)) && is(sent(SIM_FBU, 1)->home, AT(PAR)) && is(sent(SIM_FBU, 1)->dst, sim_router(PAR)));
}

static void fbu_tells_the_link_layer_address(void)
{
	mobile_is_told(NAR);
	pass(20);
	EXPECT(lladdr_eq(&sent(SIM_FBU, 1)->fbu.lladdr, &mobile_lladdr));
}

static void fbu_has_its_authenticator_last(void)
{
	mobile_is_told(NAR);
	pass(20);
	const struct word *w = sent(SIM_FBU, 1);
	EXPECT(w->fbu.has_badf && w->fbu.badf.spi == 256 && w->len > 18 && w->octets[w->len - 18] == 21 && w->octets[w->len - 17] == 16);
}

static void fbu_asks_for_the_lifetime_configured(void)
{
	sim_params(stage)->lifetime = 77 * USEC_SEC;
	mobile_is_told(NAR);
	pass(20);
	EXPECT(sent(SIM_FBU, 1)->fbu.lifetime == 77);
}

static void moved_without_any_answer(void)
{
	sim_forget_places(stage);
	mobile_moves(NAR);
	pass(300);
	EXPECT(times_sent(SIM_RTSOLPR) >= 1 && times_sent(SIM_FBU) >= 1 && is(sent(SIM_FBU, 1)->src, AT(NAR)));
	EXPECT(sim_tunnelled(stage, PAR, PAR) && flows());
}

/* §6.2.3 */

static void fback_0_and_all_is_prepared(void)
{
	mobile_is_told(NAR);
	pass(20);
	EXPECT(mobile_is(MN_PREPARED) && counted(FMIP6_FBACK_RECEIVED) == 1);
}

static void fback_1_without_an_address_is_a_refusal(void)
{
	fback_says((struct fback){ .status = FBACK_USE_ALTERNATE, .lifetime = 60 });
	EXPECT(!mobile_is(MN_PREPARED));
	EXPECT(!mobile_uses(in6addr_any));
}

static void fback_128(void)
{
	fback_says((struct fback){ .status = FBACK_UNSPECIFIED });
	EXPECT(gave_up());
}

static void fback_129(void)
{
	fback_says((struct fback){ .status = FBACK_PROHIBITED });
	EXPECT(gave_up() && strstr(sim_reason(stage, SIM_MN), "prohibited"));
}

static void fback_130(void)
{
	fback_says((struct fback){ .status = FBACK_NO_RESOURCES });
	EXPECT(gave_up() && strstr(sim_reason(stage, SIM_MN), "resources"));
}

static void fback_131(void)
{
	fback_says((struct fback){ .status = FBACK_BAD_IID });
	EXPECT(gave_up() && strstr(sim_reason(stage, SIM_MN), "identifier"));
}

static void fback_with_a_status_nobody_has_defined(void)
{
	fback_says((struct fback){ .status = 250 });
	EXPECT(gave_up());
}

static void fback_with_an_accepting_status_nobody_has_defined(void)
{
	fback_says((struct fback){ .status = 77, .lifetime = 60 });
	EXPECT(mobile_is(MN_PREPARED));
}

static void refused_from_the_new_link(void)
{
	struct fback m = { .status = FBACK_PROHIBITED, .has_badf = true, .badf = { .spi = BADF_SPI_CONFIGURED } };
	fback_instead(m);
	mobile_moves(NAR);
	pass(100);
	EXPECT(sim_at(stage) == NAR && mobile_uses(AT(NAR)) && sim_outcome(stage, SIM_MN) == HANDOVER_FAILED);
	EXPECT(mobile_is(MN_ATTACHED));
}

static void fback_that_answers_another_fbu_is_ignored(void)
{
	struct fback m = { .lifetime = 60, .has_badf = true, .badf = { .spi = BADF_SPI_CONFIGURED } };
	sim_drop(stage, SIM_FBU, 99);
	mobile_is_told(NAR);
	pass(10);
	m.seq = (uint16_t)(sent(SIM_FBU, 1)->fbu.seq - 1);
	put_fback(PAR, PAR, AT(NAR), m);
	pass(10);
	EXPECT(counted(FMIP6_FBACK_IGNORED) == 1 && mobile_is(MN_UPDATING));
}

static void fback_that_answers_an_earlier_copy_serves(void)
{
	struct fback m = { .lifetime = 60, .has_badf = true, .badf = { .spi = BADF_SPI_CONFIGURED } };
	sim_drop(stage, SIM_FBU, 99);
	mobile_is_told(NAR);
	pass(150);
	m.seq = sent(SIM_FBU, 1)->fbu.seq;
	EXPECT(times_sent(SIM_FBU) == 2);
	put_fback(PAR, PAR, AT(NAR), m);
	pass(10);
	EXPECT(mobile_is(MN_PREPARED));
}

static void fback_without_an_authenticator_is_ignored(void)
{
	struct fback m = { .lifetime = 60 };
	sim_drop(stage, SIM_FBU, 99);
	mobile_is_told(NAR);
	pass(10);
	m.seq = sent(SIM_FBU, 1)->fbu.seq;
	put_fback(PAR, PAR, AT(NAR), m);
	pass(10);
	EXPECT(counted(FMIP6_FBACK_IGNORED) == 1 && mobile_is(MN_UPDATING));
}

static void fback_with_a_wrong_authenticator_is_ignored(void)
{
	struct fback m = { .lifetime = 60, .has_badf = true, .badf = { .spi = BADF_SPI_CONFIGURED } };
	sim_drop(stage, SIM_FBU, 99);
	mobile_is_told(NAR);
	pass(10);
	m.seq = sent(SIM_FBU, 1)->fbu.seq;
	put_fback(PAR, PAR, AT(OTHER), m);
	pass(10);
	EXPECT(counted(FMIP6_FBACK_IGNORED) == 1 && mobile_is(MN_UPDATING));
}

static void fback_of_another_router_is_ignored(void)
{
	struct fback m = { .lifetime = 60, .has_badf = true, .badf = { .spi = BADF_SPI_CONFIGURED } };
	sim_drop(stage, SIM_FBU, 99);
	mobile_is_told(NAR);
	pass(10);
	m.seq = sent(SIM_FBU, 1)->fbu.seq;
	put_fback(OTHER, PAR, AT(NAR), m);
	pass(10);
	EXPECT(counted(FMIP6_FBACK_IGNORED) == 1 && mobile_is(MN_UPDATING));
}

static void fback_135_tells_where_to_go_on(void)
{
	put_fbu(PAR, AT(PAR), AT(PAR), (struct fbu){ .seq = 0x7000, .flags = FBU_ACK | FBU_HOME, .has_badf = true,
		                                     .badf = { .spi = BADF_SPI_CONFIGURED } }); /* an earlier life of the mobile's */
	pass(20);
	for (int i = 0; i < 8; i++) { /* wherever this life's numbers begin, some way round is behind */
		mobile_is_told(NAR);
		pass(200); /* should the very FBU of an earlier life come again, it is not answered, but the next */
		EXPECT(mobile_is(MN_PREPARED));
		sim_restart_mobile(stage);
		pass(50);
	}
}

static void lifetime_granted_is_the_one_that_counts(void)
{
	struct fback m = { .lifetime = 4, .has_badf = true, .badf = { .spi = BADF_SPI_CONFIGURED } };
	sim_params(stage)->renew = false;
	fback_instead(m);
	mobile_moves_announced(NAR);
	pass(5000);
	EXPECT(counted(FMIP6_BINDINGS_EXPIRED) == 1);
}

static void binding_is_renewed_before_it_ends(void)
{
	struct fback m = { .lifetime = 4, .has_badf = true, .badf = { .spi = BADF_SPI_CONFIGURED } };
	mobile_is_told(NAR);
	fback_instead(m);
	pass(50);
	mobile_moves(NAR);
	unsigned before = times_sent(SIM_FBU);
	pass(3500);
	EXPECT(times_sent(SIM_FBU) > before && is(last(SIM_FBU)->src, AT(NAR)) && last(SIM_FBU)->fbu.lifetime == 60);
	EXPECT(counted(FMIP6_BINDINGS_EXPIRED) == 0);
}

static void no_fbu_while_there_is_no_link(void)
{
	sim_drop(stage, SIM_FBACK, 99);
	mobile_is_told(NAR);
	pass(50);
	unsigned before = times_sent(SIM_FBU);
	mobile_leaves();
	pass(1000);
	EXPECT(times_sent(SIM_FBU) == before);
	mobile_comes(NAR);
}

/* §6.3 */

static void una_as_it_is_to_be(void)
{
	mobile_moves_announced(NAR);
	pass(5);
	const struct word *w = sent(SIM_UNA, 1);
	EXPECT(w->una.flags == 0 && is(w->src, AT(NAR)) && is(w->una.target, AT(NAR)) && lladdr_eq(&w->una.lladdr, &mobile_lladdr));
}

static void una_is_repeated_until_traffic_comes(void)
{
	sim_drop(stage, SIM_UNA, 2);
	mobile_moves_announced(NAR);
	pass(200);
	EXPECT(times_sent(SIM_UNA) == 3 + 1 && sent(SIM_UNA, 2)->at - sent(SIM_UNA, 1)->at == 50 && sent(SIM_UNA, 3)->at - sent(SIM_UNA, 2)->at == 100);
	EXPECT(flows() && sim_result(stage).lost < 2);
}

static void unas_end_without_traffic(void)
{
	sim_traffic(stage, false);
	pass(20);
	mobile_moves_announced(NAR);
	pass(3000);
	EXPECT(times_sent(SIM_UNA) == 5 + 1); /* and the one that confirms */
}

const struct sentence rfc5568_mobile[] = {
	{ "4", "MUST", "the mobile uses the address in the FBack", SHOWN(address_of_the_fback_is_used) },
	{ "4", "MUST", "also where the FBack reaches it on the new link", SHOWN(address_of_the_fback_is_used_on_the_new_link_too) },
	{ "4", "MUST", "whatever accepting Status it comes with", SHOWN(address_of_an_fback_with_status_0_is_used) },
	{ "4", "must", "no FBack after FBU_RETRIES: stop", SHOWN(no_fback_after_all_retries) },
	{ "6.2.2", "", "FBU is repeated as a BU is (RFC 3775 §11.8): after twice the time", SHOWN(fbu_is_repeated_ever_more_slowly) },
	{ "6.2.2", "", "and with a greater sequence number", SHOWN(fbu_repeated_has_a_greater_sequence_number) },
	{ "4", "SHOULD", "on the new link UNA, and after it FBU", SHOWN(una_and_the_fbu_after_it) },
	{ "4", "SHOULD", "also where an FBU was sent before and no FBack came", SHOWN(una_and_an_fbu_where_the_fback_did_not_come) },
	{ "4", "", "no FBU where FBack came", SHOWN(una_alone_where_it_did) },
	{ "4", "", "the mobile joins the multicast groups of its new address", NOT_SHOWN("the kernel does when the address is set") },
	{ "4", "SHOULD", "an address that is confirmed is told to the neighbours, with O", SHOWN(address_is_said_to_be_its_own) },
	{ "4", "SHOULD", "for want of a router that vouches for it, when nobody has claimed it for a second", SHOWN(address_is_said_to_be_its_own_when_nobody_claims_it) },
	{ "4", "", "the mobile starts duplicate address detection on the new link", SHOWN(mobile_asks_its_new_link) },
	{ "4", "", "an address that another claims is given up for another, which is told", SHOWN(address_that_another_claims_is_given_up) },
	{ "4", "", "its router, or itself, is not another, nor who claims another address", SHOWN(claim_of_its_own_router_is_none) },
	{ "4", "", "nothing is confirmed while there is no link", SHOWN(address_is_not_confirmed_without_a_link) },
	{ "4", "", "afterwards the address is its own (RFC 4862 §5.4.4)", SHOWN(claim_that_comes_too_late_is_none) },
	{ "4", "MUST", "the address in a NAACK is used, and told by an FBU (Status 2)", SHOWN(naack_with_an_address) },
	{ "6.4.6", "", "Status 1: the mobile makes another", SHOWN(naack_without_one) },
	{ "6.4.6", "MUST NOT", "Status 128: neither NCoA nor PCoA are used on the link; another is acquired at once", SHOWN(naack_for_an_unknown_link_layer_address) },
	{ "4", "MUST NOT", "Status 4, the PCoA: it is used, and no FBU is sent any more", SHOWN(naack_that_supplies_the_pcoa) },
	{ "6.4.6", "MUST NOT", "nor is one repeated that is under way", SHOWN(naack_that_supplies_the_pcoa_before_the_fback) },
	{ "6.4.6", "", "and home again from there", SHOWN(home_again_after_the_pcoa_was_used_abroad) },
	{ "6.4.6", "", "or on to another router, of which PAR is told", SHOWN(on_after_the_pcoa_was_used_abroad) },
	{ "6.4.6", "", "Status 3: the FBU has the new router's address as NCoA", SHOWN(naack_that_wants_the_routers_address) },
	{ "6.4.6", "", "a NAACK counts only from the mobile's router", SHOWN(naack_of_another_router_is_none) },
	{ "6.4.6", "", "an address of another link is not used", SHOWN(naack_with_an_address_of_another_link_is_not_followed) },
	{ "6.4.6", "", "nor long after the UNA: it answers one", SHOWN(naack_long_after_the_una_is_none) },
	{ "6.4.6", "", "an unknown Status changes nothing", SHOWN(naack_with_a_status_nobody_has_defined) },
	{ "6.4.6", "MUST", "UNA, NAACK, FBU, FBack: the whole of it", SHOWN(naack_and_the_exchange_after_it) },
	{ "5.6", "MUST", "a mobile that returns sends an FBU of lifetime 0 with its PCoA as Home Address", SHOWN(return_before_the_bindings_are_updated) },
	{ "5.6", "MUST", "also where it announced its return", SHOWN(return_announced) },
	{ "5.6", "SHOULD", "at a router that it did not expect it sends a new FBU to PAR", SHOWN(router_that_was_not_expected) },
	{ "6.2.2", "MUST", "FBU: A and H are one, what is reserved is zero", SHOWN(fbu_asks_for_an_acknowledgement) },
	{ "6.2.2", "MUST", "FBU from PAR's link: source PCoA, alternate care-of address NCoA", SHOWN(fbu_from_the_old_link_names_the_new_address) },
	{ "6.2.2", "MUST", "FBU from NAR's link: source NCoA, Home Address PCoA", SHOWN(fbu_from_the_new_link_comes_from_the_new_address) },
	{ "6.2.2", "MAY", "FBU has the link-layer address", SHOWN(fbu_tells_the_link_layer_address) },
	{ "6.2.2", "MUST", "FBU has BADF", SHOWN(fbu_has_its_authenticator_last) },
	{ "6.2.2", "", "FBU asks for a lifetime in seconds", SHOWN(fbu_asks_for_the_lifetime_configured) },
	{ "6.2.2", "SHOULD", "a mobile that moved without a PrRtAdv sends FBU when it has its NCoA", SHOWN(moved_without_any_answer) },
	{ "6.2.3", "", "Status 0", SHOWN(fback_0_and_all_is_prepared) },
	{ "6.2.3", "MUST", "Status 1 without an address is no answer to use", SHOWN(fback_1_without_an_address_is_a_refusal) },
	{ "6.2.3", "", "Status 128", SHOWN(fback_128) },
	{ "6.2.3", "", "Status 129", SHOWN(fback_129) },
	{ "6.2.3", "", "Status 130", SHOWN(fback_130) },
	{ "6.2.3", "", "Status 131", SHOWN(fback_131) },
	{ "6.2.3", "", "an unknown Status of 128 or more is a refusal", SHOWN(fback_with_a_status_nobody_has_defined) },
	{ "6.2.3", "", "an unknown Status below 128 is not", SHOWN(fback_with_an_accepting_status_nobody_has_defined) },
	{ "6.2.3", "", "refused on the new link: the new address serves all the same", SHOWN(refused_from_the_new_link) },
	{ "6.2.3", "", "FBack is matched by its sequence number", SHOWN(fback_that_answers_another_fbu_is_ignored) },
	{ "6.2.3", "", "that of any copy of the FBU", SHOWN(fback_that_answers_an_earlier_copy_serves) },
	{ "6.2.3", "MUST", "FBack has BADF", SHOWN(fback_without_an_authenticator_is_ignored) },
	{ "6.4.5", "", "and a right one", SHOWN(fback_with_a_wrong_authenticator_is_ignored) },
	{ "6.2.3", "", "FBack comes from who was asked", SHOWN(fback_of_another_router_is_ignored) },
	{ "6.2.2", "", "a mobile that has forgotten its sequence number is told (RFC 3775 §9.5.1)", SHOWN(fback_135_tells_where_to_go_on) },
	{ "6.2.3", "", "the lifetime granted is that of the binding", SHOWN(lifetime_granted_is_the_one_that_counts) },
	{ "5.6", "should", "long enough for the mobile's bindings: it is renewed", SHOWN(binding_is_renewed_before_it_ends) },
	{ "6.2.2", "", "nothing is sent while there is no link", SHOWN(no_fbu_while_there_is_no_link) },
	{ "6.3", "MUST", "UNA: O, S, R zero; source and target the NCoA, the link-layer address in it", SHOWN(una_as_it_is_to_be) },
	{ "6.3", "MAY", "UNAs are repeated", SHOWN(una_is_repeated_until_traffic_comes) },
	{ "6.3", "", "a few times", SHOWN(unas_end_without_traffic) },
	END_OF_SENTENCES,
};
