/*
 * The module "ctl": the control socket. It should stand first among the modules of the daemon: `watch` then tells events in
 * the order in which they came to be, because it hears of each before any subscriber that answers with another.
 *
 * Wire protocol, on a UNIX stream socket (control.socket in the configuration):
 *
 *   request   FORM SP COMMAND LF        FORM is text or json; at most COMMAND_LINE_MAX octets, LF included
 *   reply     STATUS SP LENGTH LF BODY  BODY is LENGTH octets
 *
 *   STATUS    ok        done; the body is the answer
 *             refused   understood but not done; the body is the reason
 *             usage     not understood; the body says what is
 *             more      an event; further frames follow without another request, until either side closes
 *
 * After ok, refused or usage the client may send its next request; until it has read an answer whole, its next request is
 * not looked at. A client that sends no whole request within ctl_idle, takes nothing of an answer for ctl_stall, or lets
 * more than control.queue octets of events wait, is cut off.
 */
#ifndef HANDOVERD_CTL_CTL_H
#define HANDOVERD_CTL_CTL_H

#include "core/module.h"

#define CTL_SOCKET_DEFAULT RUNSTATEDIR "/handoverd.sock"

extern usec_t ctl_idle, ctl_stall; /* 10 s each; tests shorten them */

extern const struct module ctl_module;

#endif
