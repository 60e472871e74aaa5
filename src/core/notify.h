/* Telling the service manager (systemd's notification protocol: one datagram to $NOTIFY_SOCKET). Silent without one. */
#ifndef HANDOVERD_CORE_NOTIFY_H
#define HANDOVERD_CORE_NOTIFY_H

#include <stdint.h>

void notify_ready(const char *status); /* up, or up again after a reload */
void notify_reloading(void);
void notify_stopping(void);
/* The service manager wants a sign of life (WATCHDOG=1) at least this often, in microseconds; 0: it does not. */
uint64_t notify_watchdog_interval(void);
void notify_watchdog(void);

#endif
