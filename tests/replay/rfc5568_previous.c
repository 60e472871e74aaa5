/* RFC 5568 as far as it binds the previous access router: FBU, HI, what it makes of a HAck, FBack, the tunnel. */
#include <string.h>

#include "rfc5568.h"

/* The FBU that the mobile at PAR would send to move to NAR, by hand; time for all that follows. */
static void asks_to_move(struct fbu m)
{
	put_fbu(PAR, AT(PAR), AT(PAR), m);
	pass(20);
}

static bool forwards_to(struct in6_addr ncoa)
{
	struct par_view v;
	struct in6_addr pcoa = AT(PAR);
	return par_find(sim_par(stage, PAR), &pcoa, &v) && v.forwarding && addr_eq(&v.ncoa, &ncoa) && sim_tunnelled(stage, PAR, PAR);
}

static const struct fback *fback(void)
{
	return &last(SIM_FBACK)->fback;
}

/* What becomes of a handover in which the new router answers so. */
static void hack_says(uint8_t code, struct in6_addr ncoa)
{
	hack_instead((struct hack){ .code = code, .ncoa = ncoa });
	asks_to_move(fbu_to(NAR, 100));
}

/* §4, §5.2 */

static void new_router_is_asked_before_packets_are_forwarded(void)
{
	sim_drop(stage, SIM_HACK, 1);
	asks_to_move(fbu_to(NAR, 100));
	EXPECT(times_sent(SIM_HI) == 1 && !sim_tunnelled(stage, PAR, PAR) && times_sent(SIM_FBACK) == 0);
	pass(100);
	EXPECT(forwards_to(AT(NAR)));
}

static void code_0_when_the_fbu_came_from_the_old_link(void)
{
	mobile_is_told(NAR);
	pass(50);
	EXPECT(times_sent(SIM_HI) == 1 && sent(SIM_HI, 1)->hi.code == 0);
}

static void code_1_when_the_fbu_came_from_the_new_link(void)
{
	mobile_moves(NAR);
	pass(50);
	EXPECT(times_sent(SIM_HI) == 1 && sent(SIM_HI, 1)->hi.code == 1);
}

static void hi_says_who_moves_whence_and_whither(void)
{
	asks_to_move(fbu_to(NAR, 100));
	const struct hi *m = &sent(SIM_HI, 1)->hi;
	EXPECT(is(m->pcoa, AT(PAR)) && is(m->ncoa, AT(NAR)) && lladdr_eq(&m->lladdr, &mobile_lladdr));
}

static void assigned_address_goes_into_the_fback(void)
{
	hack_says(HACK_ASSIGNED, address(NAR, 0x55));
	EXPECT(fback()->status == FBACK_USE_ALTERNATE && is(fback()->ncoa, address(NAR, 0x55)));
	EXPECT(forwards_to(address(NAR, 0x55)));
}

static void fback_goes_to_the_old_link_as_well(void)
{
	asks_to_move(fbu_to(NAR, 100));
	EXPECT(times_sent(SIM_FBACK) == 2);
	EXPECT(is(sent(SIM_FBACK, 1)->dst, AT(PAR)) && is(sent(SIM_FBACK, 2)->dst, AT(NAR)));
}

static void packets_are_tunnelled_to_the_new_address(void)
{
	mobile_moves_announced(NAR);
	EXPECT(flows());
	EXPECT(forwards_to(AT(NAR)) && sim_result(stage).lost < 2);
}

static void tunnel_begins_where_the_mobile_sent_its_fbu(void)
{
	struct par_view v = { .forwarding = false };
	struct in6_addr pcoa = AT(PAR);
	asks_to_move(fbu_to(NAR, 100));
	EXPECT(par_find(sim_par(stage, PAR), &pcoa, &v) && is(v.local, sim_router(PAR)));
}

static void reverse_tunnel_needs_a_binding(void)
{
	struct in6_addr pcoa = AT(PAR), ncoa = AT(NAR), other = address(NAR, 0x31), another = address(PAR, 0x31);
	EXPECT(!sim_reverse(stage, PAR, &pcoa, &ncoa));
	asks_to_move(fbu_to(NAR, 100));
	EXPECT(sim_reverse(stage, PAR, &pcoa, &ncoa));
	EXPECT(!sim_reverse(stage, PAR, &pcoa, &other) && !sim_reverse(stage, PAR, &another, &ncoa));
}

static void reverse_tunnel_ends_with_the_binding(void)
{
	struct in6_addr pcoa = AT(PAR), ncoa = AT(NAR);
	struct fbu home = fbu_to(NAR, 101);
	asks_to_move(fbu_to(NAR, 100));
	home.lifetime = 0;
	home.ncoa = in6addr_any;
	asks_to_move(home);
	EXPECT(sim_reverse(stage, PAR, &pcoa, &ncoa)); /* for what is under way */
	pass(31000);
	EXPECT(!sim_reverse(stage, PAR, &pcoa, &ncoa));
}

static void address_of_the_fbu_goes_into_the_hi(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.ncoa = address(NAR, 0x42);
	asks_to_move(m);
	EXPECT(is(sent(SIM_HI, 1)->hi.ncoa, address(NAR, 0x42)) && forwards_to(address(NAR, 0x42)));
}

static void address_of_any_hack_goes_into_the_fback(void)
{
	hack_says(HACK_ACCEPTED, AT(NAR));
	EXPECT(fback()->status == FBACK_ACCEPTED && is(fback()->ncoa, AT(NAR)));
	EXPECT(forwards_to(AT(NAR)));
}

