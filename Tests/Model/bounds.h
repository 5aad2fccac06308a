/* defaults of the bounds and budgets explained in lane.pml */
#ifndef NI
#define NI 1
#endif
#ifndef NP
#define NP 1
#endif
#ifndef NOFF
#define NOFF 4
#endif
#ifndef MAXB
#define MAXB 2
#endif
#ifndef DUE
#define DUE 2
#endif
#ifndef MAXCRASH
#define MAXCRASH 0
#endif
#ifndef MAXTO
#define MAXTO 0
#endif
#ifndef MAXNET
#define MAXNET 0
#endif
#ifndef MAXNB
#define MAXNB 0
#endif
#ifndef MAXVER
#define MAXVER 0
#endif
#ifndef MAXLOST
#define MAXLOST 0
#endif
#ifndef MAXROLL
#define MAXROLL 0
#endif
#ifndef HALTOK
#define HALTOK 0
#endif
/* properties, for PROPS (default all); a failed assertion names the one that caught it */
#define A_TWICE 1
#define A_ORDER 2
#define A_LOST 4
#define B_ONCE 8
#define C_COUNTS 16
#define D_SETTLED 32
#define E_HALT 64
#define E_GAP 128
#define F_TWINS 256
#define F_ENDLESS 1024
#define E_HASH 512   /* HALT for a changed hash although the newest marker was written on the way to today's */
#ifndef PROPS
#define PROPS 2047
#endif
/* why it halted (bit of HALTOK) */
#define H_LOST 1
#define H_HASH 2
#define H_IMPOSSIBLE 4
#define H_OLD 8
#define H_OTHER 16
#define H_NOROW 32
#define H_BOTH 64   /* allowed: both twins halted */
/* coordinator of the one transactional.id */
#define T_EMPTY 0
#define T_ON 1
#define T_PREP 2    /* PrepareCommit: decided, answered, not yet visible */
#define T_COMMIT 3
#define T_ABORT 4

#ifdef FIX_READ
#define UNKNOWN_TO FENCED   /* every init but that of `start` passes the claim check */
#else
#define UNKNOWN_TO INIT     /* "new producer, recovery from step 3" */
#endif
