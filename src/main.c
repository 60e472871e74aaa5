/* Arguments. Under the name handoverctl this program is the control client. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/daemon.h"
#include "ctl/client.h"
#include "modules.h"

static int usage(FILE *to, int status)
{
	fprintf(to, "usage: handoverd [-c FILE] [-f] [-d TOPIC,...] [-t] [--version]\n"
	            "  -c FILE       configuration (" SYSCONFDIR "/handoverd/handoverd.conf)\n"
	            "  -f            stay in the foreground, log to standard error\n"
	            "  -d TOPIC,...  debugging lines of these modules, or all\n"
	            "  -t            check the configuration and exit\n"
	            "  --version     print the version and exit\n");
	return status;
}

static bool called(const char *argv0, const char *name)
{
	const char *slash = strrchr(argv0, '/');
	return strcmp(slash ? slash + 1 : argv0, name) == 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { 0 } };
	struct daemon_options o = { .file = SYSCONFDIR "/handoverd/handoverd.conf" };
	bool check = false;
	if (argc > 0 && called(argv[0], "handoverctl"))
		return ctl_client_main(argc, argv);
	for (int c; (c = getopt_long(argc, argv, "c:fd:th", options, NULL)) != -1;) {
		switch (c) {
		case 'c':
			o.file = optarg;
			break;
		case 'f':
			o.foreground = true;
			break;
		case 'd':
			o.topics = optarg;
			break;
		case 't':
			check = true;
			break;
		case 'V':
			puts(PACKAGE_STRING);
			return 0;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	if (optind < argc)
		return usage(stderr, 2);
	return check ? daemon_check(&o, handoverd_modules) : daemon_run(&o, handoverd_modules);
}
