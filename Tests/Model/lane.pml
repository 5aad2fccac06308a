/* The protocol of one lane. README.md says what is modelled, bounds.h what can be set, test_model.py holds the runs.
 * By hand: spin -a [-D...] lane.pml && gcc -O1 -w -DCOLLAPSE -DSAFETY -DVECTORSZ=2048 -o pan pan.c && ./pan -m400000
 * A violation leaves lane.pml.trail: spin -t [the same -D...] lane.pml prints one line per event. */
#include "bounds.h"
#include "state.h"

/* ghost: offset o of p is durably decided under a version */
inline decide(vv) { CHECK(B_ONCE, dv[p*NOFF+o]==0 || dv[p*NOFF+o]==vv); dv[p*NOFF+o]=vv }
#if MAXCUT > 0
/* ghost: offset o is decided as part of a batch whose last record is of source gg */
inline decideOf(gg) { if :: o>=cut[p] && gg -> CHECK(G_SOURCE, !spoilt[p]) :: o>=cut[p] && !gg -> spoilt[p]=1 :: else fi }
#endif

#include "ledger.h"

#include "partner.h"

/* ---- the loop ---- */
/* a batch of the offsets lo to hi; the markers' partitions are t */
inline build(i) {
  mx=0; for (p : 0 .. NP-1) { if :: led[i].L[p].seq>mx -> mx=led[i].L[p].seq :: else fi }
  if :: pend[i] && led[i].is>mx -> mx=led[i].is :: else fi;
  bt[i].seq=mx+1; bt[i].v=ELV(i);       /* an attempt that comes to nothing uses no number up */
  for (p : 0 .. NP-1) { bt[i].cd[p]=ECD(i,p);
#if MAXCUT > 0
    bt[i].g[p]=(bt[i].hi[p]>bt[i].lo[p] -> GEN(p,bt[i].hi[p]-1) : (RIDES(i,p) -> led[i].ig[p] : led[i].g[p]));
#endif
    for (o : 0 .. NOFF-1) {
#ifdef QUAR
      if :: o>=bt[i].lo[p] && o<bt[i].hi[p] && QUA(bt[i].v,p,o) -> bt[i].q[p]=bt[i].q[p]|(1<<o) :: else fi;
#endif
      if :: o>=bt[i].lo[p] && o<bt[i].hi[p] && DEL(bt[i].v,p,o) -> bt[i].data[p]=bt[i].data[p]|(1<<o); bt[i].cd[p]=bt[i].cd[p]+1 :: else fi } }
}
/* a nonce differs from every other in use: the smallest free number keeps the state finite */
inline freshNonce(i) {
  n=1; do :: ok=1;
    for (p : 0 .. NP-1) { if :: M[p].non==n || oM[p].non==n || pM[p].non==n -> ok=0 :: else fi;
#if MAXBACK > 0
      if :: cM[p].non==n -> ok=0 :: else fi;
#endif
      for (k : 0 .. NI-1) { if :: led[k].L[p].non==n || led[k].in==n || bt[k].non==n -> ok=0 :: else fi;
#if MAXROLL > 0
        if :: sav[k].L[p].non==n || sav[k].in==n -> ok=0 :: else fi
#endif
      } }
    if :: ok -> break :: else -> n++ fi od; bt[i].non=n; p=0; k=0 }
/* a transaction carries a marker of every partition that is ahead of its last one */
inline go(i) { any=0; for (p : 0 .. NP-1) { any=any|bt[i].data[p]; if :: ED(i,p)>ELO(i,p) -> bt[i].t=bt[i].t|(1<<p) :: else fi }
  x=any; freshNonce(i); pc[i]=(x -> PROD : MARK1);
  printf("MSC: i%d batch %d/%d v%d t=%d p0 %d-%d\n", i, bt[i].seq, bt[i].non, bt[i].v, bt[i].t, bt[i].lo[0], bt[i].hi[0]) }
