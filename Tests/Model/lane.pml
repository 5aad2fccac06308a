/* The protocol of one lane. Constants and defaults of the bounds: bounds.h. Runs: test_model.py
 * RUN    spin -a -DFIXED [-Dswitches] lane.pml && gcc -O2 -DCOLLAPSE -DSAFETY -DVECTORSZ=2048 -DMEMLIM=5500 -o pan pan.c && ./pan -m400000
 * FIXED  is the page as it stands; without it (or with only some FIX_*) an earlier draft with known holes. M_* are mutations that must fail.
 * LIVENESS budgets bound every fault and only init starts a loop: -DMAXINIT=n proves that no run has more than n inits; at rest (`timeout`) (d) is asserted.
 * TRACE  ./pan writes lane.pml.trail; spin -t [-Dsame switches] lane.pml prints one line per event.
 * BOUNDS NI instances, NP source partitions, NOFF offsets each, MAXB records a batch and partition, DUE filtered records before a marker is due; budgets of the adversary: MAXCRASH
 *        MAXTO (transaction timeouts) MAXNET (lost/late replies and EndTxn, produce errors) MAXNB (neighbour's open transaction) MAXVER MAXLOST MAXROLL. HALTOK: HALTs expected.
 * Not modelled: quarantine rows, source and partner truncation, restore of the partner, partner partitions, compaction. */
#ifdef FIXED
#define FIX_ORDER    /* newer/foreign marker anywhere in the lane is judged before the rows about I and L            */
#define FIX_DIRTY    /* DIRTY = steps 3-6 (claim and read), never init alone                                         */
#define FIX_READ     /* the claim check of "Fenced" stands before every init but the one of `start`                  */
#define FIX_BASE     /* `start` compares with the newest claim it saw before its init, not with its own old one      */
#define FIX_WAIT     /* fenced, no newer claim: wait one transaction timeout, read again, only then init             */
#define FIX_FOREIGN  /* a claim of another instance since our last reconcile voids D even when M = L                 */
#define FIX_SUCC     /* a change marker also names the next hash; the lane's newest marker's next hash is compared    */
#if MAXROLL > 0
#define FIX_GROUP
#endif               /* group offset beyond D: the ledger is an old copy, as under "newer batch_seq"                 */
#endif
#include "bounds.h"
#define CHECK(prop,cond) assert(!(PROPS & prop) || (cond))
/* where an instance is */
#define DOWN 0
#define INIT 1      /* step 3                                   */
#define CLAIM 2     /* step 4, append                           */
#define CLEND 3     /* step 4, EndTxn                           */
#define READ 4      /* steps 5 and 6                            */
#define TOP 5       /* batch boundary; idle when nothing enabled */
#define PROD 6      /* loop 3: data                             */
#define MARK1 7     /* loop 3: markers last                     */
#define MARK2 8
#define INTENT 9    /* loop 5                                   */
#define ENDT 10     /* loop 6                                   */
#define FENCED 11   /* claim check before an init               */
#define REINIT 12   /* DIRTY as written: init alone             */
#define HALT 13
typedef Mark { byte seq; byte non; byte off; byte cd; byte hv; byte nv } /* seq 0: none. hv hash, nv next hash, cd delivered */
typedef Ledger {
  bit st; byte lv;                     /* something stored; contract hash that decided last        */
  Mark L[NP]; byte D[NP]; byte cd[NP]; /* L, D and cumulative delivered at D                       */
  bit io; byte is; byte in; byte it; byte iv; byte ih[NP]; byte ic[NP] /* intent: seq nonce partitions next hash, to, counts */
}
typedef Batch { byte seq; byte non; byte t; byte v; byte nv; byte lo[NP]; byte hi[NP]; byte cd[NP]; byte data[NP] }

