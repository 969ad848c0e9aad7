/*
 * gust_pool. Each loop has a set of clients of its own, which only its thread touches; the pool's lock guards
 * the list of sets and the pool's end. A client or the right to open one is handed straight to the first that
 * waits: nobody can be overtaken.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/error_int.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/log_int.h"
#include "base/options.h"
#include "base/throw.h"
#include "coro/coroutine.h"
#include "pool/state.h"

#include <gust/error.h>
#include <gust/pool.h>

#include <assert.h>
#include <errno.h>

enum { MAX = 8, MAX_WAITING = 1000 };
#define WAIT       GUST_S(10)
#define PING_AFTER GUST_S(30)
#define IDLE       GUST_MINUTES(5)

struct gust_pool {
    gust_pool_options options;
    struct gust__lock lock;
    struct gust__list sets;
    unsigned references; /* its owner, and its sets */
    bool freed;
};

struct client {
    struct gust__list node; /* of those that rest, or are out */
    void *handle;
    int64_t rested;                /* since when */
    struct gust__coroutine *taker; /* not to be looked into: it may have ended */
    uint64_t taker_number;
    uint32_t interruptions; /* the taker's, when it took it */
};

struct set {
    struct gust__list member;  /* of the loop's sets */
    struct gust__list in_pool; /* under the pool's lock */
    gust_pool *pool;
    gust_loop *loop;
    unsigned fork_generation;
    unsigned open;    /* clients, and those being opened */
    unsigned waiting; /* in `waiters`, or just handed something */
    unsigned busy;    /* calls that use the set and may park */
    bool closing;     /* the pool was freed, or the loop closes */
    bool posted;      /* under the pool's lock: the loop is to hear that the pool was freed */
    gust_post post;
    gust_timer timer;          /* for the one that rests longest */
    struct gust__list resting; /* the one given back last is first */
    struct gust__list out;
    struct gust__list waiters;
};

struct waiter {
    struct gust__list node;
    struct gust__coroutine *coroutine;
    struct client *client; /* handed over; NULL with granted: it may open one */
    bool granted;
    bool refused; /* the set closes */
};

/* ---- pools and sets come and go ---- */

gust_pool *gust_pool_new_with(const gust_pool_options *given)
{
    gust_pool *pool = gust__calloc(1, sizeof(*pool));
    if (!pool)
        return NULL;
    gust_pool_options *options = &pool->options;
    gust__options_read(options, sizeof(*options), given);
    if (!options->open || !options->close) {
        gust__free(pool);
        gust_error_set(EINVAL, "a pool needs open and close");
        return NULL;
    }
    options->max = options->max ? options->max : MAX;
    options->wait = options->wait ? options->wait : WAIT;
    options->max_waiting = options->max_waiting ? options->max_waiting : MAX_WAITING;
    options->ping_after = options->ping_after ? options->ping_after : PING_AFTER;
    options->idle = options->idle ? options->idle : IDLE;
    gust__list_init(&pool->sets);
    pool->references = 1;
    return pool;
}

static void release_pool(gust_pool *pool)
{
    gust__lock_take(&pool->lock);
    bool last = --pool->references == 0;
    gust__lock_drop(&pool->lock);
    if (last)
        gust__free(pool);
}

static int close_idle(void *set);

static struct set *new_set(gust_pool *pool, struct gust__pools *pools)
{
    struct set *set = gust__calloc(1, sizeof(*set));
    if (!set)
        return NULL;
    set->pool = pool;
    set->loop = pools->loop;
    set->fork_generation = gust__fork_generation;
    set->timer.function = close_idle;
    set->timer.argument = set;
    gust__list_init(&set->resting);
    gust__list_init(&set->out);
    gust__list_init(&set->waiters);
    gust__list_prepend(&pools->sets, &set->member);
    gust__lock_take(&pool->lock);
    gust__list_append(&pool->sets, &set->in_pool);
    pool->references++;
    gust__lock_drop(&pool->lock);
    return set;
}

/* The set used last is first: mostly there is one, or a few. */
static struct set *find_set(gust_pool *pool, const gust_loop *loop)
{
    struct gust__pools *pools =
        (struct gust__pools *)(void *)(loop ? gust__loop_state(loop, GUST__LOOP_POOLS) : NULL);
    if (!pools)
        return NULL;
    for (struct gust__list *node = pools->sets.next; node != &pools->sets; node = node->next) {
        struct set *set = GUST__CONTAINER(node, struct set, member);
        if (set->pool != pool)
            continue;
        if (node != pools->sets.next) {
            gust__list_remove(node);
            gust__list_prepend(&pools->sets, node);
        }
        return set;
    }
    return NULL;
}

