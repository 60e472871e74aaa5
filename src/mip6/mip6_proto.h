/* Numbers of Mobile IPv6: RFC 6275, with the identifier of RFC 4283 and the authentication of RFC 4285. */
#ifndef HANDOVERD_MIP6_PROTO_H
#define HANDOVERD_MIP6_PROTO_H

#define MIP6_UNIT 4 /* seconds: what lifetimes and refresh intervals are counted in */

enum bu_flags { /* RFC 6275 §6.1.7 */
	BU_ACK = 0x80,
	BU_HOME = 0x40,
	BU_LINK_LOCAL = 0x20,
	BU_KEY = 0x10,
};
#define BA_KEY 0x80

enum ba_status { /* RFC 6275 §6.1.8, RFC 4285 §8; from 128 on: refused */
	BA_ACCEPTED = 0,
	BA_ACCEPTED_PREFIX = 1, /* and the home prefix changes: ask for it */
	BA_UNSPECIFIED = 128,
	BA_PROHIBITED = 129,
	BA_NO_RESOURCES = 130,
	BA_NO_HOME_REGISTRATION = 131,
	BA_NOT_HOME_SUBNET = 132,
	BA_NOT_HOME_AGENT = 133,
	BA_DAD_FAILED = 134,
	BA_SEQUENCE = 135,
	BA_HOME_NONCE = 136,
	BA_COA_NONCE = 137,
	BA_NONCES = 138,
	BA_TYPE_CHANGE = 139,
	BA_ID_MISMATCH = 144,   /* the timestamp is not near enough to the home agent's time, or not new */
	BA_MESG_ID_REQUIRED = 145,
	BA_AUTH_FAILED = 146,
	BA_INVALID_COA = 174,
};
#define BA_REFUSED 128

enum be_status { BE_UNKNOWN_BINDING = 1, BE_UNKNOWN_TYPE = 2 }; /* RFC 6275 §6.1.9 */

enum mip6_option { /* of the Mobility Header; length in octets, without type and length */
	MIP6_OPT_PAD1 = 0,
	MIP6_OPT_PADN = 1,
	MIP6_OPT_REFRESH = 2,     /* Binding Refresh Advice */
	MIP6_OPT_ALT_COA = 3,
	MIP6_OPT_NONCES = 4,      /* route optimisation; must not come with H */
	MIP6_OPT_IDENTIFIER = 8,  /* RFC 4283 */
	MIP6_OPT_AUTH = 9,        /* RFC 4285 §5 */
	MIP6_OPT_TIMESTAMP = 10,  /* RFC 4285 §6 */
};

enum mip6_identifier { MIP6_ID_NAI = 1 };         /* RFC 4283 §3.1 */
enum mip6_auth_subtype { MIP6_AUTH_MN_HA = 1, MIP6_AUTH_MN_AAA = 2 };
#define MIP6_AUTH_LEN 12  /* octets: the first 96 bits of HMAC-SHA1 */
#define MIP6_KEY_LEN 16   /* octets, RFC 4285 §5.1 */
#define MIP6_SPI_MIN 256  /* those below are reserved */
#define MIP6_NAI_MAX 128

enum mip6_icmp { /* RFC 6275 §6.5 - §6.8 */
	MIP6_ICMP_PARAM_PROBLEM = 4, /* RFC 4443 §3.4 */
	MIP6_ICMP_DISCOVERY_REQUEST = 144,
	MIP6_ICMP_DISCOVERY_REPLY = 145,
	MIP6_ICMP_PREFIX_SOLICITATION = 146,
	MIP6_ICMP_PREFIX_ADVERTISEMENT = 147,
};

/* RFC 6275 §12 */
#define MIP6_INITIAL_BINDACK_TIMEOUT_MS 1000
#define MIP6_MAX_BINDACK_TIMEOUT_MS 32000
#define MIP6_MAX_DELETE_BCE_TIMEOUT_MS 10000
#define MIP6_INITIAL_DHAAD_TIMEOUT_MS 3000
#define MIP6_DHAAD_RETRIES 4
#define MIP6_PREFIX_ADV_TIMEOUT_MS 3000
#define MIP6_PREFIX_ADV_RETRIES 3
#define MIP6_INITIAL_SOLICIT_TIMER_MS 3000

#endif
