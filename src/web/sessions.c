/* What an application's sessions are kept in, and for how long. */
#include "web/session_store.h"

#include "base/alloc.h"
#include "base/options.h"

#include <stdio.h>
#include <string.h>

#include <gust/error.h>

enum { NANOSECONDS = 1000000000, MOST_SESSIONS = 100000, MOST_BYTES = 16 << 10 };

static struct gust__session_store *open_store(const char *store, size_t max)
{
    if (strcmp(store, "memory") == 0)
        return gust__session_memory_new(max);
    if (strncmp(store, "sqlite:", 7) == 0)
        return gust__session_sqlite_new(store + 7);
    if (strncmp(store, "redis:", 6) == 0 || strncmp(store, "redis+unix:", 11) == 0)
        return gust__session_redis_new(store);
    gust_error_set(
        EINVAL, "sessions in \"%s\": expected memory, sqlite:FILE, redis://HOST or redis+unix:FILE", store);
    return NULL;
}

static int64_t seconds_of(int64_t given, int64_t otherwise)
{
    return given > 0 ? (given + NANOSECONDS - 1) / NANOSECONDS : otherwise;
}

gust_sessions *gust_sessions_new_with(const gust_sessions_options *given)
{
    gust_sessions_options options;
    gust__options_read(&options, sizeof(options), given);
    gust_sessions *sessions = gust__calloc(1, sizeof(*sessions));
    if (!sessions)
        return NULL;
    sessions->idle = seconds_of(options.idle, 30LL * 60);
    sessions->absolute = seconds_of(options.absolute, 12LL * 3600);
    sessions->max_bytes = options.max_bytes ? options.max_bytes : MOST_BYTES;
    sessions->secure = options.secure;
    snprintf(sessions->cookie, sizeof(sessions->cookie), "%s", options.cookie ? options.cookie : "session");
    sessions->store =
        open_store(options.store ? options.store : "memory", options.max ? options.max : MOST_SESSIONS);
    if (sessions->store)
        return sessions;
    gust__free(sessions);
    return NULL;
}

void gust_sessions_free(gust_sessions *sessions)
{
    if (!sessions)
        return;
    sessions->store->free(sessions->store);
    gust__free(sessions);
}