Ledger led[NI]; Batch bt[NI];
byte pc[NI]; byte why[NI]; byte ver[NI];                  /* ver: the contract file of that host                      */
bit dirty[NI], pend[NI], newer[NI], foreign[NI], lf[NI];  /* pend: mark riding; lf: ghost, this ledger suffered       */
bit started[NI];
#if MAXROLL > 0
Ledger sav[NI]; bit hasSav[NI], sfor[NI];
#endif
byte cst, own, wk, lc;                    /* own: instance+1 whose epoch is current; wk: EndTxn of that epoch still under way; lc: claim decided, not visible */
byte oData[NP], oLo[NP], oHi[NP], oV, oClaim; Mark oM[NP]; /* the open transaction                                     */
Mark M[NP]; byte vis[NP];             /* committed markers; bit mask of records the partner sees                      */
bit nb; Mark pM[NP];                  /* neighbour's open transaction pins the LSO; what was visible before it         */
byte inits, crashes, tos, nets, nbs, vers, losts, rolls;
byte dv[NP*NOFF];                     /* ghost: version under which an offset was durably decided                     */
byte grp[NP];                         /* the group's offsets in the internal cluster                                  */
byte tab[2*NP];                       /* contract: mask delivered by version v in partition p                         */
#ifdef SHORT
byte p, o, k, q, x, any, all, some, mx, n, ok;             /* breadth-first search refuses hidden variables */
#else
hidden byte p, o, k, q, x, any, all, some, mx, n, ok;      /* scratch inside one atomic step */
#endif

#define DEL(v,p,o)  ((tab[((v)-1)*NP+(p)] >> (o)) & 1)
#define ED(i,p)     ((pend[i] && ((led[i].it>>p)&1)) -> led[i].ih[p] : led[i].D[p])
#define ECD(i,p)    ((pend[i] && ((led[i].it>>p)&1)) -> led[i].ic[p] : led[i].cd[p])
#define ELO(i,p)    ((pend[i] && ((led[i].it>>p)&1)) -> led[i].ih[p] : led[i].L[p].off)
#define ELV(i)      (pend[i] -> led[i].iv : led[i].lv)
#ifdef FIX_GROUP
#define GROUP(i)    for (p : 0 .. NP-1) { grp[p]=(led[i].D[p]>grp[p] -> led[i].D[p] : grp[p]) }
#else
#define GROUP(i)    skip
#endif
#ifdef M_NOINTENT
#define MAYRIDE(i)  (!pend[i])                /* nothing for the mark to ride in */
#else
#define MAYRIDE(i)  true
#endif
#define WORKP(i,p)  (ED(i,p)<NOFF || ED(i,p)>ELO(i,p))
#define WORK(i)     (led[i].L[0].seq==0 || ver[i]!=ELV(i) || WORKP(i,0) || WORKP(i,NP-1))
#define FIRST(i)    (led[i].L[0].seq==0 && !pend[i])
#define OTHER(i)    (1-(i))
#ifdef M_NOCLAIM
#define RM(p,f)     (nb -> pM[p].f : M[p].f)   /* no nonce to wait for: reads up to the LSO */
#else
#define RM(p,f)     M[p].f
#endif
#ifdef M_NONONCE
#define SAMEI(i,p)  (RM(p,seq)==led[i].is)
#define FOREIGNI(i,p) false
#else
#define SAMEI(i,p)  (RM(p,seq)==led[i].is && RM(p,non)==led[i].in)
#define FOREIGNI(i,p) (led[i].io && RM(p,seq)==led[i].is && RM(p,non)!=led[i].in)
#endif
#define SAMEL(i,p)  (RM(p,seq)==led[i].L[p].seq && RM(p,non)==led[i].L[p].non)

inline clearTxn() { for (p : 0 .. NP-1) { oData[p]=0; oLo[p]=0; oHi[p]=0; oM[p].seq=0; oM[p].non=0; oM[p].off=0; oM[p].cd=0; oM[p].hv=0; oM[p].nv=0 } oV=0; oClaim=0 }
inline clearBatch(i) { for (p : 0 .. NP-1) { bt[i].lo[p]=0; bt[i].hi[p]=0; bt[i].cd[p]=0; bt[i].data[p]=0 } bt[i].seq=0; bt[i].non=0; bt[i].t=0; bt[i].v=0; bt[i].nv=0 }
/* ghost: offset o of p is durably decided under v. Property (b): once under one version. */
inline decide(vv) { CHECK(B_ONCE, dv[p*NOFF+o]==0 || dv[p*NOFF+o]==vv); dv[p*NOFF+o]=vv }

