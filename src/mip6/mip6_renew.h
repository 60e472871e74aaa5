/*
 * How long a home address may be used, and asking the home agent when that is running out (RFC 6275 §11.4.2, §11.4.3; RFC 4862 §5.5.3).
 *
 * Lifetimes come from Router Advertisements at home, and away from Mobile Prefix Advertisements, which answer a solicitation under its
 * random identifier, once. Solicited: after the first registration, when the home agent's acknowledgement says that the prefix is going,
 * when an advertisement comes that nobody asked for, when the preferred lifetime ends, and from then on each time half of the rest is
 * over; again after 3, 6, 12 and 24 s.
 *
 * None of these messages is authenticated, so a valid lifetime is not cut to less than two hours by them (RFC 4862 §5.5.3 e).
 */
#ifndef HANDOVERD_MIP6_RENEW_H
#define HANDOVERD_MIP6_RENEW_H

#include "core/loop.h"
#include "net/nd.h"

#define RENEW_TRIES 5
#define RENEW_LEAST (1 * USEC_SEC) /* between two solicitations for the same reason */
#define RENEW_FLOOR (2 * 60 * 60 * USEC_SEC)

struct renew_ops {
	void (*solicit)(void *arg, const uint8_t *data, size_t len); /* Mobile Prefix Solicitation to the home agent */
	void (*prefix)(void *arg, const struct nd_prefix *p, usec_t at); /* of the home link, another than the home address's own */
	void (*until)(void *arg, usec_t valid); /* the end of the home address is another now; UINT64_MAX: none */
	void (*over)(void *arg);                /* it has come */
};

struct mip6_renew;
struct mip6_renew *renew_create(struct loop *l, const struct prefix *home, const struct renew_ops *ops, void *arg); /* NULL: no memory */
void renew_destroy(struct mip6_renew *r);
/* The home agent has accepted a Binding Update; going: with status 1. */
void renew_registered(struct mip6_renew *r, bool going);
void renew_stop(struct mip6_renew *r); /* nothing can be asked: no binding, no link */
void renew_heard(struct mip6_renew *r, const struct nd_prefix *all, size_t n, usec_t at); /* at home, in a Router Advertisement */
/* A Mobile Prefix Advertisement that the home agent sent to the home address. */
void renew_advertised(struct mip6_renew *r, const uint8_t *data, size_t len, usec_t at);
usec_t renew_valid_until(const struct mip6_renew *r); /* UINT64_MAX: for ever, as far as is known */

#endif