inline putMark(i,pp) { if :: (bt[i].t>>pp)&1 -> oM[pp].seq=bt[i].seq; oM[pp].non=bt[i].non; oM[pp].off=bt[i].hi[pp]; oM[pp].cd=bt[i].cd[pp];
  oM[pp].hv=bt[i].v; oM[pp].nv=bt[i].nv; oLo[pp]=bt[i].lo[pp]; oHi[pp]=bt[i].hi[pp]; oV=bt[i].v;
#if MAXBACK > 0
  oM[pp].ak=EAK(i,pp);
#endif
#if MAXCUT > 0
  oM[pp].g=bt[i].g[pp]; oG[pp]=bt[i].g[pp];
#endif
#if MAXREV > 0
  oRv=led[i].rv;
#endif
  cst=T_ON :: else fi }

/* into a recovery: what is unsaved was written before, or a crash is the same */
inline recover(i,why_) { pc[i]=LOOK; cause[i]=why_; waited[i]=0; dirty[i]=0; pend[i]=0; clearBatch(i) }
inline unknown(i) { printf("MSC: i%d outcome unknown\n", i); recover(i,RENEW) }
inline fenced(i) { printf("MSC: i%d fenced\n", i);
#ifdef ERRMASK
  if :: recover(i,FENCED) :: recover(i,RENEW) fi
#else
  recover(i,FENCED)
#endif
}
proctype Inst(byte i) {
end: do
  :: atomic { pc[i]==DOWN -> printf("MSC: i%d start\n", i); pc[i]=LOOK; cause[i]=START; again[i]=0; waited[i]=0 }
  :: atomic { pc[i]!=DOWN && (pc[i]!=HALT || why[i]==H_OTHER) && crashes<MAXCRASH -> printf("MSC: i%d killed at %d\n", i, pc[i]);
       crashes++; pc[i]=DOWN; cause[i]=START; again[i]=0; waited[i]=0; why[i]=0; pend[i]=0; dirty[i]=0; clearBatch(i) }

  /* ---- recovery ---- */
  /* The newest claim, before every init. The first one of a start is only what later ones are compared with. The
     read ends at the last stable offset: an open transaction may hide a claim. */
  :: atomic { pc[i]==LOOK ->
       if :: cause[i]==START && !again[i] -> newer[i]=0 :: else fi;
       if :: newer[i] -> halt(i,H_OTHER)
          :: !newer[i] || nb ->
#ifdef M_NOWAIT
             ok=0;
#else
             ok=(NI>1 && !waited[i] && (cause[i]==FENCED || (cause[i]==RENEW && again[i])));
#endif
             again[i]=1; pc[i]=(ok -> WAITS : INIT) fi }
  /* Whoever fenced us shows its claim within a transaction timeout; or it is slower than that. */
  :: atomic { pc[i]==WAITS && !nb && (!(pc[OTHER(i)]>=CLAIM && pc[OTHER(i)]<=READ && own==OTHER(i)+1) || nets<MAXNET) ->
       if :: pc[OTHER(i)]>=CLAIM && pc[OTHER(i)]<=READ && own==OTHER(i)+1 -> nets++ :: else fi;
       waited[i]=1; pc[i]=LOOK }
  /* Aborts what is open, waits for PrepareCommit, fences the others and every request under way. */
  :: atomic { pc[i]==INIT && cst!=T_PREP -> printf("MSC: i%d init\n", i);
       if :: cst==T_ON -> doAbort() :: else -> cst=T_EMPTY fi; own=i+1; wk=0;
#if MAXBACK > 0
       if :: hasCp -> reinit=1 :: else fi;
#endif
#ifdef MAXINIT
       inits++; CHECK(F_ENDLESS, inits<=MAXINIT);
#endif
#ifdef M_NOCLAIM
       pc[i]=READ
#else
       pc[i]=(cause[i]==ALONE -> TOP : CLAIM)
#endif
     }
  /* The group is asked before the claim: if that commits, nothing here is ahead of the markers before it. */
  :: atomic { pc[i]==CLAIM && cst!=T_PREP -> if :: own==i+1 -> oClaim=i+1; cst=T_ON; pc[i]=CLEND;
       for (p : 0 .. NP-1) { gs[i].at[p]=grp[p] } :: else -> fenced(i) fi }
  :: atomic { pc[i]==CLEND -> if :: own!=i+1 -> fenced(i) :: else -> endCommit(i);
       if :: ok && !dirty[i] -> newer[i]=0; pc[i]=READ
          :: ok && dirty[i] -> dirty[i]=0; pc[i]=LOOK;     /* our claim stands, and the producer cannot be used */
#ifndef M_OLDBASE
             newer[i]=0
#endif
          :: !ok -> newer[i]=0; recover(i,FENCED) fi fi }
  /* Until our own nonce is seen. Fenced meanwhile: the same as a verdict first and being fenced at the next begin. */
  :: atomic { pc[i]==READ && own!=i+1 -> fenced(i) }
#ifdef M_NOCLAIM
  :: atomic { pc[i]==READ && own==i+1 && cst!=T_PREP -> printf("MSC: i%d reads\n", i); reconcile(i) }
#else
  :: atomic { pc[i]==READ && own==i+1 && cst!=T_PREP && !nb -> printf("MSC: i%d reads its nonce\n", i); reconcile(i) }
#endif

  /* ---- batch boundary ---- */
#if MAXCUT > 0
  /* Nothing is decided before a check where records were waited for: position and fingerprint. */
  :: atomic { pc[i]==TOP && quiet[i] -> ok=1;
       for (p : 0 .. NP-1) { if :: ED(i,p)>high[p] -> ok=0
#ifndef M_NOFINGERPRINT
          :: ED(i,p)>0 && ED(i,p)<=high[p] && (RIDES(i,p) -> led[i].ig[p] : led[i].g[p])!=GEN(p,ED(i,p)-1) -> ok=0
#endif
          :: else fi }
       if :: ok -> quiet[i]=0 :: else -> halt(i,H_CUT) fi }
#define CHECKED(i) !quiet[i]
#else
#define CHECKED(i) true
#endif
#if MAXBACK > 0
  :: atomic { pc[i]==TOP && SHORT(i) -> halt(i,H_SHORT) }
  :: atomic { pc[i]==TOP && own!=i+1 && !pend[i] && !WORK(i) -> fenced(i) } /* the marker of an idle lane */
#endif
  /* the mark is written alone */
  :: atomic { pc[i]==TOP && pend[i] ->
#ifdef M_NOINTENT
       loadIntent(i); clearBatch(i);
#endif
       mark(i,0) }
  :: atomic { pc[i]==TOP && dirty[i] -> printf("MSC: i%d dirty\n", i); if :: pend[i] -> mark(i,0) :: else fi;
#ifdef M_INITALONE
       dirty[i]=0; cause[i]=ALONE; pc[i]=INIT
#else
       recover(i,RENEW)
#endif
     }
  :: atomic { pc[i]==TOP && !dirty[i] && CHECKED(i) && WORK(i) && MAYRIDE(i) ->
       x=0; any=0; all=1;
       for (p : 0 .. NP-1) { if :: ED(i,p)<END(p) -> all=0 :: else fi; if :: ED(i,p)>ELO(i,p) -> any=1 :: else fi }
       if
#ifdef M_NOCHANGE
       :: !FIRST(i) && ver[i]!=ELV(i) -> led[i].lv=ver[i]; if :: pend[i] -> led[i].iv=ver[i] :: else fi; x=9
       :: FIRST(i) -> x=1
#else
       :: FIRST(i) || ver[i]!=ELV(i) || REVOKED(i) -> x=1  /* markers before a first or changed contract decides anything; the act's */
#endif
       :: !FIRST(i) && ver[i]==ELV(i) && !REVOKED(i) && !all -> x=2
       :: !FIRST(i) && ver[i]==ELV(i) && !REVOKED(i) && any -> x=1 /* due by time, or the end of the partition */
       fi;
       if :: x==9 -> skip :: else ->
       for (p : 0 .. NP-1) { bt[i].lo[p]=ED(i,p); bt[i].hi[p]=ED(i,p) }
       bt[i].nv=(x==1 -> ver[i] : ELV(i)); bt[i].t=(1<<NP)-1;
       if :: x==2 -> bt[i].t=0;                            /* any bounded batch, one record at least */
          do :: bt[i].hi[0]<END(0) && bt[i].hi[0]-bt[i].lo[0]<MAXB -> bt[i].hi[0]++; bt[i].t=bt[i].t|1
#if NP > 1
             :: bt[i].hi[1]<END(1) && bt[i].hi[1]-bt[i].lo[1]<MAXB -> bt[i].hi[1]++; bt[i].t=bt[i].t|2
#endif
             :: bt[i].t!=0 -> break od
          :: else fi;
       build(i); any=0; ok=1;
       for (p : 0 .. NP-1) { any=any|bt[i].data[p]; if :: bt[i].hi[p]-ELO(i,p) > DUE -> ok=0 :: else fi;
#ifdef QUAR
         any=any|bt[i].q[p]
#endif
       }
       if :: any==0 && x==2 && ok ->                       /* filtered only, not due: SQLite alone, with a mark that rides */
             if :: pend[i] -> mark(i,0) :: else fi;
             for (p : 0 .. NP-1) { if :: bt[i].hi[p]>bt[i].lo[p] ->
               for (o : 0 .. NOFF-1) { if :: o>=bt[i].lo[p] && o<bt[i].hi[p] && own==i+1 -> decide(bt[i].v);
#if MAXCUT > 0
                   decideOf(bt[i].g[p])
#endif
                 :: else fi };
#ifdef QUAR
               settleRows(i,bt[i].hi[p]);
#endif
#if MAXCUT > 0
               led[i].g[p]=bt[i].g[p];
#endif
#if NI > 1
               if :: own!=i+1 -> lf[OTHER(i)]=1 :: else fi; /* ghost: one that was fenced and does not know it tells the group */
#endif
               led[i].D[p]=bt[i].hi[p]; grp[p]=bt[i].hi[p] :: else fi }
             printf("MSC: i%d filtered only v%d D=%d\n", i, bt[i].v, led[i].D[0]); clearBatch(i)
          :: any!=0 || x!=2 || !ok -> go(i)
          :: any==0 && x==2 -> go(i)                       /* due by time */
       fi fi }

  /* ---- the transaction ---- */
  :: atomic { pc[i]==PROD && cst!=T_PREP -> if :: own!=i+1 -> fenced(i) :: else -> cst=T_ON;
       for (p : 0 .. NP-1) { oData[p]=oData[p]|bt[i].data[p] } pc[i]=MARK1; printf("MSC: i%d data produced\n", i) fi }
  :: atomic { pc[i]==MARK1 && cst!=T_PREP -> if :: own!=i+1 -> fenced(i) :: else -> putMark(i,0); pc[i]=(NP>1 -> MARK2 : INTENT) fi }
#if NP > 1
  :: atomic { pc[i]==MARK2 && cst!=T_PREP -> if :: own!=i+1 -> fenced(i)
       :: own==i+1 && ((bt[i].t&1)==0 || cst==T_ON) -> putMark(i,1); pc[i]=INTENT
       :: own==i+1 && (bt[i].t&1) && cst!=T_ON -> unknown(i) fi } /* the broker refuses a write outside a transaction */
#endif
  :: atomic { pc[i]==INTENT ->
#ifndef M_NOINTENT
       if :: pend[i] -> mark(i,0) :: else fi; loadIntent(i);
#endif
#ifdef M_MARKFIRST
       mark(i,0);
#endif
       pc[i]=ENDT }
#if MAXBACK > 0
  /* what the partner has acknowledged lies beyond what it had acknowledged before */
#define BEYOND(i,p) (bt[i].data[p]==0 || SEEN(p)>=EAK(i,p))
#ifdef M_NOACKCHECK
#define RISING(i) true
#else
#define RISING(i) (BEYOND(i,0) && BEYOND(i,NP-1))
#endif
  :: atomic { pc[i]==ENDT && own==i+1 && cst==T_ON && !RISING(i) -> halt(i,H_SHORT); doAbort() }
#else
#define RISING(i) true
#endif
#if MAXREV > 0
#define EMPTY(i) (bt[i].hi[0]==bt[i].lo[0] && bt[i].hi[NP-1]==bt[i].lo[NP-1])
#ifdef M_LATEREVOKE
#define OVERRULED(i) false
#else
#define OVERRULED(i) (REVOKED(i) && !EMPTY(i))
#endif
  /* an act that was recorded before the commit is asked for comes first */
  :: atomic { pc[i]==ENDT && own==i+1 && cst==T_ON && OVERRULED(i) -> doAbort(); dropIntent(i); clearBatch(i); pc[i]=TOP }
#else
#define OVERRULED(i) false
#endif
  :: atomic { pc[i]==ENDT && (own!=i+1 || cst!=T_ON || (RISING(i) && !OVERRULED(i))) -> if :: own!=i+1 -> fenced(i) :: else ->
#if MAXREV > 0
       CHECK(R_REVOKED, !rvd || cst!=T_ON || (oData[0]==0 && oData[NP-1]==0));
#endif
       endCommit(i);
       if :: ok -> again[i]=0;
             for (p : 0 .. NP-1) { if :: (bt[i].t>>p)&1 -> grp[p]=bt[i].hi[p] :: else fi }
#ifndef M_NOINTENT
             clearBatch(i);
#endif
#ifndef M_MARKFIRST
             pend[i]=1;
#endif
             pc[i]=TOP
          :: else ->
#ifdef M_NOUNKNOWN
             clearBatch(i); dropIntent(i); pc[i]=TOP       /* guess: not committed */
#else
             unknown(i)
#endif
       fi fi }
  /* Nothing sent yet and something failed: abort. Clean: the intent goes, decided again; else the markers decide. */
  :: atomic { (pc[i]==MARK1 || pc[i]==MARK2 || pc[i]==ENDT) && own==i+1 && cst==T_ON && nets<MAXNET -> nets++;
       if :: printf("MSC: i%d clean abort\n", i); doAbort(); ok=1
          :: wk==0 -> wk=2; doAbort(); ok=0; SETDIRTY(i); printf("MSC: i%d abort late and re-sent\n", i)
#ifdef M_NODIRTY
             ; ok=1
#endif
          :: wk==0 -> wk=2; ok=0 fi;
       if :: ok -> if :: led[i].io && led[i].is==bt[i].seq && led[i].in==bt[i].non -> dropIntent(i) :: else fi; clearBatch(i); pc[i]=TOP
          :: else -> unknown(i) fi }
  od }

