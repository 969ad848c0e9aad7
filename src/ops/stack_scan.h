/* A thread that must not be interrupted, looked at from outside. */
#ifndef GUST_OPS_STACK_SCAN_H
#define GUST_OPS_STACK_SCAN_H

#include <stddef.h>
#include <sys/types.h>

/* Where a thread of this process is inside a system call that a signal would end with EINTR, even under
 * SA_RESTART: the return addresses on its stack, those of calls that have ended among them; at most max. 0:
 * it is in none, or the system does not tell. Any other thread may ask. */
size_t gust__stack_scan(pid_t thread, void **frames, size_t max);

#endif
