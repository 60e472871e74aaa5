/* RFC 4067 §2 to §2.4: what the protocol does, its header, context types, context data blocks. */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "rfc4067.h"

#define PREDICTIVE "CTAR.par PCTD CTAR.nar CTDR CTAA"
#define REACTIVE "CTAR.nar CT-Req CTD CTDR CTAA"
#define IPV6_MINIMUM_MTU 1280

/* §2 */

static void foreseen_move_is_announced(void)
{
	mobile_announces(NAR);
	EXPECT(sent_to("CTAR.par", 1, &stage.routers[PAR].on_link));
	at(20);
	EXPECT_SENT("CTAR.par PCTD");
}

static void new_router_always_hears_of_the_mobile(void)
{
	mobile_announces(NAR);
	at(300);
	mobile_moves(NAR); /* all is there already; it cannot know */
	settle();
	EXPECT_SENT(PREDICTIVE);
	EXPECT(sent_to("CTAR.nar", 1, &stage.routers[NAR].on_link));
}

static void token_of_contexts_at_hand_is_checked_here(void)
{
	mobile_announces(NAR);
	at(300);
	EXPECT(in_place(NAR) == 0);
	mobile_moves(NAR);
	at(303);
	EXPECT(in_place(NAR) == 3);
	EXPECT(times_sent("CT-Req") == 0);
}

static void contexts_not_at_hand_are_asked_for(void)
{
	mobile_moves(NAR);
	at(3);
	EXPECT_SENT("CTAR.nar CT-Req");
	EXPECT(sent("CT-Req", 1)->token == sent("CTAR.nar", 1)->token);
	settle();
	EXPECT(in_place(NAR) == 3);
}

static void either_router_may_begin(void)
{
	mobile_has_come();
	par_foresees(NAR);
	nar_foresees(OTHER);
	at(50);
	EXPECT_SENT("PCTD CT-Req PCTD");
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3 && in_place(OTHER) == 0 && told_all());
}

static void move_without_routers_triggers_nothing(void)
{
	struct cxtp_move nowhere = { .pcoa = stage.pcoa, .par = stage.routers[PAR].on_link };
	cxtp_mn_prepare(stage.mn, &nowhere);
	nowhere = (struct cxtp_move){ .par = stage.routers[PAR].on_link, .nar = stage.routers[NAR].on_link };
	cxtp_mn_prepare(stage.mn, &nowhere);
	settle();
	EXPECT_SENT("");
	EXPECT(counted(CXTP_UNKNOWN_ROUTER) == 2);
}

static void move_without_a_key_triggers_nothing(void)
{
	struct cxtp_move unknown = { .pcoa = stage.stranger, .par = stage.routers[PAR].on_link, .nar = stage.routers[NAR].on_link };
	cxtp_mn_prepare(stage.mn, &unknown);
	settle();
	EXPECT_SENT("");
	EXPECT(counted(CXTP_NO_KEY) == 1);
}

static void late_request_gets_contexts_as_they_are_then(void)
{
	stage.collects = 1;
	mobile_announces(OTHER);
	at(500); /* on the old link something goes on changing them until the mobile is gone */
	stage.collects = 4;
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 5);
}

/* §2.1.1 */

static void announcement_says_what_goes_where(void)
{
	mobile_announces(NAR);
	EXPECT(addr_eq(&sent("CTAR.par", 1)->router, &stage.routers[NAR].on_link));
	EXPECT(addr_eq(&sent("CTAR.par", 1)->mobile, &stage.pcoa));
	EXPECT(sent("CTAR.par", 1)->token != 0);
}

static void without_a_list_all_contexts_go(void)
{
	mobile_sends(PAR, ctar(7, ALL));
	at(50);
	mobile_sends(NAR, ctar(7, ALL));
	settle();
	EXPECT(in_place(NAR) == 3);
}

static void announced_contexts_are_pushed_with_what_checks_the_token(void)
{
	uint8_t key[20];
	mobile_sends(PAR, ctar(7, ALL));
	at(20);
	key_of(7, key);
	const struct cxtp_message *push = sent("PCTD", 1);
	EXPECT(addr_eq(&push->mobile, &stage.pcoa));
	EXPECT(push->algorithm == CXTP_ALGORITHM_HMAC_SHA1);
	EXPECT(push->key_len == sizeof key && !memcmp(push->key, key, sizeof key));
	EXPECT(push->blocks_len == 32 + 32 + 16);
}

