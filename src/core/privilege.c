#include <config.h>

#include "core/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/log.h"

/* Routes, devices and nftables; raw and packet sockets; real-time priority; locking keys into memory; configuration and
 * control socket under directories that belong to somebody else. */
static const unsigned kept[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_NICE, CAP_IPC_LOCK, CAP_DAC_OVERRIDE };

static void drop_capabilities(void)
{
	capng_get_caps_process();
	struct { unsigned cap; bool had; } have[sizeof kept / sizeof *kept];
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		have[i].cap = kept[i];
		have[i].had = capng_have_capability(CAPNG_PERMITTED, kept[i]) == 1;
	}
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (have[i].had)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, have[i].cap);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		LOG_WARNING("core", "capabilities could not be given up");
}

void privilege_drop(void)
{
	struct rlimit none = { 0, 0 };
	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		LOG_WARNING("core", "core files could not be forbidden error=\"%s\"", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		LOG_WARNING("core", "new privileges could not be forbidden error=\"%s\"", strerror(errno));
	drop_capabilities();
}

void privilege_realtime(bool on)
{
	struct sched_param p = { .sched_priority = on ? sched_get_priority_min(SCHED_RR) : 0 };
	if (sched_setscheduler(0, (on ? SCHED_RR : SCHED_OTHER) | SCHED_RESET_ON_FORK, &p) < 0 && on)
		LOG_NOTICE("core", "no real-time priority, timing depends on other load error=\"%s\"", strerror(errno));
}