/* The coordinator logs PrepareCommit: the outcome is fixed. Properties (a) and (c) are checked here. */
inline doCommit() {
  for (p : 0 .. NP-1) {
    CHECK(A_TWICE, (vis[p] & oData[p])==0);                                   /* (a) never twice                      */
    CHECK(A_ORDER, oData[p]==0 || (oData[p] & -oData[p]) > vis[p]);           /* (a) never out of order               */
    vis[p] = vis[p] | oData[p];
    if :: oM[p].seq ->
         M[p].seq=oM[p].seq; M[p].non=oM[p].non; M[p].off=oM[p].off; M[p].cd=oM[p].cd; M[p].hv=oM[p].hv; M[p].nv=oM[p].nv;
         n=0;
         for (o : 0 .. NOFF-1) {
           if :: o>=oLo[p] && o<oHi[p] -> decide(oV) :: else fi;
           if :: o<oM[p].off -> CHECK(A_LOST, dv[p*NOFF+o]!=0 && (!DEL(dv[p*NOFF+o],p,o) || ((vis[p]>>o)&1))) :: else fi; /* (a) none lost */
           n = n + ((vis[p]>>o)&1)
         }
         CHECK(C_COUNTS, n==oM[p].cd)                                          /* (c) marker's count = what is visible */
      :: else fi
  }
  if :: oClaim -> lc=oClaim :: else fi;
  clearTxn(); cst=T_PREP
}
inline doAbort() { clearTxn(); cst=T_ABORT }

/* one SQLite transaction each */
inline loadIntent(i) { led[i].io=1; led[i].is=bt[i].seq; led[i].in=bt[i].non; led[i].it=bt[i].t; led[i].iv=bt[i].nv;
  for (p : 0 .. NP-1) { led[i].ih[p]=bt[i].hi[p]; led[i].ic[p]=bt[i].cd[p] } }
inline dropIntent(i) { led[i].io=0; led[i].is=0; led[i].in=0; led[i].it=0; led[i].iv=0; for (p : 0 .. NP-1) { led[i].ih[p]=0; led[i].ic[p]=0 } }
inline mark(i) {                      /* loop 7: the staged rows become real */
  for (p : 0 .. NP-1) { if :: (led[i].it>>p)&1 -> led[i].L[p].seq=led[i].is; led[i].L[p].non=led[i].in; led[i].L[p].off=led[i].ih[p];
    led[i].L[p].cd=led[i].ic[p]; led[i].D[p]=led[i].ih[p]; led[i].cd[p]=led[i].ic[p] :: else fi }
  GROUP(i); led[i].lv=led[i].iv; dropIntent(i); pend[i]=0 }
inline halt(i,r) { printf("MSC: i%d HALT reason %d\n", i, r); CHECK(E_HALT, r & HALTOK); pc[i]=HALT; why[i]=r; pend[i]=0; dirty[i]=0; clearBatch(i) }

/* row "newer batch_seq" and row "ledger lost": D is void; adopt M, record a ledger gap; HALT first when the hash is not today's */
inline adopt(i) {
  ok=1; mx=0; x=0;
  for (p : 0 .. NP-1) { if :: RM(p,seq)>mx -> mx=RM(p,seq); x=RM(p,nv) :: else fi; if :: RM(p,hv)!=ver[i] -> ok=0 :: else fi }
#ifdef FIX_SUCC
  ok = (x==ver[i]);
#endif
  if :: !ok -> CHECK(E_HASH, x!=ver[i]); halt(i,H_HASH)
     :: else ->
        CHECK(E_GAP, lf[i] || foreign[i]);  /* (e) no ledger gap unless the ledger suffered or another instance ran */
        printf("MSC: i%d adopts M, records a gap\n", i);
        for (p : 0 .. NP-1) {
          led[i].L[p].seq=RM(p,seq); led[i].L[p].non=RM(p,non); led[i].L[p].off=RM(p,off); led[i].L[p].cd=RM(p,cd);
#ifndef M_TRUSTD
          led[i].D[p]=RM(p,off); led[i].cd[p]=RM(p,cd);
#endif
#ifdef FIX_GROUP
          grp[p]=led[i].D[p];
#endif
#ifndef STRICT  /* -DSTRICT: even a recorded gap does not excuse a second version */
          for (o : 0 .. NOFF-1) { if :: o>=RM(p,off) -> dv[p*NOFF+o]=0 :: else fi }   /* (b) the gap is the excuse */
#endif
        }
        led[i].st=1; led[i].lv=ver[i]; dropIntent(i); lf[i]=0; foreign[i]=0; pc[i]=TOP
  fi }
inline goon(i) {                      /* verdicts normal / committed, mark missed / aborted */
  for (p : 0 .. NP-1) { for (o : 0 .. NOFF-1) { if :: o>=led[i].L[p].off && o<led[i].D[p] -> decide(led[i].lv) :: else fi } }
  foreign[i]=0; pc[i]=TOP }

