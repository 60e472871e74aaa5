#include "context/addresses.h"

#include "context/binding.h"
#include "core/mobile.h"
#include "net/net.h"

struct walk {
	const struct lladdr *lladdr;
	void (*fn)(const struct in6_addr *addr, void *arg);
	void *arg;
};

static void tell(const struct walk *w, const struct in6_addr *addr)
{
	if (!addr_is_zero(addr) && !addr_is_link_local(addr))
		w->fn(addr, w->arg);
}

static void on_binding(const struct in6_addr *addr, void *arg)
{
	tell(arg, addr);
}

static void on_neighbour(const struct rtnl_note *n, void *arg)
{
	const struct walk *w = arg;
	if (lladdr_eq(&n->lladdr, w->lladdr))
		tell(w, &n->addr);
}

void context_addresses(struct core *core, const struct feature_subject *s, void (*fn)(const struct in6_addr *addr, void *arg),
                       void *arg)
{
	struct walk w = { &s->lladdr, fn, arg };
	const struct mobile *m = mobile_find(core->mobiles, &s->previous);
	if (!m && !addr_is_zero(&s->addr))
		m = mobile_find(core->mobiles, &s->addr);
	tell(&w, &s->addr);
	tell(&w, &s->previous);
	for (size_t i = 0; m && i < m->addrs_n; i++)
		tell(&w, &m->addrs[i]);
	/* Reading all the kernel's entries takes as long as the link has mobiles. */
	if (s->ifindex && s->lladdr.len && !binding_addresses(s->ifindex, &s->lladdr, on_binding, &w))
		rtnl_neigh_each(core->net->rtnl, s->ifindex, on_neighbour, &w);
}
