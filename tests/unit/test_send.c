/* SEND and the options for handover keys: octets by hand from RFC 3971 §5 and RFC 5269 §4, and messages that openssl(1) signed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fmip6/fmip6_wire.h"
#include "fmip6/send_peers.h"
#include "fmip6/send_secure.h"
#include "hex.h"
#include "send_samples.h"

#define HEADER "9a 00 0000 02 00 1234"

static int parse(const char *text, struct send_options *o)
{
	static uint8_t data[4096];
	return send_parse(data, hex_octets(text, data, sizeof data), o);
}

static void same(const struct wr *w, const char *text)
{
	uint8_t want[512];
	size_t n = hex_octets(text, want, sizeof want);
	assert_true(wr_ok(w));
	assert_int_equal(w->len, n);
	assert_memory_equal(w->base, want, n);
}

/* ---- options ---- */

static const char cga[] = "0b 02 03 00 a1a2a3a4a5a6a7a8a9 000000";
static const char times[] = "0d 02 0000 00000000 0000 6553f100 8000";
static const char nonce[] = "0e 01 010203040506";
static const char asked[] = "1b 02 02 10 b1b2b3b4b5b6b7b8b9ba 0000";
static const char reply[] = "1c 02 01 00 a8c0 c1c2c3c4c5c6c7c8c9 00";
static const char rsa[] = "0c 04 0000 000102030405060708090a0b0c0d0e0f d1d2d3d4d5d6d7d8d9dadbdc";

static void test_pack(void **state)
{
	uint8_t out[512], octets[16], hash[SEND_KEY_HASH];
	struct wr w;
	w = wr_make(out, sizeof out);
	send_put_cga(&w, octets, hex_octets("a1a2a3a4a5a6a7a8a9", octets, sizeof octets));
	same(&w, cga);
	w = wr_make(out, sizeof out);
	send_put_timestamp(&w, send_time(1700000000500000));
	same(&w, times);
	w = wr_make(out, sizeof out);
	send_put_nonce(&w, octets, hex_octets("010203040506", octets, sizeof octets));
	same(&w, nonce);
	w = wr_make(out, sizeof out);
	hk_put_request(&w, 1, octets, hex_octets("b1b2b3b4b5b6b7b8b9ba", octets, sizeof octets));
	same(&w, asked);
	w = wr_make(out, sizeof out);
	hk_put_reply(&w, 0, 43200, octets, hex_octets("c1c2c3c4c5c6c7c8c9", octets, sizeof octets));
	same(&w, reply);
	w = wr_make(out, sizeof out);
	hex_octets("000102030405060708090a0b0c0d0e0f", hash, sizeof hash);
	send_put_signature(&w, hash, octets, hex_octets("d1d2d3d4d5d6d7d8d9dadbdc", octets, sizeof octets));
	same(&w, rsa);
}

static void test_pack_too_long(void **state)
{
	static uint8_t out[8192], many[2100];
	struct wr w = wr_make(out, 15);
	send_put_timestamp(&w, 1);
	assert_false(wr_ok(&w));
	w = wr_make(out, sizeof out);
	send_put_cga(&w, many, sizeof many); /* more than 255 words */
	assert_false(wr_ok(&w));
}

static void test_parse(void **state)
{
	struct send_options o;
	char all[1024];
	snprintf(all, sizeof all, HEADER "%s%s%s%s%s%s", cga, times, nonce, asked, reply, rsa);
	assert_int_equal(parse(all, &o), 0);
	assert_int_equal(o.cga.len, 9);
	assert_int_equal(o.cga.p[8], 0xa9);
	assert_true(o.has_timestamp);
	assert_int_equal(o.timestamp, (uint64_t)1700000000 * 65536 + 32768);
	assert_int_equal(o.nonce.len, 6);
	assert_int_equal(o.request.len, 10);
	assert_int_equal(o.request_at, 1);
	assert_int_equal(o.reply.len, 9);
	assert_int_equal(o.reply_lifetime, 43200);
	assert_int_equal(o.reply_at, 0);
	assert_int_equal(o.signature.len, 12);
	assert_int_equal(o.key_hash[15], 15);
	assert_int_equal(o.signed_len, 8 + 16 + 16 + 8 + 16 + 16);
}