/* the table; some/all speak of I's partitions, any = a marker newer than the ledger knows */
inline reconcile(i) {
  mx=0; any=0; k=0; q=0; x=0; all=1; some=0; ok=1;
  for (p : 0 .. NP-1) {
    if :: led[i].L[p].seq>mx -> mx=led[i].L[p].seq :: else fi;
    if :: RM(p,seq)>0 -> k=1 :: else fi;                                    /* k: M exists */
    if :: RM(p,seq)<led[i].L[p].seq -> q=1; if :: RM(p,seq)==0 -> x=1 :: else fi :: else fi; /* q: older, x: none but L known */
    if :: !SAMEL(i,p) -> ok=0 :: else fi;                                   /* ok: M = L everywhere */
    if :: led[i].io && ((led[i].it>>p)&1) -> if :: SAMEI(i,p) -> some=1 :: else -> all=0 fi :: else fi
  }
  n=1; /* every marker of I's partitions is still L */
  for (p : 0 .. NP-1) { if :: ((led[i].it>>p)&1) && !SAMEL(i,p) -> n=0 :: else fi;
    if :: RM(p,seq)>(led[i].io && led[i].is>mx -> led[i].is : mx) || FOREIGNI(i,p) -> any=1 :: else fi }
#ifdef FIX_FOREIGN
  if :: foreign[i] && k -> any=1 :: else fi;
#endif
#ifdef FIX_GROUP
  for (p : 0 .. NP-1) { if :: led[i].st && grp[p] > ((led[i].io && all && ((led[i].it>>p)&1)) -> led[i].ih[p] : led[i].D[p]) -> any=1 :: else fi }
#endif
  if :: !k && !led[i].st -> led[i].st=1; led[i].lv=ver[i]; goon(i)          /* first start: offsets stored, initial markers follow */
     :: else -> if
     :: x -> halt(i,H_LOST)
     :: !x && !led[i].st -> adopt(i)
#ifdef FIX_ORDER
     :: !x && led[i].st && q -> halt(i,H_OLD)
     :: !x && led[i].st && !q && any -> adopt(i)
     :: !x && led[i].st && !q && !any -> if
#else
     :: !x && led[i].st -> if                                               /* as written: first row that fits, top down */
#endif
        :: ok && !led[i].io -> goon(i)
        :: else -> if
#ifdef M_PERPART                                                            /* judge every partition for itself */
           :: led[i].io && !any && !q -> for (p : 0 .. NP-1) { if :: ((led[i].it>>p)&1) && !SAMEI(i,p) -> led[i].it=led[i].it & ~(1<<p) :: else fi };
              mark(i); goon(i)
#endif
           :: led[i].io && all -> mark(i); goon(i)
           :: else -> if
              :: led[i].io && n -> dropIntent(i); goon(i)
              :: else -> if
                 :: led[i].io && some && !all -> halt(i,H_IMPOSSIBLE)
                 :: else -> if :: any -> adopt(i)
                               :: else -> if :: q -> halt(i,H_OLD) :: else -> halt(i,H_NOROW) fi fi fi fi fi fi fi fi }

/* loop 1-2: build a batch; touched partitions t; markers for them; kind x: 0 records, 1 marker at D for all partitions */
inline build(i) {
  mx=0; for (p : 0 .. NP-1) { if :: led[i].L[p].seq>mx -> mx=led[i].L[p].seq :: else fi }
  if :: pend[i] && led[i].is>mx -> mx=led[i].is :: else fi;
  bt[i].seq=mx+1; bt[i].v=ELV(i);
  for (p : 0 .. NP-1) { bt[i].cd[p]=ECD(i,p);
    for (o : 0 .. NOFF-1) { if :: o>=bt[i].lo[p] && o<bt[i].hi[p] && DEL(bt[i].v,p,o) -> bt[i].data[p]=bt[i].data[p]|(1<<o); bt[i].cd[p]=bt[i].cd[p]+1 :: else fi } }
}
inline freshNonce(i) {                /* a nonce differs from every nonce in use: smallest free number keeps the state finite */
  n=1; do :: ok=1;
    for (p : 0 .. NP-1) { if :: M[p].non==n || oM[p].non==n || pM[p].non==n -> ok=0 :: else fi;
      for (k : 0 .. NI-1) { if :: led[k].L[p].non==n || led[k].in==n || bt[k].non==n -> ok=0 :: else fi;
#if MAXROLL > 0
        if :: sav[k].L[p].non==n || sav[k].in==n -> ok=0 :: else fi
#endif
      } }
    if :: ok -> break :: else -> n++ fi od; bt[i].non=n; p=0; k=0 }
