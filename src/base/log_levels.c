/* The log's levels: one for all names, and those that names have of their own. */
#include "base/lock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <gust/log.h>

enum { MOST_NAMES = 16, NAME_ROOM = 32 };

static _Atomic int general = GUST_INFO;

/* Only ever added to, so that readers need no lock. */
static struct {
    char name[NAME_ROOM];
    _Atomic int level;
} named[MOST_NAMES];
static _Atomic unsigned named_count;
static struct gust__lock adding;

void gust_log_set_level(gust_log_level level)
{
    atomic_store_explicit(&general, (int)level, memory_order_relaxed);
}

static _Atomic int *find(const char *name)
{
    unsigned count = atomic_load_explicit(&named_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(named[i].name, name) == 0)
            return &named[i].level;
    }
    return NULL;
}

int gust_log_enabled_for(const char *name, gust_log_level level)
{
    _Atomic int *own = find(name);
    return (int)level >= atomic_load_explicit(own ? own : &general, memory_order_relaxed);
}

int gust_log_enabled(gust_log_level level)
{
    return gust_log_enabled_for("app", level);
}

/* With the lock held. */
static int add(const char *name, gust_log_level level)
{
    unsigned count = atomic_load_explicit(&named_count, memory_order_relaxed);
    if (count == MOST_NAMES) {
        errno = ENOSPC;
        return -1;
    }
    strcpy(named[count].name, name);
    atomic_store_explicit(&named[count].level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&named_count, count + 1, memory_order_release);
    return 0;
}

int gust_log_set_level_for(const char *name, gust_log_level level)
{
    int result = 0;
    if (!*name || strlen(name) >= NAME_ROOM) {
        errno = EINVAL;
        return -1;
    }
    gust__lock_take(&adding);
    _Atomic int *own = find(name);
    if (own)
        atomic_store_explicit(own, (int)level, memory_order_relaxed);
    else
        result = add(name, level);
    gust__lock_drop(&adding);
    return result;
}

/* ---- As text ---- */

static bool read_level(const char *text, size_t size, gust_log_level *level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        if (strlen(names[i]) == size && memcmp(names[i], text, size) == 0) {
            *level = (gust_log_level)i;
            return true;
        }
    }
    return false;
}

/* One of them, "info" or "gust=warning": checked, and set too if that is asked. */
static int take(const char *text, size_t size, bool set)
{
    char name[NAME_ROOM];
    gust_log_level level;
    const char *equals = memchr(text, '=', size);
    size_t length = equals ? (size_t)(equals - text) : 0;
    const char *value = equals ? equals + 1 : text;
    if ((equals && length == 0) || length >= NAME_ROOM ||
        !read_level(value, size - (size_t)(value - text), &level)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(name, text, length);
    name[length] = '\0';
    if (set && equals)
        return gust_log_set_level_for(name, level);
    if (set)
        gust_log_set_level(level);
    return 0;
}

static int take_all(const char *levels, bool set)
{
    for (;;) {
        size_t size = strcspn(levels, ",");
        if (take(levels, size, set) < 0)
            return -1;
        if (!levels[size])
            return 0;
        levels += size + 1;
    }
}

int gust_log_set_levels(const char *levels)
{
    return take_all(levels, false) < 0 ? -1 : take_all(levels, true);
}
