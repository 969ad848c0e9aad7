#include "exec/output.h"

#include <stdarg.h>
#include <stdio.h>

void gust__output_init(struct gust_output *output, size_t max)
{
    output->data = output->small;
    output->length = 0;
    output->room = sizeof(output->small);
    output->max = max;
    output->shared = -1;
}

static void unmap(struct gust_output *output)
{
    if (output->data != output->small)
        gust__sys_munmap(output->data, output->room);
    output->data = output->small;
}

void gust__output_fini(struct gust_output *output)
{
    unmap(output);
    if (output->shared >= 0)
        gust__sys_close(output->shared);
    output->shared = -1;
}

int gust__output_seal(struct gust_output *output)
{
    unmap(output);
    return gust__shared_seal(output->shared, output->length);
}

/* From the output's own room into shared memory of so many bytes. */
static int move_out(struct gust_output *output, size_t room)
{
    output->shared = gust__shared_new();
    if (output->shared < 0)
        return -1;
    void *data = MAP_FAILED;
    if (gust__sys_ftruncate(output->shared, (off_t)room) == 0)
        data = gust__sys_mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, output->shared, 0);
    if (data == MAP_FAILED) {
        int code = errno;
        gust__sys_close(output->shared);
        output->shared = -1;
        errno = code;
        return -1;
    }
    memcpy(data, output->small, output->length);
    output->data = data;
    output->room = room;
    return 0;
}

static int grow_there(struct gust_output *output, size_t room)
{
    if (gust__sys_ftruncate(output->shared, (off_t)room) < 0)
        return -1;
    void *data = gust__sys_mremap(output->data, output->room, room, MREMAP_MAYMOVE);
    if (data == MAP_FAILED)
        return -1;
    output->data = data;
    output->room = room;
    return 0;
}

static int make_room(struct gust_output *output, size_t length)
{
    if (length <= output->room)
        return 0;
    size_t room = output->room * 2;
    if (room > output->max + 1)
        room = output->max + 1;
    if (room < length)
        room = length;
    return output->shared < 0 ? move_out(output, room) : grow_there(output, room);
}

/* The place for length bytes and extra ones behind, which are not part of the result. */
static char *reserve(struct gust_output *output, size_t length, size_t extra)
{
    if (length > output->max - output->length) {
        gust_error_set(ENOBUFS, "a result of more than %zu bytes", output->max);
        return NULL;
    }
    if (make_room(output, output->length + length + extra) < 0)
        return NULL;
    return output->data + output->length;
}

void *gust_output_room(gust_output *output, size_t length)
{
    char *place = reserve(output, length, 0);
    if (place)
        output->length += length;
    return place;
}

int gust_output_write(gust_output *output, const void *data, size_t length)
{
    void *place = gust_output_room(output, length);
    if (!place)
        return -1;
    if (length)
        memcpy(place, data, length);
    return 0;
}

int gust_output_printf(gust_output *output, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *place = length < 0 ? NULL : reserve(output, (size_t)length, 1);
    if (place) {
        vsnprintf(place, (size_t)length + 1, format, again);
        output->length += (size_t)length;
    }
    va_end(again);
    return place ? 0 : -1;
}