/* Once it closes and nothing of it is left; a post on its way keeps it. */
static void free_set_if_done(struct set *set)
{
    if (!set->closing || set->open > 0 || set->busy > 0)
        return;
    gust__lock_take(&set->pool->lock);
    bool posted = set->posted;
    if (!posted)
        gust__list_remove(&set->in_pool);
    gust__lock_drop(&set->pool->lock);
    if (posted)
        return;
    gust__list_remove(&set->member);
    release_pool(set->pool);
    gust__free(set);
}

/* ---- clients ---- */

static void close_client(struct set *set, struct client *client)
{
    int saved = errno;
    gust__list_remove(&client->node);
    set->pool->options.close(client->handle);
    gust__free(client);
    errno = saved;
}

/* One client fewer: the first that waits may open one. */
static void make_room(struct set *set)
{
    struct gust__list *node = set->closing ? NULL : gust__list_take_first(&set->waiters);
    if (!node) {
        set->open--;
        return;
    }
    struct waiter *waiter = GUST__CONTAINER(node, struct waiter, node);
    waiter->granted = true;
    gust__wake(waiter->coroutine);
}

static void hand_out(struct set *set, struct client *client)
{
    client->taker = gust__current;
    client->taker_number = gust__current->number;
    client->interruptions = gust__current->interruptions;
    gust__list_remove(&client->node);
    gust__list_append(&set->out, &client->node);
}

struct opening {
    gust_pool *pool;
    void *handle;
    int result;
};

static int call_open(void *argument)
{
    struct opening *opening = argument;
    opening->handle = opening->pool->options.open(opening->pool->options.argument);
    return opening->handle ? 0 : -1;
}

/* With the right to: it is counted in `open` already. Whatever open does, the right is passed on. NULL: what
 * it said. */
static struct client *open_client(struct set *set)
{
    struct opening opening = {.pool = set->pool};
    struct client *client = gust__calloc(1, sizeof(*client));
    errno = client ? 0 : ENOMEM;
    if (client && gust__catch(call_open, &opening) == 0) {
        client->handle = opening.handle;
        gust__list_init(&client->node);
        hand_out(set, client);
        return client;
    }
    int code = errno ? errno : EIO;
    gust__free(client);
    make_room(set);
    errno = code;
    return NULL;
}

struct pinging {
    gust_pool *pool;
    void *handle;
};

static int call_ping(void *argument)
{
    struct pinging *pinging = argument;
    return pinging->pool->options.ping(pinging->handle, pinging->pool->options.argument);
}

/* It is counted as out meanwhile: ping may wait. */
static bool is_good(struct set *set, const struct client *client)
{
    const gust_pool_options *options = &set->pool->options;
    if (!options->ping || options->ping_after < 0 || gust__clock_now() - client->rested < options->ping_after)
        return true;
    struct pinging pinging = {set->pool, client->handle};
    return gust__catch(call_ping, &pinging) >= 0;
}

/* ---- taking ---- */

/* 0; -1: EAGAIN, ETIMEDOUT, ECANCELED. What was handed over at the last moment is taken. */
static int wait_in_turn(struct set *set, struct waiter *waiter)
{
    const gust_pool_options *options = &set->pool->options;
    int64_t until = options->wait < 0 ? GUST__FOREVER : gust__clock_after(gust__clock_now(), options->wait);
    if (set->waiting >= options->max_waiting)
        return gust_error_set(EAGAIN, "too many wait for a client of the pool");
    waiter->coroutine = gust__current;
    gust__list_append(&set->waiters, &waiter->node);
    set->waiting++;
    int waited = 0;
    while (!waiter->granted && !waiter->refused && waited == 0)
        waited = gust__park_until(GUST__INTERRUPTIBLE, "a pool", until);
    int code = errno;
    set->waiting--;
    if (waiter->granted)
        return 0;
    gust__list_remove(&waiter->node);
    if (waiter->refused)
        return gust_error_set(ECANCELED, "the pool is closed");
    if (waited > 0)
        return gust_error_set(ETIMEDOUT, "no client of the pool was free in time");
    errno = code;
    return -1;
}