static void another_address_of_a_hack_with_code_0_is_used(void)
{
	hack_says(HACK_ACCEPTED, address(NAR, 0x55));
	EXPECT(fback()->status == FBACK_USE_ALTERNATE && is(fback()->ncoa, address(NAR, 0x55)));
	EXPECT(forwards_to(address(NAR, 0x55)));
}

/* §5.4 */

static void previous_router_buffers_too(void)
{
	sim_drop(stage, SIM_HACK, 1);
	mobile_moves(NAR);
	pass(20);
	EXPECT(sim_held(stage, PAR, PAR));
	unsigned before = sim_result(stage).received;
	pass(60);
	EXPECT(sim_result(stage).received == before);
	pass(60); /* the HI repeated */
	EXPECT(sim_result(stage).received >= before + 8 && !sim_held(stage, PAR, PAR));
}

static void mobile_that_left_between_fbu_and_hack(void)
{
	sim_drop(stage, SIM_HACK, 1);
	mobile_is_told(NAR);
	pass(20);
	EXPECT(!sim_held(stage, PAR, PAR));
	mobile_moves(NAR);
	pass(10); /* its second FBU, from there */
	EXPECT(last(SIM_HI)->hi.code == 1 && last(SIM_HI)->hi.flags == 0 && last(SIM_HI)->hi.seq == sent(SIM_HI, 1)->hi.seq);
	pass(20);
	EXPECT(flows() && sim_result(stage).lost <= 6);
}

static void packets_of_a_mobile_that_left_wait_for_the_new_router(void)
{
	sim_drop(stage, SIM_HACK, 2);
	mobile_is_told(NAR);
	pass(20);
	mobile_moves(NAR);
	pass(10); /* its second FBU, from there; the HAck to the HI that it caused is lost as well */
	EXPECT(sim_held(stage, PAR, PAR));
	unsigned gone = sim_result(stage).sent;
	pass(50);
	EXPECT(sim_held(stage, PAR, PAR) && sim_result(stage).sent >= gone + 5);
	pass(100);
	EXPECT(flows() && sim_result(stage).lost <= 6);
}

static void buffered_and_forwarded_at_once(void)
{
	sim_params(stage)->early_buffer = true;
	judge_copies();
	sim_drop(stage, SIM_FBU, 99);
	mobile_is_told(NAR);
	pass(50);
	EXPECT(sim_copied(stage, PAR, PAR) && sim_result(stage).lost < 2);
	pass(100);
	EXPECT(sim_result(stage).lost < 2);
}

static void copies_go_to_a_mobile_that_left_too_early(void)
{
	sim_params(stage)->early_buffer = true;
	judge_copies();
	sim_drop(stage, SIM_FBU, 1);
	mobile_is_told(NAR);
	pass(20);
	mobile_moves(NAR);
	pass(200);
	EXPECT(!sim_copied(stage, PAR, PAR));
	EXPECT(sim_result(stage).lost < 2 && sim_result(stage).repeated > 0 && sim_result(stage).repeated < 6);
}

static void copying_ends_when_packets_go_to_the_new_address(void)
{
	sim_params(stage)->early_buffer = true;
	judge_copies(); /* if the first FBU is lost */
	mobile_moves_announced(NAR);
	EXPECT(!sim_copied(stage, PAR, PAR));
	pass(200);
	EXPECT(sim_result(stage).repeated == 0 && sim_result(stage).lost < 2);
}

static void copying_ends_when_nothing_comes_of_it(void)
{
	sim_params(stage)->early_buffer = true;
	judge_copies();
	put_rtsolpr((struct rtsolpr){ .id = 7, .source = mobile_lladdr, .aps_n = 1, .aps = { sim_ap(NAR) } });
	pass(100);
	EXPECT(sim_copied(stage, PAR, PAR));
	pass(5000);
	EXPECT(!sim_copied(stage, PAR, PAR) && fmip6_counters[FMIP6_BINDINGS].value == 0 && flows());
}

static void copying_ends_when_the_mobile_stays(void)
{
	struct fbu home = fbu_to(NAR, 101);
	sim_params(stage)->early_buffer = true;
	judge_copies();
	sim_drop(stage, SIM_HI, 99);
	asks_to_move(fbu_to(NAR, 100));
	EXPECT(sim_copied(stage, PAR, PAR));
	home.lifetime = 0;
	home.ncoa = in6addr_any;
	asks_to_move(home);
	EXPECT(!sim_copied(stage, PAR, PAR) && flows() && sim_result(stage).repeated == 0);
}

static void any_sequence_number_may_be_the_first(void)
{
	sim_params(stage)->early_buffer = true;
	judge_copies();
	put_rtsolpr((struct rtsolpr){ .id = 7, .source = mobile_lladdr, .aps_n = 1, .aps = { sim_ap(NAR) } });
	pass(10);
	asks_to_move(fbu_to(NAR, 0x9000));
	EXPECT(forwards_to(AT(NAR)));
}

static void nothing_is_copied_unless_configured(void)
{
	put_rtsolpr((struct rtsolpr){ .id = 7, .source = mobile_lladdr, .aps_n = 1, .aps = { sim_ap(NAR) } });
	pass(10);
	EXPECT(!sim_copied(stage, PAR, PAR) && fmip6_counters[FMIP6_BINDINGS].value == 0);
}

