/*
 * An errand: a blocking call on a thread of its own, which the coroutine that waits for it may leave behind
 * when its deadline comes or it is cancelled. The call then ends by itself, so it works on a block of the
 * heap that it alone keeps alive; what it found is dropped with the block. Calls that must not be left behind
 * (they took a lock, or a message) are gust__green_offload's.
 *
 *     struct look_up { struct gust__green_errand errand; char *name; ... };     // the errand comes first
 *
 *     struct look_up *look_up = make(name);
 *     look_up = (struct look_up *)gust__green_errand_run(&call, &look_up->errand);   // takes it
 *     if (!look_up)
 *         return -1;                                   // ETIMEDOUT, ECANCELED, EAGAIN
 *     copy_result(look_up);
 *     gust__green_errand_drop(&look_up->errand);
 *
 * Errands that are the same may share one call: who comes second waits for the first one's.
 */
#ifndef GUST_GREEN_ERRAND_H
#define GUST_GREEN_ERRAND_H

#include "base/list.h"
#include "base/lock.h"
#include "green/green_int.h"

struct gust__green_errand;

struct gust__green_errand_kind {
    const char *name;                                   /* of its threads */
    void (*run)(struct gust__green_errand *errand);     /* on the thread; writes the result into the block */
    void (*release)(struct gust__green_errand *errand); /* frees the block and all in it; any thread */
    /* Whether one that runs does what `wanted` would; NULL: never. */
    bool (*same)(const struct gust__green_errand *running, const struct gust__green_errand *wanted);
};

struct gust__green_errand {
    const struct gust__green_errand_kind
        *kind; /* set by the maker; all else is errand.c's, and begins as 0 */
    struct gust__thread thread;
    struct gust__list member;  /* of those that run, later of those that were left behind */
    struct gust__list parties; /* who waits */
    unsigned references;       /* the thread's, and one for each party */
    bool ended;
};

/* At most so many run at once in the process, the abandoned among them: a thread each. */
enum { GUST__GREEN_ERRANDS = 256 };

/* Runs it, or joins one that is the same, and waits, interruptibly. Takes the errand. Returns the one that
 * ran, which the caller drops; NULL: ETIMEDOUT, ECANCELED (it goes on without us), EAGAIN (too many, or no
 * thread). errno is kept on success. */
struct gust__green_errand *gust__green_errand_run(struct gust__green_call *call,
                                                  struct gust__green_errand *errand);

/* The caller no longer looks at it; the last to say so frees it. errno is kept. */
void gust__green_errand_drop(struct gust__green_errand *errand);

/* True when nobody else will look at its result: it may be taken instead of copied. */
bool gust__green_errand_is_ours(struct gust__green_errand *errand);

/* How many run: for tests. */
GUST__EXPORT unsigned gust__green_errands(void);

#endif
