/*
 * A little world for FMIPv6's machines: a mobile, up to three access routers, a correspondent that sends a numbered packet
 * each millisecond to the mobile's first address, and a network that loses, repeats and delays what it is told to.
 *
 *   link i  --  router i, 2001:db8:i::1/64, AP 02:00:00:00:aa:0i     (1 ms on the link)
 *   routers among themselves and to the correspondent                 (2 ms)
 *
 * Messages are handled 200 µs after they arrive (a daemon), packets at once (a kernel), so what may overtake does.
 */
#ifndef HANDOVERD_TESTS_SIM_FMIP6_H
#define HANDOVERD_TESTS_SIM_FMIP6_H

#include "core/loop.h"
#include "fmip6/fmip6_machine.h"
#include "fmip6/fmip6_mn.h"
#include "fmip6/fmip6_nar.h"
#include "fmip6/fmip6_par.h"

#define SIM_ROUTERS 3

enum sim_kind { SIM_RTSOLPR, SIM_PRRTADV, SIM_FBU, SIM_FBACK, SIM_HI, SIM_HACK, SIM_UNA, SIM_PROBE, SIM_NA, SIM_ECHO, SIM_DATA, SIM_NAACK,
	SIM_KINDS };

struct sim;

/* A message on its way: its source and destination, the Home Address option of an FBU, its octets (none for SIM_ECHO, SIM_PROBE,
 * SIM_NA), the router on whose link or through which it goes first. */
struct sim_message {
	enum sim_kind kind;
	int router;
	struct in6_addr src, dst, home;
	const uint8_t *data;
	size_t len;
};
struct sim_fate {
	bool lost, twice;
	usec_t late;
};
/* Who watches the world. Each may be NULL. What routers do is told before they do it. */
struct sim_eyes {
	struct sim_fate (*sent)(struct sim *s, const struct sim_message *m);
	void (*came)(struct sim *s, int router, const struct sim_message *m); /* to a router's machine; 0: to the mobile's */
	void (*tunnel)(struct sim *s, int router, const struct in6_addr *pcoa, const struct in6_addr *local, const struct in6_addr *ncoa);
	void (*proxy)(struct sim *s, int router, const struct in6_addr *a, bool on);
	void (*probe)(struct sim *s, int router, const struct in6_addr *a); /* duplicate address detection */
	void (*neighbor)(struct sim *s, int router, const struct nar_view *v);
	void (*restarted)(struct sim *s, int router); /* 0: the mobile */
};
void sim_watch(struct sim *s, const struct sim_eyes *eyes); /* borrowed */

struct sim *sim_create(void); /* mobile on link 1, its router known to it, correspondent silent */
void sim_destroy(struct sim *s);
struct fmip6_params *sim_params(struct sim *s);

/* The network's faults: of the messages of a kind, drop, repeat, or hold back by `late` the next n. */
void sim_drop(struct sim *s, enum sim_kind k, int n);
void sim_repeat(struct sim *s, enum sim_kind k, int n);
void sim_delay(struct sim *s, enum sim_kind k, int n, usec_t late);

