/* The coordinator of the one transactional.id, and what a commit makes visible: most properties stand here. */

inline clearTxn() { for (p : 0 .. NP-1) { oData[p]=0; oLo[p]=0; oHi[p]=0; noMark(oM[p]);
#if MAXCUT > 0
    oG[p]=0;
#endif
  } oV=0; oClaim=0;
#if MAXREV > 0
  oRv=0;
#endif
  skip }
/* PrepareCommit is logged: the outcome is fixed */
inline doCommit() {
  for (p : 0 .. NP-1) {
    CHECK(A_TWICE, ((vis[p]|GONE(p)) & oData[p])==0);
    CHECK(A_ORDER, oData[p]==0 || (oData[p] & -oData[p]) > (vis[p]|GONE(p)));
    vis[p] = vis[p] | oData[p];
    if :: oM[p].seq ->
         cpMark(M[p],oM[p]);
         n=0;
         for (o : 0 .. NOFF-1) {
           if :: o>=oLo[p] && o<oHi[p] -> decide(oV);
#if MAXCUT > 0
                decideOf(oG[p])
#endif
              :: else fi;
           if :: o<oM[p].off -> CHECK(A_LOST, dv[p*NOFF+o]!=0 && (!DEL(dv[p*NOFF+o],p,o) || (((vis[p]|GONE(p))>>o)&1))) :: else fi;
           n = n + (((vis[p]|GONE(p))>>o)&1)
         }
         CHECK(C_COUNTS, n==oM[p].cd);
#if MAXREV > 0
         if :: oRv -> Mrv=1 :: else fi
#endif
      :: else fi
  }
  if :: oClaim -> lc=oClaim :: else fi;
  clearTxn(); cst=T_PREP
}
inline doAbort() { clearTxn(); cst=T_ABORT }

#ifdef M_NODIRTY
#define SETDIRTY(i)
#else
#define SETDIRTY(i) dirty[i]=1
#endif
/* EndTxn(commit): ok=1 success, ok=0 unknown. The client re-sends invisibly: two requests sent = dirty */
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
#if MAXBACK > 0
#define EAK(i,p)    (RIDES(i,p) -> led[i].ic[p] : led[i].ak[p])
#define SEEN(p)     ((vis[p]&1)+((vis[p]>>1)&1)+((vis[p]>>2)&1)+((vis[p]>>3)&1))
#ifdef M_NOACKCHECK
#define SHORT(i)    false
#else
#define SHORT(i)    (SEEN(0)<EAK(i,0) || SEEN(NP-1)<EAK(i,NP-1))
#endif
#endif
