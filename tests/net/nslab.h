/*
 * Network namespaces for a test in one process: sockets stay in the namespace in which they were opened, so the two ends
 * of a conversation live in one event loop. Nameless, gone with the process. Failures abort the test.
 */
#ifndef HANDOVERD_TESTS_NSLAB_H
#define HANDOVERD_TESTS_NSLAB_H

#include <stdbool.h>

#include "core/addr.h"
#include "core/loop.h"

#define NSLAB_SKIP 77 /* automake: not allowed to make namespaces here */

bool nslab_possible(void);  /* root, or root of a user namespace of our own */
int nslab_new(void);        /* makes a namespace with lo up, DAD off, IPv6 forwarding off, and enters it; returns its handle */
void nslab_enter(int ns);
/* A veth pair: name_a in ns a, name_b in ns b, both up. */
void nslab_veth(int a, const char *name_a, int b, const char *name_b);
void nslab_sh(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* a shell command that must succeed */
int nslab_try(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* its exit status */
char *nslab_output(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* what it prints, owned by the caller */
int nslab_ifindex(const char *name);   /* in the current namespace */
struct lladdr nslab_lladdr(const char *name);
struct in6_addr nslab_addr(const char *text);
/* Runs the loop until *what >= want, or aborts after some seconds. */
void nslab_until(struct loop *l, const int *what, int want);
/* Runs the loop while this much time passes, for things that must not happen. */
void nslab_for(struct loop *l, usec_t time);

#endif