inline go(i) { freshNonce(i); any=0; for (p : 0 .. NP-1) { any=any|bt[i].data[p] } pc[i]=(any -> PROD : MARK1) }
inline putMark(i,pp) { if :: (bt[i].t>>pp)&1 -> oM[pp].seq=bt[i].seq; oM[pp].non=bt[i].non; oM[pp].off=bt[i].hi[pp]; oM[pp].cd=bt[i].cd[pp];
  oM[pp].hv=bt[i].v; oM[pp].nv=bt[i].nv; oLo[pp]=bt[i].lo[pp]; oHi[pp]=bt[i].hi[pp]; oV=bt[i].v; cst=T_ON :: else fi }

/* what follows an unknown outcome or a fence: "new producer, recovery from step 3"; claim check first where the rule says so */
inline unknown(i) { printf("MSC: i%d UNKNOWN\n", i); pc[i]=UNKNOWN_TO; pend[i]=0; dirty[i]=0; clearBatch(i) }
#ifdef ERRMASK                        /* the client shows a fence as some other error */
inline fenced(i) { if :: printf("MSC: i%d fenced\n", i); pc[i]=FENCED; pend[i]=0; dirty[i]=0; clearBatch(i) :: unknown(i) fi }
#else
inline fenced(i) { printf("MSC: i%d fenced\n", i); pc[i]=FENCED; pend[i]=0; dirty[i]=0; clearBatch(i) }
#endif
#ifdef M_NODIRTY
#define SETDIRTY(i)
#else
#define SETDIRTY(i) dirty[i]=1
#endif
/* EndTxn(commit): ok=1 success, ok=0 UNKNOWN. librdkafka re-sends invisibly: two requests sent = DIRTY */
inline endCommit(i) {
  if
  :: cst==T_ON -> if
     :: doCommit(); ok=1; printf("MSC: i%d EndTxn commits\n", i)
     :: nets<MAXNET -> nets++; doCommit(); if :: ok=1; SETDIRTY(i); printf("MSC: i%d EndTxn commits, reply lost, re-sent\n", i)
                                              :: ok=0; printf("MSC: i%d EndTxn commits, reply lost\n", i) fi
     :: nets<MAXNET && wk==0 -> nets++; wk=1; if :: doCommit(); ok=1; SETDIRTY(i); printf("MSC: i%d EndTxn late, re-sent one commits\n", i)
                                              :: ok=0; printf("MSC: i%d EndTxn late\n", i) fi fi
  :: cst==T_COMMIT || cst==T_PREP -> ok=1
  :: else -> ok=0
  fi }

