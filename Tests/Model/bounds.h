/* Bounds of a run, all by -D: how much there is, and how often the adversary may act. */
#ifndef NI
#define NI 1        /* instances                                         */
#endif
#ifndef NP
#define NP 1        /* source partitions of the lane                     */
#endif
#ifndef NOFF
#define NOFF 4      /* records of each                                   */
#endif
#ifndef MAXB
#define MAXB 2      /* records of a partition in one batch               */
#endif
#ifndef DUE
#define DUE 2       /* filtered records before a marker is due           */
#endif
#ifndef MAXCRASH
#define MAXCRASH 0
#endif
#ifndef MAXTO
#define MAXTO 0     /* transaction timeouts                              */
#endif
#ifndef MAXNET
#define MAXNET 0    /* lost and late replies, produce errors, short waits */
#endif
#ifndef MAXNB
#define MAXNB 0     /* open transactions of a neighbour on the partition */
#endif
#ifndef MAXVER
#define MAXVER 0    /* changes of a contract file                        */
#endif
#ifndef MAXLOST
#define MAXLOST 0   /* ledgers lost                                      */
#endif
#ifndef MAXROLL
#define MAXROLL 0   /* ledgers restored from a copy                      */
#endif
#ifndef MAXBACK
#define MAXBACK 0   /* partner clusters restored from a copy             */
#endif
#ifndef MAXCUT
#define MAXCUT 0    /* source topics truncated or recreated              */
#endif
#ifndef MAXREV
#define MAXREV 0    /* revokes recorded                                  */
#endif
/* -DQUAR: some records are quarantined. -DALLPAT: every pair of contracts. -DERRMASK: a fence may show as
   another error. -DMAXINIT=n: no behaviour has more than n inits; as only an init starts a loop, none is endless. */

/* Properties; a failed assertion names the one that caught it. */
#define A_TWICE 1     /* a record is delivered once, whatever became of the partner's copy   */
#define A_ORDER 2     /* in order                                                           */
#define A_LOST 4      /* what a marker covers is decided, and visible where it is delivered */
#define A_SILENT 8    /* what a restored partner lost ends in a halt                        */
#define B_ONCE 16     /* an offset is decided under one version unless a gap is recorded    */
#define C_COUNTS 32   /* the marker's count is what is visible                              */
#define D_SETTLED 64  /* at rest all is decided, and ledger = marker, or a halt             */
#define E_HALT 128    /* no halt but those of HALTOK                                        */
#define E_GAP 256     /* no ledger gap without a cause                                      */
#define E_HASH 512    /* no halt for a contract that the newest marker announces            */
#define F_TWINS 1024  /* one of the twins goes on                                           */
#define F_ENDLESS 2048 /* inits are bounded                                                 */
#define G_SOURCE 4096 /* nothing is decided on another source than before                   */
#define Q_ROWS 8192   /* a quarantined record has one row when decided, no other has one    */
#define R_REVOKED 16384 /* nothing leaves whose commit is asked for after the revoke        */
#ifndef PROPS
#define PROPS 32767
#endif

/* Why it halted: bits of HALTOK. */
#ifndef HALTOK
#define HALTOK 0
#endif
#define H_LOST 1        /* checkpoint-lost     */
#define H_HASH 2        /* contract-changed    */
#define H_IMPOSSIBLE 4  /* markers-disagree    */
#define H_OLD 8         /* partner-restored    */
#define H_OTHER 16      /* another-instance    */
#define H_CUT 32        /* source-truncated    */
#define H_BOTH 64       /* allowed: both twins have halted */
#define H_SHORT 128     /* partner-truncated   */
