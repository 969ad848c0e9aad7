/* A file as an answer: its description, the request's conditions on it (RFC 9110 13), its ranges (14). */
#include "web/coded.h"
#include "web/files.h"
#include "web/life.h"

#include "base/random.h"
#include "base/sys.h"
#include "http/date.h"
#include "http/etag.h"
#include "http/mime.h"
#include "http/range.h"
#include "http/utf8.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <gust/error.h>

/* ---- description ---- */

static void set_header(gust_request *request, const char *name, const char *value)
{
    if (gust_set_header(request, name, value) < 0)
        gust_fail(500, "a file's header %s cannot be \"%s\"", name, value);
}

static struct gust__slice etag_of(gust_request *request, const struct stat *status)
{
    struct gust__etag_hash hash = {0};
    const uint64_t parts[] = {
        (uint64_t)status->st_dev,          (uint64_t)status->st_ino,
        (uint64_t)status->st_size,         (uint64_t)status->st_mtim.tv_sec,
        (uint64_t)status->st_mtim.tv_nsec, (uint64_t)status->st_ctim.tv_sec,
        (uint64_t)status->st_ctim.tv_nsec,
    };
    char *etag = gust_alloc(request, GUST__ETAG_ROOM);
    gust__etag_hash_add(&hash, parts, sizeof(parts));
    gust__etag_hash_write(&hash, etag);
    return gust__slice(etag, GUST__ETAG_ROOM - 1);
}

/* RFC 6266: the name as it is, but for what a quoted string cannot have, and in RFC 8187's form for the rest.
 */
static const char *disposition(gust_request *request, const char *name)
{
    size_t length = strlen(name);
    char *plain = gust_alloc(request, length + 1), *encoded = gust_alloc(request, 3 * length + 1),
         *to = encoded;
    bool simple = true;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        bool fits = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%' && c != '/';
        bool token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                     c == '-' || c == '_';
        plain[i] = fits ? (char)c : '_';
        simple &= fits;
        to += token ? (*to = (char)c, 1) : snprintf(to, 4, "%%%02X", c);
    }
    if (simple || !gust__utf8_valid(gust__slice(name, length)))
        return gust_sprintf(request, "attachment; filename=\"%s\"", plain);
    return gust_sprintf(request, "attachment; filename=\"%s\"; filename*=UTF-8''%s", plain, encoded);
}

static const char *cache_control(gust_request *request, const struct gust__file_answer *file)
{
    if (file->for_ever)
        return "public, max-age=31536000, immutable";
    if (file->max_age > 0)
        return gust_sprintf(request, "max-age=%lld", (long long)(file->max_age / GUST_S(1)));
    return file->max_age < 0 ? "no-cache" : NULL;
}

static void describe(gust_request *request, const struct gust__file_answer *file)
{
    char modified[GUST__DATE_SIZE + 1] = "";
    const char *cache = cache_control(request, file);
    struct gust__slice etag = etag_of(request, &file->status);
    gust__date_format(modified, file->status.st_mtim.tv_sec);
    gust_clear_header(request, "Etag");
    gust__answer_add(request, GUST__SLICE("Etag"), etag);
    set_header(request, "Last-Modified", modified);
    set_header(request, "Accept-Ranges", "bytes");
    if (file->type && gust__mime_wants_charset(file->type))
        set_header(request, "Content-Type", gust_sprintf(request, "%s; charset=utf-8", file->type));
    else if (file->type)
        set_header(request, "Content-Type", file->type);
    if (cache)
        set_header(request, "Cache-Control", cache);
    if (file->download_as)
        set_header(request, "Content-Disposition", disposition(request, file->download_as));
    if (file->varies)
        gust__answer_vary(request);
    if (file->coding)
        gust__answer_add(request, GUST__SLICE("Content-Encoding"), gust__coding_name(file->coding));
}

/* ---- conditions ---- */

static const struct gust__header *field(const gust_request *request, enum gust__header_id id)
{
    return gust__fields_first(&request->exchange->head->fields, id);
}

/* Reads a date's field. false: there is none, or it is no date, which counts as none. */
static bool read_date(const gust_request *request, enum gust__header_id id, int64_t *seconds)
{
    const struct gust__header *header = field(request, id);
    return header && gust__date_parse(header->value, time(NULL), seconds) == 0;
}

