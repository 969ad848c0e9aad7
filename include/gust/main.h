/*
 * gust/main.h - a whole program: options, listeners, processes, signals, drain
 *
 * gust_main reads the command line, opens the listeners, runs the application's start hooks and serves until
 * SIGTERM or SIGINT; then it drains: it accepts no more, lets running requests end and idle connections send
 * one more, and returns. A second signal ends at once.
 *
 *     $ ./hello --port=0 --address=127.0.0.1
 *     listening on http://127.0.0.1:41873
 *
 * --processes=N (0: one for each core) serves from N processes under a supervisor. The supervisor opens the
 * listeners once, the processes inherit them, and each takes connections while it has not clearly more than
 * the others. One that crashes is started anew under its number (gust_task_id), at once the first time, then
 * after growing pauses, --max-restarts times in a row at most. --threads=N serves from N loops in each
 * process, a thread each; handlers then run on several threads at once and share the program's variables.
 * Start and stop hooks run for each loop.
 *
 * SIGHUP starts the program again with the same arguments, SIGUSR2 the same from the file that has its name
 * by now (a new version). The new process inherits the listening sockets; once it says that it serves, the
 * old one finishes what runs and ends. No connection is refused between the two, and if the new one does not
 * come up, the old one goes on and the log says why. Send the signals to the first process (the supervisor),
 * which is the one that the service manager knows.
 *
 * Under systemd: listening sockets of a socket unit are used in place of --port, --address and --unix;
 * Type=notify is told READY, RELOADING, STOPPING, MAINPID, STATUS and WATCHDOG. examples/deploy has the
 * units, and an nginx.conf.
 */
#ifndef GUST_MAIN_H
#define GUST_MAIN_H

#include <gust/base.h>
#include <gust/options.h>
#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

/* [any] Runs the program; takes app (NULL: out of memory is reported). Returns what main shall return: 0
 * after a drain or --help, 1 when it could not start or serve, 2 for a bad option; with several processes it
 * returns in each of them, so what main does behind it is done in each. Ignores SIGPIPE and handles SIGTERM,
 * SIGINT, SIGHUP, SIGUSR1 and SIGUSR2 while it runs. Call it before there are other threads. */
GUST_API int gust_main(gust_app *app, int argc, char **argv);

/* [any] The number of this serving process, from 0: the same one after a restart. 0 too where there is only
 * one process. For what exactly one process shall do, and for names of files of each one's own. */
GUST_API int gust_task_id(void);

GUST_END_DECLARATIONS

#endif
