/* What the process may do, given up early and for good. */
#ifndef HANDOVERD_CORE_PRIVILEGE_H
#define HANDOVERD_CORE_PRIVILEGE_H

#include <stdbool.h>

/* Keeps only the capabilities that modules need, forbids new privileges, core files and other processes' looks into our
 * memory (keys live there). What cannot be had is logged and does not stop the start. */
void privilege_drop(void);
/* Lowest real-time priority, or back to the ordinary. A handover is a matter of single milliseconds; the daemon sleeps
 * all the rest of the time. */
void privilege_realtime(bool on);

#endif
