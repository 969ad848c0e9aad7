/* gcc: size of unnamed array is negative */
/* clang: array size is negative */
#include <gust/web.h>

/* The text belongs to the request: a field points to it, and has no room of its own. */
struct user {
#ifndef SOUND
    char name[32];
#else
    const char *name;
#endif
};

extern const gust_field fields[];
const gust_field fields[] = {
    GUST_TEXT(struct user, name),
};
