#include "html.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return "&#39;";
    }
}

static void write_escaped(gust_request *req, const char *text)
{
    for (;;) {
        size_t plain = strcspn(text, "&<>\"'");
        gust_write(req, text, plain);
        text += plain;
        if (!*text)
            return;
        gust_print(req, entity(*text++));
    }
}

void html_printf(gust_request *req, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    for (const char *mark; (mark = strchr(format, '%')); format = mark + (mark[1] == 'l' ? 3 : 2)) {
        gust_write(req, format, (size_t)(mark - format));
        if (mark[1] == 's')
            write_escaped(req, va_arg(arguments, const char *));
        else if (mark[1] == 'l' && mark[2] == 'd')
            gust_printf(req, "%ld", va_arg(arguments, long));
        else if (mark[1] == '%')
            gust_print(req, "%");
        else
            abort(); /* a mistake in this program: the next argument's type is unknown */
    }
    va_end(arguments);
    gust_print(req, format);
}

void html_begin(gust_request *req, const char *title)
{
    gust_set_header(req, "Content-Type", "text/html; charset=UTF-8");
    html_printf(
        req,
        "<!DOCTYPE html>\n"
        "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<style>\n"
        "body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }\n"
        "nav a { margin-right: 1rem } time, .number { color: #667; font-size: .9em }\n"
        "pre { white-space: pre-wrap; font: inherit } .problem { color: #a00 }\n"
        "label { display: block; margin-top: 1rem } table { border-collapse: collapse; width: 100%% }\n"
        "input, textarea { width: 100%%; box-sizing: border-box; font: inherit }\n"
        "td, th { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #ddd; vertical-align: top }\n"
        "button { margin-top: 1rem; font: inherit } td form, td button { display: inline; margin: 0 }\n"
        "</style></head><body>\n"
        "<nav><a href=\"/\">greenblog</a><a href=\"/posts/new\">New post</a>"
        "<a href=\"/admin/\">Admin</a></nav>\n"
        "<h1>%s</h1>\n",
        title, title);
}

void html_end(gust_request *req)
{
    gust_print(req, "</body></html>\n");
}

void html_time(gust_request *req, int64_t seconds)
{
    char text[40];
    struct tm parts;
    time_t time = (time_t)seconds;
    if (!gmtime_r(&time, &parts) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts) == 0)
        snprintf(text, sizeof(text), "some time");
    html_printf(req, "<time>%s</time>", text);
}
