/*
 * Links with another link-layer address for a while. Where the old one is kept must outlive us, and nobody else: an alternative name
 * of the link (IFLA_PROP_LIST), "hov-was-INDEX-AABBCCDDEEFF", goes with the link.
 */
#include "net/rtnl_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

#define WAS DEVICE_PREFIX "was-"
#define NAME_LEN 64
#define LINKS_MAX 64

struct was {
	int ifindex;
	char name[NAME_LEN];
	struct lladdr lladdr;
};
struct found {
	int only; /* ifindex, or 0 */
	size_t n;
	struct was all[LINKS_MAX];
};

static void name_of(int ifindex, const struct lladdr *l, char out[NAME_LEN])
{
	int n = snprintf(out, NAME_LEN, WAS "%d-", ifindex);
	for (unsigned i = 0; i < l->len; i++)
		n += snprintf(out + n, NAME_LEN - (size_t)n, "%02x", l->octet[i]);
}

static bool lladdr_of(const char *name, struct lladdr *out)
{
	const char *at = strncmp(name, WAS, strlen(WAS)) ? NULL : strchr(name + strlen(WAS), '-');
	size_t n = at ? strlen(++at) / 2 : 0;
	unsigned octet;
	if (n == 0 || n > LLADDR_MAX)
		return false;
	*out = (struct lladdr){ .len = (uint8_t)n };
	for (size_t i = 0; i < n; i++, at += 2) {
		if (sscanf(at, "%2x", &octet) != 1)
			return false;
		out->octet[i] = (uint8_t)octet;
	}
	return true;
}

static void find(struct nlmsghdr *h, void *arg)
{
	struct found *f = arg;
	struct nlattr *tb[IFLA_PROP_LIST + 1], *a;
	const struct ifinfomsg *ifi = nlmsg_data(h);
	int left;
	if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof *ifi, tb, IFLA_PROP_LIST, NULL) < 0 || !tb[IFLA_PROP_LIST] ||
	    (f->only && ifi->ifi_index != f->only))
		return;
	nla_for_each_nested(a, tb[IFLA_PROP_LIST], left) {
		struct was *w = &f->all[f->n];
		if (f->n == LINKS_MAX || nla_type(a) != IFLA_ALT_IFNAME || nla_len(a) >= NAME_LEN || !lladdr_of(nla_data(a), &w->lladdr))
			continue;
		w->ifindex = ifi->ifi_index;
		snprintf(w->name, sizeof w->name, "%s", (const char *)nla_data(a));
		f->n++;
	}
}

static struct found *search(struct rtnl *r, int only)
{
	struct ifinfomsg all = { .ifi_family = AF_UNSPEC };
	struct found *f = calloc(1, sizeof *f);
	if (!f)
		return NULL;
	f->only = only;
	(void)rtnl_exchange(r, rtnl_request(RTM_GETLINK, NLM_F_DUMP, &all, sizeof all), find, f);
	return f;
}

static int alternative_name(struct rtnl *r, bool add, int ifindex, const char *name)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nl_msg *m = rtnl_request(add ? RTM_NEWLINKPROP : RTM_DELLINKPROP, add ? NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND : 0, &ifi,
	                                sizeof ifi);
	struct nlattr *list = m ? nla_nest_start(m, IFLA_PROP_LIST | NLA_F_NESTED) : NULL;
	int bad = list ? nla_put_string(m, IFLA_ALT_IFNAME, name) : -1;
	if (!m)
		return -ENOMEM;
	if (list)
		nla_nest_end(m, list);
	return rtnl_change(r, m, bad, add ? EEXIST : ENOENT);
}

static int change(struct rtnl *r, int ifindex, const struct lladdr *l)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nl_msg *m = rtnl_request(RTM_NEWLINK, 0, &ifi, sizeof ifi);
	if (!m)
		return -ENOMEM;
	int rc = rtnl_change(r, m, nla_put(m, IFLA_ADDRESS, l->len, l->octet), 0);
	return rc < 0 ? rc : rtnl_refresh_link(r, ifindex);
}

int rtnl_lladdr_set(struct rtnl *r, int ifindex, const struct lladdr *l)
{
	char name[NAME_LEN];
	const struct rtnl_link *link = rtnl_link_by_index(r, ifindex);
	if (!link || link->lladdr.len != l->len)
		return -ENODEV;
	if (lladdr_eq(&link->lladdr, l))
		return 0;
	struct found *f = search(r, ifindex);
	if (!f)
		return -ENOMEM;
	bool remembered = f->n > 0;
	free(f);
	name_of(ifindex, &link->lladdr, name);
	int rc = remembered ? 0 : alternative_name(r, true, ifindex, name);
	rc = rc < 0 ? rc : change(r, ifindex, l);
	if (rc < 0 && !remembered)
		(void)alternative_name(r, false, ifindex, name);
	return rc;
}

int rtnl_lladdr_sweep(struct rtnl *r, int ifindex)
{
	struct found *f = search(r, ifindex);
	int gone = 0;
	for (size_t i = 0; f && i < f->n; i++) {
		const struct was *w = &f->all[i];
		int rc = change(r, w->ifindex, &w->lladdr);
		rc = rc < 0 ? rc : alternative_name(r, false, w->ifindex, w->name);
		if (rc < 0)
			LOG_WARNING(RTNL_LOG, "link-layer address not given back ifindex=%d lladdr=%s error=\"%s\"", w->ifindex,
			            LLADDR(&w->lladdr), strerror(-rc));
		else
			gone++;
	}
	free(f);
	return gone;
}

int rtnl_lladdr_restore(struct rtnl *r, int ifindex)
{
	(void)rtnl_lladdr_sweep(r, ifindex);
	return 0;
}