/* What comes after the signature does not exist (RFC 3971 §5.2.2), what is unknown is passed over. */
static void test_parse_order(void **state)
{
	struct send_options o;
	char all[1024];
	snprintf(all, sizeof all, HEADER "%s%s%s", nonce, rsa, asked);
	assert_int_equal(parse(all, &o), 0);
	assert_null(o.request.p);
	assert_int_equal(o.signed_len, 16);
	snprintf(all, sizeof all, HEADER "%s%s%s", rsa, rsa, "00 00");
	assert_int_equal(parse(all, &o), 0);
	assert_int_equal(o.signed_len, 8);
	snprintf(all, sizeof all, HEADER "0f 01 0102 03040506 10 01 0100 00000000 fd 01 0000 00000000 %s", nonce);
	assert_int_equal(parse(all, &o), 0);
	assert_int_equal(o.nonce.len, 6);
	assert_int_equal(o.signed_len, 8 + 3 * 8 + 8);
	assert_int_equal(parse(HEADER, &o), 0);
	assert_null(o.cga.p);
}

static void test_parse_refused(void **state)
{
	static const char *const bad[] = {
		"9a 00 0000 02 00 12",
		HEADER "0e 00 010203040506",                /* length 0 */
		HEADER "0e 02 010203040506",                /* beyond the end */
		HEADER "0b 01 04 00 a1a2a3a4",              /* nothing but padding */
		HEADER "0b 01 ff 00 a1a2a3a4",
		HEADER "0d 01 0000 00000000",
		HEADER "0d 03 0000 00000000 0000 6553f100 8000 0000000000000000",
		HEADER "0c 02 0000 000102030405060708090a0b", /* no room for the key hash */
		HEADER "1b 01 04 00 b1b2b3b4",
		HEADER "1c 01 02 00 a8c0 c1c2",
		HEADER "0e 01 010203040506 0e 01 010203040506", /* twice */
		HEADER "0e",
		HEADER "0e 01 0102030405",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct send_options o;
		assert_int_equal(parse(bad[i], &o), -EBADMSG);
	}
}

/* ---- a message that others made ---- */

static struct in6_addr mobile, router;

static struct send_message message(const uint8_t *data, size_t len)
{
	memcpy(&mobile, mobile_cga, sizeof mobile);
	assert_int_equal(addr_parse("2001:db8:1::1", &router), 0);
	return (struct send_message){ &mobile, &router, data, len };
}

static enum send_fault check(const struct send_message *m, struct send_options *o)
{
	struct send_public *key = NULL;
	enum send_fault f = send_check(m, o);
	if (f == SEND_GOOD)
		f = send_check_signature(m, o, &key);
	assert_int_equal(key != NULL, f == SEND_GOOD);
	send_public_close(key);
	return f;
}

static void test_question(void **state)
{
	struct send_message m = message(question, sizeof question);
	struct send_options o;
	struct rtsolpr q;
	assert_int_equal(check(&m, &o), SEND_GOOD);
	assert_int_equal(o.timestamp, send_time(1700000000500000));
	assert_int_equal(o.request.len, sizeof mobile_public);
	assert_int_equal(o.public.len, sizeof mobile_public);
	assert_memory_equal(o.public.p, mobile_public, sizeof mobile_public);
	assert_int_equal(rtsolpr_parse(question, send_body_len(question, sizeof question), 6, &q), 0);
	assert_true(q.wildcard);
	assert_int_equal(q.id, 0x1234);
}

/* Every octet is covered: by the signature, by the hash that makes the address, or by the key that is named. What is left are padding
 * and reserved fields behind the signature's option header. */
static void test_question_changed(void **state)
{
	uint8_t copy[sizeof question];
	struct send_message m = message(copy, sizeof copy);
	struct send_options o;
	memcpy(copy, question, sizeof copy);
	assert_int_equal(send_parse(copy, sizeof copy, &o), 0);
	size_t free_octets = 0;
	for (size_t i = 0; i < sizeof copy; i++) {
		copy[i] ^= 1;
		bool spared = i == 2 || i == 3 || (i >= o.signed_len + 2 && i < o.signed_len + 4) || i >= sizeof copy - 4;
		free_octets += spared;
		assert_int_equal(check(&m, &(struct send_options){ 0 }) == SEND_GOOD, spared);
		copy[i] ^= 1;
	}
	assert_int_equal(free_octets, 8);
}

static void test_question_of_others(void **state)
{
	struct send_message m = message(question, sizeof question);
	struct send_options o;
	struct in6_addr other = mobile, elsewhere = router;
	other.s6_addr[15] ^= 1;
	elsewhere.s6_addr[15] ^= 1;
	m.src = &other;
	assert_int_equal(check(&m, &o), SEND_NOT_OWNER);
	m.src = &mobile;
	m.dst = &elsewhere;
	assert_int_equal(check(&m, &o), SEND_BAD_SIGNATURE);
	m.dst = &router;
	for (size_t n = 0; n < sizeof question; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		memcpy(cut, question, n);
		m.data = cut;
		m.len = n;
		assert_int_not_equal(check(&m, &o), SEND_GOOD);
		free(cut);
	}
}

