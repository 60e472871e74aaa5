/*
 * CXTP's machines replayed: what is sent, in which order, and what comes of it, message by message lost, doubled, delayed,
 * forged, with routers that restart.
 *
 * A scenario is a script, one command after the other, separated by ';':
 *   prepare | attach | return      the mobile announces its move, is on the new link, is back on the old one
 *   attach-other                   it is on a third router's link instead
 *   wait MS                        time passes
 *   lose KIND [N], double KIND, delay KIND MS      what the links do to the next N messages of a kind
 *   restart par|nar|mobile         a router, or the mobile, loses all it knows
 *   down par, up par               no association to it
 *   forge [SEQ]                    a stranger's CTAR to the new router with a wrong token (and the mobile's seq unless given)
 *   replay nar|other|par           the mobile's last CTAR again, from a stranger's address (par: from its own)
 *   ask FPT                        the mobile's CTAR to the new router, naming one feature
 *   ctreq nar|other good|bad|none  a CT-Req to the previous router: with the last CTAR's token, a wrong one, or none
 *   ctc nar|other, ctd nar|other, push other       such a message from that router
 *   groups N, status N             what the mobile has; what installing its second feature says (255: it answers later)
 *   answer N                       what it says then
 *   arrive                         first of all: the mobile comes to its previous router by a transfer
 *   trigger nar|other|both         a trigger at the previous router: the mobile may go to these
 *   request nar|other              a trigger at a new router: the mobile may come
 *   unwanted                       the new router does not want its contexts any more
 *   expected                       the new router knows the mobile's new address from its handover
 * After it, time runs until nothing is left to wait for. `trace` is what was sent: ! lost, + doubled, ~ delayed.
 * `end`: what each machine said last, blocks installed at the new router, mobiles forgotten at the previous one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/log.h"
#include "cxtp/cxtp_count.h"
#include "cxtp/cxtp_token.h"
#include "sim_cxtp.h"

struct scenario {
	const char *name, *script, *trace, *end;
};

static const struct scenario scenarios[] = {
	/* RFC 4067 §2.1.1, §5.1: the push is there before the mobile. */
	{ "predictive", "prepare; wait 50; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "predictive, nothing to transfer", "groups 0; prepare; wait 50; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=0 gone=1" },
	{ "predictive, a long gap between the links", "prepare; wait 5000; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	/* §2.1.2, §5.3 */
	{ "reactive", "attach", "CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the CTAR to the previous router is lost", "lose CTAR.par; prepare; wait 50; attach", "CTAR.par! CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	/* §2.5.3: CT-Req with the same sequence number: from the cache while it lasts, from the features after that. */
	{ "the push is lost, the mobile quick", "lose PCTD; prepare; wait 50; attach", "CTAR.par PCTD! CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the push is lost, the mobile slow", "lose PCTD; prepare; wait 500; attach", "CTAR.par PCTD! CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the push comes after the mobile's CTAR", "delay PCTD 3; prepare; wait 4; attach",
	  "CTAR.par PCTD~ CTAR.nar CT-Req CTDR CTAA CTD CTDR", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the push and the answer to the CT-Req pass each other", "delay PCTD 7; prepare; wait 4; attach",
	  "CTAR.par PCTD~ CTAR.nar CT-Req CTD CTDR CTAA CTDR", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the push comes when all is done", "delay PCTD 100; prepare; wait 4; attach",
	  "CTAR.par PCTD~ CTAR.nar CT-Req CTD CTDR CTAA CTDR", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the push comes twice", "double PCTD; prepare; wait 50; attach", "CTAR.par PCTD+ CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the CTAR to the previous router comes twice", "double CTAR.par; prepare; wait 50; attach",
	  "CTAR.par+ PCTD CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the move is announced twice", "prepare; wait 20; prepare; wait 20; attach", "CTAR.par PCTD CTAR.par CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	/* §3.2: repeated after 0.5, 1.5, 3.5, 7.5 s, until 15 s. */
	{ "the CTAR to the new router is lost", "lose CTAR.nar; prepare; wait 50; attach", "CTAR.par PCTD CTAR.nar! CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "… twice", "lose CTAR.nar 2; prepare; wait 50; attach", "CTAR.par PCTD CTAR.nar! CTAR.nar! CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "… always", "lose CTAR.nar 99; prepare; wait 50; attach",
	  "CTAR.par PCTD CTAR.nar! CTAR.nar! CTAR.nar! CTAR.nar! CTAR.nar! CTC", "mn=failed par=cancelled nar=cancelled in=0 gone=0" },
	{ "the CTAR to the new router comes twice", "double CTAR.nar; attach", "CTAR.nar+ CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the CTAA is lost: its repetition is not another transfer", "lose CTAA; attach", "CTAR.nar CT-Req CTD CTDR CTAA! CTAR.nar CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "… twice", "lose CTAA 2; attach", "CTAR.nar CT-Req CTD CTDR CTAA! CTAR.nar CTAA! CTAR.nar CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the CT-Req is lost", "lose CT-Req; attach", "CTAR.nar CT-Req! CTAA CTC", "mn=failed par=- nar=failed in=0 gone=0" },
	{ "the CTD is lost", "lose CTD; attach", "CTAR.nar CT-Req CTD! CTAA CTC", "mn=failed par=cancelled nar=failed in=0 gone=0" },
	{ "the CTD comes too late", "delay CTD 300; attach", "CTAR.nar CT-Req CTD~ CTAA CTC", "mn=failed par=cancelled nar=failed in=0 gone=0" },
	{ "the CTD comes twice", "double CTD; attach", "CTAR.nar CT-Req CTD+ CTDR CTAA CTDR",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the CTDR is lost", "lose CTDR; prepare; wait 50; attach", "CTAR.par PCTD CTAR.nar CTDR! CTAA",
	  "mn=complete par=failed nar=complete in=3 gone=0" },
	{ "the CTDR comes twice", "double CTDR; prepare; wait 50; attach", "CTAR.par PCTD CTAR.nar CTDR+ CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	/* Restarts. */
	{ "the previous router restarts after the push", "prepare; wait 50; restart par; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=- nar=complete in=3 gone=0" },
	{ "the previous router restarts, the push lost", "lose PCTD; prepare; wait 50; restart par; attach",
	  "CTAR.par PCTD! CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the new router restarts between push and mobile", "prepare; wait 50; restart nar; attach",
	  "CTAR.par PCTD CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the new router restarts, its CTAA lost: the sequence number has served", "lose CTAA; attach; wait 50; restart nar",
	  "CTAR.nar CT-Req CTD CTDR CTAA! CTAR.nar CT-Req CTAA CTC", "mn=failed par=complete nar=failed in=3 gone=1" },
	{ "the previous router is not connected at first", "down par; attach; wait 100; up par", "CTAR.nar CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	/* Movement. */
	{ "the mobile comes to another router than announced", "prepare; wait 300; attach-other",
	  "CTAR.par PCTD CTAR.nar CT-Req CTD CTDR CTAA CTC", "mn=complete par=complete nar=cancelled in=3 gone=1" },
	{ "the mobile stays", "prepare; wait 50; return", "CTAR.par PCTD CTC", "mn=cancelled par=cancelled nar=cancelled in=0 gone=0" },
	{ "away, back, and away again at once", "prepare; wait 50; attach; wait 300; return; prepare; wait 50; attach",
	  "CTAR.par PCTD CTAR.nar CTDR CTAA CTAR.par PCTD CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=6 gone=2" },
	{ "announced, but gone only when nothing waits any more: under another number", "prepare; wait 11000; attach",
	  "CTAR.par PCTD CTC CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "announced, stayed; a stranger shows elsewhere what it overheard", "prepare; wait 50; return; wait 12000; replay other",
	  "CTAR.par PCTD CTC CT-Req CTC", "mn=cancelled par=cancelled nar=failed in=0 gone=0" },
	/* §5.1: pushed by the previous router before the mobile said anything. */
	{ "pushed unasked", "arrive; trigger nar; wait 50; attach", "PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "pushed unasked, long before", "arrive; trigger nar; wait 9000; attach", "PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the same router twice gets one push", "arrive; trigger nar; wait 50; trigger nar; wait 50; attach", "PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "to two candidates, the first is it", "arrive; trigger both; wait 50; attach", "PCTD PCTD CTAR.nar CTDR CTAA CTC",
	  "mn=complete par=complete nar=cancelled in=3 gone=1" },
	{ "to two candidates, the second is it", "arrive; trigger both; wait 50; attach-other", "PCTD PCTD CTAR.nar CTDR CTAA CTC",
	  "mn=complete par=complete nar=cancelled in=3 gone=1" },
	{ "another candidate later", "arrive; trigger nar; wait 3000; trigger other; wait 50; attach-other",
	  "PCTD PCTD CTAR.nar CTDR CTAA CTC", "mn=complete par=complete nar=cancelled in=3 gone=1" },
	{ "to a candidate, and the mobile goes elsewhere", "arrive; trigger nar; wait 50; attach-other",
	  "PCTD CTAR.nar CT-Req CTD CTDR CTAA CTC", "mn=complete par=complete nar=cancelled in=3 gone=1" },
	{ "to two candidates, the right one's is lost", "arrive; lose PCTD; trigger both; wait 50; attach",
	  "PCTD! PCTD CTAR.nar CT-Req CTD CTDR CTAA CTC", "mn=complete par=complete nar=cancelled in=3 gone=1" },
	{ "the mobile announces what was foreseen", "arrive; trigger nar; wait 50; prepare; wait 50; attach",
	  "PCTD CTAR.par PCTD CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the mobile announces something else", "arrive; trigger other; wait 50; prepare; wait 50; attach",
	  "PCTD CTAR.par PCTD CTAR.nar CTDR CTAA CTC", "mn=complete par=complete nar=cancelled in=3 gone=1" },
	{ "the mobile came by no transfer: no key can be foreseen", "trigger nar; wait 50; attach", "CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the mobile has restarted: wrongly foreseen", "arrive; restart mobile; trigger nar; wait 50; attach",
	  "PCTD CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the previous router has restarted before it", "arrive; restart par; trigger nar; wait 50; attach",
	  "CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "… and after it", "arrive; trigger nar; wait 50; restart par; attach", "PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=- nar=complete in=3 gone=0" },
	{ "the new router has restarted after it", "arrive; trigger nar; wait 50; restart nar; attach",
	  "PCTD CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the mobile stays, told by the candidate: foreseen again", "arrive; trigger nar; wait 11000; trigger nar; wait 50; attach",
	  "PCTD CTC PCTD CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the mobile stays, no word of the candidate: its key may have served",
	  "arrive; lose CTC; trigger nar; wait 11000; trigger nar; wait 50; attach", "PCTD CTC! CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the mobile announced, stayed, moves: its number has served",
	  "arrive; prepare; wait 50; return; wait 11000; trigger nar; wait 50; attach", "CTAR.par PCTD CTC CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "replayed at another candidate", "arrive; trigger both; wait 50; attach; wait 300; replay other",
	  "PCTD PCTD CTAR.nar CTDR CTAA CT-Req CTAA CTC", "mn=complete par=complete nar=cancelled in=3 gone=1" },
	{ "the candidate wants it no more", "arrive; trigger both; wait 50; unwanted; wait 50; attach-other",
	  "PCTD PCTD CTC CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	/* §5.2: asked for by the new router before the mobile said anything. */
	{ "asked for ahead", "arrive; request nar; wait 50; attach", "CT-Req PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "asked for ahead by two", "arrive; request other; wait 50; request nar; wait 50; attach",
	  "CT-Req PCTD CT-Req PCTD CTAR.nar CTDR CTAA CTC", "mn=complete par=complete nar=cancelled in=3 gone=1" },
	{ "asked for ahead, the request is lost", "arrive; lose CT-Req; request nar; wait 300; attach",
	  "CT-Req! CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "asked for ahead, what comes is lost, asked again", "arrive; lose PCTD; request nar; wait 300; request nar; wait 50; attach",
	  "CT-Req PCTD! CT-Req PCTD CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "asked for ahead, the mobile is quicker", "arrive; request nar; wait 2; attach",
	  "CT-Req CTAR.nar CT-Req PCTD CTD CTDR CTAA CTDR", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "asked for ahead, no key can be foreseen", "request nar; wait 50; attach", "CT-Req PCTD CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "asked for ahead, and unwanted", "arrive; request nar; wait 50; unwanted; wait 50; request nar; wait 50; attach",
	  "CT-Req PCTD CTC CT-Req PCTD CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "unwanted while the previous router is asked", "attach; wait 4; unwanted; return; wait 1000",
	  "CTAR.nar CT-Req CTC CTD", "mn=cancelled par=cancelled nar=cancelled in=0 gone=0" },
	/* Contexts that fail: the others stand (§2.5.2, §2.5.4). */
	{ "one feature cannot be installed", "status 4; prepare; wait 50; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=failed par=failed nar=failed in=2 gone=1" },
	/* A feature that must not be waited for: CTDR and CTAA wait for its answer, as long as a transfer may last. */
	{ "a feature answers later", "status 255; prepare; wait 50; attach; wait 20; answer 0", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=2 gone=1" },
	{ "… that it failed", "status 255; prepare; wait 50; attach; wait 20; answer 33", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=failed par=failed nar=failed in=2 gone=1" },
	{ "… in a reactive transfer", "status 255; attach; wait 50; answer 0", "CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=2 gone=1" },
	{ "… nothing", "status 255; prepare; wait 50; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=failed par=failed nar=failed in=2 gone=1" },
	{ "… too late", "status 255; prepare; wait 50; attach; wait 300; answer 0", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=failed par=failed nar=failed in=2 gone=1" },
	{ "… twice", "status 255; prepare; wait 50; attach; wait 20; answer 0; answer 4", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=2 gone=1" },
	{ "… when nothing was asked", "answer 0; prepare; wait 50; answer 0; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "the mobile's CTAR comes again before a feature has answered",
	  "status 255; double CTAR.nar; prepare; wait 50; attach; wait 20; replay nar; wait 5; answer 0", "CTAR.par PCTD CTAR.nar+ CTDR CTAA",
	  "mn=complete par=complete nar=complete in=2 gone=1" },
	{ "the push comes again before a feature has answered", "status 255; lose PCTD; prepare; wait 4; attach; wait 20; push nar; answer 0",
	  "CTAR.par PCTD! CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=2 gone=1" },
	{ "the new router restarts before a feature has answered", "status 255; prepare; wait 50; attach; wait 20; restart nar; status 0",
	  "CTAR.par PCTD CTAR.nar CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=5 gone=1" },
	{ "only one feature is asked for", "ask 16385", "CT-Req CTD CTDR CTAA", "mn=- par=complete nar=complete in=1 gone=1" },
	{ "a feature that no router has is asked for", "ask 999", "CT-Req CTD CTDR CTAA", "mn=- par=complete nar=failed in=0 gone=1" },
	/* CTC (§2.5.5). */
	{ "the new router cancels", "prepare; wait 20; ctc nar", "CTAR.par PCTD CTC", "mn=- par=cancelled nar=cancelled in=0 gone=0" },
	{ "another router cannot cancel", "prepare; wait 20; ctc other; wait 20; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	/* Attacks: nothing moves, and the mobile itself is served. */
	{ "a forged token, nothing pushed", "attach; wait 500; forge 99", "CTAR.nar CT-Req CTD CTDR CTAA CT-Req CTAA CTC",
	  "mn=complete par=complete nar=failed in=3 gone=1" },
	{ "a forged token while a late answer to the mobile may still come", "delay CTD 250; attach; wait 220; forge 99",
	  "CTAR.nar CT-Req CTD~ CTAA CTC", "mn=failed par=cancelled nar=failed in=0 gone=0" },
	{ "a forged token while a doubled answer to the mobile may still come", "double CT-Req; attach; wait 12; forge 99",
	  "CTAR.nar CT-Req+ CTD CTD CTDR CTAA CTDR", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "a forged token while the push waits", "prepare; wait 50; forge; wait 50; attach", "CTAR.par PCTD CT-Req CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "… and the mobile long after it", "prepare; wait 50; forge; wait 500; attach", "CTAR.par PCTD CT-Req CTAA CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "a forged CTAR is outstanding when the mobile comes: it waits one repetition", "forge 99; wait 50; attach",
	  "CT-Req CTAR.nar CTAA CTC CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "a CTAR without a token is not passed on", "zero; wait 50; attach", "CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "a CTAR is replayed at the new router", "attach; wait 300; replay nar", "CTAR.nar CT-Req CTD CTDR CTAA CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "… long after", "attach; wait 60000; replay nar", "CTAR.nar CT-Req CTD CTDR CTAA CT-Req CTAA CTC",
	  "mn=complete par=complete nar=failed in=3 gone=1" },
	{ "… at another router, without delay", "prepare; wait 50; attach; wait 50; replay other",
	  "CTAR.par PCTD CTAR.nar CTDR CTAA CT-Req CTAA CTC", "mn=complete par=complete nar=failed in=3 gone=1" },
	{ "… at the previous router", "attach; wait 50; replay par", "CTAR.nar CT-Req CTD CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "overheard on the old link, used on the new one before the mobile is there", "expected; prepare; wait 50; replay nar; wait 50; attach",
	  "CTAR.par PCTD CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "a router asks with a wrong token", "prepare; wait 300; ctreq other bad; wait 50; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "a router asks without a token while the push is for another", "prepare; wait 50; ctreq other none; wait 50; attach",
	  "CTAR.par PCTD CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "a router sends contexts nobody asked for", "ctd other; prepare; wait 50; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "a router that is not asked answers", "lose CT-Req; attach; wait 20; ctd other", "CTAR.nar CT-Req! CTAA CTC",
	  "mn=failed par=- nar=failed in=0 gone=0" },
	{ "a router pushes for a mobile that is not its own", "push other; prepare; wait 50; attach", "CTAR.par PCTD CTAR.nar CTDR CTAA",
	  "mn=complete par=complete nar=complete in=3 gone=1" },
	/* §2.5.6: a router that has not seen the CTAR asks without a token and gets the key. */
	{ "asked without a token, the CTAR to the previous router known", "lose PCTD; prepare; wait 50; ctreq nar none; wait 50; attach",
	  "CTAR.par PCTD! PCTD CTAR.nar CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
	{ "asked without a token, no CTAR known: the previous router checks the token after all", "ctreq nar none; wait 50; attach",
	  "PCTD CTAR.nar CT-Req CTD CTDR CTAA", "mn=complete par=complete nar=complete in=3 gone=1" },
};

static struct sim sim;

static const char *word(char **p)
{
	char *w = *p;
	while (*w == ' ')
		w++;
	char *e = w;
	while (*e && *e != ' ')
		e++;
	*p = *e ? e + 1 : e;
	*e = 0;
	return w;
}

static enum sim_router router_named(const char *w)
{
	return !strcmp(w, "par") ? SIM_PAR : !strcmp(w, "nar") ? SIM_NAR : SIM_OTHER;
}

/* The last CTAR of the mobile, or one with a sequence number of its own, under a wrong token. */
static void forge(const char *seq, bool zero)
{
	struct cxtp_message m = { .type = CXTP_CTAR, .flag = true, .mobile = sim.pcoa, .router = sim.routers[SIM_PAR].on_link, .seq = 7,
		                  .token = 0xdeadbeef };
	struct cxtp_message last;
	uint8_t out[64];
	if (*seq)
		m.seq = (uint32_t)atoi(seq);
	else if (cxtp_parse(sim.last_ctar, sim.last_ctar_len, &last) == CXTP_OK)
		m.seq = last.seq;
	if (zero)
		m.token = 0;
	sim_inject_ctar(&sim, SIM_NAR, &sim.stranger, out, cxtp_pack(&m, out, sizeof out));
}

/* A CTAR with a right token that names one feature. */
static void ask(uint16_t fpt)
{
	uint8_t key[CXTP_KEY_LEN], request[8], out[128];
	struct wr w = wr_make(request, sizeof request);
	cxtp_request_put(&w, fpt);
	struct cxtp_message m = { .type = CXTP_CTAR, .flag = true, .mobile = sim.pcoa, .router = sim.routers[SIM_PAR].on_link, .seq = 7,
		                  .blocks = request, .blocks_len = w.len };
	assert_int_equal(cxtp_key(sim.master, &sim.pcoa, &sim.routers[SIM_PAR].on_link, m.seq, key), 0);
	assert_int_equal(cxtp_token(key, sizeof key, &sim.pcoa, m.seq, request, w.len, &m.token), 0);
	sim_inject_ctar(&sim, SIM_NAR, &sim.ncoa, out, cxtp_pack(&m, out, sizeof out));
}

static void replay(const char *where)
{
	struct cxtp_message m;
	uint8_t out[64];
	enum sim_router to = router_named(where);
	assert_int_equal(cxtp_parse(sim.last_ctar, sim.last_ctar_len, &m), CXTP_OK);
	m.router = sim.routers[to == SIM_PAR ? SIM_NAR : SIM_PAR].on_link;
	sim_inject_ctar(&sim, to, to == SIM_PAR ? &sim.pcoa : &sim.stranger, out, cxtp_pack(&m, out, sizeof out));
}

static void ctreq(const char *from, const char *token)
{
	struct cxtp_message m = { 0 };
	cxtp_parse(sim.last_ctar, sim.last_ctar_len, &m);
	struct cxtp_message out = { .type = CXTP_CTREQ, .mobile = sim.pcoa, .seq = m.seq, .token = m.token };
	if (!strcmp(token, "none"))
		out.seq = out.token = 0;
	else if (!strcmp(token, "bad"))
		out.token ^= 1;
	sim_inject(&sim, router_named(from), SIM_PAR, &out);
}

static void contexts_from(const char *from, enum cxtp_type type)
{
	uint8_t block[32] = { 0, 1, 4 }, key[20] = { 1 };
	struct cxtp_message m = { .type = type, .flag = true, .mobile = sim.pcoa, .algorithm = 1, .key = key, .key_len = sizeof key,
		                  .blocks = block, .blocks_len = sizeof block };
	sim_inject(&sim, router_named(from), SIM_NAR, &m);
}

static void command(char *p)
{
	const char *w = word(&p);
	if (!strcmp(w, "prepare"))
		sim_prepare(&sim, SIM_NAR);
	else if (!strcmp(w, "attach"))
		sim_attach(&sim, SIM_PAR, SIM_NAR);
	else if (!strcmp(w, "attach-other"))
		sim_attach(&sim, SIM_PAR, SIM_OTHER);
	else if (!strcmp(w, "return"))
		sim_attach(&sim, SIM_NAR, SIM_PAR);
	else if (!strcmp(w, "wait"))
		loop_advance(sim.loop, loop_now(sim.loop) + (usec_t)atoi(p) * USEC_MSEC);
	else if (!strcmp(w, "lose") || !strcmp(w, "double")) {
		const char *kind = word(&p);
		sim_fault(&sim, kind, *w == 'l' ? SIM_LOSE : SIM_DOUBLE, *p ? (unsigned)atoi(p) : 1, 0);
	} else if (!strcmp(w, "delay")) {
		const char *kind = word(&p);
		sim_fault(&sim, kind, SIM_DELAY, 1, (usec_t)atoi(p) * USEC_MSEC);
	} else if (!strcmp(w, "trigger")) {
		static const enum sim_router both[] = { SIM_NAR, SIM_OTHER };
		sim_trigger_par(&sim, both + !strcmp(p, "other"), 1 + !strcmp(p, "both"));
	} else if (!strcmp(w, "arrive"))
		sim_arrive(&sim);
	else if (!strcmp(w, "request"))
		sim_trigger_nar(&sim, router_named(p));
	else if (!strcmp(w, "unwanted"))
		cxtp_nar_cancel(sim.routers[SIM_NAR].nar, &sim.pcoa, "the mobile stays");
	else if (!strcmp(w, "restart") && !strcmp(p, "mobile"))
		sim_restart_mobile(&sim);
	else if (!strcmp(w, "restart"))
		sim_restart(&sim, router_named(p));
	else if (!strcmp(w, "down") || !strcmp(w, "up"))
		sim.routers[router_named(p)].unreachable = *w == 'd';
	else if (!strcmp(w, "forge") || !strcmp(w, "zero"))
		forge(p, *w == 'z');
	else if (!strcmp(w, "replay"))
		replay(p);
	else if (!strcmp(w, "ask"))
		ask((uint16_t)atoi(p));
	else if (!strcmp(w, "ctreq")) {
		const char *from = word(&p);
		ctreq(from, p);
	} else if (!strcmp(w, "ctc"))
		sim_inject(&sim, router_named(p), SIM_PAR, &(struct cxtp_message){ .type = CXTP_CTC, .mobile = sim.pcoa });
	else if (!strcmp(w, "ctd"))
		contexts_from(p, CXTP_CTD);
	else if (!strcmp(w, "push"))
		contexts_from(p, CXTP_PCTD);
	else if (!strcmp(w, "groups"))
		sim.collects = (unsigned)atoi(p);
	else if (!strcmp(w, "status"))
		sim.install_status = (uint8_t)atoi(p);
	else if (!strcmp(w, "answer"))
		cxtp_nar_installed(sim.routers[SIM_NAR].nar, &sim.pcoa, SIM_FPT_OTHER, (uint8_t)atoi(p), "so it said");
	else if (!strcmp(w, "expected"))
		sim.expected_known = true;
	else
		fail_msg("no such command: %s", w);
}

static void count_view(const struct cxtp_par_view *v, void *arg)
{
	++*(unsigned *)arg;
}

static void count_nar_view(const struct cxtp_nar_view *v, void *arg)
{
	++*(unsigned *)arg;
}

/* Whatever happened: in the end nothing is kept, and no contexts went to anyone but the mobile. */
static void check_clean(bool overheard_allowed)
{
	unsigned left = 0;
	while (loop_next_due(sim.loop) != UINT64_MAX)
		loop_advance(sim.loop, loop_next_due(sim.loop));
	for (int i = 0; i < SIM_ROUTERS; i++) {
		cxtp_par_each(sim.routers[i].par, count_view, &left);
		cxtp_nar_each(sim.routers[i].nar, count_nar_view, &left);
		assert_int_equal(cxtp_par_keys(sim.routers[i].par), 0);
		assert_int_equal(cxtp_nar_keys(sim.routers[i].nar), 0);
		assert_true(overheard_allowed || !sim.routers[i].overheard);
	}
	assert_int_equal(left, 0);
	assert_int_equal(cxtp_counters[CXTP_HELD_OCTETS].value, 0);
	assert_int_equal(cxtp_counters[CXTP_PAR_TRANSFERS].value, 0);
	assert_int_equal(cxtp_counters[CXTP_NAR_TRANSFERS].value, 0);
}

static void run(const char *script)
{
	char text[512];
	snprintf(text, sizeof text, "%s", script);
	char *save = NULL;
	for (char *c = strtok_r(text, ";", &save); c; c = strtok_r(NULL, ";", &save))
		command(c);
}

static void test_scenarios(void **state)
{
	unsigned wrong = 0;
	for (size_t i = 0; i < 2 * sizeof scenarios / sizeof scenarios[0]; i++) {
		const struct scenario *s = &scenarios[i / 2];
		char end[128];
		sim_open(&sim, i % 2);
		run(s->script);
		check_clean(false);
		snprintf(end, sizeof end, "mn=%s par=%s nar=%s in=%u gone=%u", sim.mn_end, sim.par_end, sim.nar_end,
		         sim.routers[SIM_NAR].installed + sim.routers[SIM_OTHER].installed, sim.routers[SIM_PAR].forgot);
		if (strcmp(sim.trace, s->trace) || strcmp(end, s->end)) {
			print_error("%s (IPv%c): %s\n  sent   %s\n  wanted %s\n  ended  %s\n  wanted %s\n", s->name, i % 2 ? '4' : '6', s->script,
			            sim.trace, s->trace, end, s->end);
			wrong++;
		}
		sim_close(&sim);
	}
	assert_int_equal(wrong, 0);
}

/* Every kind of message lost once and twice, doubled, and delayed by 30 and 300 ms, in every flow: the mobile always hears
 * an end, and whatever is said to be complete is. */
static void test_every_message_disturbed(void **state)
{
	static const char *const flows[] = { "prepare; wait 50; attach", "attach", "prepare; wait 2; attach", "prepare; wait 400; attach",
		                             "trigger both; wait 50; attach", "trigger nar; wait 2; prepare; wait 8; attach",
		                             "request nar; wait 50; attach", "request nar; wait 2; attach" };
	static const char *const kinds[] = { "CTAR.par", "PCTD", "CTAR.nar", "CT-Req", "CTD", "CTDR", "CTAA", "CTC" };
	static const struct {
		const char *verb, *rest;
	} faults[] = { { "lose", "1" }, { "lose", "2" }, { "double", "" }, { "delay", "30" }, { "delay", "300" } };
	for (size_t f = 0; f < sizeof flows / sizeof flows[0]; f++)
		for (size_t a = 0; a < 8 * 5; a++)
			for (size_t b = 0; b < 8 * 5; b++) {
				char script[256];
				snprintf(script, sizeof script, "%s%s %s %s; %s %s %s; %s", f < 4 ? "" : "arrive; ", faults[a % 5].verb, kinds[a / 5], faults[a % 5].rest,
				         faults[b % 5].verb, kinds[b / 5], faults[b % 5].rest, flows[f]);
				sim_open(&sim, false);
				run(script);
				check_clean(false);
				unsigned in = sim.routers[SIM_NAR].installed;
				if (!strcmp(sim.mn_end, "-") || (!strcmp(sim.mn_end, "complete") && in != 3) || in > 3 ||
				    (in && !strstr(flows[f], "both") && strcmp(sim.nar_end, "complete"))) {
					print_error("%s\n  sent  %s\n  ended mn=%s nar=%s in=%u\n", script, sim.trace, sim.mn_end, sim.nar_end, in);
					fail();
				}
				sim_close(&sim);
			}
}

/* §6.3: ten CTARs a second and link are looked at, those beyond at random. */
static void test_rate(void **state)
{
	struct cxtp_rate r;
	uint32_t random = 1;
	unsigned passed = 0, late = 0;
	cxtp_rate_init(&r, 10);
	for (usec_t t = 0; t < 10 * USEC_SEC; t += USEC_MSEC) {
		random = random * 1664525U + 1013904223U;
		bool ok = cxtp_rate_take(&r, 3, 0, USEC_SEC + t, random >> 8);
		passed += ok;
		late += ok && t % USEC_SEC > USEC_SEC / 2;
	}
	assert_in_range(passed, 40, 100);
	assert_in_range(late, 10, 50); /* not only who comes first in each second */
	/* Another link is not touched by it; and the flood forgotten two seconds later. */
	assert_true(cxtp_rate_take(&r, 4, 0, 11 * USEC_SEC, 1));
	for (unsigned i = 0; i < 10; i++)
		assert_true(cxtp_rate_take(&r, 3, 0, 14 * USEC_SEC, UINT32_MAX));
	assert_false(cxtp_rate_take(&r, 3, 0, 14 * USEC_SEC, 0));
}

/* A link that one sender floods still carries the others, at the first try: what each of them sends is little. */
static void test_rate_is_shared(void **state)
{
	struct cxtp_rate r;
	uint32_t random = 1;
	unsigned flood = 0;
	cxtp_rate_init(&r, 10);
	for (usec_t t = 0; t < 10 * USEC_SEC; t += USEC_MSEC) {
		random = random * 1664525U + 1013904223U;
		flood += cxtp_rate_take(&r, 3, t % 2 ? 7 : 0, USEC_SEC + t, random >> 8); /* known by its link address, and not known */
		if (t % (300 * USEC_MSEC) == 250 * USEC_MSEC)
			assert_true(cxtp_rate_take(&r, 3, 100 + t / (300 * USEC_MSEC) % 3, USEC_SEC + t, random >> 8));
	}
	assert_in_range(flood, 40, 60);
}

static void test_flood(void **state)
{
	uint64_t before = cxtp_counters[CXTP_RATE_DROPPED].value;
	sim_open(&sim, false);
	for (int i = 0; i < 1000; i++) {
		char seq[16];
		snprintf(seq, sizeof seq, "%d", i + 1);
		forge(seq, false);
	}
	loop_advance(sim.loop, loop_now(sim.loop) + 10 * USEC_MSEC);
	assert_int_equal(cxtp_counters[CXTP_RATE_DROPPED].value - before, 990);
	check_clean(false);
	sim_close(&sim);
}

/* Tables and memory have ends; at them, the next one is refused and nothing else happens. */
static void test_limits(void **state)
{
	sim_open(&sim, false);
	sim.params.transfers = 0;
	uint64_t before = cxtp_counters[CXTP_NO_ROOM].value;
	run("prepare; wait 50; attach");
	check_clean(false);
	assert_true(cxtp_counters[CXTP_NO_ROOM].value > before);
	assert_string_equal(sim.mn_end, "failed");
	sim_close(&sim);

	sim_open(&sim, false);
	sim.params.memory = 40; /* two blocks of groups, one of the other: 80 octets */
	run("prepare; wait 50; attach");
	check_clean(false);
	assert_int_equal(sim.routers[SIM_NAR].installed, 0);
	sim_close(&sim);
}

/* A key is held only while it can be of use. */
static void test_keys(void **state)
{
	sim_open(&sim, false);
	run("prepare; wait 20");
	assert_int_equal(cxtp_par_keys(sim.routers[SIM_PAR].par), 1);
	assert_int_equal(cxtp_nar_keys(sim.routers[SIM_NAR].nar), 1);
	run("wait 200"); /* CT_MAX_TRANSFER_TIME */
	assert_int_equal(cxtp_par_keys(sim.routers[SIM_PAR].par), 0);
	assert_int_equal(cxtp_nar_keys(sim.routers[SIM_NAR].nar), 1);
	run("attach; wait 3");
	assert_int_equal(cxtp_nar_keys(sim.routers[SIM_NAR].nar), 0);
	check_clean(false);
	sim_close(&sim);

	sim_open(&sim, false);
	run("prepare; wait 9999");
	assert_int_equal(cxtp_nar_keys(sim.routers[SIM_NAR].nar), 1);
	run("wait 20"); /* context_lifetime after the push came */
	assert_int_equal(cxtp_nar_keys(sim.routers[SIM_NAR].nar), 0);
	check_clean(false);
	sim_close(&sim);
}

/* §3.2: repetitions at 0.5 s doubling; nothing after 15 s. */
static void test_repetition_times(void **state)
{
	static const unsigned at[] = { 0, 500, 1500, 3500, 7500 };
	sim_open(&sim, false);
	sim_fault(&sim, "CTAR.nar", SIM_LOSE, 99, 0);
	usec_t start = loop_now(sim.loop);
	run("attach");
	for (size_t i = 0; i < 5; i++) {
		loop_advance(sim.loop, start + at[i] * USEC_MSEC);
		assert_int_equal(strlen(sim.trace), (i + 1) * sizeof "CTAR.nar! " - (i + 1) - 1);
	}
	loop_advance(sim.loop, start + 14999 * USEC_MSEC);
	assert_int_equal(cxtp_mn_state(sim.mn), CXTP_MN_WAITING);
	loop_advance(sim.loop, start + 15000 * USEC_MSEC);
	assert_int_equal(cxtp_mn_state(sim.mn), CXTP_MN_IDLE);
	assert_string_equal(sim.mn_end, "failed");
	check_clean(false);
	sim_close(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios), cmocka_unit_test(test_every_message_disturbed),
		cmocka_unit_test(test_rate),      cmocka_unit_test(test_rate_is_shared),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_limits),    cmocka_unit_test(test_keys),
		cmocka_unit_test(test_repetition_times),
	};
	log_level_set(getenv("VERBOSE") ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