/* What happens. Link 0: carrier lost. Each returns at once; sim_run lets time pass. */
void sim_run(struct sim *s, usec_t duration);
void sim_link(struct sim *s, int link);
void sim_link_unseen(struct sim *s, int link, bool hint); /* the carrier goes and comes too fast to be seen; hint: a trace is */
void sim_advertise(struct sim *s); /* the router of the link where the cable is */
int sim_request(struct sim *s, int link); /* told to move there */
/* Its address of link 1 is a home address of Mobile IPv6, and this is who has it now (core/home.h); link 1 is the home link. */
enum sim_home { SIM_HOME_NONE, SIM_HOME_OURS, SIM_HOME_UNSURE, SIM_HOME_AGENT };
void sim_home(struct sim *s, enum sim_home owner);
void sim_traffic(struct sim *s, bool on);
void sim_pace(struct sim *s, usec_t pace); /* a packet each; 1 ms unless told */
void sim_restart_router(struct sim *s, int router); /* kill -9 and start: machines and paths gone */
void sim_restart_mobile(struct sim *s);             /* the same; addresses gone but the link's */
void sim_forget_places(struct sim *s); /* the mobile knows no router but its own, nor that one's link address */
void sim_no_key(struct sim *s, bool wrong);         /* the mobile's key is another than the routers' */
void sim_unusable(struct sim *s, int router, bool yes); /* its neighbours do not trust it */
/* Somebody else on that link has the address that the mobile would make there: its router knows, or only the link does. */
enum sim_taken { SIM_FREE, SIM_TAKEN, SIM_TAKEN_UNKNOWN };
void sim_taken(struct sim *s, int link, enum sim_taken how);
void sim_no_fmip(struct sim *s, int router, bool yes); /* its neighbours know it as one that does not speak FMIPv6 */
void sim_dhcp(struct sim *s, int router, bool yes);    /* addresses on its link come by DHCP, and its neighbours know */
void sim_inform(struct sim *s, usec_t interval); /* of all routers, reloaded */
void sim_frames_from(struct sim *s, const struct lladdr *l); /* those of announcements that name no station; the mobile's own unless told */
void sim_narrow(struct sim *s, int router);            /* its link's prefix is of 80 bits */
void sim_older(struct sim *s, int router, bool yes);   /* between it and the others HI and HAck are those of RFC 4068 */
void sim_broken(struct sim *s, int router, bool yes);  /* its kernel takes no path: holds and tunnels cannot be made */
struct in6_addr sim_assigned(int link); /* the one that its router gives in its stead */
void sim_inject_fbu(struct sim *s, int router, const struct in6_addr *pcoa, const struct in6_addr *ncoa, uint16_t seq);
void sim_inject_hi(struct sim *s, int router, const struct in6_addr *from, const struct in6_addr *pcoa,
                   const struct in6_addr *ncoa);
/* Any octets as a message of this kind: to a router, or (to_mobile) to the mobile from it. */
void sim_inject(struct sim *s, enum sim_kind k, int router, bool to_mobile, const struct in6_addr *src,
                const struct in6_addr *home, const uint8_t *data, size_t len);
struct in6_addr sim_neighbor(int router); /* its address among routers */
/* The same as a message that takes its time and meets its fate: to a router from its own link (FBU, UNA, RtSolPr), from other routers
 * (HI, HAck), or to the mobile from its router (PrRtAdv, FBack, NAACK). */
void sim_put(struct sim *s, const struct sim_message *m);
void sim_replay_fbu(struct sim *s); /* the last FBU on the wire once more */

/* What came of it. */
struct sim_traffic_result {
	unsigned sent, received, lost, repeated, reordered;
};
struct sim_traffic_result sim_result(const struct sim *s);
struct in6_addr sim_addr(int link); /* the mobile's address there */
unsigned sim_asked(const struct sim *s); /* how often it asked its link whether an address is another's */
unsigned sim_confirmed(const struct sim *s); /* advertisements by which the mobile said that an address is its own */
int sim_at(const struct sim *s);    /* where the mobile thinks it is; 0: does not know */
/* Whose timeline: 0 the mobile, SIM_PAR(i), SIM_NAR(i) router i in its roles. The last one opened. */
#define SIM_MN 0
#define SIM_PAR(i) (i)
#define SIM_NAR(i) (SIM_ROUTERS + (i))
const char *sim_scenario(const struct sim *s, int who);
enum handover_result sim_outcome(const struct sim *s, int who);
const char *sim_reason(const struct sim *s, int who);
enum handover_mode sim_mode(const struct sim *s, int who);
unsigned sim_handovers(const struct sim *s, int who); /* timelines opened so far */
unsigned sim_open(const struct sim *s, int who);      /* and not closed */
bool sim_tunnelled(const struct sim *s, int router, int link); /* does router send what comes for the address of link away? */
bool sim_copied(const struct sim *s, int router, int link); /* it goes to the link, and copies wait */
bool sim_served(const struct sim *s, int router, int link); /* does router serve the address of link on its own? */
bool sim_held(const struct sim *s, int router, int link);
/* Is this taken out of the reverse tunnel by router: from the mobile's pcoa, in a packet from outer? */
bool sim_reverse(const struct sim *s, int router, const struct in6_addr *pcoa, const struct in6_addr *outer);
/* Is the mobile reached at the address that it uses where it is, and does its answer come back? Lets 100 ms pass. */
bool sim_reached(struct sim *s);
bool sim_has(const struct sim *s, const struct in6_addr *a); /* the mobile: is it one of its addresses? */
struct in6_addr sim_router(int router); /* its address on its link */
struct lladdr sim_ap(int link);
struct fmip6_mn *sim_mn(struct sim *s);
struct fmip6_par *sim_par(struct sim *s, int router);
struct fmip6_nar *sim_nar(struct sim *s, int router);
struct loop *sim_loop(struct sim *s);

#endif
