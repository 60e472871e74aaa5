#include "fmip6/fmip6_adv.h"

#include <string.h>

static uint8_t code_of(const struct prrtadv *a)
{
	unsigned usable = 0, dhcp = 0;
	for (unsigned i = 0; i < a->tuples_n; i++) {
		usable += a->tuples[i].code == LLA_NEW_AP;
		dhcp += a->tuples[i].code == LLA_NEW_AP && a->tuples[i].dhcp;
	}
	if (usable == 0)
		return PRRTADV_NOTHING_NEW;
	if (dhcp == a->tuples_n)
		return PRRTADV_DHCP;
	return usable == a->tuples_n ? PRRTADV_TUPLES : PRRTADV_SUBSET;
}

/*
 * To a wildcard all tuples, and first of all the link's own, which tells a mobile that has just come where it is: RFC 5568 has no
 * other message for that. Its Option-Code is not 1, so the Code is not 0 (§6.1.2). Asked for by name, an AP of this same link gets
 * no prefix information (§4).
 */
void adv_answer(const struct rtsolpr *q, const struct adv_map *map, const struct lladdr *source, struct prrtadv *out)
{
	memset(out, 0, sizeof *out);
	out->id = q->id;
	out->source = *source;
	if (q->wildcard) {
		out->tuples_n = (uint8_t)map->all(map->arg, out->tuples, FMIP6_TUPLES_MAX);
		out->code = code_of(out);
		return;
	}
	for (unsigned i = 0; i < q->aps_n; i++) {
		struct tuple *t = &out->tuples[out->tuples_n++];
		map->find(map->arg, &q->aps[i], t);
		t->ap = q->aps[i];
		if (t->code != LLA_NEW_AP)
			*t = (struct tuple){ .code = t->code, .ap = t->ap };
	}
	out->code = code_of(out);
}
