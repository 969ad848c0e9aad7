/* gcc: size of unnamed array is negative */
/* clang: array size is negative */
#include <gust/web.h>

struct user {
    double height;
};

extern const gust_field fields[];
const gust_field fields[] = {
#ifndef SOUND
    GUST_INT(struct user, height),
#else
    GUST_DOUBLE(struct user, height),
#endif
};
