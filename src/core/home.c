#include "core/home.h"

#include "core/bus.h"
#include "core/module.h"

static struct home *find(struct core *c, const struct in6_addr *addr)
{
	for (size_t i = 0; i < c->homes.n; i++)
		if (addr_eq(&c->homes.items[i].addr, addr))
			return &c->homes.items[i];
	return NULL;
}

const char *home_owner_name(enum home_owner o)
{
	static const char *const names[] = { [HOME_UNSURE] = "unsure", [HOME_OURS] = "mobile", [HOME_AGENT] = "agent" };
	return names[o];
}

const struct home *home_find(const struct core *c, const struct in6_addr *addr)
{
	return find((struct core *)(uintptr_t)c, addr);
}

const struct home *home_on(const struct core *c, const struct prefix *link)
{
	for (size_t i = 0; i < c->homes.n; i++)
		if (prefix_has(link, &c->homes.items[i].addr))
			return &c->homes.items[i];
	return NULL;
}

static void tell(struct core *c, const struct home *h)
{
	struct bus_note note = { .topic = BUS_HOME, .u.home = *h };
	bus_publish(c->bus, &note);
}

int home_set(struct core *c, const struct in6_addr *addr, enum home_owner owner)
{
	struct home *h = find(c, addr);
	if (!h && c->homes.n == HOMES_MAX)
		return -1;
	if (!h) {
		h = &c->homes.items[c->homes.n++];
		*h = (struct home){ .addr = *addr };
	}
	h->owner = owner;
	tell(c, h);
	return 0;
}

void home_carry(struct core *c, const struct in6_addr *addr, bool carried)
{
	struct home *h = find(c, addr);
	if (!h || h->carried == carried)
		return;
	h->carried = carried;
	tell(c, h);
}

void home_forget(struct core *c, const struct in6_addr *addr)
{
	struct home *h = find(c, addr);
	if (h)
		*h = c->homes.items[--c->homes.n];
}