/* granted: a client that is counted as out, or NULL and the right to open one. */
static struct client *get_turn(struct set *set, bool *granted)
{
    *granted = true;
    struct gust__list *node = gust__list_take_first(&set->resting);
    if (node) {
        struct client *client = GUST__CONTAINER(node, struct client, node);
        hand_out(set, client);
        return client;
    }
    if (set->open < set->pool->options.max) {
        set->open++;
        return NULL;
    }
    struct waiter waiter = {0};
    gust__list_init(&waiter.node);
    *granted = wait_in_turn(set, &waiter) == 0;
    return waiter.client;
}

static struct client *take(struct set *set)
{
    bool granted;
    struct client *client = get_turn(set, &granted);
    if (client && is_good(set, client)) {
        hand_out(set, client); /* anew: ping's waits are not the taker's */
        return client;
    }
    if (client)
        close_client(set, client);
    return granted ? open_client(set) : NULL; /* in its place, without waiting again */
}

static int set_of(gust_pool *pool, struct set **set)
{
    if (!gust__current) {
        errno = EDEADLK;
        return -1;
    }
    struct gust__pools *pools = gust__pools_of(gust__current->loop);
    if (!pools)
        return -1;
    *set = find_set(pool, gust__current->loop);
    if (!*set && gust__loop_closing(gust__current->loop)) {
        errno = ECANCELED;
        return -1;
    }
    if (!*set && !(*set = new_set(pool, pools)))
        return -1;
    if (!(*set)->closing)
        return 0;
    return gust_error_set(ECANCELED, "the pool is closed");
}

void *gust_pool_take(gust_pool *pool)
{
    struct set *set;
    if (set_of(pool, &set) < 0)
        return NULL;
    set->busy++;
    struct client *client = take(set);
    int code = errno;
    set->busy--;
    void *handle = client ? client->handle : NULL;
    if (client && set->closing) { /* closed while it was opened */
        set->busy++;
        close_client(set, client);
        set->busy--;
        make_room(set);
        handle = NULL;
        code = ECANCELED;
    }
    if (!handle)
        free_set_if_done(set);
    errno = code;
    return handle;
}

/* ---- giving back ---- */

struct search {
    const struct client *client;
    bool clean;
};

static void look_at(struct gust__coroutine *coroutine, void *argument)
{
    struct search *search = argument;
    const struct client *client = search->client;
    if (coroutine == client->taker && coroutine->number == client->taker_number)
        search->clean = coroutine->interruptions == client->interruptions;
}

/* True when no wait was cut short while it was held: its connection may be in the middle of an answer
 * otherwise. Given back by another than the taker, it is kept only if both are known to be clean; of a taker
 * that has ended nothing is known. */
static bool is_clean(const struct set *set, const struct client *client)
{
    const struct gust__coroutine *giver = gust__current;
    if (giver && giver == client->taker && giver->number == client->taker_number)
        return giver->interruptions == client->interruptions;
    if (giver && giver->interruptions > 0)
        return false;
    struct search search = {.client = client};
    gust__coroutine_each(set->loop, look_at, &search);
    return search.clean;
}

static void rest(struct set *set, struct client *client)
{
    client->rested = gust__clock_now();
    gust__list_remove(&client->node);
    gust__list_prepend(&set->resting, &client->node);
    int64_t idle = set->pool->options.idle;
    if (idle >= 0 && set->timer.place == 0)
        gust_timer_start(set->loop, &set->timer, gust__clock_after(client->rested, idle));
}

static void pass_on(struct set *set, struct client *client)
{
    struct gust__list *node = gust__list_take_first(&set->waiters);
    if (!node) {
        rest(set, client);
        return;
    }
    struct waiter *waiter = GUST__CONTAINER(node, struct waiter, node);
    client->rested = gust__clock_now(); /* it was used just now */
    waiter->client = client;
    waiter->granted = true;
    gust__wake(waiter->coroutine);
}

static struct client *find_client(struct set *set, const void *handle)
{
    for (struct gust__list *node = set->out.previous; node != &set->out; node = node->previous) {
        struct client *client = GUST__CONTAINER(node, struct client, node);
        if (client->handle == handle)
            return client;
    }
    return NULL;
}

