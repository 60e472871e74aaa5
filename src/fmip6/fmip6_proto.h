/* Numbers of FMIPv6: RFC 5568, with the Mobility Header of RFC 6275 and neighbour discovery of RFC 4861. */
#ifndef HANDOVERD_FMIP6_PROTO_H
#define HANDOVERD_FMIP6_PROTO_H

#define ICMP6_ECHO_REQUEST_TYPE 128
#define ICMP6_ECHO_REPLY_TYPE 129
#define ICMP6_RA_TYPE 134
#define ICMP6_NS_TYPE 135
#define ICMP6_NA_TYPE 136
#define ICMP6_FMIP6_TYPE 154

#define FMIP6_HOP_LIMIT 255 /* RFC 5568 §6.1: nothing forwarded can have it */

enum fmip6_subtype { FMIP6_RTSOLPR = 2, FMIP6_PRRTADV = 3 }; /* of ICMPv6 154; 4 and 5 are deprecated */

enum prrtadv_code { /* RFC 5568 §6.1.2 */
	PRRTADV_TUPLES = 0,
	PRRTADV_TRIGGER = 1,
	PRRTADV_NOTHING_NEW = 2,
	PRRTADV_SUBSET = 3,
	PRRTADV_UNSOLICITED = 4,
	PRRTADV_DHCP = 5,
};

enum nd_option { /* neighbour discovery, length in words of 8 octets */
	ND_SOURCE_LLA = 1,
	ND_TARGET_LLA = 2,
	ND_IP_ADDRESS = 17,
	ND_LLA = 19,
	ND_NAACK = 20,
};

enum naack_status { /* RFC 5568 §6.4.6 */
	NAACK_CONFIGURE = 1,    /* make another address yourself */
	NAACK_USE_SUPPLIED = 2,
	NAACK_USE_NAR = 3,      /* the NAR's address goes into the FBU */
	NAACK_PCOA = 4,         /* keep the PCoA, send no FBU */
	NAACK_LLA_UNKNOWN = 128,
};

enum lla_code { /* Option-Code of ND_LLA and MHO_LLA, RFC 5568 §6.4.3 */
	LLA_WILDCARD = 0,
	LLA_NEW_AP = 1,
	LLA_MN = 2,
	LLA_NAR = 3,
	LLA_SOURCE = 4,
	LLA_SAME_INTERFACE = 5,
	LLA_NO_PREFIX = 6,
	LLA_NO_FMIP = 7,
};

enum ip_code { IP_OLD_COA = 1, IP_NEW_COA = 2, IP_NAR = 3, IP_NAR_PREFIX = 4 }; /* RFC 5568 §6.4.1 */

enum mh_type { MH_FBU = 8, MH_FBACK = 9, MH_HI = 14, MH_HACK = 15 };
#define MH_NO_NEXT_HEADER 59

enum mh_option { /* length in octets, without type and length */
	MHO_PAD1 = 0,
	MHO_PADN = 1,
	MHO_ALT_COA = 3,
	MHO_LLA = 7,
	MHO_MN_ID = 8, /* RFC 4283 */
	MHO_IP_ADDRESS_PRINTED = 17, /* RFC 5026's, else */
	MHO_EXPERIMENTAL = 18, /* RFC 5096 */
	MHO_BADF = 21,
	MHO_IPV4_HOME = 29, /* RFC 5555 §3.1.1 */
	MHO_MULTICAST = 60, /* RFC 7411: passed over */
	MHO_MULTICAST_ACK = 61,
	MHO_IP_ADDRESS = 34, /* RFC 5568 §6.4.2 prints 17, its IANA section 34: what is assigned is sent, both are taken */
};

enum fbu_flags { FBU_ACK = 0x80, FBU_HOME = 0x40, FBU_LINK_LOCAL = 0x20, FBU_KEY = 0x10 };

enum fback_status { /* RFC 5568 §6.2.3 */
	FBACK_ACCEPTED = 0,
	FBACK_USE_ALTERNATE = 1,
	FBACK_UNSPECIFIED = 128,
	FBACK_PROHIBITED = 129,
	FBACK_NO_RESOURCES = 130,
	FBACK_BAD_IID = 131,
	FBACK_SEQUENCE = 135, /* RFC 6275 §9.5.1: the sequence number is too old; the last accepted one is in the answer */
};

enum hi_flags { HI_ASSIGN = 0x80, HI_BUFFER = 0x40, HI_PROXY = 0x20 /* RFC 5949 §6.1.1 */ };
/* RFC 5568 §6.2.1.1; the last, with the P flag, RFC 5949 §6.1.1: nothing more is forwarded. */
enum hi_code { HI_FROM_PCOA = 0, HI_NOT_FROM_PCOA = 1, HI_COMPLETED = 2 };
enum hack_flags { HACK_PROXY = 0x40 }; /* RFC 5949 §6.1.2 */

enum hack_code { /* RFC 5568 §6.2.1.2 */
	HACK_ACCEPTED = 0,
	HACK_NCOA_INVALID = 1,
	HACK_ASSIGNED = 2,
	HACK_USE_PCOA = 3,
	HACK_UNSOLICITED = 4,
	HACK_UNSPECIFIED = 128,
	HACK_PROHIBITED = 129,
	HACK_NO_RESOURCES = 130,
};

/*
 * Binding Authorization Data for FMIPv6, RFC 5568 §6.4.5. The text calls its length that of the Authenticator (12), the rule for
 * every other mobility option makes it 16 with the SPI: sent is 16, both are taken.
 */
#define BADF_LENGTH 16
#define BADF_LENGTH_LITERAL 12
#define BADF_AUTH_LEN 12
#define BADF_SPI_HANDOVER 0     /* keys that the router gave, RFC 5269 */
#define BADF_SPI_CONFIGURED 256 /* 1-255 are left alone */

/* RFC 5568 §9 */
#define RTSOLPR_RETRIES 3
#define MAX_RTSOLPR_RATE 3
#define FBU_RETRIES 3
#define HI_RETRIES 3

#endif
