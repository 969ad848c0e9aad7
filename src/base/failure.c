#include "base/failure.h"
#include "base/sys.h"

#include <gust/error.h>
#include <stdio.h>

void gust__failure_log(const char *what)
{
    int saved = errno;
    char text[1100], line[1300];
    int length = snprintf(line, sizeof(line), "%s: %s\n", what, gust_error_describe(text, sizeof(text)));
    gust__sys_write(2, line, length < (int)sizeof(line) ? (size_t)length : sizeof(line) - 1);
    errno = saved;
}
