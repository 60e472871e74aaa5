/*
 * CXTP messages written out by hand from RFC 4067 §2.4, §2.5 and appendix B, field by field, never by the code under test;
 * and what each of them says. `cuts`: where else the message could end, with a length field that says so: after its fixed
 * part, after a CDB (§2.4) or after an entry.
 */
#ifndef HANDOVERD_TESTS_CXTP_SAMPLES_H
#define HANDOVERD_TESTS_CXTP_SAMPLES_H

#include "cxtp/cxtp_wire.h"

#define MN6 "20010db8 000a0000 00000000 00000010 "
#define MN6_TEXT "2001:db8:a::10"
#define AR6 "20010db8 000b0000 00000000 00000001 "
#define AR6_TEXT "2001:db8:b::1"
#define MN4 "c000020a "
#define MN4_TEXT "192.0.2.10"
#define AR4 "c6336401 "
#define AR4_TEXT "198.51.100.1"

#define ASK_1 \
	"0001 "     /* FPT 1 */ \
	"01 "       /* Length 1: 8 octets */ \
	"00 "       /* P 0, Reserved */ \
	"00000000 " /* what is left of the word */
#define ASK_FFFF \
	"ffff "     /* FPT 65535 */ \
	"01 "       /* Length 1 */ \
	"00 "       /* P 0, Reserved */ \
	"00000000 " /* what is left of the word */
#define KEY20 "000102030405060708090a0b0c0d0e0f10111213 "
#define MLD \
	"0001 "     /* FPT 1 */ \
	"04 "       /* Length 4: 4 + 24 octets, filled up to 32 */ \
	"00 "       /* P 0, Reserved */ \
	"20010db8000b0000 "                 /* Subnet Prefix on nAR Wireless Interface */ \
	"ff3e0000000000000000000000001234 " /* Subscribed IPv6 Multicast Address */ \
	"00000000 " /* filled up to 64 bits */
#define PRESENT \
	"4001 "     /* FPT 16385 */ \
	"02 "       /* Length 2: 8 + 1 octets, filled up to 16 */ \
	"80 "       /* P 1, Reserved */ \
	"c0000000 " /* Presence Vector: the first two fields */ \
	"5a "       /* Data */ \
	"00000000000000 "
#define STATUS_1 \
	"0001 " /* FPT 1 */ \
	"02 "   /* Status Code 2 */ \
	"00 "   /* Reserved */
#define STATUS_FFFF \
	"ffff " /* FPT 65535 */ \
	"ff "   /* Status Code 255 */ \
	"00 "   /* Reserved */
#define STATUS_OK \
	"4001 " /* FPT 16385 */ \
	"00 "   /* Status Code 0: success */ \
	"00 "   /* Reserved */

struct cxtp_sample {
	const char *name, *bytes;
	struct cxtp_message m; /* without addresses and borrowed parts: */
	const char *mobile, *router, *key, *blocks, *statuses;
	size_t cuts[5];
};

