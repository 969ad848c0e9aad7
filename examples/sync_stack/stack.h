/*
 * The middle of sync_stack: a stack of plain blocking functions, written long before anybody thought of an
 * event loop. It is compiled once; the same object file is linked into a server with a thread for each
 * request and into a gust server. Only what is above it (who calls handle_request) and below it (who
 * implements struct backend) differs.
 */
#ifndef STACK_H
#define STACK_H

#include <stddef.h>

/* The bottom: something that does blocking I/O. */
struct backend;

/* Asks the backend a question and waits for its answer, a line. 0, or -1 and errno. */
int backend_ask(struct backend *backend, const char *question, char *answer, size_t size);

/* The top's way in: answers a request for a path. 0, or -1 and errno. */
int handle_request(struct backend *backend, const char *path, char *answer, size_t size);

#endif
