/* The session of a request: read when first asked for, written back before the head of the answer. */
#include "web/session.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hexadecimal.h"
#include "base/random.h"
#include "http/characters.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include <gust/log.h>

enum { ID_BYTES = 32, ID_SIZE = 2 * ID_BYTES, TOUCH_SECONDS = 60 };

struct gust__session {
    json_t *values;                         /* an object of texts */
    size_t bytes;                           /* of names and values */
    int64_t created, used;                  /* seconds since 1970; created 0: it is not stored */
    char id[ID_SIZE + 1];                   /* "" until it is stored */
    char stored_key[GUST__SESSION_KEY + 1]; /* under which the store has it; "": it has not */
    bool changed, rotate, ended;
};

static int64_t now_in_seconds(void)
{
    return gust__clock_wall() / 1000000000;
}

/* ---- numbers and keys ---- */

static void write_hexadecimal(char *to, const unsigned char *bytes, size_t size)
{
    *gust__hexadecimal(to, bytes, size) = 0;
}

static int new_id(char id[ID_SIZE + 1])
{
    unsigned char bytes[ID_BYTES];
    if (gust__random_bytes(bytes, sizeof(bytes)) < 0)
        return -1;
    write_hexadecimal(id, bytes, sizeof(bytes));
    return 0;
}

static int key_of(const char *id, char key[GUST__SESSION_KEY + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!EVP_Digest(id, strlen(id), digest, &size, EVP_sha256(), NULL))
        return gust_error_set(EIO, "no SHA-256");
    write_hexadecimal(key, digest, size);
    return 0;
}

static bool is_id(const char *text)
{
    struct gust__slice id = gust__slice_of(text);
    return id.size == ID_SIZE && gust__slice_consists_of(id, GUST__IS_HEX);
}

/* ---- reading ---- */

static gust_sessions *sessions_of(const gust_request *request)
{
    if (!request->app->sessions)
        gust_fail(500, "the application has no .sessions");
    return (gust_sessions *)(uintptr_t)request->app->sessions;
}

static void count_bytes(struct gust__session *session)
{
    const char *name;
    json_t *value;
    session->bytes = 0;
    json_object_foreach(session->values, name, value) session->bytes +=
        strlen(name) + json_string_length(value);
}

/* "CREATED USED {…}"; false: it is none, or its time is over. */
static bool take_record(struct gust__session *session, const gust_sessions *sessions, const char *record)
{
    char *end;
    int64_t now = now_in_seconds(), created = strtoll(record, &end, 10), used = strtoll(end, &end, 10);
    json_t *values = json_loads(end, 0, NULL);
    if (!json_is_object(values) || now - used >= sessions->idle || now - created >= sessions->absolute) {
        json_decref(values);
        return false;
    }
    json_decref(session->values);
    session->values = values;
    session->created = created;
    session->used = used;
    count_bytes(session);
    return true;
}

static _Noreturn void store_failed(const char *what)
{
    char text[256];
    snprintf(text, sizeof(text), "%s", gust_error_text(gust_error_last()));
    gust_fail(503, "the session could not be %s: %s", what, text);
}

static void load(gust_request *request, struct gust__session *session, const gust_sessions *sessions)
{
    const char *id = gust_cookie(request, sessions->cookie);
    char *record;
    if (!id || !is_id(id))
        return;
    int found = key_of(id, session->stored_key) < 0
                    ? -1
                    : sessions->store->load(sessions->store, session->stored_key, &record);
    if (found < 0)
        store_failed("read");
    if (found > 0 && take_record(session, sessions, record))
        memcpy(session->id, id, sizeof(session->id));
    else
        session->stored_key[0] = 0; /* a number that we did not give is never taken over */
    if (found > 0)
        gust__free(record);
}

static void save_before_head(gust_request *request, void *unused)
{
    (void)unused;
    if (gust__session_save(request) < 0)
        gust_log(GUST_ERROR, "the session could not be written: %s", gust_error_text(gust_error_last()));
}

static struct gust__session *session_of(gust_request *request)
{
    const gust_sessions *sessions = sessions_of(request);
    if (request->session)
        return request->session;
    struct gust__session *session = gust_alloc(request, sizeof(*session));
    session->values = json_object();
    if (!session->values)
        gust__no_memory();
    request->session = session;
    load(request, session, sessions);
    if (!request->exchange->head_sent)
        gust_before_headers(request, save_before_head, NULL);
    return session;
}

void gust__session_free(struct gust__session *session)
{
    json_decref(session->values);
}

/* ---- writing ---- */

