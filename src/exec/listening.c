#include "exec/listening.h"
#include "base/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- opening ---- */

/* Takes the listener; NULL passes errno through. */
static int add(struct gust__listening *listening, const char *key, gust_listener *listener, bool inherited)
{
    if (!listener)
        return -1;
    struct gust__listening_address *address = &listening->list[listening->count++];
    *address = (struct gust__listening_address){.listener = listener, .inherited = inherited};
    snprintf(address->key, sizeof(address->key), "%s", key);
    return 0;
}

static size_t count_fds(const struct gust__listening *listening)
{
    return gust__listening_fds(listening, NULL, 0);
}

static bool has_room(const struct gust__listening *listening)
{
    if (listening->count < GUST__LISTENING_MAX &&
        count_fds(listening) + GUST__ADDRESSES_MAX <= GUST__LISTENING_FDS)
        return true;
    errno = ENOBUFS;
    return false;
}

int gust__listening_open(struct gust__listening *listening, struct gust__inherited *inherited,
                         const char *address, const gust_listen_options *options)
{
    int fds[GUST__ADDRESSES_MAX];
    if (!has_room(listening))
        return -1;
    if (strlen(address) > GUST__INHERITED_KEY || strchr(address, '\n')) {
        errno = EINVAL;
        return -1;
    }
    size_t count = gust__inherited_find(inherited, address, fds);
    gust_listener *listener =
        count > 0 ? gust__listener_adopt(fds, count, options) : gust_listen_with(address, options);
    return add(listening, address, listener, count > 0);
}

int gust__listening_activated(struct gust__listening *listening, struct gust__inherited *inherited,
                              const gust_listen_options *options)
{
    int fds[GUST__ADDRESSES_MAX], added = 0;
    size_t count;
    while (has_room(listening) && (count = gust__inherited_find(inherited, GUST__ACTIVATED, fds)) > 0) {
        if (add(listening, GUST__ACTIVATED, gust__listener_adopt(fds, count, options), false) < 0)
            return -1;
        added++;
    }
    return added;
}

/* ---- files and end ---- */

void gust__listening_own_files(struct gust__listening *listening)
{
    for (size_t i = 0; i < listening->count; i++) {
        if (listening->list[i].inherited)
            gust__listener_own_file(listening->list[i].listener);
    }
}

void gust__listening_keep_files(struct gust__listening *listening)
{
    for (size_t i = 0; i < listening->count; i++)
        gust__listener_keep_file(listening->list[i].listener);
}

void gust__listening_close(struct gust__listening *listening)
{
    while (listening->count > 0)
        gust_listener_free(listening->list[--listening->count].listener);
}

/* ---- for a successor ---- */

size_t gust__listening_fds(const struct gust__listening *listening, int *fds, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < listening->count; i++) {
        size_t room = count < size ? size - count : 0;
        count += gust__listener_sockets(listening->list[i].listener, room ? fds + count : NULL, room);
    }
    return count;
}

/* "4,5 127.0.0.1:8888\n" */
static size_t write_line(const struct gust__listening_address *address, char *line, size_t size)
{
    int fds[GUST__ADDRESSES_MAX];
    size_t count = gust__listener_sockets(address->listener, fds, GUST_LEN(fds)), length = 0;
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(line + length, size - length, "%s%d", i ? "," : "", fds[i]);
    return length + (size_t)snprintf(line + length, size - length, " %s\n", address->key);
}

char *gust__listening_text(const struct gust__listening *listening)
{
    enum { LINE = GUST__ADDRESSES_MAX * 12 + GUST__INHERITED_KEY + 3 };
    size_t size = listening->count * LINE + 1, length = 0;
    char *text = gust__malloc(size);
    if (!text)
        return NULL;
    text[0] = 0;
    for (size_t i = 0; i < listening->count; i++)
        length += write_line(&listening->list[i], text + length, size - length);
    return text;
}
