/* The ledger's changes, one SQLite transaction each, and the verdict of a recovery. */

inline dropIntent(i) { led[i].io=0; led[i].is=0; led[i].in=0; led[i].it=0; led[i].iv=0;
  for (p : 0 .. NP-1) { led[i].ih[p]=0; led[i].ic[p]=0;
#if MAXCUT > 0
    led[i].ig[p]=0;
#endif
#if defined(QUAR) && !defined(M_STAGEKEEP)
    led[i].sg[p]=0;
#endif
  } }
inline clearBatch(i) { for (p : 0 .. NP-1) { bt[i].lo[p]=0; bt[i].hi[p]=0; bt[i].cd[p]=0; bt[i].data[p]=0;
#ifdef QUAR
    bt[i].q[p]=0;
#endif
#if MAXCUT > 0
    bt[i].g[p]=0;
#endif
  } bt[i].seq=0; bt[i].non=0; bt[i].t=0; bt[i].v=0; bt[i].nv=0 }
inline loadIntent(i) { led[i].io=1; led[i].is=bt[i].seq; led[i].in=bt[i].non; led[i].it=bt[i].t; led[i].iv=bt[i].nv;
  for (p : 0 .. NP-1) { led[i].ih[p]=bt[i].hi[p]; led[i].ic[p]=bt[i].cd[p];
#if MAXCUT > 0
    led[i].ig[p]=bt[i].g[p];
#endif
#if defined(QUAR) && !defined(M_STAGENOTHING)
    led[i].sg[p]=led[i].sg[p]|bt[i].q[p];
#endif
  } }

/* Rows: never a real one for what is not decided; what this instance decides now has no older row. */
inline settleRows(i,to) {
#ifdef QUAR
#ifndef M_UPSTAYS
  for (o : 0 .. NOFF-1) { if :: o>=led[i].D[p] && o<to && !((led[i].sg[p]>>o)&1) -> led[i].up[p]=led[i].up[p] & ~(1<<o) :: else fi }
#endif
  led[i].up[p]=led[i].up[p] & ~led[i].sg[p];
#else
  skip
#endif
}
/* after the commit: staged rows become real. `seen`: found committed by a recovery, the acknowledgement was not */
inline mark(i,seen) {
  for (p : 0 .. NP-1) { if :: (led[i].it>>p)&1 ->
#ifdef QUAR
      settleRows(i,led[i].ih[p]);
#endif
      led[i].L[p].seq=led[i].is; led[i].L[p].non=led[i].in; led[i].L[p].off=led[i].ih[p];
      led[i].L[p].cd=led[i].ic[p]; led[i].D[p]=led[i].ih[p]; led[i].cd[p]=led[i].ic[p];
#if MAXBACK > 0
      led[i].ak[p]=(seen -> M[p].ak : led[i].ic[p]);
#endif
#if MAXCUT > 0
      led[i].g[p]=led[i].ig[p];
#endif
      :: else fi;
#ifdef QUAR
    led[i].rl[p]=led[i].rl[p]|led[i].sg[p]; led[i].sg[p]=0;
    CHECK(Q_ROWS, (led[i].rl[p]>>led[i].D[p])==0)
#endif
  }
  led[i].lv=led[i].iv; dropIntent(i); pend[i]=0 }
inline halt(i,r) { printf("MSC: i%d HALT reason %d\n", i, r); CHECK(E_HALT, r & HALTOK);
  pc[i]=HALT; why[i]=r; pend[i]=0; dirty[i]=0; clearBatch(i) }

/* "ledger lost", "newer than the ledger knows": D is void, the markers win, a gap is recorded */
inline adopt(i) {
  ok=1; mx=0; x=0;
  for (p : 0 .. NP-1) { if :: RM(p,seq)>mx -> mx=RM(p,seq); x=RM(p,nv) :: else fi; if :: RM(p,hv)!=ver[i] -> ok=0 :: else fi }
#ifndef M_THISHASH
  ok = (x==ver[i]);                     /* the newest marker's next contract */
#endif
  if :: !ok -> CHECK(E_HASH, x!=ver[i]); halt(i,H_HASH)
     :: else ->
        CHECK(E_GAP, lf[i] || foreign[i]);
        printf("MSC: i%d adopts the markers, records a gap\n", i);
        for (p : 0 .. NP-1) {
#ifdef QUAR
#ifndef M_ADOPTDROP
          led[i].up[p]=led[i].up[p]|led[i].sg[p];
#endif
          led[i].rl[p]=led[i].rl[p] & ~led[i].sg[p]; led[i].sg[p]=0;
          for (o : 0 .. NOFF-1) { if :: o>=RM(p,off) && ((led[i].rl[p]>>o)&1) ->
            led[i].rl[p]=led[i].rl[p] & ~(1<<o); led[i].up[p]=led[i].up[p]|(1<<o) :: else fi }
#endif
          led[i].L[p].seq=RM(p,seq); led[i].L[p].non=RM(p,non); led[i].L[p].off=RM(p,off); led[i].L[p].cd=RM(p,cd);
#ifndef M_TRUSTD
          led[i].D[p]=RM(p,off); led[i].cd[p]=RM(p,cd);
#endif
#if MAXBACK > 0
          led[i].ak[p]=RM(p,ak);
#endif
#if MAXCUT > 0
          led[i].g[p]=RM(p,g);
#endif
#ifndef M_GROUPSTAYS
          grp[p]=led[i].D[p];           /* or the group would be beyond D once more */
#endif
          for (o : 0 .. NOFF-1) { if :: o>=RM(p,off) -> dv[p*NOFF+o]=0 :: else fi } /* (B) the gap is the excuse */
        }
        led[i].st=1; led[i].lv=ver[i]; dropIntent(i); lf[i]=0; goOn(i)
  fi }
