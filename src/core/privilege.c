#include <config.h>

#include "core/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/log.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED_BY_CLANG
#endif
#endif

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
	bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (have[i].had)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, have[i].cap);
	/* The bounding set as well, so that no program we might ever start gets more; only who has CAP_SETPCAP may lower it. */
	if (capng_apply(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) < 0)
		LOG_WARNING("core", "capabilities could not be given up");
}

/* Leak detection looks into the memory of its own process the way another would: such a build keeps it open. */
static int hide_memory(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED_BY_CLANG)
	return 0;
#else
	return prctl(PR_SET_DUMPABLE, 0);
#endif
}

void privilege_drop(void)
{
	struct rlimit none = { 0, 0 };
	if (setrlimit(RLIMIT_CORE, &none) < 0 || hide_memory() < 0)
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
