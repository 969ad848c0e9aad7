/*
 * All coroutines, written out. On the loop, in slices: each one's name, state and return addresses; those
 * that stand at the same place share their addresses. On a thread: symbols, text, writing.
 */
#include "ops/dump.h"
#include "base/alloc.h"
#include "base/backtrace.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log_int.h"
#include "base/sys.h"
#include "coro/coroutine.h"

#include <gust/threads.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    frames_max = 48,
    text_size = 64 << 10, /* of what is written at once */
    none = UINT32_MAX,
};

static const int64_t slice = GUST_MS(3);

/* Coroutines at one place. */
struct place {
    uint64_t hash;
    uint32_t first; /* coroutine; the others by their next */
    uint32_t last;
    uint32_t count;
    uint32_t frame_count;
    void *frames[frames_max];
};

struct coroutine {
    uint32_t next; /* at the same place */
    char name[32];
    char state[32]; /* what it waits for */
    int64_t age;
    int64_t since; /* it last ran */
};

struct dump {
    int fd;
    gust_loop *loop;
    int64_t now;
    int64_t slice_ends;
    struct coroutine *coroutines;
    size_t count, room;
    struct place *places;
    size_t place_count, place_room;
    uint32_t *index; /* places by their hash: open addressing */
    size_t index_size;
    struct gust__buffer text;
};

/* ---- Collecting, on the loop ---- */

static int make_room(void **array, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return 0;
    size_t wanted = *room ? *room * 2 : 64;
    void *moved = gust__realloc(*array, wanted * size);
    if (!moved)
        return -1;
    *array = moved;
    *room = wanted;
    return 0;
}

static uint64_t hash_of(void *const *frames, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ (uintptr_t)frames[i]) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
    return hash;
}

static void put_in_index(struct dump *dump, uint32_t number)
{
    size_t at = dump->places[number].hash & (dump->index_size - 1);
    while (dump->index[at] != none)
        at = (at + 1) & (dump->index_size - 1);
    dump->index[at] = number;
}

static int grow_index(struct dump *dump)
{
    if (dump->place_count * 2 < dump->index_size)
        return 0;
    size_t size = dump->index_size ? dump->index_size * 2 : 64;
    uint32_t *index = gust__malloc(size * sizeof(*index));
    if (!index)
        return -1;
    memset(index, 0xff, size * sizeof(*index));
    gust__free(dump->index);
    dump->index = index;
    dump->index_size = size;
    for (uint32_t i = 0; i < dump->place_count; i++)
        put_in_index(dump, i);
    return 0;
}

static struct place *find_place(const struct dump *dump, uint64_t hash, void *const *frames, size_t count)
{
    for (size_t at = hash;; at++) {
        uint32_t number = dump->index[at & (dump->index_size - 1)];
        if (number == none)
            return NULL;
        struct place *place = &dump->places[number];
        if (place->hash == hash && place->frame_count == count &&
            memcmp(place->frames, frames, count * sizeof(*frames)) == 0)
            return place;
    }
}

/* NULL: ENOMEM. */
static struct place *place_of(struct dump *dump, void *const *frames, size_t count)
{
    uint64_t hash = hash_of(frames, count);
    if (grow_index(dump) < 0)
        return NULL;
    struct place *place = find_place(dump, hash, frames, count);
    if (place)
        return place;
    if (make_room((void **)&dump->places, &dump->place_room, dump->place_count, sizeof(*place)) < 0)
        return NULL;
    place = &dump->places[dump->place_count];
    *place = (struct place){.hash = hash, .first = none, .last = none, .frame_count = (uint32_t)count};
    memcpy(place->frames, frames, count * sizeof(*frames));
    put_in_index(dump, (uint32_t)dump->place_count++);
    return place;
}

/* One that neither parks nor runs has not run yet. */
static size_t frames_of(const struct gust__coroutine *coroutine, void **frames)
{
    if (coroutine == gust__current)
        return gust__backtrace_capture(frames, frames_max, 0);
    return coroutine->parked ? gust__flow_backtrace(&coroutine->flow, frames, frames_max) : 0;
}

static const char *state_of(const struct gust__coroutine *coroutine)
{
    if (coroutine == gust__current)
        return "runs";
    if (!coroutine->parked)
        return "not begun";
    if (gust__task_queued(&coroutine->task))
        return "ready";
    return coroutine->waits_for ? coroutine->waits_for : "its turn";
}

static int add(struct dump *dump, struct gust__coroutine *coroutine)
{
    void *frames[frames_max];
    if (make_room((void **)&dump->coroutines, &dump->room, dump->count, sizeof(*dump->coroutines)) < 0)
        return -1;
    struct place *place = place_of(dump, frames, frames_of(coroutine, frames));
    if (!place)
        return -1;
    uint32_t number = (uint32_t)dump->count++;
    struct coroutine *entry = &dump->coroutines[number];
    *entry = (struct coroutine){.next = none,
                                .age = dump->now - coroutine->started,
                                .since = dump->now -
                                         (coroutine->parked ? coroutine->resumed : coroutine->started)};
    snprintf(entry->name, sizeof(entry->name), "%s", gust__coroutine_name(coroutine));
    snprintf(entry->state, sizeof(entry->state), "%s", state_of(coroutine));
    if (place->first == none)
        place->first = number;
    else
        dump->coroutines[place->last].next = number;
    place->last = number;
    place->count++;
    return 0;
}

