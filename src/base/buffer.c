#include "base/buffer.h"
#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SMALLEST = 256 };

void gust__buffer_fini(struct gust__buffer *buffer)
{
    gust__free(buffer->data);
    *buffer = (struct gust__buffer){.max = buffer->max};
}

static void move_to_front(struct gust__buffer *buffer)
{
    size_t length = gust__buffer_length(buffer);
    if (length && buffer->start)
        memmove(buffer->data, buffer->data + buffer->start, length);
    buffer->start = 0;
    buffer->end = length;
}

/* Doubles at least, so that appending costs a constant per byte, but never beyond the maximum and a NUL. */
static int grow(struct gust__buffer *buffer, size_t needed)
{
    size_t limit = buffer->max == SIZE_MAX ? SIZE_MAX : buffer->max + 1;
    size_t capacity = buffer->capacity > SIZE_MAX / 2 ? SIZE_MAX : buffer->capacity * 2;
    if (capacity < SMALLEST)
        capacity = SMALLEST;
    if (capacity > limit)
        capacity = limit;
    if (capacity < needed)
        capacity = needed;
    char *data = gust__realloc(buffer->data, capacity);
    if (!data)
        return -1;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

/* Makes size bytes free behind the end, which the maximum allows, and spare more that it need not. */
static int make_room(struct gust__buffer *buffer, size_t size, size_t spare)
{
    size_t length = gust__buffer_length(buffer);
    if (length > buffer->max || size > buffer->max - length) {
        errno = ENOBUFS;
        return -1;
    }
    size_t needed;
    if (__builtin_add_overflow(length + size, spare, &needed)) {
        errno = ENOMEM;
        return -1;
    }
    if (buffer->data && size + spare <= buffer->capacity - buffer->end)
        return 0;
    /* Moving is worth it when at least as many bytes were consumed as must move, or when growing is no way.
     */
    if (buffer->data && needed <= buffer->capacity &&
        (buffer->start >= length || buffer->capacity >= buffer->max)) {
        move_to_front(buffer);
        return 0;
    }
    move_to_front(buffer);
    return grow(buffer, needed);
}

char *gust__buffer_reserve(struct gust__buffer *buffer, size_t size)
{
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
    return make_room(buffer, size, 0) < 0 ? NULL : buffer->data + buffer->end;
}

void gust__buffer_added(struct gust__buffer *buffer, size_t size)
{
    assert(size <= buffer->capacity - buffer->end);
    buffer->end += size;
}

int gust__buffer_append(struct gust__buffer *buffer, const void *data, size_t size)
{
    if (size == 0)
        return 0;
    char *to = gust__buffer_reserve(buffer, size);
    if (!to)
        return -1;
    memcpy(to, data, size);
    buffer->end += size;
    return 0;
}

int gust__buffer_vprintf(struct gust__buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int result = -1;
    size_t room = buffer->capacity - buffer->end; /* the first try, which mostly suffices */
    int length = vsnprintf(room ? buffer->data + buffer->end : NULL, room, format, arguments);
    if (length < 0)
        goto out;
    if (make_room(buffer, (size_t)length, 1) < 0)
        goto out;
    if ((size_t)length >= room)
        vsnprintf(buffer->data + buffer->end, (size_t)length + 1, format, again);
    buffer->end += (size_t)length;
    result = 0;
out:
    va_end(again);
    return result;
}

int gust__buffer_printf(struct gust__buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = gust__buffer_vprintf(buffer, format, arguments);
    va_end(arguments);
    return result;
}

void gust__buffer_consume(struct gust__buffer *buffer, size_t size)
{
    assert(size <= gust__buffer_length(buffer));
    buffer->start += size;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
}
