/* What there is: the instances and their ledgers, the partner's coordinator and topics, the source. */

/* where an instance is */
#define DOWN 0
#define LOOK 1      /* reads the newest claim                            */
#define WAITS 2     /* one transaction timeout                           */
#define INIT 3
#define CLAIM 4     /* the claim is appended                             */
#define CLEND 5     /* and committed                                     */
#define READ 6      /* the checkpoint partition, up to the own claim     */
#define TOP 7       /* batch boundary; at rest when nothing is enabled   */
#define PROD 8      /* data                                              */
#define MARK1 9     /* markers last                                      */
#define MARK2 10
#define INTENT 11
#define ENDT 12
#define HALT 13
/* why it recovers */
#define START 0
#define RENEW 1
#define FENCED 2
#define ALONE 3     /* only of a mutation: init and nothing else         */
/* the transaction of the one transactional.id */
#define T_EMPTY 0
#define T_ON 1
#define T_PREP 2    /* PrepareCommit: decided, answered, not yet visible */
#define T_COMMIT 3
#define T_ABORT 4

/* seq 0: none; hv, nv: this and the next contract; cd: delivered so far; ak: acknowledged before the batch; g: source */
typedef Mark { byte seq; byte non; byte off; byte cd; byte hv; byte nv;
#if MAXBACK > 0
  byte ak;
#endif
#if MAXCUT > 0
  bit g;
#endif
}
typedef Ledger {
  bit st; byte lv;                      /* something stored; the contract that decides                  */
  Mark L[NP]; byte D[NP]; byte cd[NP];  /* last marker, decided offset, delivered up to it              */
  bit io; byte is; byte in; byte it; byte iv; byte ih[NP]; byte ic[NP]; /* intent: seq, nonce, partitions, next, to, count */
#ifdef QUAR
  byte sg[NP]; byte rl[NP]; byte up[NP]; /* quarantine rows by offset: staged, real, unproven           */
#endif
#if MAXBACK > 0
  byte ak[NP];                          /* acknowledged by the partner                                  */
#endif
#if MAXCUT > 0
  bit g[NP]; bit ig[NP];                /* fingerprint: which source the last decided record came from  */
#endif
#if MAXREV > 0
  bit rv;                               /* a revoke is recorded                                         */
#endif
}
typedef Batch { byte seq; byte non; byte t; byte v; byte nv; byte lo[NP]; byte hi[NP]; byte cd[NP]; byte data[NP];
#ifdef QUAR
  byte q[NP];
#endif
#if MAXCUT > 0
  bit g[NP];
#endif
}
typedef Offsets { byte at[NP] }

Ledger led[NI]; Batch bt[NI];
byte pc[NI]; byte why[NI]; byte ver[NI]; byte cause[NI];  /* ver: the contract file of that host            */
bit again[NI], waited[NI];              /* an init since the last commit; has waited for a twin             */
bit dirty[NI], pend[NI];                /* pend: the mark rides in the next write                           */
bit newer[NI], foreign[NI];             /* another's claim: after the own last one; without a verdict after it */
bit lf[NI];                             /* ghost: this ledger suffered                                      */
Offsets gs[NI];                         /* the group's offsets as asked for before the claim                */
byte grp[NP];                           /* the group's offsets in the internal cluster                      */

byte cst, own, wk, lc;                  /* own: instance+1 whose epoch is current; wk: its EndTxn (1 commit, 2 abort) still under way; lc: claim decided, not visible */
byte oData[NP], oLo[NP], oHi[NP], oV, oClaim; Mark oM[NP]; /* the open transaction                              */
Mark M[NP]; byte vis[NP];               /* committed markers; mask of records that the partner sees             */
bit nb; Mark pM[NP];                    /* a neighbour's open transaction; what was visible before it           */
byte inits, crashes, tos, nets, nbs, vers, losts, rolls, backs, cuts, revs;
byte dv[NP*NOFF];                       /* ghost: version under which an offset was durably decided             */
byte tab[2*NP];                         /* contract: mask delivered by version v in partition p                 */
#ifdef QUAR
byte tabq[2*NP];                        /* quarantined                                                          */
#endif
#if MAXROLL > 0
Ledger sav[NI]; bit hasSav, sfor;
#endif
#if MAXBACK > 0
Mark cM[NP]; byte cvis[NP]; bit hasCp, reinit;  /* the copy; an init since it was made                          */
byte gone[NP];                          /* ghost: delivered, and rolled back                                    */
#define GONE(p) gone[p]
#else
#define GONE(p) 0
#endif
#if MAXCUT > 0
byte cut[NP], high[NP];                 /* offsets from `cut` on are another source's; the log's end            */
bit quiet[NI];                          /* no check of the source since records were waited for                 */
bit oG[NP], spoilt[NP];                 /* of the open transaction; ghost: what is beyond the cut was decided before it */
#define END(p) high[p]
#define GEN(p,o) ((o) >= cut[p])
#else
#define END(p) NOFF
#endif
#if MAXREV > 0
bit Mrv, oRv, rvd;                      /* the act in the newest marker; in the open one; ghost: it must hold   */
#define REVOKED(i) led[i].rv
#else
#define REVOKED(i) false
#endif
hidden byte p, o, k, q, x, any, all, some, mx, n, ok;      /* scratch inside one atomic step */