static void hack_twice_while_the_old_way_empties(void)
{
	asks_to_move(fbu_to(NAR, 100));
	sim_repeat(stage, SIM_HACK, 1);
	put_fbu(PAR, AT(OTHER), AT(PAR), fbu_to(OTHER, 101));
	pass(6);
	EXPECT(sim_held(stage, PAR, PAR) && counted(FMIP6_HACK_IGNORED) == 1);
	pass(1000);
	EXPECT(forwards_to(AT(OTHER)));
}

/* §5.6 */

static void lifetime_0_ends_the_tunnel(void)
{
	struct fbu home = fbu_to(NAR, 101);
	asks_to_move(fbu_to(NAR, 100));
	EXPECT(forwards_to(AT(NAR)));
	home.lifetime = 0;
	home.ncoa = in6addr_any;
	asks_to_move(home);
	EXPECT(!sim_tunnelled(stage, PAR, PAR) && fback()->status == 0 && fback()->lifetime == 0);
	EXPECT(flows());
}

static void lifetime_0_from_the_new_link_ends_it_as_well(void)
{
	struct fbu home = fbu_to(NAR, 101);
	asks_to_move(fbu_to(NAR, 100));
	home.lifetime = 0;
	home.ncoa = in6addr_any;
	put_fbu(PAR, AT(NAR), AT(PAR), home);
	pass(20);
	EXPECT(!sim_tunnelled(stage, PAR, PAR));
	EXPECT(is(last(SIM_FBACK)->dst, AT(NAR)) && fback()->seq == 101);
}

static void own_address_as_the_new_one_ends_it_as_well(void)
{
	struct fbu home = fbu_to(PAR, 101);
	asks_to_move(fbu_to(NAR, 100));
	put_fbu(PAR, AT(PAR), AT(PAR), home);
	pass(20);
	EXPECT(!sim_tunnelled(stage, PAR, PAR));
}

static void lifetime_0_without_a_tunnel_is_answered(void)
{
	struct fbu home = fbu_to(NAR, 101);
	home.lifetime = 0;
	home.ncoa = in6addr_any;
	asks_to_move(home);
	EXPECT(times_sent(SIM_FBACK) == 1 && fback()->status == 0 && flows());
}

static void tunnel_ends_with_its_lifetime(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.lifetime = 4;
	asks_to_move(m);
	EXPECT(fback()->lifetime == 4);
	pass(3900);
	EXPECT(sim_tunnelled(stage, PAR, PAR));
	pass(200);
	EXPECT(!sim_tunnelled(stage, PAR, PAR) && counted(FMIP6_BINDINGS_EXPIRED) == 1);
}

static void lifetime_granted_is_the_one_asked_for(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.lifetime = 33;
	asks_to_move(m);
	EXPECT(fback()->lifetime == 33);
}

static void lifetime_granted_is_limited(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.lifetime = 65535;
	asks_to_move(m);
	EXPECT(fback()->lifetime == 60);
}

static void later_fbu_supersedes_the_binding(void)
{
	asks_to_move(fbu_to(NAR, 100));
	put_fbu(PAR, AT(OTHER), AT(PAR), fbu_to(OTHER, 101));
	pass(1000);
	EXPECT(forwards_to(AT(OTHER)));
}

/* §6.2.1.1 */

static void address_is_asked_for_if_configured(void)
{
	sim_params(stage)->assigned = true;
	asks_to_move(fbu_to(NAR, 100));
	EXPECT((sent(SIM_HI, 1)->hi.flags & HI_ASSIGN) && sent(SIM_HI, 1)->hi.code == 0);
}

static void no_address_is_asked_for_with_code_1(void)
{
	sim_params(stage)->assigned = true;
	mobile_moves(NAR);
	pass(50);
	EXPECT(sent(SIM_HI, 1)->hi.code == 1 && !(sent(SIM_HI, 1)->hi.flags & HI_ASSIGN));
}

static void buffering_is_asked_for(void)
{
	asks_to_move(fbu_to(NAR, 100));
	EXPECT(sent(SIM_HI, 1)->hi.flags == HI_BUFFER);
}

static void no_buffering_is_asked_for_with_code_1(void)
{
	mobile_moves(NAR);
	pass(50);
	EXPECT(sent(SIM_HI, 1)->hi.code == 1 && sent(SIM_HI, 1)->hi.flags == 0);
}

static void no_handover_without_a_link_layer_address(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.lladdr.len = 0;
	asks_to_move(m);
	EXPECT(times_sent(SIM_HI) == 0 && fback()->status == FBACK_UNSPECIFIED && fback()->seq == 100);
}

static void previous_address_is_told_for_a_host_route(void)
{
	mobile_moves(NAR);
	pass(50);
	EXPECT(is(sent(SIM_HI, 1)->hi.pcoa, AT(PAR)));
}

static void hi_is_sent_again_after_100_ms(void)
{
	sim_drop(stage, SIM_HI, 1);
	mobile_is_told(NAR);
	pass(90);
	EXPECT(times_sent(SIM_HI) == 1);
	pass(100);
	EXPECT(times_sent(SIM_HI) == 2 && sent(SIM_HI, 2)->at - sent(SIM_HI, 1)->at == 100);
	EXPECT(sent(SIM_HI, 1)->hi.seq == sent(SIM_HI, 2)->hi.seq && mobile_is(MN_PREPARED));
}

static void hi_is_sent_again_ever_more_slowly(void)
{
	sim_drop(stage, SIM_HI, 99);
	mobile_is_told(NAR);
	pass(3000);
	EXPECT(times_sent(SIM_HI) == 4);
	EXPECT(sent(SIM_HI, 3)->at - sent(SIM_HI, 2)->at == 200 && sent(SIM_HI, 4)->at - sent(SIM_HI, 3)->at == 400);
}

