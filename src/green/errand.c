/* Blocking calls that their coroutines may leave behind. */
#include "green/errand.h"

#include <stdatomic.h>

/* A coroutine that waits for an errand, on its stack. The thread that ends the errand takes it out of the
 * list and posts it, both under the lock. */
struct party {
    struct gust__list node;
    struct gust__coroutine *coroutine;
    gust_post post;
    bool served; /* on the loop's thread */
};

static struct gust__lock lock; /* for all below and for every errand's parties and references */
static struct gust__list running = {&running, &running};
static struct gust__list left_behind = {&left_behind, &left_behind}; /* ended, and nobody looks */
static unsigned count;

/* ---- The thread ---- */

static int serve(void *argument)
{
    struct party *party = argument;
    party->served = true;
    gust__wake(party->coroutine);
    return 0;
}

static void serve_all(struct gust__green_errand *errand)
{
    struct gust__list *node;
    while ((node = gust__list_take_first(&errand->parties))) {
        struct party *party = GUST__CONTAINER(node, struct party, node);
        gust_loop_post(party->coroutine->loop, &party->post, serve, party);
    }
}

/* The thread itself still touches errand->thread after this: see reap. */
static void run(void *argument)
{
    struct gust__green_errand *errand = argument;
    errand->kind->run(errand);
    gust__lock_take(&lock);
    errand->ended = true;
    gust__list_remove(&errand->member);
    count--;
    serve_all(errand);
    if (--errand->references == 0)
        gust__list_append(&left_behind, &errand->member);
    gust__lock_drop(&lock);
}

/* ---- Ending ---- */

static void free_ended(struct gust__green_errand *errand)
{
    gust__thread_join(&errand->thread); /* in its last instructions */
    errand->kind->release(errand);
}

static struct gust__green_errand *take_left_behind(void)
{
    gust__lock_take(&lock);
    struct gust__list *node = gust__list_take_first(&left_behind);
    gust__lock_drop(&lock);
    return node ? GUST__CONTAINER(node, struct gust__green_errand, member) : NULL;
}

/* A thread cannot free the block that it ends in; the next errand does. */
static void reap(void)
{
    struct gust__green_errand *errand;
    while ((errand = take_left_behind()))
        free_ended(errand);
}

void gust__green_errand_drop(struct gust__green_errand *errand)
{
    int saved = errno;
    gust__lock_take(&lock);
    bool last = --errand->references == 0;
    gust__lock_drop(&lock);
    if (last)
        free_ended(errand);
    errno = saved;
}

bool gust__green_errand_is_ours(struct gust__green_errand *errand)
{
    gust__lock_take(&lock);
    bool ours = errand->references == 1;
    gust__lock_drop(&lock);
    return ours;
}

unsigned gust__green_errands(void)
{
    gust__lock_take(&lock);
    unsigned running_now = count;
    gust__lock_drop(&lock);
    return running_now;
}

/* ---- Starting ---- */

/* Under the lock, as all of these. */
static struct gust__green_errand *find_same(const struct gust__green_errand *wanted)
{
    if (!wanted->kind->same)
        return NULL;
    for (struct gust__list *node = running.next; node != &running; node = node->next) {
        struct gust__green_errand *errand = GUST__CONTAINER(node, struct gust__green_errand, member);
        if (errand->kind == wanted->kind && wanted->kind->same(errand, wanted))
            return errand;
    }
    return NULL;
}

static int start(struct gust__green_errand *errand)
{
    if (count == GUST__GREEN_ERRANDS) {
        errno = EAGAIN;
        return -1;
    }
    gust__list_init(&errand->parties);
    errand->references = 1;
    if (gust__thread_start(&errand->thread, errand->kind->name, run, errand) < 0)
        return -1;
    gust__list_append(&running, &errand->member);
    count++;
    return 0;
}

/* Joins or starts it. The one that serves the party; NULL: EAGAIN. */
static struct gust__green_errand *join_or_start(struct gust__green_errand *wanted, struct party *party)
{
    gust__lock_take(&lock);
    struct gust__green_errand *errand = find_same(wanted);
    if (!errand && start(wanted) == 0)
        errand = wanted;
    if (errand) {
        errand->references++;
        gust__list_append(&errand->parties, &party->node);
    }
    gust__lock_drop(&lock);
    return errand;
}

/* ---- Waiting ---- */

/* True when the party is out of it; false when the errand has ended an instant ago and its post is under way.
 */
static bool leave(struct gust__green_errand *errand, struct party *party)
{
    gust__lock_take(&lock);
    bool left = !errand->ended;
    if (left)
        gust__list_remove(&party->node);
    gust__lock_drop(&lock);
    return left;
}

static int wait_for(struct gust__green_call *call, struct gust__green_errand *errand, struct party *party)
{
    int flags = GUST__INTERRUPTIBLE;
    while (!party->served) {
        if (gust__green_park(call, flags, GUST__FOREVER) == 0)
            continue;
        int code = errno;
        if (leave(errand, party)) {
            call->interrupted = true;
            errno = code;
            return -1;
        }
        flags = 0;
    }
    return 0;
}

struct gust__green_errand *gust__green_errand_run(struct gust__green_call *call,
                                                  struct gust__green_errand *errand)
{
    struct party party = {.coroutine = gust__current};
    int saved = errno;
    reap();
    struct gust__green_errand *found = join_or_start(errand, &party);
    if (found != errand) {
        int code = errno;
        errand->kind->release(errand);
        errno = code;
    }
    if (!found)
        return NULL;
    if (wait_for(call, found, &party) < 0) {
        gust__green_errand_drop(found);
        return NULL;
    }
    errno = saved;
    return found;
}

/* ---- fork ---- */

/* The child has no threads but the one that forked: errands of the parent never end here. What they hold is
 * lost to it, as all that other threads held. */
static void after_fork(void)
{
    lock = (struct gust__lock){0};
    gust__list_init(&running);
    gust__list_init(&left_behind);
    count = 0;
}

static __attribute__((constructor)) void watch_forks(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}