proctype Inst(byte i) {
end: do
  :: atomic { pc[i]==DOWN -> printf("MSC: i%d start\n", i); pc[i]=INIT; started[i]=1;
#ifdef FIX_BASE
       newer[i]=0;
#endif
     }
  :: atomic { pc[i]!=DOWN && (pc[i]!=HALT || why[i]==H_OTHER) && crashes<MAXCRASH -> printf("MSC: i%d killed at %d\n", i, pc[i]);
       crashes++; pc[i]=DOWN; why[i]=0; pend[i]=0; dirty[i]=0; clearBatch(i) }
  /* step 3: aborts what is open, waits for PrepareCommit, fences the others and every request under way */
  :: atomic { (pc[i]==INIT || pc[i]==REINIT) && cst!=T_PREP -> printf("MSC: i%d init\n", i);
       if :: cst==T_ON -> doAbort() :: else -> cst=T_EMPTY fi; own=i+1; wk=0;
#ifdef MAXINIT
       inits++; CHECK(F_ENDLESS, inits<=MAXINIT);                              /* (d,f) every endless run passes here for ever */
#endif
#ifdef M_NOCLAIM
       pc[i]=(pc[i]==INIT -> READ : TOP)
#else
       pc[i]=(pc[i]==INIT -> CLAIM : TOP)
#endif
     }
  /* step 4 */
  :: atomic { pc[i]==CLAIM && cst!=T_PREP -> if :: own==i+1 -> oClaim=i+1; cst=T_ON; pc[i]=CLEND :: else -> fenced(i) fi }
  :: atomic { pc[i]==CLEND -> if :: own!=i+1 -> fenced(i) :: else -> endCommit(i); if :: ok -> pc[i]=READ :: else -> unknown(i) fi fi }
  /* steps 5-6: until our own nonce is seen. Fenced meanwhile: the same as reconciling first and being fenced at the next begin */
  :: atomic { pc[i]==READ && own!=i+1 -> fenced(i) }
#ifdef M_NOCLAIM
  :: atomic { pc[i]==READ && own==i+1 && cst!=T_PREP -> printf("MSC: i%d reads\n", i); reconcile(i) }
#else
  :: atomic { pc[i]==READ && own==i+1 && cst!=T_PREP && !nb -> printf("MSC: i%d reads its nonce\n", i); reconcile(i) }
#endif
  /* Fenced: a newer claim of another instance: HALT. The read ends at the LSO, so it may miss a claim behind an open transaction */
#ifdef FIX_WAIT
  :: atomic { pc[i]==FENCED && newer[i] -> halt(i,H_OTHER) }
  :: atomic { pc[i]==FENCED && !newer[i] && (NI==1 || !(pc[OTHER(i)]>=CLAIM && pc[OTHER(i)]<=READ && own==OTHER(i)+1)) -> pc[i]=INIT }
#else
  :: atomic { pc[i]==FENCED -> if :: newer[i] -> halt(i,H_OTHER) :: !newer[i] || nb -> pc[i]=INIT fi }
#endif
  /* batch boundary */
  :: atomic { pc[i]==TOP && pend[i] ->                                        /* mark written alone */
#ifdef M_NOINTENT
       loadIntent(i); clearBatch(i);
#endif
       mark(i) }
  :: atomic { pc[i]==TOP && dirty[i] -> dirty[i]=0; printf("MSC: i%d DIRTY\n", i);
#ifdef FIX_DIRTY
       pend[i]=0; pc[i]=UNKNOWN_TO
#else
       pc[i]=REINIT
#endif
     }
  :: atomic { pc[i]==TOP && !dirty[i] && WORK(i) && MAYRIDE(i) ->
       x=0; any=0; all=1;
       for (p : 0 .. NP-1) { if :: ED(i,p)<NOFF -> all=0 :: else fi; if :: ED(i,p)>ELO(i,p) -> any=1 :: else fi }
       if
       :: FIRST(i) -> x=1; bt[i].nv=led[i].lv             /* initial markers */
#ifdef M_NOCHANGE
       :: !FIRST(i) && ver[i]!=ELV(i) -> led[i].lv=ver[i]; if :: pend[i] -> led[i].iv=ver[i] :: else fi; x=9
#else
       :: !FIRST(i) && ver[i]!=ELV(i) -> x=1; bt[i].nv=ver[i] /* before a changed contract decides anything */
#endif
       :: !FIRST(i) && ver[i]==ELV(i) && !all -> x=2; bt[i].nv=ELV(i)
       :: !FIRST(i) && ver[i]==ELV(i) && any -> x=1; bt[i].nv=ELV(i) /* due by time, or EOF */
       fi;
       if :: x==9 -> skip :: else ->
       for (p : 0 .. NP-1) { bt[i].lo[p]=ED(i,p); bt[i].hi[p]=ED(i,p) }
       bt[i].t=(1<<NP)-1;
       if :: x==2 -> bt[i].t=0;                                                /* any bounded batch, one record at least */
          do :: bt[i].hi[0]<NOFF && bt[i].hi[0]-bt[i].lo[0]<MAXB -> bt[i].hi[0]++; bt[i].t=bt[i].t|1
#if NP > 1
             :: bt[i].hi[1]<NOFF && bt[i].hi[1]-bt[i].lo[1]<MAXB -> bt[i].hi[1]++; bt[i].t=bt[i].t|2
#endif
             :: bt[i].t!=0 -> break od
          :: else fi;
       build(i); any=0; ok=1;
       for (p : 0 .. NP-1) { any=any|bt[i].data[p]; if :: bt[i].hi[p]-ELO(i,p) > DUE -> ok=0 :: else fi }
       if :: any==0 && x==2 && ok ->                                           /* filtered only, not due: SQLite alone, with a riding mark */
             if :: pend[i] -> mark(i) :: else fi;
             for (p : 0 .. NP-1) { for (o : 0 .. NOFF-1) { if :: o>=bt[i].lo[p] && o<bt[i].hi[p] && own==i+1 -> decide(bt[i].v) :: else fi };
               led[i].D[p]=bt[i].hi[p] }
             GROUP(i);
             printf("MSC: i%d filtered only v%d D=%d\n", i, bt[i].v, led[i].D[0]); clearBatch(i)
          :: any!=0 || x!=2 || !ok -> go(i); printf("MSC: i%d batch %d/%d v%d t=%d p0 %d-%d\n", i, bt[i].seq, bt[i].non, bt[i].v, bt[i].t, bt[i].lo[0], bt[i].hi[0])
          :: any==0 && x==2 -> go(i)                                           /* due by time */
       fi fi }
  /* loop 3 */
  :: atomic { pc[i]==PROD && cst!=T_PREP -> if :: own!=i+1 -> fenced(i) :: else -> cst=T_ON;
       for (p : 0 .. NP-1) { oData[p]=oData[p]|bt[i].data[p] } pc[i]=MARK1; printf("MSC: i%d data produced\n", i) fi }
  :: atomic { pc[i]==MARK1 && cst!=T_PREP -> if :: own!=i+1 -> fenced(i) :: else -> putMark(i,0); pc[i]=(NP>1 -> MARK2 : INTENT) fi }
#if NP > 1
  :: atomic { pc[i]==MARK2 && cst!=T_PREP -> if :: own!=i+1 -> fenced(i)
       :: own==i+1 && ((bt[i].t&1)==0 || cst==T_ON) -> putMark(i,1); pc[i]=INTENT
       :: own==i+1 && (bt[i].t&1) && cst!=T_ON -> unknown(i) fi }              /* the broker refuses a write outside a transaction */
#endif
  /* loop 5 */
  :: atomic { pc[i]==INTENT ->
#ifndef M_NOINTENT
       if :: pend[i] -> mark(i) :: else fi; loadIntent(i);
#endif
#ifdef M_MARKFIRST
       mark(i);
#endif
       pc[i]=ENDT }
  /* loop 6-7 */
  :: atomic { pc[i]==ENDT -> if :: own!=i+1 -> fenced(i) :: else -> endCommit(i);
       if :: ok ->
#ifndef M_NOINTENT
             clearBatch(i);
#endif
#ifndef M_MARKFIRST
             pend[i]=1;
#endif
             pc[i]=TOP
          :: else ->
#ifdef M_NOUNKNOWN
             clearBatch(i); dropIntent(i); pc[i]=TOP                           /* guess: not committed */
#else
             unknown(i)
#endif
       fi fi }
  /* nothing sent yet and something failed: abort; clean -> drop the intent, replay; else UNKNOWN */
  :: atomic { (pc[i]==MARK1 || pc[i]==MARK2 || pc[i]==ENDT) && own==i+1 && cst==T_ON && nets<MAXNET -> nets++;
       if :: printf("MSC: i%d clean abort\n", i); doAbort(); ok=1
          :: wk==0 -> wk=2; doAbort(); ok=1; SETDIRTY(i); printf("MSC: i%d abort late and re-sent\n", i)
          :: wk==0 -> wk=2; ok=0 fi;
       if :: ok -> if :: led[i].io && led[i].is==bt[i].seq && led[i].in==bt[i].non -> dropIntent(i) :: else fi; clearBatch(i); pc[i]=TOP
          :: else -> unknown(i) fi }
  od }