static bool matches(const gust_request *request, struct gust__slice etag)
{
    const struct gust__header *header = field(request, GUST__HEADER_IF_MATCH);
    for (; header; header = gust__fields_next(&request->exchange->head->fields, header)) {
        if (gust__etag_listed(header->value, etag, GUST__ETAG_STRONG))
            return true;
    }
    return false;
}

/* In the order of RFC 9110 13.2.2. -> 200: go on; 304; 412 */
static int judge(const gust_request *request, struct gust__slice etag, int64_t modified)
{
    int64_t date;
    if (field(request, GUST__HEADER_IF_MATCH)) {
        if (!matches(request, etag))
            return 412;
    } else if (read_date(request, GUST__HEADER_IF_UNMODIFIED_SINCE, &date) && modified > date) {
        return 412;
    }
    if (field(request, GUST__HEADER_IF_NONE_MATCH))
        return gust__client_has(request, etag) ? 304 : 200;
    return read_date(request, GUST__HEADER_IF_MODIFIED_SINCE, &date) && modified <= date ? 304 : 200;
}

/* Whether the pieces that the client has are of this file: If-Range (13.1.5). */
static bool continues(const gust_request *request, struct gust__slice etag, int64_t modified)
{
    const struct gust__header *header = field(request, GUST__HEADER_IF_RANGE);
    int64_t date;
    if (!header)
        return true;
    if (gust__etag_valid(header->value))
        return gust__etag_equals(header->value, etag, GUST__ETAG_STRONG);
    return read_date(request, GUST__HEADER_IF_RANGE, &date) && date == modified;
}

/* ---- ranges ---- */

static const char *content_range(gust_request *request, const struct gust__range *range, int64_t size)
{
    return gust_sprintf(request, "bytes %llu-%llu/%lld", (unsigned long long)range->first,
                        (unsigned long long)(range->first + range->size - 1), (long long)size);
}

static int send_range(gust_request *request, const struct gust__file_answer *file,
                      const struct gust__range *range)
{
    set_header(request, "Content-Range", content_range(request, range, file->status.st_size));
    request->content_length = (int64_t)range->size + 1;
    if (gust_flush(request) < 0)
        return -1;
    if (request->finished)
        return 0;
    if (gust__file_send(request, file->fd, (int64_t)range->first, (int64_t)range->size) < 0)
        return -1;
    return gust__answer_finish(request);
}

/* multipart/byteranges (RFC 9110 14.6): the heads of the parts, and how long it all is. */
struct parts {
    const char *heads[GUST__RANGES_MAX];
    const char *end;
    int64_t size;
};

static void make_parts(gust_request *request, const struct gust__file_answer *file,
                       const struct gust__range *ranges, int count, struct parts *parts)
{
    uint64_t number;
    if (gust__random_bytes(&number, sizeof(number)) < 0)
        gust_fail(500, "no random bytes for a boundary");
    const char *boundary = gust_sprintf(request, "%016llx", (unsigned long long)number);
    struct gust__slice type = gust__answer_header_set(request, GUST__SLICE("Content-Type"));
    parts->end = gust_sprintf(request, "\r\n--%s--\r\n", boundary);
    parts->size = (int64_t)strlen(parts->end);
    for (int i = 0; i < count; i++) {
        parts->heads[i] =
            gust_sprintf(request, "\r\n--%s\r\n%s%.*s%sContent-Range: %s\r\n\r\n", boundary,
                         type.size ? "Content-Type: " : "", (int)type.size, type.data ? type.data : "",
                         type.size ? "\r\n" : "", content_range(request, &ranges[i], file->status.st_size));
        parts->size += (int64_t)strlen(parts->heads[i]) + (int64_t)ranges[i].size;
    }
    set_header(request, "Content-Type", gust_sprintf(request, "multipart/byteranges; boundary=%s", boundary));
}

