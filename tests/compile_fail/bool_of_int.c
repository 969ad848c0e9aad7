/* gcc: size of unnamed array is negative */
/* clang: array size is negative */
#include <gust/web.h>

struct user {
#ifndef SOUND
    int member;
#else
    bool member;
#endif
};

extern const gust_field fields[];
const gust_field fields[] = {
    GUST_BOOL(struct user, member),
};
