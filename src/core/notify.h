/* Telling the service manager (systemd's notification protocol: one datagram to $NOTIFY_SOCKET). Silent without one. */
#ifndef HANDOVERD_CORE_NOTIFY_H
#define HANDOVERD_CORE_NOTIFY_H

void notify_ready(const char *status); /* up, or up again after a reload */
void notify_reloading(void);
void notify_stopping(void);

#endif
