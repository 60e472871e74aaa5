/*
 * What the lab's traffic tools have in common: the clock, options, and a control line on standard input, so that a test
 * tells a tool what to wait for instead of sleeping itself.
 */
#ifndef HANDOVERD_LAB_TOOL_H
#define HANDOVERD_LAB_TOOL_H

#include "config.h" /* before the system's: its extensions */

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define NSEC 1000000000LL

int64_t now_ns(void); /* CLOCK_MONOTONIC: the same in every namespace of one kernel */
void sleep_until(int64_t at);

_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* exit 2 */
/* Option values; a bad one ends the program with a message. */
int64_t parse_number(const char *text, const char *what);
double parse_real(const char *text, const char *what);
struct in6_addr parse_addr(const char *text);

extern volatile sig_atomic_t tool_stopped; /* SIGTERM or SIGINT came */
void tool_start(void); /* signals, timer slack, line-buffered output */

/* Reads what is there on standard input and calls fn for each whole line. False at its end. */
typedef void tool_line_fn(char *line, void *arg);
bool tool_control(tool_line_fn *fn, void *arg);

/* Octet at position i of the reproducible pattern, eight at a time. */
uint64_t pattern_word(uint64_t index);

#endif
