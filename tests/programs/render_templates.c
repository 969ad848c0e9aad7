/*
 * Renders what it is told by a JSON list on standard input: {"files": {name: text}, "name": ..., "values":
 * {}}, and "whitespace", "autoescape", "directory". Answers with a list of {"text": ...} or {"error": ...}.
 * With -DCOMPILED=name the templates are those that gust-template compiled in.
 */
#include <gust/error.h>
#include <gust/json.h>
#include <stdio.h>
#include <stdlib.h>

static const char *text_of(const json_t *task, const char *name)
{
    return json_string_value(json_object_get(task, name));
}

static gust_templates *make(const json_t *task)
{
    gust_templates *templates =
        gust_templates_new(.directory = text_of(task, "directory"), .whitespace = text_of(task, "whitespace"),
                           .autoescape = text_of(task, "autoescape"));
    const char *name;
    json_t *text;
    json_object_foreach(json_object_get(task, "files"), name, text)
        gust_templates_add(templates, name, json_string_value(text));
#ifdef COMPILED
    extern const gust_compiled_templates COMPILED;
    gust_templates_add_compiled(templates, &COMPILED);
#endif
    return templates;
}

static json_t *render(const json_t *task)
{
    gust_templates *templates = make(task);
    size_t length;
    char *text = gust_render_text_json(templates, &length, text_of(task, "name"),
                                       json_incref(json_object_get(task, "values")));
    json_t *result = text ? json_pack("{s:s%}", "text", text, length)
                          : json_pack("{s:s}", "error", gust_error_text(gust_error_last()));
    free(text);
    gust_templates_free(templates);
    return result;
}

int main(void)
{
    json_t *tasks = json_loadf(stdin, 0, NULL), *results = json_array(), *task;
    size_t index;
    json_array_foreach(tasks, index, task) json_array_append_new(results, render(task));
    json_dumpf(results, stdout, 0);
    json_decref(tasks);
    json_decref(results);
    return 0;
}