static void silent_router_and_the_mobile_is_told(void)
{
	sim_drop(stage, SIM_HACK, 99);
	asks_to_move(fbu_to(NAR, 100));
	pass(2000);
	EXPECT(times_sent(SIM_HI) == 1 + HI_RETRIES);
	EXPECT(fback()->status == FBACK_UNSPECIFIED && fback()->seq == 100 && !sim_tunnelled(stage, PAR, PAR));
	EXPECT(sim_outcome(stage, SIM_PAR(PAR)) == HANDOVER_FAILED);
	EXPECT(!strcmp(sim_reason(stage, SIM_PAR(PAR)), "no HAck from the new router after 4 HIs in 1500 ms"));
}

/* §6.2.1.2: what is made of a HAck */

static void hack_with_another_number_is_ignored(void)
{
	sim_drop(stage, SIM_HACK, 1);
	asks_to_move(fbu_to(NAR, 100));
	put_hack(NAR, PAR, (struct hack){ .seq = (uint16_t)(sent(SIM_HI, 1)->hi.seq + 1) });
	pass(20);
	EXPECT(counted(FMIP6_HACK_IGNORED) == 1 && !sim_tunnelled(stage, PAR, PAR));
}

static void hack_of_another_router_is_ignored(void)
{
	sim_drop(stage, SIM_HI, 99);
	asks_to_move(fbu_to(NAR, 100));
	sim_drop(stage, SIM_HI, 0);
	put_hack(OTHER, PAR, (struct hack){ .seq = sent(SIM_HI, 1)->hi.seq });
	pass(20);
	EXPECT(counted(FMIP6_HACK_IGNORED) == 1 && !sim_tunnelled(stage, PAR, PAR));
}

static void hack_1_with_an_address(void)
{
	hack_says(HACK_NCOA_INVALID, address(NAR, 0x55));
	EXPECT(fback()->status == FBACK_USE_ALTERNATE && forwards_to(address(NAR, 0x55)));
}

static void hack_1_without_an_address(void)
{
	hack_says(HACK_NCOA_INVALID, in6addr_any);
	EXPECT(fback()->status >= FBACK_UNSPECIFIED && !sim_tunnelled(stage, PAR, PAR));
}

static void hack_2_without_an_address(void)
{
	hack_says(HACK_ASSIGNED, in6addr_any);
	EXPECT(fback()->status >= FBACK_UNSPECIFIED && !sim_tunnelled(stage, PAR, PAR));
}

static void address_that_is_not_the_new_routers_to_give(void)
{
	hack_says(HACK_ASSIGNED, address(OTHER, 0x55));
	EXPECT(fback()->status == FBACK_UNSPECIFIED && !sim_tunnelled(stage, PAR, PAR));
}

static void hack_4_answers_nothing(void)
{
	hack_says(HACK_UNSOLICITED, in6addr_any);
	EXPECT(times_sent(SIM_FBACK) == 0 && !sim_tunnelled(stage, PAR, PAR));
	EXPECT(counted(FMIP6_HACK_IGNORED) == 1);
}

static void hack_128_and_the_mobile_is_told(void)
{
	hack_says(HACK_UNSPECIFIED, in6addr_any);
	EXPECT(fback()->status == FBACK_UNSPECIFIED && !sim_tunnelled(stage, PAR, PAR));
}

static void hack_129_and_the_mobile_is_told(void)
{
	hack_says(HACK_PROHIBITED, in6addr_any);
	EXPECT(fback()->status == FBACK_PROHIBITED && !sim_tunnelled(stage, PAR, PAR));
}

static void hack_130_and_the_mobile_is_told(void)
{
	hack_says(HACK_NO_RESOURCES, in6addr_any);
	EXPECT(fback()->status == FBACK_NO_RESOURCES && !sim_tunnelled(stage, PAR, PAR));
}

static void hack_with_a_code_nobody_has_defined(void)
{
	hack_says(200, in6addr_any);
	EXPECT(fback()->status == FBACK_UNSPECIFIED && !sim_tunnelled(stage, PAR, PAR));
}

static void hack_with_an_accepting_code_nobody_has_defined(void)
{
	hack_says(77, in6addr_any);
	EXPECT(fback()->status == FBACK_UNSPECIFIED && !sim_tunnelled(stage, PAR, PAR));
}

static void hack_comes_twice(void)
{
	sim_repeat(stage, SIM_HACK, 1);
	asks_to_move(fbu_to(NAR, 100));
	EXPECT(times_sent(SIM_FBACK) == 2 && counted(FMIP6_HACK_IGNORED) == 1 && forwards_to(AT(NAR)));
}

static void hack_comes_when_all_is_over(void)
{
	sim_drop(stage, SIM_HACK, 99);
	asks_to_move(fbu_to(NAR, 100));
	pass(2000);
	sim_drop(stage, SIM_HACK, 0);
	put_hack(NAR, PAR, (struct hack){ .seq = sent(SIM_HI, 1)->hi.seq });
	pass(20);
	EXPECT(!sim_tunnelled(stage, PAR, PAR) && counted(FMIP6_HACK_IGNORED) == 1 && flows());
}

/* §6.2.2 */

