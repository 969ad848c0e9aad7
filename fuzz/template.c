/*
 * Templates of any text, compiled and rendered: up to three files, parted by lines of "----", named t.html, b
 * and c. A mistake is named with its place; whatever is rendered keeps within its limits, and no value gets
 * its '<' through to the page, unless the template says something that could let it.
 */
#include "web/template.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gust/error.h>

enum { MAX_OUTPUT = 64 << 10 };

static const char values_text[] =
    "{\"a\": \"<zz\\\"' onx=1>`\", \"b\": [1, 2.5, {\"c\": \"<zz\", \"d\": [true, null]}], \"u\": \"javascript:zz\","
    " \"n\": 3, \"o\": {\"<zz\": \"</script><zz\", \"k\": {\"l\": \"\\u2028\"}}, \"e\": [], \"s\": \"a b\\nc\"}";

static int module(gust_template_call *call, void *data)
{
    (void)data;
    gust_template_need(call, GUST_NEED_CSS_FILE, "/x.css");
    gust_template_need(call, GUST_NEED_JAVASCRIPT, "f()");
    return gust_template_render(call, "c", "{s:s}", "a", "<zz");
}

static bool says(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

static void check(const char *text, const char *page, size_t length)
{
    if (!page) {
        if (!*gust_error_text(gust_error_last()))
            abort();
        return;
    }
    if (length > MAX_OUTPUT + 1000 || page[length])
        abort();
    bool may = says(text, "raw") || says(text, "autoescape") || says(text, "linkify") ||
               says(text, "apply") || says(text, "<zz") || says(text, "module");
    if (!may && memmem(page, length, "<zz", 3))
        abort();
}

static void render(char *text, char *whole)
{
    static const char *const names[] = {"t.html", "b", "c"};
    gust_templates *templates = gust_templates_new(.max_iterations = 1000, .max_output = MAX_OUTPUT);
    for (size_t i = 0; i < 3 && text; i++) {
        char *end = strstr(text, "\n----\n");
        if (end)
            *end = 0;
        gust_templates_add(templates, names[i], text);
        text = end ? end + 6 : NULL;
    }
    gust_template_module(templates, "M", module, NULL);
    size_t length = 0;
    json_t *values = json_loads(values_text, 0, NULL);
    char *page = gust_render_text_json(templates, &length, "t.html", values);
    check(whole, page, length);
    free(page);
    gust_templates_free(templates);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *whole = malloc(size + 1);
    if (text && whole) {
        for (size_t i = 0; i < size; i++)
            text[i] = whole[i] = data[i] ? (char)data[i] : ' ';
        text[size] = whole[size] = 0;
        render(text, whole);
    }
    free(text);
    free(whole);
    return 0;
}
