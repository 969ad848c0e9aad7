/*
 * One thread looks at all watched loops, a few times within the shortest limit. A loop that is busy without
 * taking a turn is held up; its thread is then asked, by a signal, where it is.
 */
#include "base/alloc.h"
#include "base/backtrace.h"
#include "base/clock.h"
#include "base/error_int.h"
#include "base/lock.h"
#include "base/log_int.h"
#include "base/sys.h"
#include "coro/coroutine.h"
#include "ops/dump.h"
#include "ops/stack_scan.h"

#include <gust/debug.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { signal_stack_size = 64 * 1024, name_size = 64 };

enum answer { NOT_ASKED, ASKED, ANSWERED };

struct watched {
    struct gust__loop_state state; /* first */
    struct gust__list member;
    gust_loop *loop;
    pid_t thread;
    void *signal_stack; /* ours; NULL: the thread had one */

    /* the watchdog's */
    int64_t limit;
    unsigned turns;
    int64_t since;
    int64_t report_after; /* of the present blockage */

    /* the handler's, between ASKED and ANSWERED */
    _Atomic int answer;
    size_t count;
    void *frames[GUST__ERROR_FRAMES];
    char name[name_size];
};

static _Thread_local struct watched *watched_here __attribute__((tls_model("initial-exec")));

static struct gust__lock lock; /* of the list and the thread; what is in it only goes with the lock held */
static struct gust__list all = {&all, &all};
static struct gust__signal changed;
static struct gust__thread thread;
static bool have_thread; /* one was started, and not joined */
static bool watching;
static int signal_number; /* 0: none was chosen yet */

static __attribute__((constructor)) void begin(void);

/* The child has no watchdog, and its loops are not the parent's. */
static void after_fork(void)
{
    lock = (struct gust__lock){0};
    gust__list_init(&all);
    have_thread = watching = false;
    watched_here = NULL;
}

static void begin(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

/* ---- On the loop's thread ---- */

static void answer(int number, siginfo_t *info, void *context)
{
    struct watched *watched = watched_here;
    int saved = errno;
    (void)number, (void)info, (void)context;
    gust__loop_own_handler();
    if (!watched || atomic_load_explicit(&watched->answer, memory_order_acquire) != ASKED)
        return;
    watched->count = gust__backtrace_capture_interrupted(watched->frames, GUST_LEN(watched->frames));
    const char *name = gust__current ? gust__coroutine_name(gust__current) : "a callback";
    strncpy(watched->name, name, name_size - 1);
    atomic_store_explicit(&watched->answer, ANSWERED, memory_order_release);
    errno = saved;
}

/* With the lock held. A signal that somebody handles is left to him. */
static int choose_signal(void)
{
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int number = SIGRTMAX; number > SIGRTMIN && signal_number == 0; number--) {
        struct sigaction before;
        if (sigaction(number, NULL, &before) == 0 && !(before.sa_flags & SA_SIGINFO) &&
            before.sa_handler == SIG_DFL && sigaction(number, &action, NULL) == 0)
            gust__loop_own_signal = signal_number = number;
    }
    errno = EAGAIN;
    return signal_number ? 0 : -1;
}

static void unblock_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    gust__sys_rt_sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* The handler needs more stack than a coroutine may have left. */
static int make_signal_stack(struct watched *watched)
{
    stack_t present;
    if (sigaltstack(NULL, &present) == 0 && !(present.ss_flags & SS_DISABLE))
        return 0;
    watched->signal_stack = gust__malloc(signal_stack_size);
    stack_t stack = {.ss_sp = watched->signal_stack, .ss_size = signal_stack_size};
    return watched->signal_stack ? sigaltstack(&stack, NULL) : -1;
}

static void free_signal_stack(struct watched *watched)
{
    stack_t present, none = {.ss_flags = SS_DISABLE};
    if (watched->signal_stack && sigaltstack(NULL, &present) == 0 && present.ss_sp == watched->signal_stack)
        sigaltstack(&none, NULL);
    gust__free(watched->signal_stack);
}

/* ---- The watchdog's thread ---- */

/* What the watched thread has told, or what its stack shows. */
struct report {
    char text[200];
    union { /* at the end, since the error has frames behind it */
        struct gust_error error;
        char room[sizeof(struct gust_error) + GUST__ERROR_FRAMES * sizeof(void *)];
    };
};

static void log_report(struct report *report)
{
    report->error.code = report->error.detail = EBUSY;
    strcpy(report->error.domain, "errno");
    report->error.text = "it makes no turns";
    gust__log_error(GUST_WARNING, &report->error, report->text);
}

/* With the lock held: so the watched one cannot go. */
static bool ask(struct watched *watched)
{
    struct timespec pause = {.tv_nsec = 1000 * 1000};
    atomic_store_explicit(&watched->answer, ASKED, memory_order_release);
    if (gust__sys_tgkill(gust__sys_getpid(), watched->thread, signal_number) < 0)
        return false;
    for (int i = 0; i < 500; i++) {
        if (atomic_load_explicit(&watched->answer, memory_order_acquire) == ANSWERED)
            return true;
        gust__sys_nanosleep(&pause, NULL);
    }
    int expected = ASKED; /* withdrawn, lest it is answered while another report is made */
    return !atomic_compare_exchange_strong(&watched->answer, &expected, NOT_ASKED);
}