static void alternate_address_differs_from_the_source(void)
{
	put_fbu(PAR, address(OTHER, 5), AT(PAR), fbu_to(NAR, 100));
	pass(20);
	EXPECT(is(sent(SIM_HI, 1)->hi.ncoa, AT(NAR)) && sent(SIM_HI, 1)->hi.code == 1 && forwards_to(AT(NAR)));
}

static void source_is_the_new_address_if_there_is_no_other(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.ncoa = in6addr_any;
	put_fbu(PAR, AT(NAR), AT(PAR), m);
	pass(20);
	EXPECT(is(sent(SIM_HI, 1)->hi.ncoa, AT(NAR)) && forwards_to(AT(NAR)));
}

static void reserved_bits_of_an_fbu_are_ignored(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.flags = 0xff;
	asks_to_move(m);
	EXPECT(forwards_to(AT(NAR)) && !fback()->key_flag);
}

static void fbu_without_a_home_address_is_nobodys(void)
{
	put_fbu(PAR, AT(PAR), in6addr_any, fbu_to(NAR, 100));
	pass(20);
	EXPECT(counted(FMIP6_FBU_REFUSED) == 1 && times_sent(SIM_FBACK) == 0 && times_sent(SIM_HI) == 0);
}

static void fbu_without_an_authenticator_changes_nothing(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.has_badf = false;
	asks_to_move(m);
	EXPECT(counted(FMIP6_FBU_BAD_AUTH) == 1 && times_sent(SIM_FBACK) == 0 && times_sent(SIM_HI) == 0);
}

static void fbu_with_a_wrong_key_changes_nothing(void)
{
	sim_no_key(stage, true);
	judge_key_is_wrong();
	mobile_is_told(NAR);
	pass(50);
	EXPECT(counted(FMIP6_FBU_BAD_AUTH) == 1 && times_sent(SIM_FBACK) == 0 && times_sent(SIM_HI) == 0);
}

static void fbu_that_was_altered_changes_nothing(void)
{
	uint8_t octets[64];
	asks_to_move(fbu_to(NAR, 100));
	memcpy(octets, sent(SIM_FBU, 1)->octets, sizeof octets);
	octets[7]++; /* a greater sequence number */
	octets[31]++; /* another address */
	put_octets(SIM_FBU, PAR, AT(PAR), AT(PAR), octets, sizeof octets);
	pass(20);
	EXPECT(counted(FMIP6_FBU_BAD_AUTH) == 1 && forwards_to(AT(NAR)));
}

static void key_of_another_mobile_does_not_serve(void)
{
	uint8_t octets[64];
	sim_drop(stage, SIM_FBU, 1);
	put_fbu(PAR, AT(OTHER), AT(OTHER), fbu_to(NAR, 100)); /* signed with the key of an address of another link */
	memcpy(octets, sent(SIM_FBU, 1)->octets, sizeof octets);
	put_octets(SIM_FBU, PAR, AT(PAR), AT(PAR), octets, sizeof octets);
	pass(20);
	EXPECT(counted(FMIP6_FBU_BAD_AUTH) == 1 && times_sent(SIM_HI) == 0);
}

static void address_of_another_link_is_not_forwarded(void)
{
	put_fbu(PAR, AT(OTHER), AT(OTHER), fbu_to(NAR, 100));
	pass(20);
	EXPECT(counted(FMIP6_FBU_FOREIGN_PCOA) == 1 && times_sent(SIM_HI) == 0 && fback()->status == FBACK_PROHIBITED);
}

static void new_address_behind_no_neighbour_is_refused(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.ncoa = address(9, 5);
	asks_to_move(m);
	EXPECT(counted(FMIP6_FBU_FOREIGN_NCOA) == 1 && times_sent(SIM_HI) == 0 && fback()->status == FBACK_PROHIBITED);
}

static void old_sequence_number_is_told_the_last(void)
{
	asks_to_move(fbu_to(NAR, 100));
	asks_to_move(fbu_to(OTHER, 99));
	EXPECT(fback()->status == FBACK_SEQUENCE && fback()->seq == 100 && forwards_to(AT(NAR)));
	EXPECT(counted(FMIP6_FBU_REPLAYED) == 1 && times_sent(SIM_HI) == 1);
}

static void sequence_numbers_go_round(void)
{
	asks_to_move(fbu_to(NAR, 65530));
	asks_to_move(fbu_to(OTHER, 3));
	pass(500);
	EXPECT(times_sent(SIM_HI) == 2 && counted(FMIP6_FBU_REPLAYED) == 0);
}

static void fbu_replayed_changes_nothing(void)
{
	struct fbu home = fbu_to(NAR, 101);
	asks_to_move(fbu_to(NAR, 100));
	home.lifetime = 0;
	home.ncoa = in6addr_any;
	asks_to_move(home);
	pass(40000); /* all memory of the binding is gone */
	const struct word *w = sent(SIM_FBU, 1);
	uint8_t octets[64];
	memcpy(octets, w->octets, sizeof octets);
	put_octets(SIM_FBU, PAR, AT(PAR), AT(PAR), octets, sizeof octets);
	pass(20);
	EXPECT(counted(FMIP6_FBU_REPLAYED) == 1 && !sim_tunnelled(stage, PAR, PAR) && flows());
}

