/*
 * A directory of files at /, its answers compressed where that is worth it:
 *
 *     files --directory=public
 *
 * /-/url?name=main.css tells the address of a file that may be kept for ever, /-/download?name=main.css is
 * that file as a download, /-/hello answers at once.
 */
#include <gust/gust.h>

#include <string.h>

static const char *directory = ".";

static void url(gust_request *req)
{
    gust_print(req, gust_static_url(req, gust_need_arg(req, "name")));
}

static void hello(gust_request *req)
{
    gust_print(req, "Hello!\n");
}

/* Of a name that comes from a stranger only what has no slash is taken. */
static void download(gust_request *req)
{
    const char *name = gust_need_arg(req, "name");
    if (strchr(name, '/') || name[0] == '.')
        gust_fail(403, NULL);
    if (gust_send_file(req, gust_sprintf(req, "%s/%s", directory, name), .download_as = name) < 0 &&
        !gust_finished(req))
        gust_fail(404, NULL);
}

/* The directory is opened before gust_main reads the options. */
static const char *directory_of(int argc, char **argv)
{
    static const char option[] = "--directory";
    size_t size = sizeof(option) - 1;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], option, size) == 0 && argv[i][size] == '=')
            return argv[i] + size + 1;
        if (strcmp(argv[i], option) == 0 && i + 1 < argc)
            return argv[i + 1];
    }
    return ".";
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_define("directory", ".", "serve its files");
    directory = directory_of(argc, argv);
    gust_app_set(app, .compress = true, .decompress_request = true);
    gust_route(app, "GET /-/url", url);
    gust_route(app, "GET /-/hello", hello);
    gust_route(app, "GET /-/download", download);
    gust_static(app, "/", directory, .default_name = "index.html", .precompressed = true,
                .only_prefix = true);
    return gust_main(app, argc, argv);
}
