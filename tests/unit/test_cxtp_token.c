/* Key and token of a transfer against values computed independently, by Python's hmac and hashlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cxtp/cxtp_token.h"
#include "hex.h"

/*
 *  import hmac, hashlib, ipaddress as ip
 *  prk = hmac.new(bytes(32), bytes(range(16)), hashlib.sha256).digest()            # RFC 5869 extract, no salt
 *  pcoa, par, seq = ip.ip_address("2001:db8:a::10").packed, ip.ip_address("2001:db8:a::1").packed, bytes.fromhex("11223344")
 *  key = hmac.new(prk, b"handoverd cxtp transfer\0" + pcoa + par + seq + b"\x01", hashlib.sha256).digest()[:20]
 *  hmac.new(key, pcoa + seq + cdbs, hashlib.sha1).digest()[:4]
 * and for IPv4 the same with ::ffff:192.0.2.10 and ::ffff:192.0.2.1 in the key, 192.0.2.10 in the token.
 */
#define KEY6 "52f16ad89d8cb39147c1bd91852dd7863f8e2882"
#define KEY4 "5eb9bd52215933a22924fcc85bdcb14951b2bcff"
#define SEQ 0x11223344
#define TOKEN6 0x72598876          /* under KEY6, no CDBs */
#define TOKEN6_BLOCK_1 0xb2bda766  /* under KEY6, one request block for FPT 1 */
#define TOKEN4_KEY6 0x60e1afb7     /* under KEY6, of 192.0.2.10: the four octets, not the mapped form */

static const uint8_t block_1[8] = { 0x00, 0x01, 0x01 };
static uint8_t key6[CXTP_KEY_LEN], key4[CXTP_KEY_LEN];
static struct in6_addr mn6, ar6, mn4, ar4;

static int setup(void **state)
{
	hex_octets(KEY6, key6, sizeof key6);
	hex_octets(KEY4, key4, sizeof key4);
	return addr_parse("2001:db8:a::10", &mn6) || addr_parse("2001:db8:a::1", &ar6) || addr_parse("192.0.2.10", &mn4) ||
	       addr_parse("192.0.2.1", &ar4);
}

static void test_key(void **state)
{
	uint8_t octets[16], out[CXTP_KEY_LEN];
	for (uint8_t i = 0; i < sizeof octets; i++)
		octets[i] = i;
	struct secret *master = secret_create(octets, sizeof octets);
	assert_int_equal(cxtp_key(master, &mn6, &ar6, SEQ, out), 0);
	assert_memory_equal(out, key6, sizeof out);
	assert_int_equal(cxtp_key(master, &mn4, &ar4, SEQ, out), 0);
	assert_memory_equal(out, key4, sizeof out);
	/* Another sequence number, another mobile, another router: another key. */
	assert_int_equal(cxtp_key(master, &mn6, &ar6, SEQ + 1, out), 0);
	assert_memory_not_equal(out, key6, sizeof out);
	assert_int_equal(cxtp_key(master, &ar6, &ar6, SEQ, out), 0);
	assert_memory_not_equal(out, key6, sizeof out);
	assert_int_equal(cxtp_key(master, &mn6, &mn6, SEQ, out), 0);
	assert_memory_not_equal(out, key6, sizeof out);
	secret_unref(master);
}

/*
 * With prk as above, f(address) 16 octets:
 *  hmac.new(prk, b"handoverd cxtp sequence\0" + f(pcoa) + f(par) + f(nar) + seq + b"\x01", hashlib.sha256).digest()[:4]
 */
static void test_sequence(void **state)
{
	static const struct {
		const char *pcoa, *par, *nar;
		uint32_t next;
	} vectors[] = {
		{ "2001:db8:a::10", "2001:db8:a::1", "2001:db8:b::1", 0xebce67b4 },
		{ "2001:db8:a::10", "2001:db8:a::1", "2001:db8:c::1", 0x0287e529 },
		{ "192.0.2.10", "192.0.2.1", "198.51.100.1", 0x08282158 },
	};
	uint8_t octets[16];
	for (uint8_t i = 0; i < sizeof octets; i++)
		octets[i] = i;
	struct secret *master = secret_create(octets, sizeof octets);
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		struct in6_addr pcoa, par, nar;
		uint32_t next, other;
		assert_false(addr_parse(vectors[i].pcoa, &pcoa) || addr_parse(vectors[i].par, &par) || addr_parse(vectors[i].nar, &nar));
		assert_int_equal(cxtp_sequence(master, &pcoa, &par, &nar, SEQ, &next), 0);
		assert_int_equal(next, vectors[i].next);
		assert_int_equal(cxtp_sequence(master, &pcoa, &par, &nar, SEQ + 1, &other), 0);
		assert_int_not_equal(next, other);
		assert_int_equal(cxtp_sequence(master, &nar, &par, &nar, SEQ, &other), 0);
		assert_int_not_equal(next, other);
		assert_int_equal(cxtp_sequence(master, &pcoa, &nar, &nar, SEQ, &other), 0);
		assert_int_not_equal(next, other);
	}
	secret_unref(master);
}

