/*
 * The crowd of tests/replay/crowd_cxtp.h, as large as asked for.
 *
 *   simulate [--routers N] [--mobiles N] [--seed N] [--span SECONDS] [--dwell SECONDS] [--loss SHARE]
 *
 * Prints one JSON object. Exit 0; 1 if something did not hold: which, and the seed, on standard error; 2 usage.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../replay/crowd_cxtp.h"
#include "bench.h"
#include "core/log.h"

static double at(const struct crowd_report *r, double share)
{
	if (!r->in_place)
		return 0;
	uint64_t i = (uint64_t)(share * (double)r->in_place);
	return (double)r->waits[i < r->in_place ? i : r->in_place - 1] / 1e3;
}

static uint64_t sum(const uint64_t *by_type)
{
	uint64_t n = 0;
	for (int i = CXTP_CTAR; i <= CXTP_CTREQ; i++)
		n += by_type[i];
	return n;
}

static void by_type(const char *name, const uint64_t *values)
{
	printf(", \"%s\": {", name);
	for (int i = CXTP_CTAR; i <= CXTP_CTREQ; i++)
		printf("%s\"%s\": %" PRIu64, i > CXTP_CTAR ? ", " : "", cxtp_type_name((enum cxtp_type)i), values[i]);
	printf("}");
}

static void print(const struct crowd_config *c, const struct crowd_report *r, double seconds)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"routers\": %" PRIu32 ", \"mobiles\": %" PRIu32 ", \"seed\": %" PRIu64 ", \"virtual_s\": %.0f, \"took_s\": %.1f",
	       c->routers, c->mobiles, c->seed, (double)r->ended / 1e6, seconds);
	printf(", \"movements\": %" PRIu64 ", \"announced\": %" PRIu64 ", \"stayed\": %" PRIu64 ", \"elsewhere\": %" PRIu64, r->movements,
	       r->announced, r->stayed, r->elsewhere);
	printf(", \"forged\": %" PRIu64 ", \"replayed\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"doubled\": %" PRIu64, r->forged, r->replayed,
	       r->lost, r->doubled);
	printf(", \"transfers\": %" PRIu64 ", \"in_place\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"cancelled\": %" PRIu64, r->asked,
	       r->in_place, r->failed, r->cancelled);
	by_type("sent", r->sent);
	by_type("again", r->again);
	printf(", \"retransmissions\": %" PRIu64 ", \"octets_per_handover\": %.1f", sum(r->again),
	       r->asked ? (double)sum(r->octets) / (double)r->asked : 0.0);
	printf(", \"in_place_ms\": {\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"p99.9\": %.2f, \"p99.99\": %.2f, \"max\": %.2f}",
	       at(r, 0.5), at(r, 0.9), at(r, 0.99), at(r, 0.999), at(r, 0.9999), at(r, 1));
	printf(", \"steps\": %" PRIu64 ", \"audits\": %" PRIu64 ", \"transfers_most\": %zu", r->steps, r->audits, r->transfers_most);
	printf(", \"octets_per_router\": %.0f, \"octets_per_mobile\": %.1f, \"resident_mib\": %.0f}\n", r->router_octets, r->mobile_octets,
	       (double)usage.ru_maxrss / 1024);
}

static double number(const char *text)
{
	char *end;
	double v = strtod(text, &end);
	if (*text == 0 || *end != 0 || v < 0) {
		fprintf(stderr, "simulate: not a number: %s\n", text);
		exit(2);
	}
	return v;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "routers", 1, NULL, 'r' }, { "mobiles", 1, NULL, 'm' }, { "seed", 1, NULL, 's' },
		                                 { "span", 1, NULL, 't' },    { "dwell", 1, NULL, 'd' },   { "loss", 1, NULL, 'l' },
		                                 { 0 } };
	struct crowd_config cfg = crowd_everyday(1000, 1000000, 1);
	struct crowd_report report;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == '?')
			return 2;
		double v = number(optarg);
		switch (c) {
		case 'r': cfg.routers = (uint32_t)v; break;
		case 'm': cfg.mobiles = (uint32_t)v; break;
		case 's': cfg.seed = strtoull(optarg, NULL, 10); break;
		case 't': cfg.span = (usec_t)(v * 1e6); break;
		case 'd': cfg.dwell = (usec_t)(v * 1e6); break;
		case 'l': cfg.lost = v; break;
		}
	}
	if (optind != argc || cfg.routers < 2 || cfg.routers > 65535 || cfg.mobiles < 1) {
		fprintf(stderr, "simulate: 2 to 65535 routers, one mobile or more\n");
		return 2;
	}
	log_level_set(LOG_LEVEL_ERROR);
	double start = bench_now_us();
	bool held = crowd_run(&cfg, &report);
	print(&cfg, &report, (bench_now_us() - start) / 1e6);
	if (!held)
		fprintf(stderr, "simulate: violated with --seed %" PRIu64 ": %s\n", cfg.seed, report.violation);
	free(report.waits);
	return held ? 0 : 1;
}
