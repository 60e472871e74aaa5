/* RFC 5568 §6.4: options; §7; §9: parameters. The octets themselves are in tests/unit/test_fmip6_wire.c. */
#include <string.h>

#include "rfc5568.h"

/* §6.4 */

static void bits_after_the_prefix_are_zero(void)
{
	put_rtsolpr((struct rtsolpr){ .id = 7, .source = mobile_lladdr, .aps_n = 1, .aps = { sim_ap(NAR) } });
	pass(10);
	const struct word *w = last(SIM_PRRTADV);
	EXPECT(w->len == 104 && w->octets[80] == 17 && w->octets[82] == 4 && w->octets[83] == 64);
	static const uint8_t zero[8];
	EXPECT(w->len == 104 && !memcmp(w->octets + 96, zero, 8));
}

static void link_layer_address_option_is_padded(void)
{
	mobile_is_told(NAR);
	const struct word *w = sent(SIM_RTSOLPR, 1);
	EXPECT(w->len == 8 + 16 + 16 && w->octets[8 + 1] == 2 && w->octets[24 + 1] == 2);
}

static void addresses_of_a_hi_are_aligned(void)
{
	mobile_is_told(NAR);
	pass(20);
	const struct word *w = sent(SIM_HI, 1);
	EXPECT(w->len == 64 && w->octets[1] == 7);
	EXPECT(w->len == 64 && w->octets[20] == 34 && w->octets[21] == 18 && w->octets[22] == 1); /* 8n+4 */
	EXPECT(w->len == 64 && w->octets[44] == 34 && w->octets[45] == 18 && w->octets[46] == 2);
}

static void link_layer_address_in_a_mobility_header(void)
{
	static const uint8_t option[] = { 7, 7, 2, 2, 0, 0, 0, 9, 9 };
	mobile_is_told(NAR);
	pass(20);
	EXPECT(sent(SIM_HI, 1)->len > 19 && !memcmp(sent(SIM_HI, 1)->octets + 10, option, sizeof option));
}

static void spi_of_a_configured_key_is_not_that_of_send(void)
{
	mobile_is_told(NAR);
	pass(20);
	EXPECT(sent(SIM_FBU, 1)->fbu.badf.spi == 256 && sent(SIM_FBACK, 1)->fback.badf.spi == 256);
}

static void spi_that_names_no_key_is_refused(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.badf.spi = 4711;
	put_fbu(PAR, AT(PAR), AT(PAR), m);
	pass(20);
	EXPECT(counted(FMIP6_FBU_BAD_AUTH) == 1 && times_sent(SIM_HI) == 0);
}

static void spi_0_is_no_configured_key(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.badf.spi = 0;
	put_fbu(PAR, AT(PAR), AT(PAR), m);
	pass(20);
	EXPECT(counted(FMIP6_FBU_BAD_AUTH) == 1 && times_sent(SIM_HI) == 0);
}

static void authenticator_of_a_return_covers_the_pcoa(void)
{
	struct in6_addr pcoa = AT(PAR), par = sim_router(PAR);
	mobile_moves_announced(NAR);
	pass(600);
	mobile_moves_announced(PAR);
	pass(1000);
	const struct word *w = last(SIM_FBU);
	EXPECT(w->fbu.lifetime == 0 && key_verifies(&pcoa, &pcoa, &par, w->octets, w->len));
}

/* §9 */

static void rtsolpr_retries_are_configured(void)
{
	sim_params(stage)->rtsolpr_retries = 1;
	sim_drop(stage, SIM_RTSOLPR, 99);
	mobile_is_told(NAR);
	pass(3000);
	EXPECT(times_sent(SIM_RTSOLPR) == 2);
}

static void rtsolpr_rate_is_configured(void)
{
	sim_params(stage)->rtsolpr_rate = 1;
	mn_reload(sim_mn(stage));
	for (int i = 0; i < 20; i++) {
		(void)sim_request(stage, i % 2 ? NAR : OTHER);
		pass(100);
	}
	EXPECT(times_sent(SIM_RTSOLPR) <= 4);
}

static void fbu_retries_are_configured(void)
{
	sim_params(stage)->fbu_retries = 1;
	sim_drop(stage, SIM_FBU, 99);
	mobile_is_told(NAR);
	pass(250);
	EXPECT(times_sent(SIM_FBU) == 2);
	pass(60);
	EXPECT(sim_outcome(stage, SIM_MN) == HANDOVER_FAILED);
}