/* ---- what we make ---- */

static struct send_key *key_of(const char *pem)
{
	struct send_key *k = send_key_read(pem, strlen(pem));
	assert_non_null(k);
	return k;
}

/* RSASSA-PKCS1-v1_5 has no randomness: what we sign is what openssl signed. */
static void test_sign(void **state)
{
	struct send_key *k = key_of(mobile_pem);
	uint8_t out[2048];
	struct send_options o;
	assert_int_equal(send_parse(question, sizeof question, &o), 0);
	memcpy(out, question, o.signed_len);
	struct send_message m = message(out, o.signed_len);
	assert_int_equal(send_sign(k, &m, out, sizeof out), sizeof question);
	assert_memory_equal(out, question, sizeof question);
	assert_int_equal(send_sign(k, &m, out, sizeof question - 1), -EMSGSIZE);
	send_key_free(k);
}

static void test_keys(void **state)
{
	struct send_key *k = key_of(mobile_pem), *w = key_of(wrap_pem);
	size_t len;
	const uint8_t *der = send_key_public(k, &len);
	uint8_t fp[SEND_FINGERPRINT], back[SEND_FINGERPRINT], seed[16], again[16];
	char text[SEND_FINGERPRINT_TEXT];
	assert_int_equal(send_key_bits(k), 1024);
	assert_int_equal(len, sizeof mobile_public);
	assert_memory_equal(der, mobile_public, len);
	send_fingerprint(der, len, fp);
	assert_string_equal(send_fingerprint_text(fp, text), MOBILE_FINGERPRINT);
	assert_int_equal(send_fingerprint_parse(text, back), 0);
	assert_memory_equal(fp, back, sizeof fp);
	assert_int_equal(send_key_seed(k, "a", seed, sizeof seed), 0);
	assert_int_equal(send_key_seed(k, "a", again, sizeof again), 0);
	assert_memory_equal(seed, again, sizeof seed);
	assert_int_equal(send_key_seed(k, "b", again, sizeof again), 0);
	assert_memory_not_equal(seed, again, sizeof seed);
	assert_int_equal(send_key_seed(w, "a", again, sizeof again), 0);
	assert_memory_not_equal(seed, again, sizeof seed);
	send_key_free(k);
	send_key_free(w);
}

static void test_fingerprint_refused(void **state)
{
	static const char *const bad[] = { "", "sha256:", "sha1:00", MOBILE_FINGERPRINT "0",
		"sha256:000000000000000000000000000000000000000000000000000000000000000g",
		"SHA256:0000000000000000000000000000000000000000000000000000000000000000" };
	uint8_t fp[SEND_FINGERPRINT];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(send_fingerprint_parse(bad[i], fp), -EINVAL);
}

static void test_wrap(void **state)
{
	struct send_key *w = key_of(wrap_pem), *other = key_of(router_pem);
	size_t len;
	const uint8_t *der = send_key_public(w, &len);
	struct send_public *p = send_public_open(der, len);
	uint8_t wrapped[SEND_RSA_MAX], out[64];
	assert_non_null(p);
	assert_int_equal(send_public_encrypt(p, (const uint8_t *)"twenty octets of key", 20, wrapped, sizeof wrapped), 128);
	assert_int_equal(send_key_decrypt(w, wrapped, 128, out, sizeof out), 20);
	assert_memory_equal(out, "twenty octets of key", 20);
	assert_int_equal(send_key_decrypt(w, wrapped, 128, out, 19), -EBADMSG);
	assert_int_equal(send_key_decrypt(w, wrapped, 127, out, sizeof out), -EBADMSG);
	int n = send_key_decrypt(other, wrapped, 128, out, sizeof out);
	assert_true(n != 20 || memcmp(out, "twenty octets of key", 20) != 0);
	send_public_close(p);
	send_key_free(w);
	send_key_free(other);
}

static void test_key_files(void **state)
{
	char pem[4096];
	struct send_key *k = key_of(mobile_pem), *again;
	int n = send_key_write(k, pem, sizeof pem);
	assert_true(n > 0);
	again = send_key_read(pem, (size_t)n);
	size_t a, b;
	const uint8_t *pa = send_key_public(k, &a), *pb = send_key_public(again, &b);
	assert_int_equal(a, b);
	assert_memory_equal(pa, pb, a);
	assert_int_equal(send_key_write(k, pem, 10), -EMSGSIZE);
	assert_null(send_key_read("nonsense", 8));
	assert_null(send_key_read(pem, (size_t)n / 2));
	assert_null(send_key_read("", 0));
	send_key_free(k);
	send_key_free(again);
}