static int collect(struct dump *dump)
{
    struct gust__coroutine *coroutine;
    dump->slice_ends = gust__clock_after(gust__clock_now(), slice);
    while ((coroutine = gust__coroutine_walk_next(dump->loop))) {
        if (add(dump, coroutine) < 0)
            return -1;
        if (gust__clock_now() < dump->slice_ends)
            continue;
        if (gust_yield() < 0)
            return -1;
        dump->slice_ends = gust__clock_after(gust__clock_now(), slice);
    }
    return 0;
}

/* ---- Writing, on a thread ---- */

static int write_out(struct dump *dump)
{
    while (gust__buffer_length(&dump->text) > 0) {
        ssize_t written =
            gust__sys_write(dump->fd, gust__buffer_bytes(&dump->text), gust__buffer_length(&dump->text));
        struct pollfd wait = {.fd = dump->fd, .events = POLLOUT};
        if (written >= 0)
            gust__buffer_consume(&dump->text, (size_t)written);
        else if (errno == EAGAIN)
            gust__sys_ppoll(&wait, 1, NULL, NULL);
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

/* Whole lines, so that log lines between two writes tear none apart. */
static int make_text_room(struct dump *dump)
{
    return gust__buffer_length(&dump->text) < text_size / 2 ? 0 : write_out(dump);
}

static void put_name(char *to, size_t size, const char *name)
{
    snprintf(to, size, "%s", name);
    for (; *to; to++) {
        if ((unsigned char)*to < ' ' || *to == 0x7f)
            *to = '?';
    }
}

static int write_coroutine(struct dump *dump, const struct coroutine *coroutine)
{
    char name[sizeof(coroutine->name)];
    put_name(name, sizeof(name), coroutine->name);
    if (make_text_room(dump) < 0)
        return -1;
    return gust__buffer_printf(&dump->text, "    %s: %s, for %.3f s; %.3f s old\n", name, coroutine->state,
                               (double)coroutine->since / 1e9, (double)coroutine->age / 1e9);
}

static int write_place(struct dump *dump, const struct place *place)
{
    if (make_text_room(dump) < 0 ||
        gust__buffer_printf(&dump->text, "%u %s:\n", place->count,
                            place->frame_count == 0 ? "that have not begun"
                            : place->count == 1     ? "here"
                                                    : "all here") < 0 ||
        gust__backtrace_print(&dump->text, place->frames, place->frame_count) < 0)
        return -1;
    for (uint32_t i = place->first; i != none; i = dump->coroutines[i].next) {
        if (write_coroutine(dump, &dump->coroutines[i]) < 0)
            return -1;
    }
    return 0;
}

static int more_first(const void *one, const void *other)
{
    uint32_t a = ((const struct place *)one)->count, b = ((const struct place *)other)->count;
    return (a < b) - (a > b);
}

static int write_dump(void *argument)
{
    struct dump *dump = argument;
    dump->text.max = text_size;
    qsort(dump->places, dump->place_count, sizeof(*dump->places), more_first);
    int result = gust__buffer_printf(&dump->text, "---- %zu coroutines of process %d, %s ----\n", dump->count,
                                     (int)gust__sys_getpid(), gust__log_time());
    for (size_t i = 0; i < dump->place_count && result == 0; i++)
        result = write_place(dump, &dump->places[i]);
    if (result == 0)
        result = gust__buffer_printf(&dump->text, "---- end of %zu coroutines ----\n", dump->count);
    if (result == 0)
        result = write_out(dump);
    gust__buffer_fini(&dump->text);
    return result;
}

/* ---- Both ---- */

int gust_dump(int fd)
{
    if (!gust__current) {
        errno = EDEADLK;
        return -1;
    }
    struct dump dump = {.fd = fd, .loop = gust__current->loop, .now = gust__clock_now()};
    if (gust__coroutine_walk_begin(dump.loop) < 0)
        return -1;
    int result = collect(&dump);
    gust__coroutine_walk_end(dump.loop);
    if (result == 0)
        result = gust_threads_run(NULL, write_dump, &dump);
    int code = errno;
    gust__free(dump.coroutines);
    gust__free(dump.places);
    gust__free(dump.index);
    errno = code;
    return result;
}

static bool on_its_way;

static int dump_to(void *argument)
{
    const char *path = argument;
    int fd = path ? gust__sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
                  : STDERR_FILENO;
    if (fd < 0 || gust_dump(fd) < 0)
        gust_log(GUST_ERROR, "no dump: %s", strerrordesc_np(errno));
    if (path && fd >= 0)
        gust__sys_close(fd);
    on_its_way = false;
    return 0;
}

int gust__dump_on_signal(int signal_number, unsigned zero, void *argument)
{
    (void)signal_number, (void)zero;
    if (on_its_way)
        return 0;
    on_its_way = true;
    if (gust__coroutine_start(gust_loop_current(), NULL, NULL, dump_to, *(void **)argument))
        return 0;
    on_its_way = false;
    return -1;
}