static int send_several(gust_request *request, const struct gust__file_answer *file,
                        const struct gust__range *ranges, int count)
{
    struct parts parts;
    make_parts(request, file, ranges, count, &parts);
    request->content_length = parts.size + 1;
    for (int i = 0; i < count && !request->finished; i++) {
        if (gust_print(request, parts.heads[i]) < 0 || gust_flush(request) < 0)
            return -1;
        if (!request->finished &&
            gust__file_send(request, file->fd, (int64_t)ranges[i].first, (int64_t)ranges[i].size) < 0)
            return -1;
    }
    if (request->finished)
        return 0;
    return gust_print(request, parts.end) < 0 ? -1 : gust__answer_finish(request);
}

/* -> how many ranges are to be sent; 0: the whole. Ends the handler with 416. */
static int ranges_of(gust_request *request, const struct gust__file_answer *file, struct gust__slice etag,
                     struct gust__range ranges[GUST__RANGES_MAX])
{
    const struct gust__header *header = field(request, GUST__HEADER_RANGE);
    if (!header || request->exchange->head->method != GUST__METHOD_GET ||
        gust__fields_next(&request->exchange->head->fields, header) ||
        !continues(request, etag, file->status.st_mtim.tv_sec))
        return 0;
    int count = gust__ranges_read(header->value, (uint64_t)file->status.st_size, ranges);
    if (count < 0) {
        set_header(request, "Content-Range",
                   gust_sprintf(request, "bytes */%lld", (long long)file->status.st_size));
        gust_fail(416, NULL);
    }
    return count;
}

/* ---- the answer ---- */

static int answer_range(gust_request *request, const struct gust__file_answer *file,
                        const struct gust__range *ranges, int count)
{
    request->coding_planned = true; /* a piece of the file, as it is */
    request->status = 206;
    return count == 1 ? send_range(request, file, ranges) : send_several(request, file, ranges, count);
}

int gust__file_answer(gust_request *request, const struct gust__file_answer *file)
{
    struct gust__range ranges[GUST__RANGES_MAX];
    bool plain = gust_status(request) == 200;
    request->output_size = 0;
    request->content_length = 0;
    describe(request, file);
    struct gust__slice etag = gust__answer_header_set(request, GUST__SLICE("Etag"));
    int verdict = plain ? judge(request, etag, file->status.st_mtim.tv_sec) : 200;
    if (verdict == 412)
        gust_fail(412, NULL);
    int count = plain && verdict == 200 ? ranges_of(request, file, etag, ranges) : 0;
    if (count)
        return answer_range(request, file, ranges, count);
    if (request->app->compress && file->status.st_size <= GUST__FILE_ENCODED)
        gust__coding_plan(request, file->status.st_size); /* a 304 has the tag that the 200 would have */
    request->coding_planned = true;
    if (verdict == 304) {
        gust__answer_not_modified(request);
        return gust__answer_finish(request);
    }
    return gust__file_send_whole(request, file->fd, file->status.st_size);
}

/* ---- from a handler ---- */

static gust_file_options copy_options(const gust_file_options *given)
{
    gust_file_options options = {0};
    memcpy(&options, given, given->size < sizeof(options) ? given->size : sizeof(options));
    return options;
}

/* Answers with an open file. */
static int send_open(gust_request *request, int fd, const char *name, const gust_file_options *given)
{
    gust_file_options options = copy_options(given);
    struct gust__file_answer file = {
        .fd = fd,
        .type = options.content_type,
        .max_age = options.max_age,
        .download_as = options.download_as,
    };
    if (request->finished || request->exchange->head_sent)
        return gust_error_set(EALREADY, "gust_send_file: the answer has begun");
    if (gust__sys_fstat(fd, &file.status) < 0)
        return gust_error_set(errno, "gust_send_file");
    if (!S_ISREG(file.status.st_mode))
        return gust_error_set(EINVAL, "gust_send_file: not a regular file");
    if (!file.type && !request->has_content_type)
        file.type = gust__mime_type(gust__slice_of(name));
    return gust__file_answer(request, &file);
}

int gust_send_fd_with(gust_request *request, int fd, const gust_file_options *options)
{
    return send_open(request, fd, "", options);
}

static void close_file(int fd)
{
    gust__sys_close(fd);
}

int gust_send_file_with(gust_request *request, const char *path, const gust_file_options *options)
{
    int fd = gust__sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return gust_error_set(errno, "%s", path);
    GUST_DEFER(close_file, fd);
    return send_open(request, fd, path, options);
}
