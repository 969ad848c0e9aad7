/*
 * The zygote: a child with one thread, forked before the serving process has more, that forks workers when
 * told so and reports how they ended. It has nothing that the serving process opens later.
 */
#ifndef GUST_EXEC_ZYGOTE_H
#define GUST_EXEC_ZYGOTE_H

#include <gust/processes.h>

#include <stdbool.h>

/* Forks the zygote of each pool made so far that has none in this process. gust_main calls it in every
 * serving process, before its loop; for other programs gust_loop_new does. 0; -1: gust_error_last() says
 * which rule was broken. */
int gust__zygotes_start(void);

/* From now on loops of this process start no zygotes: for one that only watches over serving processes. A
 * process that is forked from it does again. */
void gust__zygotes_skip(void);

/* 0; -1 and EPERM with the last error: this process can fork no zygote any more. */
int gust__zygote_check(void);

/* Forks one pool's. 0, or -1 with the last error. */
int gust__zygote_start(gust_processes *processes);

/* Has it end with all its workers, and reaps it. */
void gust__zygote_stop(gust_processes *processes);

/* In a zygote or worker: pools are the serving process's. */
extern bool gust__zygote_inside;

#endif
