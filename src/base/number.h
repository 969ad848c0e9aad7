/* Numbers as programs write them, whatever the user's locale says of decimal points. */
#ifndef GUST_BASE_NUMBER_H
#define GUST_BASE_NUMBER_H

#include <locale.h>
#include <stdlib.h>

/* strtod of the C locale. */
static inline double gust__strtod(const char *text, char **end)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc's own object: cannot fail */
    double value = strtod_l(text, end, plain);
    freelocale(plain);
    return value;
}

#endif
