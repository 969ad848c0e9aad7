/* gcc: size of unnamed array is negative */
/* clang: array size is negative */
#include <gust/web.h>

struct user {
    const char *name;
    int age;
};

extern const gust_field fields[];
const gust_field fields[] = {
#ifndef SOUND
    GUST_INT(struct user, name),
#endif
    GUST_INT(struct user, age, .from = GUST_BODY, .max = 150),
};
