#define _GNU_SOURCE 1
#include "context_lab.h"

static const struct module *const modules[] = { &net_module, &context_module, NULL };

struct context_lab f;

static const char *write_config(const char *name)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s.conf", f.dir, name);
	FILE *c = fopen(path, "w");
	assert_non_null(c);
	fprintf(c,
	        "role = \"access-router\"; name = \"%s\";\n"
	        "interfaces = ( { name = \"acc\"; kind = \"access\"; }, { name = \"top\"; kind = \"core\"; } );\n"
	        "neighbors = ( ); mobiles = ( );\n"
	        "control = { socket = \"%s/%s.sock\"; };\n"
	        "log = { sink = \"stderr\"; level = \"%s\"; };\n"
	        "context = { multicast = { last_listener_interval = \"50ms\"; robustness = 2; %s }; };\n",
	        name, f.dir, name, getenv("V") ? "debug" : "error", f.extra ? f.extra : "");
	fclose(c);
	return path;
}

static pid_t run_daemon(int ns, const char *name)
{
	const char *path = write_config(name);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return pid;
	nslab_enter(ns);
	struct daemon_options o = { .file = path, .foreground = true };
	_exit(daemon_run(&o, modules));
}

static void start_here(void)
{
	struct config_errors *errors = config_errors_create();
	struct core *c = &f.core;
	f.config = config_load(write_config("here"), modules, errors);
	for (size_t i = 0; i < config_errors_count(errors); i++)
		fprintf(stderr, "%s\n", config_errors_text(errors, i));
	assert_non_null(f.config);
	config_errors_destroy(errors);
	log_level_set(getenv("V") ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR);
	*c = (struct core){ .loop = loop_create(), .modules = modules, .config = f.config, .settings = config_settings(f.config) };
	c->bus = bus_create(c->loop);
	c->mobiles = mobiles_create(c->bus, 100);
	c->neighbors = neighbors_create(c->bus);
	c->handovers = handovers_create(c->loop, c->bus, 10);
	assert_int_equal(neighbors_configure(c->neighbors, c->settings), 0);
	assert_int_equal(modules_start(c), 0);
}

/* Port p0 with the mobile behind it, p1 with another station; queries are believed after a second. */
static void access_bridge(bool vlan)
{
	f.bridge = vlan ? "sw" : "acc";
	f.station = nslab_new();
	nslab_enter(f.router);
	nslab_sh("ip link add %s type bridge mcast_snooping 1 mcast_query_response_interval 100 && ip link set %s up", f.bridge,
	         f.bridge);
	nslab_veth(f.router, "p0", f.mobile, "wlan");
	nslab_veth(f.router, "p1", f.station, "wlan");
	nslab_enter(f.router);
	nslab_sh("ip link set p0 master %s && ip link set p1 master %s", f.bridge, f.bridge);
	if (vlan)
		nslab_sh("ip link set sw type bridge vlan_filtering 1 && bridge vlan add dev p0 vid 10 pvid untagged && "
		         "bridge vlan add dev p1 vid 10 pvid untagged && bridge vlan add dev sw vid 10 self && "
		         "ip link add acc link sw type vlan id 10 && ip link set acc up");
}

static void addresses(bool ipv4)
{
	nslab_enter(f.router);
	nslab_sh("ip addr add 2001:db8:b::1/64 dev acc nodad");
	f.if_access = nslab_ifindex("acc");
	if (ipv4)
		nslab_sh("ip addr add 192.0.2.1/24 dev top; ip addr add 198.51.100.1/24 dev acc");
	nslab_enter(f.mobile);
	nslab_sh("ip addr add " MOBILE "/64 dev wlan nodad");
	if (ipv4)
		nslab_sh("ip addr add 198.51.100.10/24 dev wlan");
	f.lladdr = nslab_lladdr("wlan");
	nslab_enter(f.source);
	nslab_sh("ip addr add 2001:db8:1::2/64 dev net nodad");
	if (ipv4)
		nslab_sh("ip addr add " SOURCE4 "/24 dev net");
}

void context_lab_begin(const struct context_lab_options *o)
{
	memset(&f, 0, sizeof f);
	f.group = o->ipv4 ? GROUP4 : GROUP;
	f.extra = o->extra;
	strcpy(f.dir, "/tmp/handoverd-context-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	f.source = nslab_new();
	int above = f.source;
	for (int i = 0; i < o->chain; i++) {
		f.chain[i] = nslab_new();
		nslab_veth(f.chain[i], "top", above, i ? "acc" : "net");
		above = f.chain[i];
	}
	f.mobile = nslab_new();
	f.router = nslab_new();
	nslab_veth(f.router, "top", above, o->chain ? "acc" : "net");
	if (o->bridge)
		access_bridge(o->vlan);
	else
		nslab_veth(f.router, "acc", f.mobile, "wlan");
	addresses(o->ipv4);
	f.s = mcast_sender(f.group, "net");
	for (int i = 0; i < o->chain; i++) {
		char name[16];
		snprintf(name, sizeof name, "r%d", i);
		f.daemons[i] = run_daemon(f.chain[i], name);
	}
	nslab_enter(f.router);
	start_here();
}

void context_lab_end(void)
{
	struct core *c = &f.core;
	nslab_enter(f.router);
	modules_stop(c);
	assert_null(feature_find(1));
	handovers_destroy(c->handovers);
	neighbors_destroy(c->neighbors);
	mobiles_destroy(c->mobiles);
	bus_destroy(c->bus);
	if (f.r.watch)
		mcast_close(&f.r);
	loop_destroy(c->loop);
	config_free(f.config);
	close(f.s.fd);
	close(f.source);
	close(f.mobile);
	close(f.router);
	if (f.station)
		close(f.station);
	for (int i = 0; i < CONTEXT_LAB_CHAIN && f.daemons[i]; i++) {
		int status;
		kill(f.daemons[i], SIGTERM);
		waitpid(f.daemons[i], &status, 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		close(f.chain[i]);
	}
	nslab_sh("rm -r %s", f.dir);
}

void context_lab_reload(const char *extra)
{
	struct config_errors *errors = config_errors_create();
	struct config *old = f.config;
	f.extra = extra;
	f.config = config_load(write_config("here"), modules, errors);
	assert_non_null(f.config);
	config_errors_destroy(errors);
	f.core.config = f.config;
	f.core.settings = config_settings(f.config);
	modules_reload(&f.core);
	config_free(old);
}

void mobile_joins(void)
{
	nslab_enter(f.mobile);
	mcast_receive(&f.r, f.core.loop, f.group, "wlan", true);
	nslab_enter(f.router);
}

void mobile_leaves(void)
{
	nslab_enter(f.mobile);
	mcast_leave(&f.r, f.group, "wlan");
	nslab_enter(f.router);
}

void stream(int n)
{
	for (int i = 0; i < n; i++) {
		mcast_send(&f.s);
		nslab_for(f.core.loop, USEC_MSEC);
	}
}

void stream_until_heard(void)
{
	int before = f.r.n;
	for (int i = 0; i < 4000 && f.r.n == before; i++)
		stream(1);
	assert_true(f.r.n > before);
}

void stream_until_silent(void)
{
	for (int i = 0; i < 400; i++) {
		int before = f.r.n;
		stream(20);
		if (f.r.n == before)
			return;
	}
	fail_msg("still forwarded");
}

struct feature_subject subject(void)
{
	struct feature_subject s = { .lladdr = f.lladdr, .ifindex = f.if_access };
	s.previous = nslab_addr("2001:db8:a::10");
	s.addr = nslab_addr(MOBILE);
	return s;
}