static void take_back(gust_pool *pool, void *handle, bool broken)
{
    if (!handle)
        return;
    struct set *set = find_set(pool, gust_loop_current());
    struct client *client = set ? find_client(set, handle) : NULL;
    assert(client && "given to a pool, or on a loop, that it was not taken from");
    if (!broken && !set->closing && is_clean(set, client)) {
        pass_on(set, client);
        return;
    }
    set->busy++;
    close_client(set, client);
    set->busy--;
    make_room(set);
    free_set_if_done(set);
}

void gust_pool_give(gust_pool *pool, void *handle)
{
    take_back(pool, handle, false);
}

void gust_pool_drop(gust_pool *pool, void *handle)
{
    take_back(pool, handle, true);
}

/* ---- closing ---- */

/* The timer: those that rest too long. The longest is last. */
static int close_idle(void *argument)
{
    struct set *set = argument;
    while (!gust__list_empty(&set->resting)) {
        struct client *client = GUST__CONTAINER(set->resting.previous, struct client, node);
        int64_t when = gust__clock_after(client->rested, set->pool->options.idle);
        if (when > gust__clock_now()) {
            gust_timer_start(set->loop, &set->timer, when);
            return 0;
        }
        close_client(set, client);
        set->open--;
    }
    return 0;
}

/* On its loop. */
static void close_set(struct set *set)
{
    struct gust__list *node;
    set->closing = true;
    gust_timer_stop(set->loop, &set->timer);
    set->busy++;
    while ((node = gust__list_take_first(&set->waiters))) {
        struct waiter *waiter = GUST__CONTAINER(node, struct waiter, node);
        waiter->refused = true;
        gust__wake(waiter->coroutine);
    }
    while (!gust__list_empty(&set->resting)) {
        close_client(set, GUST__CONTAINER(set->resting.next, struct client, node));
        set->open--;
    }
    set->busy--;
}

static int pool_was_freed(void *argument)
{
    struct set *set = argument;
    gust__lock_take(&set->pool->lock);
    set->posted = false;
    gust__lock_drop(&set->pool->lock);
    close_set(set);
    free_set_if_done(set);
    return 0;
}

/* The sets of other loops close there; those of a forked child's parent are the parent's. */
void gust_pool_free(gust_pool *pool)
{
    if (!pool)
        return;
    struct set *own = find_set(pool, gust_loop_current());
    gust__lock_take(&pool->lock);
    assert(!pool->freed);
    pool->freed = true;
    for (struct gust__list *node = pool->sets.next; node != &pool->sets; node = node->next) {
        struct set *set = GUST__CONTAINER(node, struct set, in_pool);
        if (set != own && set->fork_generation == gust__fork_generation)
            set->posted = gust_loop_post(set->loop, &set->post, pool_was_freed, set) == 0;
    }
    gust__lock_drop(&pool->lock);
    if (own) {
        close_set(own);
        free_set_if_done(own);
    }
    release_pool(pool);
}

void gust__sets_close(struct gust__pools *pools)
{
    for (struct gust__list *node = pools->sets.next, *next; node != &pools->sets; node = next) {
        struct set *set = GUST__CONTAINER(node, struct set, member);
        next = node->next;
        close_set(set);
        free_set_if_done(set);
    }
}

/* The loop's coroutines have ended: nobody is left who could give these back. */
void gust__sets_end(struct gust__pools *pools)
{
    struct gust__list *node;
    while ((node = gust__list_take_first(&pools->sets))) {
        struct set *set = GUST__CONTAINER(node, struct set, member);
        if (!gust__list_empty(&set->out))
            gust_log(GUST_WARNING,
                     "a loop ended with clients of a pool that were not given back: they are closed");
        while (!gust__list_empty(&set->out))
            close_client(set, GUST__CONTAINER(set->out.next, struct client, node));
        gust__lock_take(&set->pool->lock);
        gust__list_remove(&set->in_pool);
        gust__lock_drop(&set->pool->lock);
        release_pool(set->pool);
        gust__free(set);
    }
}

/* ---- counting ---- */

unsigned gust_pool_open_count(gust_pool *pool)
{
    const struct set *set = find_set(pool, gust_loop_current());
    return set ? set->open : 0;
}

unsigned gust_pool_taken_count(gust_pool *pool)
{
    const struct set *set = find_set(pool, gust_loop_current());
    unsigned count = 0;
    if (set)
        for (const struct gust__list *node = set->out.next; node != &set->out; node = node->next)
            count++;
    return count;
}
