/*
 * Images: taken only when their first bytes are an image's, kept under a random name, handed out in a way
 * that no browser takes them for anything else. What the uploader calls the file, and its type, is not used
 * at all.
 */
#include "blog.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGE_MAX = 5 << 20, NAME_BYTES = 16, NAME_ROOM = 2 * NAME_BYTES + 6 };

/* ---- what it is ---- */

struct kind {
    const char *ending, *type;
    const char *begins; /* . is any byte */
    size_t length;
};

static const struct kind kinds[] = {
    {".png", "image/png", "\x89PNG\r\n\x1a\n", 8},
    {".jpg", "image/jpeg", "\xff\xd8\xff", 3},
    {".gif", "image/gif", "GIF8.a", 6},
    {".webp", "image/webp", "RIFF....WEBP", 12},
};

static bool fits(const struct kind *kind, const char *data, size_t length)
{
    for (size_t i = 0; i < kind->length; i++) {
        if (i >= length || (kind->begins[i] != '.' && kind->begins[i] != data[i]))
            return false;
    }
    return true;
}

static const struct kind *kind_of(const char *data, size_t length)
{
    for (size_t i = 0; i < GUST_LEN(kinds); i++) {
        if (fits(&kinds[i], data, length))
            return &kinds[i];
    }
    return NULL;
}

/* ---- keeping it ---- */

struct image {
    gust_bytes data; /* of a small one; a larger one is in fd */
    int fd;
    const struct kind *kind; /* NULL: it is no image */
    char name[NAME_ROOM];
    char *path;
};

static int random_name(struct image *image)
{
    unsigned char bytes[NAME_BYTES];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return gust_error_set(EIO, "no random bytes");
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(image->name + 2 * i, 3, "%02x", bytes[i]);
    strcat(image->name, image->kind->ending);
    return asprintf(&image->path, "%s/%s", blog.uploads, image->name) < 0 ? gust_error_set(ENOMEM, NULL) : 0;
}

static int write_all(int to, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(to, data, length);
        if (written < 0)
            return -1;
        data += written;
        length -= (size_t)written;
    }
    return 0;
}

static int copy(const struct image *image, int to)
{
    char buffer[64 << 10];
    ssize_t length;
    off_t at = 0;
    if (image->data.data)
        return write_all(to, image->data.data, image->data.len);
    for (; (length = pread(image->fd, buffer, sizeof(buffer), at)) > 0; at += length) {
        if (write_all(to, buffer, (size_t)length) < 0)
            return -1;
    }
    return (int)length;
}

static int write_image(struct image *image)
{
    int to = open(image->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to < 0)
        return gust_error_set(errno, "%s", image->path);
    int status = copy(image, to);
    if (close(to) < 0 || status < 0) {
        gust_error_set(errno, "%s", image->path);
        unlink(image->path);
        return -1;
    }
    return 0;
}

/* On a thread: files may block. */
static int keep(void *argument)
{
    struct image *image = argument;
    char begin[16];
    ssize_t length = sizeof(begin);
    if (!image->data.data && (length = pread(image->fd, begin, sizeof(begin), 0)) < 0)
        return gust_error_set(errno, "an upload");
    image->kind =
        image->data.data ? kind_of(image->data.data, image->data.len) : kind_of(begin, (size_t)length);
    if (!image->kind)
        return 0;
    return random_name(image) < 0 ? -1 : write_image(image);
}

static void clear_image(struct image *image)
{
    free(image->path);
}

/* ---- the pages ---- */

static json_t *own_images(gust_request *req)
{
    return store_rows(
        req,
        "SELECT name, (size + 1023) / 1024 AS kilobytes, strftime('%Y-%m-%d', created, 'unixepoch') AS created"
        " FROM uploads WHERE author = ? ORDER BY uploads.created DESC LIMIT 100",
        "s", gust_user(req));
}

static void images(gust_request *req)
{
    page(req, "images.html", "{s:O}", "images", own_images(req));
}

static void refuse(gust_request *req, const char *problem)
{
    page_with_problem(req, problem, "images.html", "{s:O}", "images", own_images(req));
}

static void upload(gust_request *req)
{
    const gust_file *file = gust_file_at(req, "image", 0);
    if (!file || file->length == 0) {
        refuse(req, "Choose an image first.");
        return;
    }
    if (file->length > IMAGE_MAX) {
        refuse(req, "The image is too large: 5 MiB at most.");
        return;
    }
    struct image image = {.data = file->data, .fd = file->fd};
    GUST_DEFER(clear_image, &image);
    if (gust_threads_run(NULL, keep, &image) < 0)
        gust_fail(503, "an upload: %s", gust_error_text(gust_error_last()));
    if (!image.kind) {
        refuse(req, "That is no image that browsers show: PNG, JPEG, GIF or WebP.");
        return;
    }
    store_change(req, "INSERT INTO uploads(name, author, size) VALUES (?, ?, ?)", "ssi", image.name,
                 gust_user(req), (int64_t)file->length);
    go_on(req, "/images", "The image is there. Copy its line into a post.");
}

/* The pattern lets through only names that random_name could have made. */
static void send_image(gust_request *req)
{
    const char *ending = gust_path_arg(req, 2);
    for (size_t i = 0; i < GUST_LEN(kinds); i++) {
        if (strcmp(kinds[i].ending + 1, ending) == 0)
            gust_set_header(req, "Content-Type", kinds[i].type);
    }
    gust_set_header(req, "Content-Security-Policy", "default-src 'none'; sandbox");
    const char *path = gust_sprintf(req, "%s/%s.%s", blog.uploads, gust_path_arg(req, 1), ending);
    if (gust_send_file(req, path, .max_age = GUST_S(365 * 24 * 3600)) < 0)
        gust_fail(404, "There is no such image.");
}

void uploads_set_up(gust_app *app)
{
    gust_route(app, "GET /images", images, .login = true);
    gust_route(app, "POST /images", upload, .login = true, .max_body = IMAGE_MAX + (64 << 10));
    gust_route(app, "GET /uploads/([0-9a-f]{32})\\.(png|jpg|gif|webp)", send_image);
}