/* brokers, clocks and the adversary; z: the instance meant */
proctype World() { byte z;
end: do
  :: atomic { cst==T_PREP -> cst=T_COMMIT;                 /* control records are written: visible */
       if :: lc!=0 -> newer[lc-1]=0;
#if NI > 1
            newer[OTHER(lc-1)]=1; foreign[OTHER(lc-1)]=1;
#endif
#if MAXROLL > 0
            sfor=1;                                        /* also an own claim of after the copy */
#endif
            lc=0 :: else fi }
  :: atomic { cst==T_ON && tos<MAXTO -> tos++; doAbort(); own=0; wk=0; printf("MSC: transaction timed out, epoch bumped\n") }
  :: atomic { wk!=0 -> if :: cst==T_ON -> printf("MSC: late EndTxn %d ends the open transaction\n", wk); if :: wk==1 -> doCommit() :: else -> doAbort() fi :: else fi; wk=0 }
  :: atomic { !nb && nbs<MAXNB -> nbs++; nb=1; printf("MSC: neighbour opens\n");
#ifdef M_NOCLAIM
       for (p : 0 .. NP-1) { cpMark(pM[p],M[p]) }
#endif
     }
  :: atomic { nb -> nb=0; printf("MSC: neighbour ends\n"); for (p : 0 .. NP-1) { noMark(pM[p]) } }
  :: atomic { vers<MAXVER -> if :: z=0 :: NI>1 -> z=NI-1 fi; vers++; ver[z]=3-ver[z]; printf("MSC: i%d contract is now v%d\n", z, ver[z]); z=0 }
  :: atomic { losts<MAXLOST && ((pc[0]==DOWN && led[0].st) || (pc[NI-1]==DOWN && led[NI-1].st)) ->
       if :: pc[0]==DOWN && led[0].st -> z=0 :: pc[NI-1]==DOWN && led[NI-1].st -> z=NI-1 fi;
       losts++; lf[z]=1; dropIntent(z); led[z].st=0; led[z].lv=0; printf("MSC: i%d ledger lost\n", z);
#if MAXREV > 0
       led[z].rv=0; rvd=Mrv;                               /* an act that no marker carries yet goes with the ledger */
#endif
       for (p : 0 .. NP-1) { led[z].D[p]=0; led[z].cd[p]=0; noMark(led[z].L[p]);
#ifdef QUAR
         led[z].sg[p]=0; led[z].rl[p]=0; led[z].up[p]=0;
#endif
       } z=0 }
#if MAXROLL > 0
  :: atomic { !hasSav -> hasSav=1; cpLed(sav[0],led[0]); sfor=foreign[0]; printf("MSC: i0 ledger copied\n") }
  :: atomic { pc[0]==DOWN && hasSav && rolls<MAXROLL -> rolls++; lf[0]=1; cpLed(led[0],sav[0]);
       foreign[0]=foreign[0]|sfor; printf("MSC: i0 ledger restored from the copy\n") }
#endif
#if MAXBACK > 0
  /* The whole cluster comes back as it was, transaction log included: what was open is refused, and so is a producer
     that the copy does not know. The ledger had marked whatever is gone. */
  :: atomic { !hasCp && cst!=T_PREP && cst!=T_ON -> hasCp=1; for (p : 0 .. NP-1) { cvis[p]=vis[p]; cpMark(cM[p],M[p]) } printf("MSC: partner copied\n") }
  :: atomic { hasCp && backs<MAXBACK && cst!=T_PREP && SAMEL(0,0) && SAMEL(0,NP-1) -> backs++; own=(reinit || cst==T_ON -> 0 : own);
       clearTxn(); cst=T_EMPTY; wk=0;
       for (p : 0 .. NP-1) { gone[p]=gone[p]|(vis[p] & ~cvis[p]); vis[p]=cvis[p]; cpMark(M[p],cM[p]) }
       printf("MSC: partner restored\n") }
#endif
#if MAXCUT > 0
  /* Truncated or recreated: from here on other records. A consumer at the end has waited. */
  :: atomic { cuts<MAXCUT -> cuts++; if :: z=0 :: NP>1 -> z=NP-1 fi; p=z; z=0;
       if :: cut[p]=0 :: cut[p]=NOFF/2 :: cut[p]=NOFF-1 fi;
       if :: high[p]=cut[p] :: high[p]=NOFF fi;
       for (o : 0 .. NOFF-1) { if :: o>=cut[p] && dv[p*NOFF+o] -> spoilt[p]=1 :: else fi }
       printf("MSC: source %d cut at %d, ends at %d\n", p, cut[p], high[p]); p=0; o=0;
#ifndef M_NOWAITCHECK
       for (k : 0 .. NI-1) { quiet[k]=1 } k=0
#endif
     }
  :: atomic { high[0]<NOFF || high[NP-1]<NOFF -> high[0]=NOFF; high[NP-1]=NOFF;
#ifndef M_NOWAITCHECK
       for (k : 0 .. NI-1) { quiet[k]=1 } k=0
#endif
     }
#endif
#if MAXREV > 0
  :: atomic { revs<MAXREV -> revs++; printf("MSC: revoked\n"); rvd=1;
#ifndef M_NOREVOKE
       led[0].rv=1
#endif
     }
#endif
  /* Nothing can move any more. Atomic, as the scratch variables are no part of a state: a loop over them would end as a
     state that was seen before. */
  :: atomic { timeout ->
     for (z : 0 .. NI-1) {
       CHECK(D_SETTLED, pc[z]==HALT || pc[z]==TOP);
       CHECK(D_SETTLED, pc[z]==HALT || (!led[z].io && led[z].lv==ver[z]));
       for (p : 0 .. NP-1) { CHECK(D_SETTLED, pc[z]==HALT || REVOKED(z) || led[z].D[p]==NOFF);
         CHECK(A_SILENT, pc[z]==HALT || GONE(p)==0);
         CHECK(D_SETTLED, pc[z]==HALT || newer[z] || backs>0 || (SAMEL(z,p) && (REVOKED(z) || led[z].D[p]==M[p].off))) }
     }
#ifdef QUAR
     for (p : 0 .. NP-1) {
       for (o : 0 .. NOFF-1) {
         x=0; n=0;                                         /* rows, and real ones */
         for (z : 0 .. NI-1) { x=x+((led[z].rl[p]>>o)&1)+((led[z].up[p]>>o)&1); n=n+((led[z].rl[p]>>o)&1);
           CHECK(Q_ROWS, o<led[z].D[p] || !((led[z].rl[p]>>o)&1)) }
         CHECK(Q_ROWS, n<=1 && (NI>1 || x<=1));
         if :: dv[p*NOFF+o] && QUA(dv[p*NOFF+o],p,o) -> CHECK(Q_ROWS, x>0 || MAXLOST>0 || MAXROLL>0)
            :: dv[p*NOFF+o] && !QUA(dv[p*NOFF+o],p,o) -> CHECK(Q_ROWS, n==0 && (NI>1 || x==0)) 
            :: else fi } }
#endif
#if NI > 1
     CHECK(F_TWINS, (HALTOK & H_BOTH) || pc[0]!=HALT || pc[1]!=HALT);
#endif
     break }
  od }

init { atomic {
  for (k : 0 .. NI-1) { ver[k]=1 }
#ifdef ALLPAT
  for (k : 0 .. 2*NP-1) { n=0; for (o : 0 .. NOFF-1) { if :: n=n|(1<<o) :: skip fi } tab[k]=n }
#else
  if :: tab[0]=9;  tab[NP]=6           /* delivered D, filtered F: D F F D, then F D D F */
     :: tab[0]=1;  tab[NP]=15          /* D F F F, then all     */
     :: tab[0]=14; tab[NP]=0           /* F D D D, then none    */
     :: tab[0]=4;  tab[NP]=2 fi;
#if NP > 1
  tab[1]=2; tab[NP+1]=5;
#endif
#endif
#ifdef QUAR
  for (k : 0 .. 2*NP-1) { tabq[k]=((1<<NOFF)-1) & ~tab[k] & 6 } /* of what is not delivered, the second and the third */
#endif
#if MAXCUT > 0
  for (p : 0 .. NP-1) { cut[p]=NOFF; high[p]=NOFF }
#endif
  k=0; n=0; o=0; p=0; run World(); for (k : 0 .. NI-1) { run Inst(k) } k=0 } }
