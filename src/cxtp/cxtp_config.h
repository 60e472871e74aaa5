/* The group `cxtp` of the configuration. */
#ifndef HANDOVERD_CXTP_CONFIG_H
#define HANDOVERD_CXTP_CONFIG_H

#include "core/settings.h"
#include "cxtp/cxtp_params.h"

struct sctp_config;

struct cxtp_config {
	struct config_where where;
	int backend; /* enum sctp_backend */
	int64_t port, udp_port;
	struct in6_addr address;
	int64_t request_rate;
	usec_t max_transfer_time, request_retry, retry_max, sequence_reuse, context_lifetime, replay_window;
	usec_t rto_min, rto_initial, rto_max, heartbeat, reconnect_min, reconnect_max;
	bool hold, piggyback, network;
	struct config_list candidates; /* char *: names of neighbours */
	int64_t transfers, arrivals;
	uint64_t memory, queue;
};

extern const struct config_table cxtp_config_table;
void cxtp_config_check(const struct settings *settings, const void *cfg, struct config_errors *errors);
void cxtp_config_params(const struct cxtp_config *c, struct cxtp_params *out);
void cxtp_config_sctp(const struct cxtp_config *c, struct sctp_config *out);

#endif