static void test_token(void **state)
{
	uint32_t token = 0;
	assert_int_equal(cxtp_token(key6, sizeof key6, &mn6, SEQ, NULL, 0, &token), 0);
	assert_int_equal(token, TOKEN6);
	assert_int_equal(cxtp_token(key6, sizeof key6, &mn6, SEQ, block_1, sizeof block_1, &token), 0);
	assert_int_equal(token, TOKEN6_BLOCK_1);
	assert_int_equal(cxtp_token(key6, sizeof key6, &mn4, SEQ, NULL, 0, &token), 0);
	assert_int_equal(token, TOKEN4_KEY6);
}

static void test_check(void **state)
{
	assert_true(cxtp_token_ok(key6, sizeof key6, &mn6, SEQ, NULL, 0, TOKEN6));
	assert_true(cxtp_token_ok(key6, sizeof key6, &mn6, SEQ, block_1, sizeof block_1, TOKEN6_BLOCK_1));
	/* Nothing that it covers can change. */
	assert_false(cxtp_token_ok(key4, sizeof key4, &mn6, SEQ, NULL, 0, TOKEN6));
	assert_false(cxtp_token_ok(key6, sizeof key6, &ar6, SEQ, NULL, 0, TOKEN6));
	assert_false(cxtp_token_ok(key6, sizeof key6, &mn6, SEQ ^ 1, NULL, 0, TOKEN6));
	assert_false(cxtp_token_ok(key6, sizeof key6, &mn6, SEQ, block_1, sizeof block_1, TOKEN6));
	assert_false(cxtp_token_ok(key6, sizeof key6, &mn6, SEQ, block_1, 4, TOKEN6_BLOCK_1));
	for (unsigned bit = 0; bit < 32; bit++)
		assert_false(cxtp_token_ok(key6, sizeof key6, &mn6, SEQ, NULL, 0, TOKEN6 ^ (1U << bit)));
	/* 0 says "no token" and is never right. */
	assert_false(cxtp_token_ok(key6, sizeof key6, &mn6, SEQ, NULL, 0, 0));
}

/*
 *  import hmac, hashlib, ipaddress as ip
 *  hmac.new(bytes(range(n)), ip.ip_address(address).packed + seq.to_bytes(4, "big") + cdbs, hashlib.sha1).digest()[:4]
 * The last one's key is 20 octets of 0xff. `big`: 4001ff00 and 2036 octets that count from 0 up.
 */
static void test_vectors(void **state)
{
	static const struct {
		const char *address;
		size_t key_len;
		uint32_t seq;
		const char *cdbs;
		uint32_t token;
	} vectors[] = {
		{ "2001:db8:a::10", 20, 1, "", 0x372549d4 },
		{ "192.0.2.10", 20, 1, "", 0xa1ba2b3c },
		{ "2001:db8:a::10", 20, 0, "", 0xdf35ffb9 },
		{ "2001:db8:a::10", 20, 0xffffffff, "", 0x25bb7e8c },
		{ "2001:db8:a::10", 20, 1, "0001010000000000", 0xb7588a13 },
		{ "192.0.2.10", 20, 1, "0001010000000000", 0xc85dbcda },
		{ "2001:db8:a::10", 20, 1, "0001010000000000 4001010000000000", 0xaa752165 },
		{ "2001:db8:a::10", 20, 1, "00010100", 0xc82dc047 }, /* the short form is another text */
		{ "2001:db8:a::10", 20, 1, "big", 0xf69d603e },
		{ "2001:db8:a::10", 1, 1, "", 0xecac3ca3 },
		{ "2001:db8:a::10", 64, 1, "", 0x357b68ac },
		{ "2001:db8:a::10", 65, 1, "", 0x8aaaffe1 }, /* longer than SHA-1's block: hashed first (RFC 2104) */
		{ "192.0.2.10", 255, 1, "0001010000000000", 0x172c6854 },
		{ "255.255.255.254", 0, 0x80000000, "", 0x3cac71a6 },
	};
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		uint8_t key[255], cdbs[2040] = { 0x40, 0x01, 0xff };
		size_t key_len = vectors[i].key_len ? vectors[i].key_len : 20, len = sizeof cdbs;
		struct in6_addr address;
		uint32_t token;
		for (size_t k = 0; k < sizeof key; k++)
			key[k] = vectors[i].key_len ? (uint8_t)k : 0xff;
		for (size_t k = 0; k < 2036; k++)
			cdbs[4 + k] = (uint8_t)k;
		if (strcmp(vectors[i].cdbs, "big"))
			len = hex_octets(vectors[i].cdbs, cdbs, sizeof cdbs);
		assert_int_equal(addr_parse(vectors[i].address, &address), 0);
		assert_int_equal(cxtp_token(key, key_len, &address, vectors[i].seq, len ? cdbs : NULL, len, &token), 0);
		assert_int_equal(token, vectors[i].token);
		assert_true(cxtp_token_ok(key, key_len, &address, vectors[i].seq, cdbs, len, token));
		/* Each octet of what it covers, and of the key. */
		for (size_t k = 0; k < len; k++) {
			cdbs[k] ^= 1;
			assert_false(cxtp_token_ok(key, key_len, &address, vectors[i].seq, cdbs, len, token));
			cdbs[k] ^= 1;
		}
		for (size_t k = 0; k < key_len; k++) {
			key[k] ^= 0x80;
			assert_false(cxtp_token_ok(key, key_len, &address, vectors[i].seq, cdbs, len, token));
			key[k] ^= 0x80;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_vectors),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
