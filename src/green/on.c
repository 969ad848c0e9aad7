/* gust_green_on: the options, and the self-test. */
#include "base/options.h"
#include "green/green_int.h"
#include "green/bindings.h"

#include <stdio.h>
#include <stdlib.h>

int gust_green_on_with(const gust_green_options *given)
{
    gust_green_options options;
    char report[900];
    gust__options_read(&options, sizeof(options), given);
    gust__green_values_probe();
    gust__green_settings.offload_writes = options.offload_writes;
    if (gust__green_check_bindings(report, sizeof(report)) < 0)
        return gust_error_set(ENOSYS, "%s", report);
    const char *lock = gust__green_unknown_lock();
    if (lock)
        return gust_error_set(ENOSYS, "libgust-green does not know this libc's %s: it needs glibc", lock);
    return 0;
}

void gust_green_require_with(const gust_green_options *options)
{
    if (gust_green_on_with(options) == 0)
        return;
    fprintf(stderr, "%s\n", gust_error_text(gust_error_last()));
    exit(EXIT_FAILURE);
}
