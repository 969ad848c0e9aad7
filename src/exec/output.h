/* A job's result while it is written: in the output itself, and over GUST__WIRE_INLINE bytes in a memfd. */
#ifndef GUST_EXEC_OUTPUT_H
#define GUST_EXEC_OUTPUT_H

#include "exec/wire.h"

struct gust_output {
    char *data;
    size_t length;
    size_t room;
    size_t max;
    int shared; /* memfd; -1: data is small */
    char small[GUST__WIRE_INLINE];
};

/* An empty output for at most max bytes. */
void gust__output_init(struct gust_output *output, size_t max);

/* Gives back what a result takes beyond the output itself. */
void gust__output_fini(struct gust_output *output);

/* Seals a result in shared memory; output->shared is to be sent. 0, or -1 and errno. */
int gust__output_seal(struct gust_output *output);

#endif
