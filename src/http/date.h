/*
 * Dates of HTTP (RFC 9110 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". Always GMT, always English, whatever
 * locale and time zone the process has. Leap seconds count as the second after them, as POSIX time does. Any
 * thread.
 */
#ifndef GUST_HTTP_DATE_H
#define GUST_HTTP_DATE_H

#include "http/slice.h"

#include <stdint.h>

enum {
    GUST__DATE_SIZE = 29 /* without a NUL */
};

#define GUST__DATE_MIN INT64_C(-62135596800) /* the year 1 begins */
#define GUST__DATE_MAX INT64_C(253402300799) /* the year 9999 ends */

/* Writes seconds since 1970 as an IMF-fixdate, exactly GUST__DATE_SIZE bytes and no NUL. Seconds outside
 * GUST__DATE_MIN to GUST__DATE_MAX are taken as the nearer of the two. */
void gust__date_format(char text[GUST__DATE_SIZE], int64_t seconds);

/*
 * Reads an IMF-fixdate, an RFC 850 date or an asctime date. A two-digit year is the one that is at most 50
 * years after now (seconds since 1970), as 5.6.7 demands. The day of the week must be a name of one, but need
 * not fit.
 * -> 0; -1 and EINVAL
 */
int gust__date_parse(struct gust__slice text, int64_t now, int64_t *seconds);

#endif
