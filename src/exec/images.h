/* The program's code as it lies in memory now: which function pointers mean the same in a process that was
 * forked before. */
#ifndef GUST_EXEC_IMAGES_H
#define GUST_EXEC_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gust__images {
    struct gust__image {
        uintptr_t begin, end;
    } * ranges;
    size_t count;
};

/* The code of all objects that are loaded now. 0; -1: ENOMEM. */
int gust__images_init(struct gust__images *images);
void gust__images_fini(struct gust__images *images);

bool gust__images_have(const struct gust__images *images, uintptr_t address);

#endif