static void fbu_replayed_long_after_changes_nothing(void)
{
	uint8_t octets[64];
	struct fbu home = fbu_to(NAR, 101);
	asks_to_move(fbu_to(NAR, 100));
	memcpy(octets, sent(SIM_FBU, 1)->octets, sizeof octets);
	home.lifetime = 0;
	home.ncoa = in6addr_any;
	asks_to_move(home);
	sim_traffic(stage, false);
	pass(700000);
	put_octets(SIM_FBU, PAR, AT(PAR), AT(PAR), octets, sizeof octets);
	pass(100);
	EXPECT(counted(FMIP6_FBU_REPLAYED) == 1 && !sim_tunnelled(stage, PAR, PAR));
	EXPECT(fback()->status == FBACK_SEQUENCE && fback()->seq == 101);
}

static void fbu_repeated_under_way_makes_one_handover(void)
{
	put_fbu(PAR, AT(PAR), AT(PAR), fbu_to(NAR, 100));
	put_fbu(PAR, AT(PAR), AT(PAR), fbu_to(NAR, 101));
	pass(20);
	EXPECT(times_sent(SIM_HI) == 1 && times_sent(SIM_FBACK) == 2 && fback()->seq == 101);
}

static void fbu_again_is_a_renewal(void)
{
	asks_to_move(fbu_to(NAR, 100));
	put_fbu(PAR, AT(NAR), AT(PAR), fbu_to(NAR, 101));
	pass(20);
	EXPECT(times_sent(SIM_HI) == 1 && fback()->status == 0 && fback()->seq == 101 && fback()->lifetime == 60);
}

static void fback_only_where_it_is_asked_for(void)
{
	struct fbu m = fbu_to(NAR, 100);
	m.flags = FBU_HOME;
	asks_to_move(m);
	EXPECT(forwards_to(AT(NAR)) && times_sent(SIM_FBACK) == 0);
}

/* §6.2.3 */

static void fback_waits_for_the_hack(void)
{
	sim_delay(stage, SIM_HACK, 1, 50 * USEC_MSEC);
	asks_to_move(fbu_to(NAR, 100));
	pass(20);
	EXPECT(times_sent(SIM_FBACK) == 0);
	pass(50);
	EXPECT(times_sent(SIM_FBACK) == 2 && sent(SIM_FBACK, 1)->at > sent(SIM_HACK, 1)->at + 50);
}

static void fback_goes_to_the_new_address(void)
{
	mobile_moves(NAR);
	pass(50);
	EXPECT(times_sent(SIM_FBACK) == 1 && is(sent(SIM_FBACK, 1)->dst, AT(NAR)) && is(sent(SIM_FBACK, 1)->src, sim_router(PAR)));
}

static void fback_copies_the_sequence_number(void)
{
	asks_to_move(fbu_to(NAR, 0xabcd));
	EXPECT(sent(SIM_FBACK, 1)->fback.seq == 0xabcd && sent(SIM_FBACK, 1)->fback.status == FBACK_ACCEPTED);
}

static void fback_is_authenticated(void)
{
	struct in6_addr pcoa = AT(PAR), ncoa = AT(NAR), par = sim_router(PAR);
	asks_to_move(fbu_to(NAR, 100));
	const struct word *w = sent(SIM_FBACK, 1);
	EXPECT(w->len && key_verifies(&pcoa, &ncoa, &par, w->octets, w->len));
	EXPECT(w->len > 18 && w->octets[w->len - 18] == 21); /* and last: 12 octets, 4 of the SPI, its length, its type */
}

static void protection_down_is_prohibited(void)
{
	sim_unusable(stage, NAR, true);
	asks_to_move(fbu_to(NAR, 100));
	EXPECT(fback()->status == FBACK_PROHIBITED && times_sent(SIM_HI) == 0);
}

static void identifier_that_is_too_long_for_the_prefix_is_refused(void)
{
	struct fbu m = fbu_to(NAR, 100), fits = fbu_to(NAR, 101);
	sim_narrow(stage, NAR);
	m.ncoa.s6_addr[8] = 2; /* as of a link-layer address (RFC 4291, appendix A) */
	m.ncoa.s6_addr[11] = 0xff;
	m.ncoa.s6_addr[12] = 0xfe;
	asks_to_move(m);
	EXPECT(fback()->status == FBACK_BAD_IID && fback()->seq == 100 && times_sent(SIM_HI) == 0);
	EXPECT(counted(FMIP6_FBU_BAD_IID) == 1 && counted(FMIP6_FBU_REFUSED) == 1 && counted(FMIP6_FBU_FOREIGN_NCOA) == 0);
	asks_to_move(fits);
	EXPECT(forwards_to(AT(NAR)));
}

static void too_many_bindings_are_no_resources(void)
{
	sim_params(stage)->sessions = 1;
	asks_to_move(fbu_to(NAR, 100));
	put_fbu(PAR, address(PAR, 0x20), address(PAR, 0x20), fbu_to(NAR, 7));
	pass(20);
	EXPECT(fback()->status == FBACK_NO_RESOURCES && fback()->seq == 7 && counted(FMIP6_SESSIONS_FULL) == 1);
	EXPECT(forwards_to(AT(NAR)));
}

static void tunnel_that_cannot_be_made_is_no_resources(void)
{
	sim_broken(stage, PAR, true);
	asks_to_move(fbu_to(NAR, 100));
	EXPECT(fback()->status == FBACK_NO_RESOURCES && !sim_tunnelled(stage, PAR, PAR));
}