#define CHECK(prop,cond) assert(!(PROPS & prop) || (cond))
#define OTHER(i)    (1-(i))
#define DEL(v,p,o)  ((tab[((v)-1)*NP+(p)] >> (o)) & 1)
#ifdef QUAR
#define QUA(v,p,o)  ((tabq[((v)-1)*NP+(p)] >> (o)) & 1)
#endif
/* the books as they stand once a mark that rides is written */
#define RIDES(i,p)  (pend[i] && ((led[i].it>>p)&1))
#define ED(i,p)     (RIDES(i,p) -> led[i].ih[p] : led[i].D[p])
#define ECD(i,p)    (RIDES(i,p) -> led[i].ic[p] : led[i].cd[p])
#define ELO(i,p)    (RIDES(i,p) -> led[i].ih[p] : led[i].L[p].off)
#define ELV(i)      (pend[i] -> led[i].iv : led[i].lv)
#define FIRST(i)    (led[i].L[0].seq==0 && !pend[i])
#define WORKP(i,p)  (ED(i,p)<END(p) || ED(i,p)>ELO(i,p))
#if MAXREV > 0
#define WORK(i)     (FIRST(i) || ver[i]!=ELV(i) || (REVOKED(i) -> !Mrv : WORKP(i,0) || WORKP(i,NP-1)))
#else
#define WORK(i)     (FIRST(i) || ver[i]!=ELV(i) || WORKP(i,0) || WORKP(i,NP-1))
#endif
#ifdef M_NOINTENT
#define MAYRIDE(i)  (!pend[i])          /* nothing for the mark to ride in */
#else
#define MAYRIDE(i)  true
#endif
/* markers as a reader sees them: with the own nonce to wait for, nothing is hidden */
#ifdef M_NOCLAIM
#define RM(p,f)     (nb -> pM[p].f : M[p].f)
#else
#define RM(p,f)     M[p].f
#endif
#define SAMEL(i,p)  (RM(p,seq)==led[i].L[p].seq && RM(p,non)==led[i].L[p].non)
#ifdef M_NONONCE
#define SAMEI(i,p)  (RM(p,seq)==led[i].is)
#define FOREIGNI(i,p) false
#else
#define SAMEI(i,p)  (RM(p,seq)==led[i].is && RM(p,non)==led[i].in)
#define FOREIGNI(i,p) (led[i].io && RM(p,seq)==led[i].is && RM(p,non)!=led[i].in)
#endif

inline cpMark(a,b) { a.seq=b.seq; a.non=b.non; a.off=b.off; a.cd=b.cd; a.hv=b.hv; a.nv=b.nv;
#if MAXBACK > 0
  a.ak=b.ak;
#endif
#if MAXCUT > 0
  a.g=b.g;
#endif
}
inline noMark(a) { a.seq=0; a.non=0; a.off=0; a.cd=0; a.hv=0; a.nv=0;
#if MAXBACK > 0
  a.ak=0;
#endif
#if MAXCUT > 0
  a.g=0;
#endif
}
#if MAXROLL > 0
inline cpLed(a,b) { a.st=b.st; a.lv=b.lv; a.io=b.io; a.is=b.is; a.in=b.in; a.it=b.it; a.iv=b.iv;
  for (p : 0 .. NP-1) { a.D[p]=b.D[p]; a.cd[p]=b.cd[p]; a.ih[p]=b.ih[p]; a.ic[p]=b.ic[p]; cpMark(a.L[p],b.L[p]);
#ifdef QUAR
    a.sg[p]=b.sg[p]; a.rl[p]=b.rl[p]; a.up[p]=b.up[p];
#endif
  } }
#endif
