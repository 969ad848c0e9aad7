/*
 * Log lines that are finished and written on a thread of their own, because their backtrace takes longer than
 * a loop may be held (design rule 9). One queue, so that lines keep their order; the thread is started with
 * the first and ends with the last.
 */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error_int.h"
#include "base/lock.h"
#include "base/log_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { max_waiting = 1000 }; /* lines; who logs one more waits for room */

struct later {
    struct later *next;
    struct gust__log_record record; /* its texts are behind */
    size_t frame_count;
    void *frames[GUST__ERROR_FRAMES];
    char texts[];
};

_Thread_local bool gust__log_defers;

static struct gust__lock lock;
static struct gust__signal written;
static struct later *first;
static struct later **end = &first;
static _Atomic size_t waiting; /* with the one that is being written */
static struct gust__thread thread;
static bool have_thread; /* one was started, and not joined */
static bool working;

/* The child writes nothing that the parent will write. */
static void after_fork(void)
{
    lock = (struct gust__lock){0};
    first = NULL;
    end = &first;
    atomic_store(&waiting, 0);
    have_thread = working = false;
    gust__log_defers = false; /* it may end by _exit, and runs no loop of its own yet */
}

static __attribute__((constructor)) void begin(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

/* ---- The thread ---- */

static void write_it(const struct later *later)
{
    struct gust__log_record record = later->record;
    gust_log_line *line = &record.line;
    size_t prefix = (size_t)(line->text - line->whole);
    struct gust__buffer whole = {.max = GUST__LOG_BACKTRACE};
    if (gust__buffer_append(&whole, line->whole, line->whole_len) == 0 && gust__buffer_reserve(&whole, 1)) {
        gust__log_append_backtrace(&whole, later->frames, later->frame_count);
        gust__log_point_at(line, &whole, prefix);
    } /* else no memory: without its backtrace */
    gust__log_emit(&record);
    gust__buffer_fini(&whole);
}

static void work(void *unused)
{
    (void)unused;
    gust__lock_take(&lock);
    while (first) {
        struct later *later = first;
        first = later->next;
        if (!first)
            end = &first;
        gust__lock_drop(&lock);
        write_it(later);
        gust__free(later);
        gust__lock_take(&lock);
        atomic_fetch_sub_explicit(&waiting, 1, memory_order_release);
        gust__signal_wake_all(&written);
    }
    working = false;
    gust__lock_drop(&lock);
}

/* With the lock held, which it drops. Where no thread can be started the caller does the work. */
static void see_to_it(void)
{
    static bool at_exit;
    bool start = !working;
    working = true;
    if (start && have_thread)
        gust__thread_join(&thread); /* it has nothing left to do but end */
    if (start && !at_exit)
        at_exit = atexit(gust__log_drain) == 0;
    if (start)
        have_thread = gust__thread_start(&thread, "gust-log", work, NULL) == 0;
    bool alone = start && !have_thread;
    gust__lock_drop(&lock);
    if (alone)
        work(NULL);
}

/* ---- Who logs ---- */

/* Copies size bytes and a NUL to *to, which moves on. NULL stays NULL. */
static const char *copy(char **to, const char *text, size_t size)
{
    if (!text)
        return NULL;
    char *copied = memcpy(*to, text, size);
    copied[size] = '\0';
    *to += size + 1;
    return copied;
}

static size_t length_of(const char *text)
{
    return text ? strlen(text) : 0;
}

static struct later *keep(const struct gust__log_record *record, void *const *frames, size_t count)
{
    const gust_log_line *line = &record->line;
    size_t module = strlen(line->module), name = strlen(line->name), request = length_of(line->request);
    size_t texts = line->whole_len + line->message_len + module + name + request + record->members_len + 6;
    struct later *later = gust__malloc(sizeof(*later) + texts);
    if (!later)
        return NULL;
    later->record = *record;
    later->next = NULL;
    later->frame_count = count < GUST__ERROR_FRAMES ? count : GUST__ERROR_FRAMES;
    if (count > 0)
        memcpy(later->frames, frames, later->frame_count * sizeof(*frames));
    char *to = later->texts;
    gust_log_line *kept = &later->record.line;
    kept->whole = copy(&to, line->whole, line->whole_len);
    kept->text = kept->whole + (line->text - line->whole);
    kept->message = copy(&to, line->message, line->message_len);
    kept->module = copy(&to, line->module, module);
    kept->name = copy(&to, line->name, name);
    kept->request = copy(&to, line->request, request);
    later->record.members = copy(&to, record->members, record->members_len);
    return later;
}

bool gust__log_later(const struct gust__log_record *record, void *const *frames, size_t count)
{
    if (count == 0 && atomic_load_explicit(&waiting, memory_order_acquire) == 0)
        return false;
    struct later *later = keep(record, frames, count);
    if (!later)
        return false;
    gust__lock_take(&lock);
    while (atomic_load_explicit(&waiting, memory_order_relaxed) >= max_waiting)
        gust__signal_wait(&written, &lock, GUST__FOREVER);
    atomic_fetch_add_explicit(&waiting, 1, memory_order_relaxed);
    *end = later;
    end = &later->next;
    see_to_it();
    return true;
}

void gust__log_drain(void)
{
    gust__lock_take(&lock);
    while (atomic_load_explicit(&waiting, memory_order_relaxed) > 0 || working)
        gust__signal_wait(&written, &lock, GUST__FOREVER);
    if (have_thread)
        gust__thread_join(&thread);
    have_thread = false;
    gust__lock_drop(&lock);
}