inline goOn(i) { foreign[i]=0; pc[i]=TOP;
#if MAXCUT > 0
  quiet[i]=1;                           /* step 7: the check of source and partner */
#endif
  skip }
/* normal, committed with the mark missed, aborted: filtered batches beyond L count as decided now */
inline proceed(i) {
  for (p : 0 .. NP-1) { for (o : 0 .. NOFF-1) { if :: o>=led[i].L[p].off && o<led[i].D[p] -> decide(led[i].lv) :: else fi } }
  goOn(i) }

/* Where there is no marker yet the group proves nothing, unless the first one is proven. */
#ifdef M_FIRSTUNSEEN
#define GROUPKNOWS(i,p) (led[i].L[p].seq && gs[i].at[p]>led[i].L[p].off)
#else
#define GROUPKNOWS(i,p) (led[i].L[p].seq || (led[i].io && all && ((led[i].it>>p)&1)))
#endif
/* The table, row by row, for all partitions together. */
inline reconcile(i) {
#if MAXREV > 0 && !defined(M_NOLEARN)
  if :: Mrv -> led[i].rv=1 :: else fi;  /* acts are learned from markers whatever the verdict is */
#endif
  mx=0; any=0; k=0; q=0; x=0; all=1; some=0; ok=1;
  for (p : 0 .. NP-1) {
    if :: led[i].L[p].seq>mx -> mx=led[i].L[p].seq :: else fi;
    if :: RM(p,seq)>0 -> k=1 :: else fi;                                    /* k: there are markers              */
    if :: RM(p,seq)<led[i].L[p].seq -> q=1; if :: RM(p,seq)==0 -> x=1 :: else fi :: else fi; /* q: older, x: none but L known */
    if :: led[i].io && ((led[i].it>>p)&1) -> if :: SAMEI(i,p) -> some=1 :: else -> all=0; if :: !SAMEL(i,p) -> ok=0 :: else fi fi
       :: else -> if :: !SAMEL(i,p) -> ok=0 :: else fi fi                   /* ok: M is L wherever it is not I's */
  }
  for (p : 0 .. NP-1) { if :: RM(p,seq)>(led[i].io && led[i].is>mx -> led[i].is : mx) || FOREIGNI(i,p) -> any=1 :: else fi }
  if :: foreign[i] && k -> any=1 :: else fi;
#ifndef M_NOGROUP
  for (p : 0 .. NP-1) { if :: GROUPKNOWS(i,p) && gs[i].at[p] > ((led[i].io && all && ((led[i].it>>p)&1)) -> led[i].ih[p] : led[i].D[p]) -> any=1 :: else fi }
#endif
#ifdef M_NORESTORECHECK
  if :: q && !x -> any=1; q=0 :: else fi;
#endif
#ifdef M_FIRSTFITS
  if :: led[i].io && !(some && !all) -> any=0 :: else fi;                   /* I is judged before newer markers  */
#endif
  if :: !k && !led[i].st -> led[i].st=1; led[i].lv=ver[i]; goOn(i)          /* first start: offsets are stored   */
     :: else -> if
     :: x -> halt(i,H_LOST)
     :: !x && q -> halt(i,H_OLD)
     :: !x && !q && (!led[i].st || any) -> adopt(i)
     :: !x && !q && led[i].st && !any -> if
        :: led[i].io && all && ok -> mark(i,1); proceed(i)
        :: led[i].io && !all && !some && ok -> dropIntent(i); proceed(i)
        :: !led[i].io && ok -> proceed(i)
        :: else -> halt(i,H_IMPOSSIBLE) fi fi fi }