inline cpLed(a,b) { a.st=b.st; a.lv=b.lv; a.io=b.io; a.is=b.is; a.in=b.in; a.it=b.it; a.iv=b.iv;
  for (p : 0 .. NP-1) { a.D[p]=b.D[p]; a.cd[p]=b.cd[p]; a.ih[p]=b.ih[p]; a.ic[p]=b.ic[p]; a.L[p].seq=b.L[p].seq; a.L[p].non=b.L[p].non; a.L[p].off=b.L[p].off; a.L[p].cd=b.L[p].cd } }

/* brokers, clocks and the adversary; z: the instance meant */
proctype World() { byte z;
end: do
  :: atomic { cst==T_PREP -> cst=T_COMMIT;                                    /* transaction markers written: visible */
       if :: lc!=0 -> newer[lc-1]=0;
#if NI > 1
            newer[OTHER(lc-1)]=1; foreign[OTHER(lc-1)]=1;
#if MAXROLL > 0
            sfor[OTHER(lc-1)]=1;
#endif
#endif
            lc=0 :: else fi }
  :: atomic { cst==T_ON && tos<MAXTO -> tos++; doAbort(); own=0; wk=0; printf("MSC: transaction timed out, epoch bumped\n") }
  :: atomic { wk!=0 -> if :: cst==T_ON -> printf("MSC: late EndTxn %d ends the open transaction\n", wk); if :: wk==1 -> doCommit() :: else -> doAbort() fi :: else fi; wk=0 }
  :: atomic { !nb && nbs<MAXNB -> nbs++; nb=1; printf("MSC: neighbour opens\n");
#ifdef M_NOCLAIM
       for (p : 0 .. NP-1) { pM[p].seq=M[p].seq; pM[p].non=M[p].non; pM[p].off=M[p].off; pM[p].cd=M[p].cd; pM[p].hv=M[p].hv; pM[p].nv=M[p].nv }
#endif
     }
  :: atomic { nb -> nb=0; printf("MSC: neighbour ends\n");
#ifdef M_NOCLAIM
       for (p : 0 .. NP-1) { pM[p].seq=0; pM[p].non=0; pM[p].off=0; pM[p].cd=0; pM[p].hv=0; pM[p].nv=0 }
#endif
     }
  :: atomic { vers<MAXVER -> if :: z=0 :: NI>1 -> z=NI-1 fi; vers++; ver[z]=3-ver[z]; printf("MSC: i%d contract is now v%d\n", z, ver[z]); z=0 }
  :: atomic { losts<MAXLOST && ((pc[0]==DOWN && led[0].st) || (pc[NI-1]==DOWN && led[NI-1].st)) ->
       if :: pc[0]==DOWN && led[0].st -> z=0 :: pc[NI-1]==DOWN && led[NI-1].st -> z=NI-1 fi;
       losts++; lf[z]=1; dropIntent(z); led[z].st=0; led[z].lv=0; printf("MSC: i%d ledger lost\n", z);
       for (p : 0 .. NP-1) { led[z].D[p]=0; led[z].cd[p]=0; led[z].L[p].seq=0; led[z].L[p].non=0; led[z].L[p].off=0; led[z].L[p].cd=0 } z=0 }
#if MAXROLL > 0
  :: atomic { !hasSav[0] -> hasSav[0]=1; cpLed(sav[0],led[0]); sfor[0]=foreign[0]; printf("MSC: i0 ledger copied\n") }
  :: atomic { pc[0]==DOWN && hasSav[0] && rolls<MAXROLL -> rolls++; lf[0]=1; cpLed(led[0],sav[0]); foreign[0]=sfor[0]; printf("MSC: i0 ledger restored from the copy\n") }
#endif
  :: timeout ->                                                               /* (d) nothing can move any more */
     for (z : 0 .. NI-1) {
       CHECK(D_SETTLED, pc[z]==HALT || pc[z]==TOP);
       CHECK(D_SETTLED, pc[z]==HALT || (!led[z].io && led[z].lv==ver[z]));
       for (p : 0 .. NP-1) { CHECK(D_SETTLED, pc[z]==HALT || led[z].D[p]==NOFF);
         CHECK(D_SETTLED, pc[z]==HALT || newer[z] || (led[z].L[p].seq==M[p].seq && led[z].L[p].non==M[p].non && led[z].D[p]==M[p].off)) }
     }
#if NI > 1
     CHECK(F_TWINS, (HALTOK & H_BOTH) || pc[0]!=HALT || pc[1]!=HALT);                 /* (f) one of the twins goes on */
#endif
     break
  od }

init { atomic {
  for (k : 0 .. NI-1) { ver[k]=1 }
#ifdef ALLPAT                          /* every contract pair */
  for (k : 0 .. 2*NP-1) { n=0; for (o : 0 .. NOFF-1) { if :: n=n|(1<<o) :: skip fi } tab[k]=n }
#else
  if :: tab[0]=9;  tab[NP]=6           /* D F F D, then F D D F */
     :: tab[0]=1;  tab[NP]=15          /* D F F F, then all     */
     :: tab[0]=14; tab[NP]=0           /* F D D D, then none    */
     :: tab[0]=4;  tab[NP]=2 fi;
#if NP > 1
  tab[1]=2; tab[NP+1]=5;
#endif
#endif
  k=0; n=0; o=0; p=0; run World(); for (k : 0 .. NI-1) { run Inst(k) } k=0 } }
