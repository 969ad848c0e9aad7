/*
 * multipart/form-data: of a buffered body fields become arguments and files stay in memory or go to disk; of
 * a streamed one the parts are handed on as they come.
 *
 * Writing a file blocks the loop for as long as the page cache needs to take the bytes, which is the copy.
 * That is accepted here: these are files that nobody syncs.
 */
#include "web/form.h"

#include "base/sys.h"
#include "http/multipart.h"
#include "http/utf8.h"
#include "web/spool.h"

#include <stdio.h>
#include <string.h>

#include <gust/error.h>

enum { PIECE = 64 << 10 }; /* of a streamed body */

struct gust__files {
    gust_file *at; /* in the arena, in order */
    size_t count, capacity;
    size_t in_memory; /* bytes */
};

/* ---- text of parts ---- */

static bool is_text(struct gust__slice slice)
{
    return gust__utf8_valid(slice) && !(slice.size && memchr(slice.data, 0, slice.size));
}

/* Texts of a part, copied. 0; -1 and EBADMSG: one is not text. */
static int read_part(gust_request *request, const struct gust__multipart_part *from, gust_part *part)
{
    if (!is_text(from->name) || !is_text(from->filename) || !is_text(from->content_type))
        return gust_error_set(EBADMSG, "a name in the form is not UTF-8 text");
    *part = (gust_part){
        .name = gust__request_text(request, from->name),
        .file_name = from->has_filename ? gust__request_text(request, from->filename) : NULL,
        .content_type = from->content_type.size ? gust__request_text(request, from->content_type) : NULL,
    };
    return 0;
}

/* ---- a buffered body ---- */

struct buffered {
    gust_request *request;
    struct gust__argument_list *fields;
    gust_part part;
    struct gust__slice data; /* of the part, where it lies in the body */
};

static gust_file *add_file(gust_request *request)
{
    struct gust__files *files = request->files;
    if (files->count == files->capacity) {
        size_t capacity = files->capacity ? 2 * files->capacity : 4;
        gust_file *larger = gust_alloc(request, capacity * sizeof(*larger));
        if (files->count)
            memcpy(larger, files->at, files->count * sizeof(*larger));
        files->at = larger;
        files->capacity = capacity;
    }
    return &files->at[files->count];
}

/* Small files are kept in memory as long as they leave half of it to the handler. */
static bool fits_memory(const gust_request *request, size_t size)
{
    const gust_app_settings *settings = &request->app->settings;
    return size <= settings->spool_above && request->files->in_memory + size <= settings->max_memory / 2;
}

static int spool(gust_request *request, gust_file *file, struct gust__slice data)
{
    file->fd = gust__spool_open(request->app->settings.spool_directory);
    if (file->fd < 0)
        return gust_error_set(errno, "no file for an upload");
    request->files->count++; /* from here on gust__form_end closes it */
    if (gust__spool_write(file->fd, data.data, data.size) < 0 || gust__sys_lseek(file->fd, 0, SEEK_SET) < 0)
        return gust_error_set(errno, "writing an upload of %zu bytes", data.size);
    return 0;
}

static int keep_file(gust_request *request, const gust_part *part, struct gust__slice data)
{
    gust_file *file = add_file(request);
    *file = (gust_file){
        .name = part->name,
        .file_name = part->file_name,
        .content_type = part->content_type,
        .fd = -1,
        .length = data.size,
    };
    if (!fits_memory(request, data.size))
        return spool(request, file, data);
    file->data = (gust_bytes){gust__request_text(request, data), data.size};
    request->files->in_memory += data.size;
    request->files->count++;
    return 0;
}

static int begin_buffered(void *context, const struct gust__multipart_part *part)
{
    struct buffered *buffered = context;
    buffered->data = GUST__SLICE("");
    return read_part(buffered->request, part, &buffered->part);
}

/* The body is fed whole, so that what comes again stands behind what came. */
static int data_buffered(void *context, struct gust__slice data)
{
    struct buffered *buffered = context;
    if (buffered->data.size == 0)
        buffered->data = data;
    else
        buffered->data.size += data.size;
    return 0;
}

static int end_buffered(void *context)
{
    struct buffered *buffered = context;
    gust_request *request = buffered->request;
    const gust_part *part = &buffered->part;
    if (part->file_name && !*part->file_name && buffered->data.size == 0)
        return 0; /* what browsers send where no file was chosen */
    if (part->file_name)
        return keep_file(request, part, buffered->data);
    if (!is_text(buffered->data))
        return gust_error_set(EBADMSG, "a field of the form is not UTF-8 text");
    gust__argument_add(request, buffered->fields, part->name, gust__request_text(request, buffered->data));
    return 0;
}