static void pushed_contexts_wait_for_the_token(void)
{
	mobile_announces(NAR);
	at(9000);
	EXPECT(in_place(NAR) == 0);
	EXPECT(octets_at(NAR) == 80);
	mobile_moves(NAR);
	settle();
	EXPECT(in_place(NAR) == 3);
}

static void lost_announcement_costs_a_request(void)
{
	sim_fault(&stage, "CTAR.par", SIM_LOSE, 1, 0);
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	settle();
	EXPECT_SENT("CTAR.par! " REACTIVE);
	EXPECT(told_all());
}

static void token_is_checked_where_the_contexts_are(void)
{
	struct cxtp_message forged = ctar(7, ALL);
	forged.token ^= 1;
	stranger_sends(NAR, forged); /* nothing is there: only the previous router can tell */
	at(50);
	EXPECT(times_sent("CT-Req") == 1);
	EXPECT(counted(CXTP_TOKEN_REFUSED) == 1);
	settle();
	EXPECT(times_sent("CTD") == 0);
}

/* §2.1.2 */

static void request_holds_what_the_mobile_said(void)
{
	struct cxtp_message asked = ctar(7, only(SIM_FPT_OTHER));
	mobile_sends(NAR, asked);
	at(20);
	const struct cxtp_message *request = sent("CT-Req", 1);
	EXPECT(addr_eq(&request->mobile, &stage.pcoa));
	EXPECT(request->seq == 7 && request->token == asked.token);
	EXPECT(request->blocks_len == 8 && !memcmp(request->blocks, asked.blocks, 8));
	settle();
	EXPECT(in_place(NAR) == 1);
}

static void answer_holds_address_and_contexts(void)
{
	mobile_moves(NAR);
	settle();
	EXPECT(addr_eq(&sent("CTD", 1)->mobile, &stage.pcoa));
	EXPECT(sent("CTD", 1)->blocks_len == 80);
}

static void new_router_reports(void)
{
	mobile_moves(NAR);
	settle();
	EXPECT_SENT(REACTIVE);
	EXPECT(sent("CTDR", 1)->flag);
	EXPECT(counted(CXTP_CTDR_RECEIVED) == 1);
}

static void contexts_are_installed_when_they_come(void)
{
	mobile_moves(NAR);
	at(2 + 5 + 4);
	EXPECT(in_place(NAR) == 0);
	at(2 + 5 + 5);
	EXPECT(in_place(NAR) == 3);
}

/* §2.2 */

static void ctar_fits_a_packet(void)
{
	mobile_announces(NAR);
	mobile_moves(NAR);
	settle();
	EXPECT(octets_sent("CTAR.par", 1).len + 48 < IPV6_MINIMUM_MTU);
	EXPECT(octets_sent("CTAR.nar", 1).len + 48 < IPV6_MINIMUM_MTU);
}

static void ctaa_fits_a_packet(void)
{
	sim_fault(&stage, "CTD", SIM_LOSE, 1, 0); /* all contexts are listed */
	mobile_moves(NAR);
	settle();
	EXPECT(octets_sent("CTAA", 1).len + 48 < IPV6_MINIMUM_MTU);
	EXPECT(sent("CTAA", 1)->statuses_len == 8);
}

static void every_message_says_version_1(void)
{
	static const char *const all[] = { "CTAR.par", "PCTD", "CTAR.nar", "CT-Req", "CTD", "CTDR", "CTAA", "CTC" };
	sim_fault(&stage, "PCTD", SIM_LOSE, 1, 0);
	mobile_announces(NAR);
	at(50);
	mobile_moves(NAR);
	at(1000);
	mobile_sends(NAR, ctar(7, ALL));
	sim_fault(&stage, "CTD", SIM_LOSE, 1, 0);
	settle();
	for (size_t i = 0; i < 8; i++) {
		EXPECT(times_sent(all[i]) > 0);
		EXPECT(octets_sent(all[i], 1).p && octets_sent(all[i], 1).p[0] >> 5 == 1);
	}
}

