/* Request lines of the control socket: taken apart and run against small tables. Reload and handover go nowhere. */
#include <stdlib.h>
#include <string.h>

#include "core/bus.h"
#include "core/handover.h"
#include "core/mobile.h"
#include "core/neighbor.h"
#include "ctl/command.h"
#include "ctl/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct core *world(void)
{
	static struct core core;
	static struct settings settings;
	static const struct module *const modules[] = { &ctl_module, NULL };
	if (core.loop)
		return &core;
	core.loop = loop_create_virtual(0);
	core.bus = bus_create(core.loop);
	core.mobiles = mobiles_create(core.bus, 10);
	core.neighbors = neighbors_create(core.bus);
	core.handovers = handovers_create(core.loop, core.bus, 10);
	core.settings = &settings;
	core.modules = modules;
	struct in6_addr a;
	addr_parse("2001:db8::1", &a);
	mobile_get(core.mobiles, &a);
	handover_step(core.handovers, handover_open(core.handovers, HANDOVER_PAR, HANDOVER_PREDICTIVE, &a), STEP_C_FBU);
	struct ap ap = { .router = a };
	lladdr_parse("02:00:00:00:00:01", &ap.id);
	ap_learn(core.neighbors, &ap);
	return &core;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct command_request r;
	const char *line = (const char *)data;
	while (size) {
		const char *end = memchr(line, '\n', size);
		size_t len = end ? (size_t)(end - line) : size;
		struct textbuf out = { 0 };
		if (!command_parse(line, len, &r))
			command_run(world(), &r, &out);
		if (out.failed)
			abort();
		textbuf_free(&out);
		len += end != NULL;
		line += len;
		size -= len;
	}
	return 0;
}