/* Others' keys: too small (the example of RFC 3972 has 512 bits), with an exponent that costs, with octets after them. */
static void test_public_refused(void **state)
{
	uint8_t small[256], der[SEND_PUBLIC_MAX];
	size_t n = hex_octets("305c 300d 0609 2a86 4886 f70d 0101 0105 0003 4b00 3048 0241 00c2 c2f1 3730 5454 f10b d9ce a368 44b5 30e9"
	                      "211a 4b26 2b16 467c b7df ba1f 595c 0194 f275 be5a 4d38 6f2c 3c23 8250 8773 c786 7f9b 3b9e 63a0 9c7b c48f"
	                      "7a54 ebef af02 0301 0001",
	                      small, sizeof small);
	assert_null(send_public_open(small, n));
	memcpy(der, mobile_public, sizeof mobile_public);
	assert_null(send_public_open(der, sizeof mobile_public + 1));
	assert_null(send_public_open(der, sizeof mobile_public - 1));
	assert_null(send_public_open(der, 0));
	/* The same key with an exponent of 40 bits: four lengths grow by two. */
	uint8_t odd[SEND_PUBLIC_MAX];
	memcpy(odd, mobile_public, sizeof mobile_public);
	odd[2] = (uint8_t)(odd[2] + 2);
	odd[20] = (uint8_t)(odd[20] + 2);
	odd[24] = (uint8_t)(odd[24] + 2);
	size_t at = sizeof mobile_public - 4;
	assert_int_equal(odd[at], 3);
	hex_octets("05 ff 00 00 00 01", odd + at, 6);
	odd[at + 1] = 0x7f;
	assert_null(send_public_open(odd, sizeof mobile_public + 2));
}

/* ---- time ---- */

#define T(s) send_time((uint64_t)((s) * 1000000.0))
#define US(s) ((uint64_t)((s) * 1000000.0))

static void test_peers(void **state)
{
	struct send_peers *p = send_peers_create(2);
	struct in6_addr a = { .s6_addr = { 1 } }, b = { .s6_addr = { 2 } }, c = { .s6_addr = { 3 } };
	assert_int_equal(send_peers_check(p, &a, T(1000), US(1000)), SEND_FRESH);
	assert_int_equal(send_peers_check(p, &a, T(701), US(1000)), SEND_FRESH); /* Delta is 300 s */
	assert_int_equal(send_peers_check(p, &a, T(699), US(1000)), SEND_STALE);
	assert_int_equal(send_peers_check(p, &a, T(1299), US(1000)), SEND_FRESH);
	assert_int_equal(send_peers_check(p, &a, T(1301), US(1000)), SEND_STALE);
	assert_int_equal(send_peers_check(p, &a, UINT64_MAX, US(1000)), SEND_STALE);
	assert_int_equal(send_peers_check(p, &a, 0, US(1000)), SEND_STALE);
	send_peers_note(p, &a, T(990), US(1000));
	assert_int_equal(send_peers_check(p, &a, T(990), US(1000.5)), SEND_REPLAYED);
	assert_int_equal(send_peers_check(p, &a, T(989), US(1000.5)), SEND_REPLAYED);
	assert_int_equal(send_peers_check(p, &a, T(990.5), US(1000.5)), SEND_FRESH);
	assert_int_equal(send_peers_check(p, &a, T(1088), US(1100)), SEND_FRESH);  /* 98 of 100 s passed: drift 1 % and twice the fuzz */
	assert_int_equal(send_peers_check(p, &a, T(1086), US(1100)), SEND_STALE); /* captured ten seconds ago */
	assert_int_equal(send_peers_check(p, &a, T(990), US(1599)), SEND_REPLAYED);
	assert_int_equal(send_peers_check(p, &a, T(990), US(1601)), SEND_STALE); /* forgotten, and too old anyway */
	assert_int_equal(send_peers_check(p, &b, T(990), US(1001)), SEND_FRESH);
	send_peers_note(p, &b, T(1001), US(1001));
	send_peers_note(p, &a, T(1002), US(1002)); /* b is the oldest now */
	send_peers_note(p, &c, T(1003), US(1003));
	assert_int_equal(send_peers_check(p, &b, T(1001), US(1004)), SEND_FRESH);
	assert_int_equal(send_peers_check(p, &a, T(1002), US(1004)), SEND_REPLAYED);
	assert_int_equal(send_age_seconds(T(990), US(1000)), 10);
	assert_int_equal(send_age_seconds(T(1010), US(1000)), -10);
	send_peers_destroy(p);
	send_peers_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_pack_too_long),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_order),
		cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_question_changed),
		cmocka_unit_test(test_question_of_others),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_fingerprint_refused),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_key_files),
		cmocka_unit_test(test_public_refused),
		cmocka_unit_test(test_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
