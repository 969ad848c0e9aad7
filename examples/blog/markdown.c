/*
 * Markdown by md4c. Raw HTML is off: what looks like a tag in the text comes out as text. So each '<' in
 * md4c's output begins a tag that md4c wrote, in its few fixed forms, and a walk over them is enough to look
 * at all URLs (md4c passes javascript: on) and to fit the HTML into a page.
 */
#include "markdown.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <md4c-html.h>

enum {
    DIALECT = MD_FLAG_NOHTML | MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_PERMISSIVEAUTOLINKS,
};

static const char link_tag[] = "<a href=\"", image_tag[] = "<img src=\"", code_tag[] = "<pre>";

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A path, a fragment, or one of the schemes that run nothing. What is in the URL was decoded and escaped
 * again by md4c: a colon is a colon here. */
static bool is_harmless(const char *url, size_t length)
{
    static const char *const schemes[] = {"http", "https", "mailto"};
    size_t scheme = strcspn(url, ":/?#\"");
    if (scheme >= length || url[scheme] != ':')
        return true;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        if (strlen(schemes[i]) == scheme && strncasecmp(url, schemes[i], scheme) == 0)
            return true;
    }
    return false;
}

/* A tag as far as its URL. -> how much of html that was. */
static size_t write_url(FILE *to, const char *html, const char *tag, const char *instead)
{
    const char *url = html + strlen(tag);
    size_t length = strcspn(url, "\"");
    fputs(instead, to);
    if (is_harmless(url, length))
        fwrite(url, 1, length, to);
    else
        fputs("about:invalid#blocked", to);
    return strlen(tag) + length;
}

/* "<h1>" or "</h1>": a level lower, for the page's own heading is the first. -> its length; 0: it is neither.
 */
static size_t write_heading(FILE *to, const char *html)
{
    size_t name = html[1] == '/' ? 2 : 1;
    if (html[name] != 'h' || !isdigit((unsigned char)html[name + 1]) || html[name + 2] != '>')
        return 0;
    int level = html[name + 1] - '0';
    fprintf(to, "%.*sh%d>", (int)name, html, level < 6 ? level + 1 : 6);
    return name + 3;
}

static size_t write_tag(FILE *to, const char *html)
{
    size_t heading = write_heading(to, html);
    if (heading)
        return heading;
    if (begins_with(html, link_tag))
        return write_url(to, html, link_tag, "<a rel=\"nofollow ugc\" href=\"");
    if (begins_with(html, image_tag))
        return write_url(to, html, image_tag, "<img loading=\"lazy\" src=\"");
    if (begins_with(html, code_tag)) {
        fputs("<pre tabindex=\"0\">", to); /* who has no mouse must be able to scroll it */
        return strlen(code_tag);
    }
    putc('<', to);
    return 1;
}

static void write_safely(FILE *to, const char *html)
{
    while (*html) {
        size_t text = strcspn(html, "<");
        fwrite(html, 1, text, to);
        html += text;
        if (*html)
            html += write_tag(to, html);
    }
}

static void collect(const MD_CHAR *piece, MD_SIZE size, void *file)
{
    fwrite(piece, 1, size, file);
}

/* What write puts into a stream, as text. */
static char *written_by(void (*write)(FILE *to, const char *from), const char *from)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    write(to, from);
    bool failed = ferror(to) != 0;
    if (fclose(to) == 0 && !failed)
        return text;
    free(text);
    errno = ENOMEM;
    return NULL;
}

static void parse(FILE *to, const char *text)
{
    md_html(text, (MD_SIZE)strlen(text), collect, to, DIALECT, 0);
}

char *markdown_html(const char *text)
{
    char *raw = written_by(parse, text);
    char *safe = raw ? written_by(write_safely, raw) : NULL;
    free(raw);
    return safe;
}