static int set_cookie(gust_request *request, const gust_sessions *sessions, const char *id)
{
    return gust_set_cookie(request, sessions->cookie, id, .http_only = true, .secure = sessions->secure,
                           .max_age = *id ? 0 : -1);
}

static int remove_stored(struct gust__session *session, const gust_sessions *sessions)
{
    if (!session->stored_key[0])
        return 0;
    if (sessions->store->remove(sessions->store, session->stored_key) < 0)
        return -1;
    session->stored_key[0] = 0;
    return 0;
}

static int64_t earlier(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

static int write_record(struct gust__session *session, const gust_sessions *sessions, const char *key)
{
    enum { TIMES_ROOM = 48 };
    int64_t expires = earlier(session->used + sessions->idle, session->created + sessions->absolute);
    size_t size = json_dumpb(session->values, NULL, 0, JSON_COMPACT);
    char *record = gust__malloc(TIMES_ROOM + size + 1);
    if (!record)
        return gust_error_set(ENOMEM, NULL);
    int times = snprintf(record, TIMES_ROOM, "%" PRId64 " %" PRId64 " ", session->created, session->used);
    json_dumpb(session->values, record + times, size, JSON_COMPACT);
    record[(size_t)times + size] = 0;
    int result = sessions->store->save(sessions->store, key, record, expires);
    gust__free(record);
    return result;
}

/* A session that is new, or is to have a new number. */
static int save_renumbered(gust_request *request, struct gust__session *session,
                           const gust_sessions *sessions)
{
    char id[ID_SIZE + 1], key[GUST__SESSION_KEY + 1];
    if (new_id(id) < 0 || key_of(id, key) < 0 || write_record(session, sessions, key) < 0 ||
        remove_stored(session, sessions) < 0)
        return -1;
    memcpy(session->id, id, sizeof(id));
    memcpy(session->stored_key, key, sizeof(key));
    return set_cookie(request, sessions, id);
}

static bool is_stale(const struct gust__session *session, const gust_sessions *sessions, int64_t now)
{
    return session->stored_key[0] && now - session->used >= earlier(TOUCH_SECONDS, sessions->idle / 10);
}

int gust__session_save(gust_request *request)
{
    struct gust__session *session = request->session;
    const gust_sessions *sessions = sessions_of(request);
    int64_t now = now_in_seconds();
    if (session->ended || (!session->changed && !session->rotate && !is_stale(session, sessions, now)))
        return 0;
    if (!session->created)
        session->created = now;
    session->used = now;
    int result = session->rotate || !session->stored_key[0]
                     ? save_renumbered(request, session, sessions)
                     : write_record(session, sessions, session->stored_key);
    if (result == 0)
        session->changed = session->rotate = false;
    return result;
}

/* ---- what handlers call ---- */

static int check_head(const gust_request *request)
{
    if (request->exchange->head_sent || request->finished)
        return gust_error_set(EALREADY, "the session was changed after the head was sent");
    return 0;
}

const char *gust_session_get(gust_request *request, const char *name)
{
    return json_string_value(json_object_get(session_of(request)->values, name));
}

static size_t size_of(const struct gust__session *session, const char *name)
{
    const json_t *value = json_object_get(session->values, name);
    return value ? strlen(name) + json_string_length(value) : 0;
}

int gust_session_set(gust_request *request, const char *name, const char *value)
{
    struct gust__session *session = session_of(request);
    const gust_sessions *sessions = sessions_of(request);
    if (check_head(request) < 0)
        return -1;
    size_t bytes = session->bytes - size_of(session, name) + (value ? strlen(name) + strlen(value) : 0);
    if (bytes > sessions->max_bytes)
        return gust_error_set(EMSGSIZE, "a session of more than %zu bytes", sessions->max_bytes);
    if (value && json_object_set_new(session->values, name, json_string(value)) < 0)
        return gust_error_set(EINVAL, "a session's value that is no UTF-8: %s", name);
    if (!value)
        json_object_del(session->values, name);
    session->bytes = bytes;
    session->changed = true;
    session->ended = false;
    return 0;
}

int gust_session_rotate(gust_request *request)
{
    struct gust__session *session = session_of(request);
    if (check_head(request) < 0)
        return -1;
    session->rotate = true;
    return 0;
}

int gust_session_end(gust_request *request)
{
    struct gust__session *session = session_of(request);
    if (check_head(request) < 0)
        return -1;
    if (remove_stored(session, sessions_of(request)) < 0)
        store_failed("ended");
    json_object_clear(session->values);
    session->bytes = 0;
    session->created = 0;
    session->ended = true;
    return set_cookie(request, sessions_of(request), "");
}