static const struct cxtp_sample cxtp_samples[] = {
	{ "CTAR v6, minimal",
	  "21 "       /* Vers. 1, Type CTAR 1 */
	  "00 "       /* V 0, A 0, Reserved */
	  "002c "     /* Length 44 */
	  MN6         /* MN's Previous IP Address */
	  AR6         /* nAR / pAR IP Address */
	  "01020304 " /* Sequence Number */
	  "a0b0c0d0", /* MN Authorization Token */
	  { .type = CXTP_CTAR, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN6_TEXT, AR6_TEXT, "", "", "", { 0 } },
	{ "CTAR v6, full",
	  "21 "       /* Vers. 1, Type CTAR 1 */
	  "40 "       /* V 0, A 1, Reserved */
	  "003c "     /* Length 60 */
	  MN6         /* MN's Previous IP Address */
	  AR6         /* nAR / pAR IP Address */
	  "01020304 " /* Sequence Number */
	  "a0b0c0d0 " /* MN Authorization Token */
	  ASK_1       /* Requested Context Data Block */
	  ASK_FFFF,   /* Next Requested Context Data Block */
	  { .type = CXTP_CTAR, .flag = true, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN6_TEXT, AR6_TEXT, "", ASK_1 ASK_FFFF, "",
	  { 44, 48, 52, 56 } }, /* 48, 56: a request of four octets at the end */
	{ "CTAR v4, minimal",
	  "21 "       /* Vers. 1, Type CTAR 1 */
	  "80 "       /* V 1, A 0, Reserved */
	  "0014 "     /* Length 20 */
	  MN4         /* MN's Previous IP Address */
	  AR4         /* nAR / pAR IP Address */
	  "01020304 " /* Sequence Number */
	  "a0b0c0d0", /* MN Authorization Token */
	  { .type = CXTP_CTAR, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN4_TEXT, AR4_TEXT, "", "", "", { 0 } },
	{ "CTAR v4, full",
	  "21 "       /* Vers. 1, Type CTAR 1 */
	  "c0 "       /* V 1, A 1, Reserved */
	  "0024 "     /* Length 36 */
	  MN4         /* MN's Previous IP Address */
	  AR4         /* nAR / pAR IP Address */
	  "01020304 " /* Sequence Number */
	  "a0b0c0d0 " /* MN Authorization Token */
	  ASK_1       /* Requested Context Data Block */
	  ASK_FFFF,   /* Next Requested Context Data Block */
	  { .type = CXTP_CTAR, .flag = true, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN4_TEXT, AR4_TEXT, "", ASK_1 ASK_FFFF, "",
	  { 20, 24, 28, 32 } },
	{ "CTAA v6, minimal: all transferred",
	  "22 "   /* Vers. 1, Type CTAA 2 */
	  "00 "   /* V 0, Reserved */
	  "0014 " /* Length 20 */
	  MN6,    /* Mobile Node's Previous IP address */
	  { .type = CXTP_CTAA }, MN6_TEXT, NULL, "", "", "", { 0 } },
	{ "CTAA v6, full: two were not",
	  "22 "        /* Vers. 1, Type CTAA 2 */
	  "00 "        /* V 0, Reserved */
	  "001c "      /* Length 28 */
	  MN6          /* Mobile Node's Previous IP address */
	  STATUS_1     /* FPT, Status code, Reserved */
	  STATUS_FFFF, /* FPT, Status code, Reserved */
	  { .type = CXTP_CTAA }, MN6_TEXT, NULL, "", "", STATUS_1 STATUS_FFFF, { 20, 24 } },
	{ "CTAA v4, minimal",
	  "22 "   /* Vers. 1, Type CTAA 2 */
	  "80 "   /* V 1, Reserved */
	  "0008 " /* Length 8 */
	  MN4,    /* Mobile Node's Previous IP address */
	  { .type = CXTP_CTAA }, MN4_TEXT, NULL, "", "", "", { 0 } },
	{ "CTAA v4, full",
	  "22 "        /* Vers. 1, Type CTAA 2 */
	  "80 "        /* V 1, Reserved */
	  "0010 "      /* Length 16 */
	  MN4          /* Mobile Node's Previous IP address */
	  STATUS_1     /* FPT, Status code, Reserved */
	  STATUS_FFFF, /* FPT, Status code, Reserved */
	  { .type = CXTP_CTAA }, MN4_TEXT, NULL, "", "", STATUS_1 STATUS_FFFF, { 8, 12 } },
	{ "CTD v6, minimal: nothing to transfer",
	  "23 "       /* Vers. 1, Type CTD 3 */
	  "00 "       /* V 0, A 0, Reserved */
	  "0018 "     /* Length 24 */
	  "00000000 " /* Elapsed Time 0 ms */
	  MN6,        /* Mobile Node's Previous Care-of Address */
	  { .type = CXTP_CTD }, MN6_TEXT, NULL, "", "", "", { 0 } },
	{ "CTD v6, full",
	  "23 "       /* Vers. 1, Type CTD 3 */
	  "40 "       /* V 0, A 1, Reserved */
	  "0048 "     /* Length 72 */
	  "000003e8 " /* Elapsed Time 1000 ms */
	  MN6         /* Mobile Node's Previous Care-of Address */
	  MLD         /* First Context Data Block */
	  PRESENT,    /* Next Context Data Block */
	  { .type = CXTP_CTD, .flag = true, .elapsed = 1000 }, MN6_TEXT, NULL, "", MLD PRESENT, "", { 24, 56 } },
	{ "CTD v4, minimal",
	  "23 "       /* Vers. 1, Type CTD 3 */
	  "80 "       /* V 1, A 0, Reserved */
	  "000c "     /* Length 12 */
	  "00000000 " /* Elapsed Time 0 ms */
	  MN4,        /* Mobile Node's Previous Care-of Address */
	  { .type = CXTP_CTD }, MN4_TEXT, NULL, "", "", "", { 0 } },
	{ "CTD v4, full",
	  "23 "       /* Vers. 1, Type CTD 3 */
	  "c0 "       /* V 1, A 1, Reserved */
	  "003c "     /* Length 60 */
	  "00000001 " /* Elapsed Time 1 ms */
	  MN4         /* Mobile Node's Previous Care-of Address */
	  MLD         /* First Context Data Block */
	  PRESENT,    /* Next Context Data Block */
	  { .type = CXTP_CTD, .flag = true, .elapsed = 1 }, MN4_TEXT, NULL, "", MLD PRESENT, "", { 12, 44 } },
	{ "PCTD v6, minimal: a key of one octet, nothing to transfer",
	  "24 "       /* Vers. 1, Type PCTD 4 */
	  "00 "       /* V 0, A 0, Reserved */
	  "001d "     /* Length 29 */
	  "00000000 " /* Elapsed Time 0 ms */
	  MN6         /* Mobile Node's Previous Care-of Address */
	  "0001 "     /* Algorithm HMAC_SHA1 1 */
	  "0001 "     /* Key Length 1 */
	  "5a",       /* Key */
	  { .type = CXTP_PCTD, .algorithm = 1 }, MN6_TEXT, NULL, "5a", "", "", { 0 } },
	{ "PCTD v6, full",
	  "24 "       /* Vers. 1, Type PCTD 4 */
	  "40 "       /* V 0, A 1, Reserved */
	  "0060 "     /* Length 96 */
	  "000003e8 " /* Elapsed Time 1000 ms */
	  MN6         /* Mobile Node's Previous Care-of Address */
	  "0001 "     /* Algorithm HMAC_SHA1 1 */
	  "0014 "     /* Key Length 20 */
	  KEY20       /* Key */
	  MLD         /* First Context Data Block */
	  PRESENT,    /* Next Context Data Block */
	  { .type = CXTP_PCTD, .flag = true, .elapsed = 1000, .algorithm = 1 }, MN6_TEXT, NULL, KEY20, MLD PRESENT, "", { 48, 80 } },
	{ "PCTD v4, minimal",
	  "24 "       /* Vers. 1, Type PCTD 4 */
	  "80 "       /* V 1, A 0, Reserved */
	  "0011 "     /* Length 17 */
	  "00000000 " /* Elapsed Time 0 ms */
	  MN4         /* Mobile Node's Previous Care-of Address */
	  "0001 "     /* Algorithm HMAC_SHA1 1 */
	  "0001 "     /* Key Length 1 */
	  "5a",       /* Key */
	  { .type = CXTP_PCTD, .algorithm = 1 }, MN4_TEXT, NULL, "5a", "", "", { 0 } },
	{ "PCTD v4, full",
	  "24 "       /* Vers. 1, Type PCTD 4 */
	  "c0 "       /* V 1, A 1, Reserved */
	  "0054 "     /* Length 84 */
	  "ffffffff " /* Elapsed Time 49 days */
	  MN4         /* Mobile Node's Previous Care-of Address */
	  "0001 "     /* Algorithm HMAC_SHA1 1 */
	  "0014 "     /* Key Length 20 */
	  KEY20       /* Key */
	  MLD         /* First Context Data Block */
	  PRESENT,    /* Next Context Data Block */
	  { .type = CXTP_PCTD, .flag = true, .elapsed = UINT32_MAX, .algorithm = 1 }, MN4_TEXT, NULL, KEY20, MLD PRESENT, "",
	  { 36, 68 } },
	{ "CTDR v6, minimal: all came",
	  "25 "   /* Vers. 1, Type CTDR 5 */
	  "40 "   /* V 0, S 1, Reserved */
	  "0014 " /* Length 20 */
	  MN6,    /* Mobile Node's Previous IP Address */
	  { .type = CXTP_CTDR, .flag = true }, MN6_TEXT, NULL, "", "", "", { 0 } },
	{ "CTDR v6, full: one of two failed",
	  "25 "      /* Vers. 1, Type CTDR 5 */
	  "00 "      /* V 0, S 0, Reserved */
	  "001c "    /* Length 28 */
	  MN6        /* Mobile Node's Previous IP Address */
	  STATUS_1   /* FPT, Status code, Reserved */
	  STATUS_OK, /* FPT, Status code, Reserved */
	  { .type = CXTP_CTDR }, MN6_TEXT, NULL, "", "", STATUS_1 STATUS_OK, { 20, 24 } },
	{ "CTDR v4, minimal",
	  "25 "   /* Vers. 1, Type CTDR 5 */
	  "80 "   /* V 1, S 0, Reserved */
	  "0008 " /* Length 8 */
	  MN4,    /* Mobile Node's Previous IP Address */
	  { .type = CXTP_CTDR }, MN4_TEXT, NULL, "", "", "", { 0 } },
	{ "CTDR v4, full",
	  "25 "      /* Vers. 1, Type CTDR 5 */
	  "c0 "      /* V 1, S 1, Reserved */
	  "0010 "    /* Length 16 */
	  MN4        /* Mobile Node's Previous IP Address */
	  STATUS_OK  /* FPT, Status code, Reserved */
	  STATUS_OK, /* FPT, Status code, Reserved */
	  { .type = CXTP_CTDR, .flag = true }, MN4_TEXT, NULL, "", "", STATUS_OK STATUS_OK, { 8, 12 } },
	{ "CTC v6",
	  "26 "   /* Vers. 1, Type CTC 6 */
	  "00 "   /* V 0, Reserved */
	  "0014 " /* Length 20 */
	  MN6,    /* Mobile Node's Previous IP Address */
	  { .type = CXTP_CTC }, MN6_TEXT, NULL, "", "", "", { 0 } },
	{ "CTC v4",
	  "26 "   /* Vers. 1, Type CTC 6 */
	  "80 "   /* V 1, Reserved */
	  "0008 " /* Length 8 */
	  MN4,    /* Mobile Node's Previous IP Address */
	  { .type = CXTP_CTC }, MN4_TEXT, NULL, "", "", "", { 0 } },
	{ "CT-Req v6, minimal: the CTAR has not come",
	  "27 "       /* Vers. 1, Type CTREQ 7 */
	  "00 "       /* V 0, Reserved */
	  "001c "     /* Length 28 */
	  MN6         /* Mobile Node's Previous IP Address */
	  "00000000 " /* Sequence Number */
	  "00000000", /* MN Authorization Token: none */
	  { .type = CXTP_CTREQ }, MN6_TEXT, NULL, "", "", "", { 0 } },
	{ "CT-Req v6, full",
	  "27 "       /* Vers. 1, Type CTREQ 7 */
	  "00 "       /* V 0, Reserved */
	  "002c "     /* Length 44 */
	  MN6         /* Mobile Node's Previous IP Address */
	  "01020304 " /* Sequence Number */
	  "a0b0c0d0 " /* MN Authorization Token */
	  ASK_1       /* Next Requested Context Data Block */
	  ASK_FFFF,   /* … */
	  { .type = CXTP_CTREQ, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN6_TEXT, NULL, "", ASK_1 ASK_FFFF, "", { 28, 32, 36, 40 } },
	{ "CT-Req v4, minimal",
	  "27 "       /* Vers. 1, Type CTREQ 7 */
	  "80 "       /* V 1, Reserved */
	  "0010 "     /* Length 16 */
	  MN4         /* Mobile Node's Previous IP Address */
	  "01020304 " /* Sequence Number */
	  "a0b0c0d0", /* MN Authorization Token */
	  { .type = CXTP_CTREQ, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN4_TEXT, NULL, "", "", "", { 0 } },
	{ "CT-Req v4, full",
	  "27 "       /* Vers. 1, Type CTREQ 7 */
	  "80 "       /* V 1, Reserved */
	  "0020 "     /* Length 32 */
	  MN4         /* Mobile Node's Previous IP Address */
	  "01020304 " /* Sequence Number */
	  "a0b0c0d0 " /* MN Authorization Token */
	  ASK_1       /* Next Requested Context Data Block */
	  ASK_FFFF,   /* … */
	  { .type = CXTP_CTREQ, .seq = 0x01020304, .token = 0xa0b0c0d0 }, MN4_TEXT, NULL, "", ASK_1 ASK_FFFF, "", { 16, 20, 24, 28 } },
};
#define CXTP_SAMPLES (sizeof cxtp_samples / sizeof cxtp_samples[0])

#endif