static void describe(struct watched *watched, int64_t lasting, struct report *report)
{
    void **frames = report->error.frames;
    const char *who = "something", *how = "";
    size_t count = gust__stack_scan(watched->thread, frames, GUST__ERROR_FRAMES);
    if (count > 0) {
        how = ", perhaps here";
    } else if (ask(watched)) {
        who = watched->name;
        count = watched->count;
        memcpy(frames, watched->frames, count * sizeof(*frames));
    } else {
        how = ", and the thread does not say where";
    }
    if (count > 0) /* it stands there, and does not return there */
        frames[0] = (char *)frames[0] + 1;
    report->error.frame_count = count;
    snprintf(report->text, sizeof(report->text), "%s holds the loop up, since %lld ms%s", who,
             (long long)(lasting / GUST_MS(1)), how);
}

/* With the lock held, which is dropped while it logs. True: it did, and the list may have changed. */
static bool look_at(struct watched *watched, int64_t now)
{
    unsigned turns = gust__loop_turns(watched->loop);
    if (!gust__loop_busy(watched->loop) || turns != watched->turns) {
        watched->turns = turns;
        watched->since = now;
        watched->report_after = watched->limit;
        return false;
    }
    int64_t lasting = now - watched->since;
    if (lasting < watched->report_after)
        return false;
    struct report report = {0};
    watched->report_after = lasting * 2;
    describe(watched, lasting, &report);
    gust__lock_drop(&lock);
    log_report(&report);
    gust__lock_take(&lock);
    return true;
}

/* When to look again: a quarter of the shortest limit, so that what blocks is seen soon after it. */
static int64_t look_at_all(void)
{
    int64_t now = gust__clock_now(), shortest = GUST_S(1);
    for (struct gust__list *node = all.next; node != &all; node = node->next) {
        struct watched *watched = GUST__CONTAINER(node, struct watched, member);
        if (watched->limit < shortest)
            shortest = watched->limit;
        if (look_at(watched, now))
            return now;
    }
    int64_t pause = shortest / 4 > GUST_MS(1) ? shortest / 4 : GUST_MS(1);
    return gust__clock_after(now, pause);
}

static void watch(void *unused)
{
    (void)unused;
    gust__log_defers = true; /* while symbols are looked up it is to go on */
    gust__lock_take(&lock);
    while (!gust__list_empty(&all))
        gust__signal_wait(&changed, &lock, look_at_all());
    watching = false;
    gust__lock_drop(&lock);
}

/* ---- Watching and not ---- */

static void unwatch(struct watched *watched)
{
    gust__lock_take(&lock);
    gust__list_remove(&watched->member);
    gust__signal_wake_all(&changed);
    gust__lock_drop(&lock);
    watched_here = NULL;
    free_signal_stack(watched);
    gust__loop_set_state(watched->loop, GUST__LOOP_WATCHDOG, NULL);
    gust__free(watched);
}

static void close_watched(gust_loop *loop, struct gust__loop_state *state)
{
    (void)loop;
    unwatch((struct watched *)(void *)state);
}

/* With the lock held. */
static int see_to_thread(void)
{
    if (choose_signal() < 0)
        return -1;
    if (watching)
        return 0;
    if (have_thread)
        gust__thread_join(&thread); /* it has nothing left to do but end */
    have_thread = watching = gust__thread_start(&thread, "gust-watchdog", watch, NULL) == 0;
    return watching ? 0 : -1;
}

static int watch_loop(gust_loop *loop, int64_t limit)
{
    struct watched *watched = gust__calloc(1, sizeof(*watched));
    if (!watched)
        return -1;
    watched->state.close = close_watched;
    watched->loop = loop;
    watched->limit = watched->report_after = limit;
    watched->since = gust__clock_now();
    watched->thread = gust__sys_gettid();
    if (make_signal_stack(watched) < 0)
        goto fail;
    gust__lock_take(&lock);
    gust__list_append(&all, &watched->member);
    int result = see_to_thread();
    if (result < 0)
        gust__list_remove(&watched->member);
    gust__lock_drop(&lock);
    if (result < 0)
        goto fail;
    watched_here = watched;
    unblock_signal();
    gust__loop_set_state(loop, GUST__LOOP_WATCHDOG, &watched->state);
    return 0;
fail:
    free_signal_stack(watched);
    gust__free(watched);
    return -1;
}

int gust_watchdog(int64_t limit)
{
    gust_loop *loop = gust_loop_current();
    if (!loop) {
        errno = EDEADLK;
        return -1;
    }
    struct watched *watched = (struct watched *)(void *)gust__loop_state(loop, GUST__LOOP_WATCHDOG);
    if (watched)
        unwatch(watched);
    return limit > 0 ? watch_loop(loop, limit) : 0;
}

int64_t gust__watchdog_default(bool debug)
{
    const char *environment = getenv("GUST_ENV");
    bool development = debug || (environment && strcmp(environment, "development") == 0);
    return development ? GUST_MS(100) : 0;
}