const struct sentence rfc5568_previous[] = {
	{ "4", "SHOULD", "before the binding HI is sent and HAck received", SHOWN(new_router_is_asked_before_packets_are_forwarded) },
	{ "4", "", "the new router is found by the longest prefix of the NCoA", SHOWN_BY("tests/unit/test_neighbor.c::ap_of_prefix(w->t, &long_match)") },
	{ "4", "MUST", "FBU from the PCoA: HI with Code 0", SHOWN(code_0_when_the_fbu_came_from_the_old_link) },
	{ "4", "MUST", "FBU not from the PCoA: HI with Code 1", SHOWN(code_1_when_the_fbu_came_from_the_new_link) },
	{ "4", "", "HI has PCoA, link-layer address and NCoA", SHOWN(hi_says_who_moves_whence_and_whither) },
	{ "4", "MUST", "an assigned NCoA of a HAck goes into the FBack", SHOWN(assigned_address_goes_into_the_fback) },
	{ "4", "MAY", "FBack goes to the previous link as well", SHOWN(fback_goes_to_the_old_link_as_well) },
	{ "4", "", "then packets are tunnelled to the NCoA", SHOWN(packets_are_tunnelled_to_the_new_address) },
	{ "4", "", "from PAR's global address on the mobile's link", SHOWN(tunnel_begins_where_the_mobile_sent_its_fbu) },
	{ "4", "", "an FBU to its link-local address is refused", SHOWN_BY("tests/net/test_links.py::test_two_prefixes") },
	{ "4", "must", "a packet of the reverse tunnel is checked against the binding", SHOWN(reverse_tunnel_needs_a_binding) },
	{ "4", "must", "the same in the kernel's path", SHOWN_BY("tests/net/test_paths.c::only_what_an_end_allows") },
	{ "4", "must", "no binding, no reverse tunnel", SHOWN(reverse_tunnel_ends_with_the_binding) },
	{ "5.2", "MUST", "the NCoA of the FBU is that of the HI", SHOWN(address_of_the_fbu_goes_into_the_hi) },
	{ "5.2", "MUST", "an address in any HAck goes into the FBack", SHOWN(address_of_any_hack_goes_into_the_fback) },
	{ "5.2", "may", "another address may come with any accepting Code", SHOWN(another_address_of_a_hack_with_code_0_is_used) },
	{ "5.4", "SHOULD", "a PAR that asks for buffering buffers too", SHOWN(previous_router_buffers_too) },
	{ "5.4", "SHOULD", "also for one that left before the HAck, whose handover goes on as a reactive one", SHOWN(mobile_that_left_between_fbu_and_hack) },
	{ "5.4", "SHOULD", "what comes for it from then on waits", SHOWN(packets_of_a_mobile_that_left_wait_for_the_new_router) },
	{ "4", "MUST", "early buffering: packets go on to the PCoA", SHOWN(buffered_and_forwarded_at_once) },
	{ "4", "MAY", "and their copies to a mobile that left before it was prepared", SHOWN(copies_go_to_a_mobile_that_left_too_early) },
	{ "4", "SHOULD", "it ends when packets go to the NCoA", SHOWN(copying_ends_when_packets_go_to_the_new_address) },
	{ "4", "", "it ends in any case", SHOWN(copying_ends_when_nothing_comes_of_it) },
	{ "4", "", "or when the mobile stays", SHOWN(copying_ends_when_the_mobile_stays) },
	{ "4", "", "what was copied for has no sequence number yet", SHOWN(any_sequence_number_may_be_the_first) },
	{ "4", "MAY", "it is not done unless configured", SHOWN(nothing_is_copied_unless_configured) },
	{ "5.6", "", "superseded while the old way empties: one HAck counts", SHOWN(hack_twice_while_the_old_way_empties) },
	{ "5.6", "SHOULD", "FBU with lifetime 0: the tunnel ends, packets go to the link", SHOWN(lifetime_0_ends_the_tunnel) },
	{ "5.6", "", "from wherever it comes", SHOWN(lifetime_0_from_the_new_link_ends_it_as_well) },
	{ "5.6", "", "or with the PCoA as care-of address", SHOWN(own_address_as_the_new_one_ends_it_as_well) },
	{ "5.6", "", "and where there was none", SHOWN(lifetime_0_without_a_tunnel_is_answered) },
	{ "5.6", "", "a tunnel has a lifetime", SHOWN(tunnel_ends_with_its_lifetime) },
	{ "5.6", "should", "by default that of the FBU", SHOWN(lifetime_granted_is_the_one_asked_for) },
	{ "5.6", "should", "of the order of tens of seconds", SHOWN(lifetime_granted_is_limited) },
	{ "5.6", "", "a later FBU supersedes the binding", SHOWN(later_fbu_supersedes_the_binding) },
	{ "6.2.1.1", "MAY", "S with Code 0", SHOWN(address_is_asked_for_if_configured) },
	{ "6.2.1.1", "MUST", "no S with Code 1", SHOWN(no_address_is_asked_for_with_code_1) },
	{ "6.2.1.1", "", "U with Code 0", SHOWN(buffering_is_asked_for) },
	{ "6.2.1.1", "SHOULD", "no U with Code 1", SHOWN(no_buffering_is_asked_for_with_code_1) },
	{ "6.2.1.1", "MUST", "HI has the mobile's link-layer address", SHOWN(no_handover_without_a_link_layer_address) },
	{ "6.2.1.1", "MUST", "also where the FBU does not tell it, as it MAY: the neighbour cache does", SHOWN_BY("tests/net/test_links.py::test_two_prefixes") },
	{ "6.2.1.1", "SHOULD", "and its PCoA", SHOWN(previous_address_is_told_for_a_host_route) },
	{ "6.2.1.1", "SHOULD", "HI without HAck is sent again", SHOWN(hi_is_sent_again_after_100_ms) },
	{ "6.2.1.1", "MUST", "each time after twice the time", SHOWN(hi_is_sent_again_ever_more_slowly) },
	{ "6.2.1.1", "", "no more than HI_RETRIES times", SHOWN(silent_router_and_the_mobile_is_told) },
	{ "6.2.1.2", "", "HAck is matched by its sequence number", SHOWN(hack_with_another_number_is_ignored) },
	{ "6.2.1.2", "", "and by who was asked", SHOWN(hack_of_another_router_is_ignored) },
	{ "6.2.1.2", "", "Code 1 with another address", SHOWN(hack_1_with_an_address) },
	{ "6.2.1.2", "", "Code 1 alone", SHOWN(hack_1_without_an_address) },
	{ "6.2.1.2", "MUST", "Code 2 without an address is no answer to use", SHOWN(hack_2_without_an_address) },
	{ "5.2", "", "an address that is not of the new router's prefix is not used", SHOWN(address_that_is_not_the_new_routers_to_give) },
	{ "6.2.1.2", "", "Code 4 answers no HI", SHOWN(hack_4_answers_nothing) },
	{ "6.2.1.2", "", "Code 128", SHOWN(hack_128_and_the_mobile_is_told) },
	{ "6.2.1.2", "", "Code 129", SHOWN(hack_129_and_the_mobile_is_told) },
	{ "6.2.1.2", "", "Code 130", SHOWN(hack_130_and_the_mobile_is_told) },
	{ "6.2.1.2", "", "an unknown Code of 128 or more", SHOWN(hack_with_a_code_nobody_has_defined) },
	{ "6.2.1.2", "", "an unknown Code below 128", SHOWN(hack_with_an_accepting_code_nobody_has_defined) },
	{ "6.2.1.2", "", "HAck repeated", SHOWN(hack_comes_twice) },
	{ "6.2.1.2", "", "HAck too late", SHOWN(hack_comes_when_all_is_over) },
	{ "6.2.2", "MUST", "an alternate care-of address that is not the source is used in HI", SHOWN(alternate_address_differs_from_the_source) },
	{ "6.2.2", "", "without it the source is the NCoA", SHOWN(source_is_the_new_address_if_there_is_no_other) },
	{ "6.2.2", "MUST", "reserved bits are of no account", SHOWN(reserved_bits_of_an_fbu_are_ignored) },
	{ "6.2.2", "MUST", "FBU has the Home Address option", SHOWN(fbu_without_a_home_address_is_nobodys) },
	{ "6.2.2", "MUST", "FBU is protected: it has a BADF option", SHOWN(fbu_without_an_authenticator_changes_nothing) },
	{ "6.2.2", "MUST", "PAR can tell that its sender owns the PCoA", SHOWN(fbu_with_a_wrong_key_changes_nothing) },
	{ "6.4.5", "", "the authenticator covers the whole message", SHOWN(fbu_that_was_altered_changes_nothing) },
	{ "6.2.2", "MUST", "another mobile's key is no proof", SHOWN(key_of_another_mobile_does_not_serve) },
	{ "6.2.2", "", "PAR forwards for its own links only", SHOWN(address_of_another_link_is_not_forwarded) },
	{ "6.2.2", "", "a link may have several prefixes", SHOWN_BY("tests/net/test_links.py::test_two_prefixes") },
	{ "6.2.2", "", "and to its neighbours only", SHOWN(new_address_behind_no_neighbour_is_refused) },
	{ "6.2.2", "", "Sequence Number as in RFC 3775: an old one is answered with the last", SHOWN(old_sequence_number_is_told_the_last) },
	{ "6.2.2", "", "modulo 2^16", SHOWN(sequence_numbers_go_round) },
	{ "6.2.2", "", "nor does one change anything that somebody has kept", SHOWN(fbu_replayed_long_after_changes_nothing) },
	{ "6.2.2", "", "an FBU seen before is none", SHOWN(fbu_replayed_changes_nothing) },
	{ "6.2.2", "", "an FBU repeated under way is the same handover", SHOWN(fbu_repeated_under_way_makes_one_handover) },
	{ "6.2.2", "", "an FBU for the binding that is in force renews it", SHOWN(fbu_again_is_a_renewal) },
	{ "6.2.3", "", "FBack acknowledges an FBU with the A bit", SHOWN(fback_only_where_it_is_asked_for) },
	{ "6.2.3", "SHOULD NOT", "FBack is not sent before the HAck is there", SHOWN(fback_waits_for_the_hack) },
	{ "6.2.3", "", "from PAR's address to the NCoA", SHOWN(fback_goes_to_the_new_address) },
	{ "6.2.3", "", "with the FBU's sequence number", SHOWN(fback_copies_the_sequence_number) },
	{ "6.2.3", "MUST", "with a BADF option, the last", SHOWN(fback_is_authenticated) },
	{ "6.2.3", "", "Status 129 where the new router may not be asked", SHOWN(protection_down_is_prohibited) },
	{ "6.2.3", "", "Status 131 where the prefix there leaves too few bits for the NCoA's interface identifier", SHOWN(identifier_that_is_too_long_for_the_prefix_is_refused) },
	{ "6.2.3", "", "Status 130 where the table is full", SHOWN(too_many_bindings_are_no_resources) },
	{ "6.2.3", "", "Status 130 where the tunnel cannot be made", SHOWN(tunnel_that_cannot_be_made_is_no_resources) },
	END_OF_SENTENCES,
};
