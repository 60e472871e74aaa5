/* IGMP and the filter block: first octet chooses the decoder; what is decoded also drives the tracker. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "context/gmp_track.h"
#include "context/igmp_wire.h"
#include "core/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool query(int ifindex, const struct gmp_query *q, void *arg)
{
	uint8_t out[IGMP_QUERY_MAX];
	struct wr w = wr_make(out, sizeof out);
	igmp_query_pack(&w, q);
	if (!wr_ok(&w))
		__builtin_trap();
	return true;
}

static void forward(int ifindex, const struct in6_addr *group, const struct source_filter *f, void *arg)
{
	if (f->n > 3)
		__builtin_trap();
}

/* Messages one after the other: sender, seconds that pass before it, length, octets. */
static void drive(const uint8_t *data, size_t size)
{
	static const struct gmp_params p = { .robustness = 2, .query_interval = 125 * USEC_SEC,
		                             .response_interval = 10 * USEC_SEC, .last_listener_interval = USEC_SEC,
		                             .igmp_version = GMP_V3, .mld_version = GMP_V3, .groups = 4, .listeners = 8,
		                             .groups_per_mobile = 3, .sources = 3 };
	static const struct gmp_ops ops = { query, forward, NULL, NULL };
	struct in6_addr own = { .s6_addr = { [10] = 0xff, 0xff, 192, 0, 2, 0x80 } };
	struct loop *loop = loop_create_virtual(USEC_SEC);
	struct gmp_track *t = gmp_track_create(loop, &p, &ops, NULL);
	gmp_track_interface(t, 1, true, &own);
	while (size >= 3) {
		size_t len = data[2] < size - 3 ? data[2] : size - 3;
		struct lladdr from = { .len = 6, .octet = { 2, [5] = data[0] & 7 } };
		struct in6_addr src = { .s6_addr = { [10] = 0xff, 0xff, 192, 0, 2, data[0] } };
		struct gmp_message m;
		loop_advance(loop, loop_now(loop) + data[1] * USEC_SEC);
		if (igmp_parse(data + 3, len, &m))
			gmp_track_receive(t, 1, &from, &src, &m);
		if (gmp_track_listeners(t) > p.listeners || gmp_track_groups(t) > p.groups)
			__builtin_trap();
		data += 3 + len;
		size -= 3 + len;
	}
	gmp_track_destroy(t);
	loop_destroy(loop);
}

static void walk(struct gmp_message *m)
{
	struct gmp_record r;
	struct in6_addr source;
	while (gmp_record_next(m, &r))
		while (gmp_source_next(&r.sources, &source))
			;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gmp_message m;
	struct filter_block b;
	if (!size)
		return 0;
	log_level_set(LOG_LEVEL_ERROR);
	switch (data[0] & 3) {
	case 0:
		if (igmp_parse(data + 1, size - 1, &m))
			walk(&m);
		break;
	case 1:
		filter_block_parse(data + 1, size - 1, &b);
		break;
	case 2:
	case 3:
		drive(data + 1, size - 1);
		break;
	}
	return 0;
}
