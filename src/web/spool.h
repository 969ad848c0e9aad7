/* Files without a name, for what is too large for a request's memory. Any thread; their calls block. */
#ifndef GUST_WEB_SPOOL_H
#define GUST_WEB_SPOOL_H

#include <stddef.h>

/* A new empty file in directory (NULL: $TMPDIR, or /tmp), readable and writable, gone when it is closed: no
 * crash leaves one behind. -> its descriptor, the caller's; -1 and errno */
int gust__spool_open(const char *directory);

/* Writes all of data at the descriptor's offset. -> 0; -1 and errno: some of it may have been written */
int gust__spool_write(int fd, const void *data, size_t size);

#endif