static void hi_retries_are_configured(void)
{
	sim_params(stage)->hi_retries = 1;
	sim_drop(stage, SIM_HI, 99);
	put_fbu(PAR, AT(PAR), AT(PAR), fbu_to(NAR, 100));
	pass(3000);
	EXPECT(times_sent(SIM_HI) == 2);
}

static void proxy_nd_lifetime_is_configured(void)
{
	sim_params(stage)->proxy_nd_lifetime = 200 * USEC_MSEC;
	put_hi(PAR, NAR, hi_for(NAR, 7));
	pass(190);
	EXPECT(judge_proxied(NAR));
	pass(20);
	EXPECT(!judge_proxied(NAR) && sim_held(stage, NAR, NAR)); /* packets wait on */
}

static void defaults_are_those_of_the_table(void)
{
	const struct fmip6_params *p = sim_params(stage);
	EXPECT(p->rtsolpr_retries == 3 && p->rtsolpr_rate == 3 && p->fbu_retries == 3 && p->hi_retries == 3);
	EXPECT(p->proxy_nd_lifetime == 1500 * USEC_MSEC);
	EXPECT(p->rtsolpr_timeout == 100 * USEC_MSEC && p->fbu_timeout == 100 * USEC_MSEC && p->hi_timeout == 100 * USEC_MSEC);
}

const struct sentence rfc5568_formats[] = {
	{ "6.1", "MUST", "hop limit 255, or it is not ours", SHOWN_BY("tests/net/test_raw_sockets.c::raw_icmp6_takes_only_its_types") },
	{ "6.4.1", "MUST", "bits after the prefix length are zero, and ignored", SHOWN(bits_after_the_prefix_are_zero) },
	{ "6.4.1", "", "a prefix length is at most 128", SHOWN_BY("tests/unit/test_fmip6_wire.c::test_prrtadv_prefix") },
	{ "6.4.2", "", "MH IPv6 address options begin at 8n+4, type 34 (§12; the figure prints 17)", SHOWN(addresses_of_a_hi_are_aligned) },
	{ "6.4.2", "", "an option with the type that is printed is understood", SHOWN_BY("tests/unit/test_fmip6_wire.c::test_hi_address_as_printed") },
	{ "6.4.3", "MUST", "LLA options are padded to a multiple of 8 octets", SHOWN(link_layer_address_option_is_padded) },
	{ "6.4.4", "", "MH-LLA: its length is that of code and address, no alignment", SHOWN(link_layer_address_in_a_mobility_header) },
	{ "6.4.5", "MUST", "BADF is the last option", SHOWN_BY("tests/unit/test_fmip6_wire.c::test_badf_lengths") },
	{ "6.4.5", "", "the authenticator is HMAC_SHA1, first 96 bits, over NCoA, PAR's address and the message", SHOWN_BY("tests/unit/test_fmip6_wire.c::test_badf") },
	{ "6.4.5", "", "SPI 0 is that of SEND-based keys: configured ones have another", SHOWN(spi_of_a_configured_key_is_not_that_of_send) },
	{ "6.4.5", "", "an SPI without a key", SHOWN(spi_that_names_no_key_is_refused) },
	{ "6.4.5", "", "SPI 0 where no such key is", SHOWN(spi_0_is_no_configured_key) },
	{ "6.4.5", "", "with lifetime 0 the authenticator covers the PCoA", SHOWN(authenticator_of_a_return_covers_the_pcoa) },
	{ "6.4.6", "MUST", "the address of a NAACK is understood in every form the section describes", SHOWN_BY("tests/unit/test_fmip6_wire.c::test_naack") },
	{ "7", "", "other options of neighbour discovery are left as they are", SHOWN_BY("tests/unit/test_fmip6_wire.c::test_rtsolpr_order") },
	{ "9", "MUST", "RTSOLPR_RETRIES can be configured", SHOWN(rtsolpr_retries_are_configured) },
	{ "9", "MUST", "MAX_RTSOLPR_RATE can be configured", SHOWN(rtsolpr_rate_is_configured) },
	{ "9", "MUST", "FBU_RETRIES can be configured", SHOWN(fbu_retries_are_configured) },
	{ "9", "MUST", "PROXY_ND_LIFETIME can be configured", SHOWN(proxy_nd_lifetime_is_configured) },
	{ "9", "MUST", "HI_RETRIES can be configured", SHOWN(hi_retries_are_configured) },
	{ "9", "", "the defaults are the table's", SHOWN(defaults_are_those_of_the_table) },
	END_OF_SENTENCES,
};
