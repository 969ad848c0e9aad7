/* Options as the library reads them: a copy that has every member, zero where the caller's version had none.
 */
#ifndef GUST_BASE_OPTIONS_H
#define GUST_BASE_OPTIONS_H

#include <stddef.h>
#include <string.h>

/* from begins with its size (GUST_OPTIONS); NULL: all default. */
static inline void gust__options_read(void *to, size_t size, const void *from)
{
    size_t given = 0;
    memset(to, 0, size);
    if (from)
        memcpy(&given, from, sizeof(given));
    if (given)
        memcpy(to, from, given < size ? given : size);
}

#endif
