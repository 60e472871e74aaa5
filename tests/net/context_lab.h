/*
 * A router under test between a source and a mobile, in this process, so that contexts can be handed to its features as a
 * transfer would; further routers between it and the source are daemons.
 */
#ifndef HANDOVERD_TESTS_CONTEXT_LAB_H
#define HANDOVERD_TESTS_CONTEXT_LAB_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "context/context.h"
#include "context/context_count.h"
#include "core/bus.h"
#include "core/daemon.h"
#include "core/feature.h"
#include "core/handover.h"
#include "core/log.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "mcast.h"
#include "net/icmp6.h"
#include "net/igmp.h"
#include "net/net.h"

#define GROUP "ff3e::8000:1"
#define GROUP4 "239.1.2.3"
#define SOURCE4 "192.0.2.2"
#define MOBILE "2001:db8:b::10"
#define CONTEXT_LAB_CHAIN 2 /* further routers between the source and the one under test */

struct context_lab_options {
	int chain;         /* 0 or CONTEXT_LAB_CHAIN */
	bool ipv4;         /* the stream is of IPv4 */
	bool bridge;       /* the access link is a bridge that snoops; the mobile is behind port p0, another station behind p1 */
	bool vlan;         /* the access link is a VLAN of that bridge */
	const char *extra; /* settings of context.multicast */
};

extern struct context_lab {
	int source, mobile, router, station, chain[CONTEXT_LAB_CHAIN];
	pid_t daemons[CONTEXT_LAB_CHAIN];
	struct core core;
	struct config *config;
	struct mcast_sender s;
	struct mcast_receiver r;
	int if_access;
	struct lladdr lladdr;
	const char *group, *bridge;
	const char *extra;
	char dir[64];
} f;

void context_lab_begin(const struct context_lab_options *o);
void context_lab_end(void);
void context_lab_reload(const char *extra); /* the router under test, with other settings */
/* The router opens sockets when it needs them: its loop runs in its own namespace. These come back there. */
void mobile_joins(void);
void mobile_leaves(void);
void stream(int n);
void stream_until_heard(void);  /* sends until something arrives */
void stream_until_silent(void); /* sends until nothing arrives any more */
struct feature_subject subject(void);

#endif
