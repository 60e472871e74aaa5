/*
 * A thin link between two interfaces: thinlink RATE A B [LOG]
 *
 * Frames that come in at A leave at B and the other way round, each direction a line of RATE bits a second: a packet leaves when
 * its last bit has, and the next one waits for that. What counts is the packet, without the Ethernet header. A token bucket
 * (tc tbf, htb) would let the first packet through at once, and here it is the first packets that matter. RATE 0: no delay.
 *
 * Standard input: "rate N" changes the rate of what comes from then on; "report" prints a line of JSON and starts anew:
 * {"packets": [A to B, B to A], "octets": […], "dropped": …, "late_us": …}; late_us: the most that a packet left after its time,
 * which is what the processor's other work has added to the link.
 *
 * LOG: for each frame a record of what it was and when: struct record below, in host order, times CLOCK_MONOTONIC.
 */
#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 65600
#define QUEUE_MAX 64 /* frames waiting in one direction */
#define LOGGED 128   /* octets of a packet in the log */

struct record {
	uint64_t way; /* 0: A to B, 1: B to A */
	int64_t came, start, end;
	uint64_t octets;
	uint8_t packet[LOGGED];
};

struct frame {
	struct frame *next;
	int64_t at; /* when it leaves */
	size_t len; /* of data: a virtio header, which says what checksums are still to be made, and the frame */
	uint8_t data[];
};

struct direction {
	int from, to;
	int64_t busy_until;
	struct frame *first, **last;
	unsigned waiting;
	uint64_t packets, octets;
};

static struct direction ways[2];
static int64_t rate;
static uint64_t dropped;
static int64_t late;
static FILE *log_file;

static int open_interface(const char *name)
{
	static const int on = 1;
	int index = (int)if_nametoindex(name);
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
	struct packet_mreq all = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || !index || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) || bind(fd, (struct sockaddr *)&at, sizeof at))
		die("%s: %s", name, strerror(errno));
	return fd;
}

static void note(const struct direction *w, int64_t came, int64_t start, const uint8_t *packet, size_t octets)
{
	struct record r = {.way = (uint64_t)(w - ways), .came = came, .start = start, .end = w->busy_until, .octets = octets};
	memcpy(r.packet, packet, octets < LOGGED ? octets : LOGGED);
	fwrite(&r, sizeof r, 1, log_file);
	fflush(log_file);
}

static void take(struct direction *w)
{
	static uint8_t buffer[FRAME_MAX];
	const size_t head = sizeof(struct virtio_net_hdr) + ETH_HLEN;
	ssize_t n;
	while ((n = recv(w->from, buffer, sizeof buffer, 0)) > 0) {
		struct frame *f = (size_t)n >= head && w->waiting < QUEUE_MAX ? malloc(sizeof *f + (size_t)n) : NULL;
		if (!f) {
			dropped++;
			continue;
		}
		size_t octets = (size_t)n - head;
		int64_t now = now_ns(), start = now > w->busy_until ? now : w->busy_until;
		w->busy_until = start + (rate ? (int64_t)octets * 8 * NSEC / rate : 0);
		*f = (struct frame){.at = w->busy_until, .len = (size_t)n};
		memcpy(f->data, buffer, (size_t)n);
		*w->last = f;
		w->last = &f->next;
		w->waiting++;
		w->packets++;
		w->octets += octets;
		if (log_file)
			note(w, now, start, buffer + head, octets);
	}
}

static void let_go(struct direction *w)
{
	for (struct frame *f; (f = w->first) && f->at <= now_ns(); free(f)) {
		int64_t behind = f->at ? now_ns() - f->at : 0;
		if (send(w->to, f->data, f->len, 0) < 0)
			dropped++;
		late = behind > late ? behind : late;
		w->first = f->next;
		if (!w->first)
			w->last = &w->first;
		w->waiting--;
	}
}

static void command(char *line, void *arg)
{
	if (!strncmp(line, "rate ", 5)) {
		rate = parse_number(line + 5, "rate");
		for (int i = 0; i < 2 && !rate; i++) {
			ways[i].busy_until = 0;
			for (struct frame *f = ways[i].first; f; f = f->next)
				f->at = 0; /* what waits may go */
		}
		printf("{\"rate\": %" PRId64 "}\n", rate);
	} else if (!strcmp(line, "report")) {
		printf("{\"packets\": [%" PRIu64 ", %" PRIu64 "], \"octets\": [%" PRIu64 ", %" PRIu64 "], \"dropped\": %" PRIu64
		       ", \"late_us\": %.1f}\n",
		       ways[0].packets, ways[1].packets, ways[0].octets, ways[1].octets, dropped, (double)late / 1e3);
		for (int i = 0; i < 2; i++)
			ways[i].packets = ways[i].octets = 0;
		dropped = 0;
		late = 0;
	}
}

/* How long to wait for the next packet to leave; NULL: nothing waits. */
static struct timespec *until_next(struct timespec *out)
{
	int64_t next = INT64_MAX;
	for (int i = 0; i < 2; i++)
		if (ways[i].first && ways[i].first->at < next)
			next = ways[i].first->at;
	if (next == INT64_MAX)
		return NULL;
	int64_t left = next - now_ns();
	left = left > 0 ? left : 0;
	*out = (struct timespec){.tv_sec = left / NSEC, .tv_nsec = left % NSEC};
	return out;
}

int main(int argc, char **argv)
{
	tool_start();
	if (argc != 4 && argc != 5)
		die("usage: thinlink RATE A B [LOG]");
	if (argc == 5 && !(log_file = fopen(argv[4], "we")))
		die("%s: %s", argv[4], strerror(errno));
	rate = parse_number(argv[1], "rate");
	int a = open_interface(argv[2]), b = open_interface(argv[3]);
	ways[0] = (struct direction){.from = a, .to = b, .last = &ways[0].first};
	ways[1] = (struct direction){.from = b, .to = a, .last = &ways[1].first};
	puts("{\"ready\": true}");
	struct pollfd fds[] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	while (!tool_stopped) {
		struct timespec left;
		if (ppoll(fds, 3, until_next(&left), NULL) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		for (int i = 0; i < 2; i++) {
			take(&ways[i]);
			let_go(&ways[i]);
		}
		if ((fds[2].revents & (POLLIN | POLLHUP)) && !tool_control(command, NULL))
			break;
	}
	return 0;
}
