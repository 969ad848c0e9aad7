/* The slow thing at the bottom: a server that answers each line 100 ms later. Both programs run one of their
 * own. */
#ifndef SLOW_SERVER_H
#define SLOW_SERVER_H

enum { SLOW_SERVER_MS = 100 };

/* Starts it on a thread of its own, on a free port of 127.0.0.1. The port, or -1 and errno. */
int slow_server_start(void);

#endif
