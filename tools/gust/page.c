/*
 * The page that stands in for a program which does not build, or has ended. It is a program of its own,
 * started as the other is: so it takes over the same sockets in the same way, and ends as cleanly.
 */
#include "commands.h"

#include "http/slice.h"
#include "http/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gust/json.h>
#include <gust/main.h>
#include <gust/template.h>

enum { TEXT_MAX = 1 << 20 };

struct report {
    const char *title;
    char *text;
    json_t *lines;
    const char *first; /* the first line that names an error */
};

static const char page[] =
    "<!doctype html>\n"
    "<html lang=\"en\"><meta charset=\"utf-8\"><title>{{ title }}</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<style>\n"
    "body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: #fff; color: #222; }\n"
    "header { background: #a3212f; color: #fff; padding: 1rem 2rem; }\n"
    "h1 { margin: 0; font-size: 1.25rem; } header p { margin: .25rem 0 0; font-family: monospace; }\n"
    "pre { margin: 0; padding: 1rem 2rem; white-space: pre-wrap; font-size: .875rem; }\n"
    ".error { color: #a3212f; font-weight: bold; } .warning { color: #8a5a00; }\n"
    "footer { padding: 0 2rem 1rem; color: #666; }\n"
    "@media (prefers-color-scheme: dark) { body { background: #1b1b1d; color: #ddd; }\n"
    "  .error { color: #ff8a94; } .warning { color: #e6b450; } footer { color: #999; } }\n"
    "</style>\n"
    "<header><h1>{{ title }}</h1>{% if first %}<p>{{ first }}</p>{% end %}</header>\n"
    "<pre>{% for kind, line in lines %}<span class=\"{{ kind }}\">{{ line }}</span>\n{% end %}</pre>\n"
    "<footer>This page goes when a change mends it.</footer>\n"
    "</html>\n";

/* ---- the text ---- */

/* A compiler may quote any bytes of a source; JSON has none but UTF-8. */
static void make_utf8(char *text, size_t size)
{
    bool valid = gust__utf8_valid(gust__slice(text, size));
    for (size_t i = 0; i < size; i++) {
        if (text[i] == 0 || (!valid && (unsigned char)text[i] >= 0x80))
            text[i] = '?';
    }
}

static char *read_text(int fd)
{
    size_t size = 0;
    ssize_t got;
    char *text = malloc(TEXT_MAX + 1);
    if (!text)
        return NULL;
    while (size < TEXT_MAX && (got = read(fd, text + size, TEXT_MAX - size)) > 0)
        size += (size_t)got;
    make_utf8(text, size);
    text[size] = 0;
    return text;
}

static const char *kind_of(const char *line)
{
    if (strstr(line, "error:") || strstr(line, "Error ") || strstr(line, "undefined reference"))
        return "error";
    return strstr(line, "warning:") ? "warning" : "plain";
}

/* Cuts the text into its lines. 0; -1: no memory. */
static int read_lines(struct report *report)
{
    report->lines = json_array();
    char *rest = report->text;
    for (char *line; (line = strsep(&rest, "\n")) && (rest || *line);) {
        const char *kind = kind_of(line);
        if (json_array_append_new(report->lines, json_pack("[s, s]", kind, line)) < 0)
            return -1;
        if (!report->first && strstr(line, "error:"))
            report->first = line;
    }
    return 0;
}

/* ---- the program ---- */

static void show(gust_request *req)
{
    const struct report *report = gust_data(req);
    const char *accept = gust_header(req, "Accept");
    gust_set_status(req, 500);
    if (accept && strstr(accept, "text/html"))
        gust_render(req, "page.html", "{s:s, s:s?, s:O}", "title", report->title, "first", report->first,
                    "lines", report->lines);
    else
        gust_printf(req, "%s\n%s\n", report->title, report->first ? report->first : "");
}

int command_page(int argc, char **argv)
{
    struct report report = {.title = argc > 1 ? argv[1] : "The program does not run"};
    char *options[] = {argv[0], "--access-log=off", NULL};
    gust_templates *templates = gust_templates_new();
    gust_app *app = gust_app_new();
    report.text = read_text(STDIN_FILENO);
    if (!report.text || read_lines(&report) < 0 || gust_templates_add(templates, "page.html", page) < 0) {
        perror("gust");
        return EXIT_FAILURE;
    }
    gust_app_templates(app, templates);
    gust_not_found(app, show, &report);
    int result = gust_main(app, 2, options);
    json_decref(report.lines);
    free(report.text);
    return result;
}