/* Readies a parser for the request's body. 0; -1 and EBADMSG. */
static int begin_multipart(gust_request *request, struct gust__multipart *multipart,
                           const struct gust__multipart_callbacks *callbacks, void *context)
{
    const struct gust__header *type =
        gust__fields_first(&request->exchange->head->fields, GUST__HEADER_CONTENT_TYPE);
    struct gust__slice boundary;
    if (!type || gust__multipart_boundary(type->value, &boundary) < 0 ||
        gust__multipart_init(multipart, boundary, callbacks, context) < 0)
        return gust_error_set(EBADMSG, "the body is not multipart/form-data with a boundary");
    multipart->scratch_size = GUST__MULTIPART_DEFAULT_HEADER;
    multipart->scratch = gust_alloc(request, multipart->scratch_size);
    multipart->max_parts = request->app->settings.max_parts;
    return 0;
}

/* The parser's fault as the last error; a callback's stays as it is. */
static int explain(const struct gust__multipart *multipart)
{
    return multipart->fault.status ? gust_error_set(errno, "%s", multipart->fault.reason) : -1;
}

void gust__form_parse(gust_request *request, struct gust__argument_list *fields)
{
    static const struct gust__multipart_callbacks callbacks = {begin_buffered, data_buffered, end_buffered};
    struct gust__slice body = request->exchange->body;
    struct buffered buffered = {.request = request, .fields = fields};
    struct gust__multipart multipart;
    if (request->files)
        gust__form_end(request); /* an attempt that failed */
    request->files = gust_alloc(request, sizeof(*request->files));
    if (begin_multipart(request, &multipart, &callbacks, &buffered) < 0)
        gust_fail(400, "%s", gust_error_text(gust_error_last()));
    if (gust__multipart_feed(&multipart, body.data, body.size) == 0 &&
        gust__multipart_finish(&multipart) == 0)
        return;
    explain(&multipart);
    bool bad = multipart.fault.status || errno == EBADMSG;
    gust_fail(bad ? 400 : 503, "%s", gust_error_text(gust_error_last()));
}

const gust_file *gust_file_at(gust_request *request, const char *name, size_t index)
{
    gust__body_arguments(request);
    const struct gust__files *files = request->files;
    for (size_t i = 0; files && i < files->count; i++) {
        if ((!name || strcmp(files->at[i].name, name) == 0) && index-- == 0)
            return &files->at[i];
    }
    return NULL;
}

void gust__form_end(gust_request *request)
{
    for (size_t i = 0; i < request->files->count; i++) {
        if (request->files->at[i].fd >= 0)
            gust__sys_close(request->files->at[i].fd);
    }
    request->files = NULL;
}

/* ---- a streamed body ---- */

struct streamed {
    gust_request *request;
    int (*part)(const gust_part *part, void *argument);
    int (*data)(const void *bytes, size_t length, void *argument);
    void *argument;
    bool stopped; /* by one of the two */
};

static int begin_streamed(void *context, const struct gust__multipart_part *from)
{
    struct streamed *streamed = context;
    gust_part part;
    if (read_part(streamed->request, from, &part) < 0)
        return -1;
    int result = streamed->part ? streamed->part(&part, streamed->argument) : 0;
    streamed->stopped = result < 0;
    return result < 0 ? -1 : 0;
}

static int data_streamed(void *context, struct gust__slice data)
{
    struct streamed *streamed = context;
    int result = streamed->data ? streamed->data(data.data, data.size, streamed->argument) : 0;
    streamed->stopped = result < 0;
    return result < 0 ? -1 : 0;
}

static int end_streamed(void *context)
{
    (void)context;
    return 0;
}

/* A malformed form is answered as other bad bodies are, if the handler does not answer itself. */
static int refuse_form(gust_request *request)
{
    if (!request->exchange->body_failed)
        request->exchange->body_failed = 400;
    return -1;
}

int gust_form_each(gust_request *request, int (*part)(const gust_part *part, void *argument),
                   int (*data)(const void *bytes, size_t length, void *argument), void *argument)
{
    static const struct gust__multipart_callbacks callbacks = {begin_streamed, data_streamed, end_streamed};
    struct streamed streamed = {request, part, data, argument, false};
    struct gust__multipart multipart;
    if (begin_multipart(request, &multipart, &callbacks, &streamed) < 0)
        return refuse_form(request);
    char *piece = gust_alloc(request, PIECE);
    ssize_t size;
    while ((size = gust_read_body(request, piece, PIECE)) > 0) {
        if (gust__multipart_feed(&multipart, piece, (size_t)size) == 0)
            continue;
        return streamed.stopped ? -1 : (explain(&multipart), refuse_form(request));
    }
    if (size < 0)
        return -1;
    return gust__multipart_finish(&multipart) == 0 ? 0 : (explain(&multipart), refuse_form(request));
}

int64_t gust_save_body(gust_request *request, int fd)
{
    char *piece = gust_alloc(request, PIECE);
    int64_t saved = 0;
    ssize_t size;
    while ((size = gust_read_body(request, piece, PIECE)) > 0) {
        if (gust__spool_write(fd, piece, (size_t)size) < 0)
            return gust_error_set(errno, "writing the body");
        saved += size;
    }
    return size < 0 ? -1 : saved;
}
