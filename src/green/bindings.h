/* Whether the calls of the loaded libraries come to us. */
#ifndef GUST_GREEN_BINDINGS_H
#define GUST_GREEN_BINDINGS_H

#include <stddef.h>

/* 0; -1: they do not, and report says which, why, and what to do. */
int gust__green_check_bindings(char *report, size_t size);

#endif
