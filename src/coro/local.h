/* Coroutine-local values, for whoever starts and ends coroutines. */
#ifndef GUST_CORO_LOCAL_H
#define GUST_CORO_LOCAL_H

struct gust__local_values;

/* *child becomes a copy of what parent passes on; NULL when that is nothing. 0; -1: ENOMEM. */
int gust__locals_inherit(struct gust__local_values **child, const struct gust__local_values *parent);

/* Drops the values that were set here, and frees. */
void gust__locals_end(struct gust__local_values **values);

#endif
