/* What gust_main needs of gust/debug.h's insides. */
#ifndef GUST_OPS_DUMP_H
#define GUST_OPS_DUMP_H

#include <gust/debug.h>

/* The watchdog's limit where no option sets it: 100 ms in development, which is an
 * app with .debug or GUST_ENV=development in the environment, else 0. */
int64_t gust__watchdog_default(bool debug);

/* A signal's watch: writes a dump, in a coroutine of its own, to the file that argument (const char **)
 * names, appended; NULL: to standard error. While one is on its way another signal asks for nothing more. */
int gust__dump_on_signal(int signal_number, unsigned zero, void *argument);

#endif
