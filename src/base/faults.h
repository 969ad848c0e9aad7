/*
 * Failures on demand, in builds with -DGUST_FAULTS; in others nothing of this exists. Allocations (alloc.h)
 * and system calls (sys.h) ask here first. What fails is described by the environment or by a test:
 *
 *     GUST_FAULT=alloc:3          the third allocation fails with ENOMEM, once
 *     GUST_FAULT=alloc:3+         the third and every later one
 *     GUST_FAULT=sys:accept4:2    the second accept4 fails, once, with the call's usual errno (EMFILE here)
 *     GUST_FAULT=sys:write:1+:28  every write fails with errno 28
 *     GUST_FAULT=alloc:9,sys:openat:1     up to eight rules, between commas
 *
 * A test that wants to fail each allocation of a piece of work in turn:
 *
 *     for (unsigned n = 1;; n++) {
 *         gust__faults_alloc_at(n, false);
 *         work();
 *         if (!gust__faults_struck())
 *             break;
 *     }
 *     gust__faults_set(NULL);
 *
 * The check functions are for any thread. Rules are set while no other thread allocates or calls.
 */
#ifndef GUST_BASE_FAULTS_H
#define GUST_BASE_FAULTS_H

#ifdef GUST_FAULTS

#include <stdbool.h>

/* Replaces all rules; NULL or "": none. All counts begin anew. 0, or -1 and EINVAL (then there are no rules).
 */
int gust__faults_set(const char *rules);

/* One rule: the n-th allocation from now, and with onwards every later one. */
void gust__faults_alloc_at(unsigned n, bool onwards);

/* One rule: the n-th call of that name from now; code 0: the call's usual errno. */
void gust__faults_sys_at(const char *name, unsigned n, bool onwards, int code);

unsigned gust__faults_counted(void); /* calls that any rule counted since the rules were set */
unsigned gust__faults_struck(void);  /* calls that were made to fail since then */

/* Asked by alloc.c and sys.h: 0, or the errno to fail with. */
int gust__faults_alloc(void);
int gust__faults_sys(const char *name);

#endif
#endif
