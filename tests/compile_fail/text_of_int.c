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
    GUST_TEXT(struct user, age),
#endif
    GUST_TEXT(struct user, name, .from = GUST_BODY, .required = true),
};
