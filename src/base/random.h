/* Random numbers. Bytes come from the kernel; gust__random_u64 is a fast generator for jitter and balance. */
#ifndef GUST_BASE_RANDOM_H
#define GUST_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* size bytes fit for keys and tokens (getrandom). 0, or -1 and errno. */
int gust__random_bytes(void *to, size_t size);

/* Not for secrets. One generator a thread, seeded from the kernel, seeded anew in a forked child. */
uint64_t gust__random_u64(void);

#endif