static void other_versions_are_not_ours(void)
{
	struct cxtp_message m;
	mobile_announces(NAR);
	at(20);
	struct octets push = octets_sent("PCTD", 1);
	uint8_t later[256];
	for (unsigned version = 0; push.p && version < 8; version++) {
		memcpy(later, push.p, push.len);
		later[0] = (uint8_t)(version << 5 | CXTP_PCTD);
		EXPECT(cxtp_parse(later, push.len, &m) == (version == 1 ? CXTP_OK : CXTP_E_VERSION));
	}
}

/* §2.3 */

static void unknown_type_is_told_and_the_others_stand(void)
{
	mobile_sends(NAR, ctar(7, both(SIM_FPT_OTHER, 0x5000)));
	settle();
	EXPECT(in_place(NAR) == 1);
	EXPECT(status_in(sent("CTAA", 1), 0x5000) == CXTP_STATUS_ABSENT);
	EXPECT(status_in(sent("CTAA", 1), SIM_FPT_OTHER) == 255);
}

static void unknown_type_that_comes_is_told(void)
{
	uint8_t blocks[24] = { 0x40, 0x01, 2, 0, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x00, 1 };
	mobile_sends(NAR, ctar(7, ALL));
	router_sends(PAR, NAR, contexts(CXTP_PCTD, (struct octets){ blocks, sizeof blocks }));
	settle();
	EXPECT(in_place(NAR) == 1);
	EXPECT(status_in(sent("CTDR", 1), 0x5000) == FEATURE_UNKNOWN);
	EXPECT(status_in(sent("CTDR", 1), SIM_FPT_OTHER) == FEATURE_OK);
	EXPECT(status_in(sent("CTAA", 1), 0x5000) == FEATURE_UNKNOWN);
}

/* A type of three fields, the second with a default, the third with one of zeros. */
static uint8_t vector[7], vector_installed[7];
static unsigned vectors_installed;

static int collect_vector(struct core *core, const struct feature_subject *s, feature_emit_fn *emit, void *arg)
{
	emit(vector, sizeof vector, arg);
	return 0;
}

static uint8_t install_vector(struct core *core, const struct feature_subject *s, const uint8_t *data, size_t len)
{
	vectors_installed++;
	memcpy(vector_installed, data, len < sizeof vector ? len : sizeof vector);
	judge_eyes.installed(&stage, NAR, s, 0x4002, FEATURE_OK);
	return len == sizeof vector ? FEATURE_OK : FEATURE_MALFORMED;
}

static const struct feature_field vector_fields[] = {
	{ "id", 2, NULL }, { "rate", 1, "\x2a" }, { "burst", 4, feature_zero }, { 0 }
};
static const struct feature vector_feature = { .fpt = 0x4002, .name = "vector", .fields = vector_fields, .collect = collect_vector,
	                                       .install = install_vector };

static void transfer_vector(const char *octets)
{
	memcpy(vector, octets, sizeof vector);
	vectors_installed = 0;
	feature_register(&vector_feature);
	mobile_sends(NAR, ctar(7, only(0x4002)));
	settle();
	feature_unregister(&vector_feature);
	EXPECT(vectors_installed == 1);
	EXPECT(!memcmp(vector_installed, octets, sizeof vector));
}

static void fields_are_laid_out_in_order(void)
{
	static const uint8_t block[] = { 0x40, 0x02, 2, 0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0 };
	transfer_vector("\1\2\3\4\5\6\7");
	EXPECT(sent("CTD", 1)->blocks_len == sizeof block && !memcmp(sent("CTD", 1)->blocks, block, sizeof block));
}

static void fields_that_hold_their_default_do_not_travel(void)
{
	static const uint8_t block[] = { 0x40, 0x02, 2, 0x80, 0x80, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0 };
	transfer_vector("\1\2\x2a\0\0\0\0");
	EXPECT(sent("CTD", 1)->blocks_len == sizeof block && !memcmp(sent("CTD", 1)->blocks, block, sizeof block));
}

static void presence_bits_stand_for_fields_whatever_their_size(void)
{
	static const uint8_t block[] = { 0x40, 0x02, 2, 0x80, 0xa0, 0, 0, 0, 1, 2, 0, 0, 0, 9, 0, 0 };
	transfer_vector("\1\2\x2a\0\0\0\x9");
	EXPECT(sent("CTD", 1)->blocks_len == sizeof block && !memcmp(sent("CTD", 1)->blocks, block, sizeof block));
}

