/* handoverctl: sends one command to the daemon and prints what comes. */
#ifndef HANDOVERD_CTL_CLIENT_H
#define HANDOVERD_CTL_CLIENT_H

/* Returns the exit status: 0, 1 (refused, reason on standard error), 2 (no daemon, wrong usage, or the daemon broke off). */
int ctl_client_main(int argc, char **argv);

#endif