static void presence_of_what_a_type_does_not_have_is_refused(void)
{
	static const uint8_t block[] = { 0x40, 0x01, 2, 0x80, 0x80, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0 };
	mobile_sends(NAR, ctar(7, only(SIM_FPT_OTHER)));
	router_sends(PAR, NAR, contexts(CXTP_PCTD, (struct octets){ block, sizeof block }));
	settle();
	EXPECT(status_in(sent("CTAA", 1), SIM_FPT_OTHER) == FEATURE_PRESENCE);
	EXPECT(in_place(NAR) == 0);
}

static void type_has_status_codes_of_its_own(void)
{
	stage.install_status = 77;
	mobile_moves(NAR);
	settle();
	EXPECT(status_in(sent("CTDR", 1), SIM_FPT_OTHER) == 77);
	EXPECT(told_status(SIM_FPT_OTHER) == 77);
	EXPECT(told_status(SIM_FPT_GROUPS) == 0);
}

static void only_requested_types_are_installed(void)
{
	mobile_sends(PAR, ctar(7, ALL)); /* all are pushed */
	at(50);
	mobile_sends(NAR, ctar(7, only(SIM_FPT_OTHER)));
	settle();
	EXPECT(in_place(NAR) == 1);
}

/* §2.4 */

static void blocks_are_words_of_eight_filled_up_with_zeros(void)
{
	stage.collects = 1;
	mobile_announces(NAR);
	at(20);
	struct rd r = rd_make(sent("PCTD", 1)->blocks, sent("PCTD", 1)->blocks_len);
	struct cxtp_block group = { 0 }, other = { 0 };
	EXPECT(cxtp_block_next(&r, false, &group) == 1 && group.fpt == SIM_FPT_GROUPS);
	EXPECT(cxtp_block_next(&r, false, &other) == 1 && other.fpt == SIM_FPT_OTHER);
	EXPECT(cxtp_block_next(&r, false, &other) == 0);
	EXPECT(group.len == 24 + 4); /* 4 + 24 octets in 4 words */
	EXPECT(other.len == 5 + 7);  /* 4 + 5 octets in 2 */
	static const uint8_t zeros[7];
	EXPECT(other.data && !memcmp(other.data + 5, zeros, 7));
}

static void reserved_bits_are_sent_as_zero(void)
{
	mobile_announces(NAR);
	at(300);
	mobile_moves(NAR);
	settle();
	const uint8_t *blocks = sent("PCTD", 1)->blocks;
	EXPECT(blocks && blocks[3] == 0 && blocks[32 + 3] == 0 && blocks[64 + 3] == 0);
	static const char *const all[] = { "CTAR.par", "PCTD", "CTAR.nar", "CTDR", "CTAA" };
	for (size_t i = 0; i < 5; i++)
		EXPECT(octets_sent(all[i], 1).p && (octets_sent(all[i], 1).p[1] & 0x3f) == 0);
	EXPECT(octets_sent("CTAA", 1).p && (octets_sent("CTAA", 1).p[1] & 0x7f) == 0);
}

/* Four octets name a type, which a length in words of eight cannot say: sent as one word, and understood in every form. */
static void request_needs_a_block_s_head_only(void)
{
	static const uint8_t forms[][8] = { { 0x40, 0x01, 1, 0, 0, 0, 0, 0 }, { 0x40, 0x01, 0, 0 }, { 0x40, 0x01, 1, 0 } };
	static const size_t sizes[] = { 8, 4, 4 };
	stage.forgets = false; /* as if the mobile went back each time */
	for (uint32_t i = 0; i < 3; i++) {
		mobile_sends(NAR, ctar(7 + i, (struct octets){ forms[i], sizes[i] }));
		at(1000 * (i + 1));
		EXPECT(times_sent("CTD") == i + 1 && sent("CTD", i + 1)->blocks_len == 16);
		EXPECT(in_place(NAR) == i + 1);
	}
}

const struct sentence rfc4067_overview[] = {
	{ "2", "", "a mobile that foresees its move sends a CTAR to its present router",
	  SHOWN(foreseen_move_is_announced) },
	{ "2", "", "the new router gets one in any case", SHOWN(new_router_always_hears_of_the_mobile) },
	{ "2", "", "where contexts are at hand the new router checks the token itself and activates them",
	  SHOWN(token_of_contexts_at_hand_is_checked_here) },
	{ "2", "", "where they are not, it asks for them with the mobile's token",
	  SHOWN(contexts_not_at_hand_are_asked_for) },
	{ "2", "may", "the previous router may begin, and the new one may, on triggers of their own", SHOWN(either_router_may_begin) },
	{ "2", "must", "a trigger says which mobile and which routers", SHOWN(move_without_routers_triggers_nothing) },
	{ "2", "must", "a trigger comes with the authorization to transfer", SHOWN(move_without_a_key_triggers_nothing) },
	{ "2", "must", "contexts that packets change are taken when forwarding on the old link has ended",
	  SHOWN(late_request_gets_contexts_as_they_are_then) },
	{ "2.1.1", "", "the CTAR to the previous router names the new one, the mobile's address, and has a token",
	  SHOWN(announcement_says_what_goes_where) },
	{ "2.1.1", "", "without a list all contexts are meant", SHOWN(without_a_list_all_contexts_go) },
	{ "2.1.1", "", "the push holds the previous address and what is needed to check the token",
	  SHOWN(announced_contexts_are_pushed_with_what_checks_the_token) },
	{ "2.1.1", "", "contexts that nobody asked for wait until the mobile shows its token",
	  SHOWN(pushed_contexts_wait_for_the_token) },
	{ "2.1.1", "", "the CTAR to the new router makes good for one that the previous router did not get",
	  SHOWN(lost_announcement_costs_a_request) },
	{ "2.1.1", "", "the router that has the contexts checks the token",
	  SHOWN(token_is_checked_where_the_contexts_are) },
	{ "2.1.2", "", "a CT-Req has address, FPTs, sequence number and token of the CTAR",
	  SHOWN(request_holds_what_the_mobile_said) },
	{ "2.1.2", "", "a CTD has the previous address and the contexts", SHOWN(answer_holds_address_and_contexts) },
	{ "2.1.2", "", "the new router reports with a CTDR", SHOWN(new_router_reports) },
	{ "2.1.2", "", "it installs contexts once it has them", SHOWN(contexts_are_installed_when_they_come) },
	{ "2.2", "SHOULD", "a message on the air is less than the path MTU: the CTAR", SHOWN(ctar_fits_a_packet) },
	{ "2.2", "SHOULD", "a message on the air is less than the path MTU: the CTAA", SHOWN(ctaa_fits_a_packet) },
	{ "2.2", "MUST", "the version is 1", SHOWN(every_message_says_version_1) },
	{ "2.2", "MUST", "what is not compatible has another version, so it is not understood",
	  SHOWN(other_versions_are_not_ours) },
	{ "2.3", "", "a type is known by its FPT; one that the mobile asks for and nobody has is told",
	  SHOWN(unknown_type_is_told_and_the_others_stand) },
	{ "2.3", "", "one that comes and is not known here is told, the others are installed",
	  SHOWN(unknown_type_that_comes_is_told) },
	{ "2.3", "", "a type's fields travel in its order and sizes", SHOWN(fields_are_laid_out_in_order) },
	{ "2.3", "", "each type may have status codes of its own", SHOWN(type_has_status_codes_of_its_own) },
	{ "2.3", "", "what is installed is what the messages asked for", SHOWN(only_requested_types_are_installed) },
	{ "2.4", "", "a request needs no more of a block than its head", SHOWN(request_needs_a_block_s_head_only) },
	{ "2.4", "", "a block's length counts words of eight, its head too; it is filled up with zeros",
	  SHOWN(blocks_are_words_of_eight_filled_up_with_zeros) },
	{ "2.4", "", "fields with their default value are left out, the new router puts them in",
	  SHOWN(fields_that_hold_their_default_do_not_travel) },
	{ "2.4", "", "one presence bit for a field, of whatever size",
	  SHOWN(presence_bits_stand_for_fields_whatever_their_size) },
	{ "2.4", "", "a presence vector speaks of fields; a type without has none",
	  SHOWN(presence_of_what_a_type_does_not_have_is_refused) },
	{ "2.4", "", "reserved bits are sent as zero", SHOWN(reserved_bits_are_sent_as_zero) },
	END_OF_SENTENCES,
};
