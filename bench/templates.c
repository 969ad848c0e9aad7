/*
 * TechEmpower's page of fortunes: twelve rows and one more, sorted by their message, as an HTML table.
 * Processor time for rendering, and for all of it: rows copied, one added, sorted, made JSON, rendered.
 * `templates ROWS --print` prints the page; bench/run compares it with what the others make.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gust/error.h>
#include <gust/json.h>

enum { ROWS = 12, ROUNDS = 7, TIMES = 20000 };

struct row {
    int id;
    const char *message;
};

static struct row rows[ROWS];
static gust_templates *templates;

static const char page[] = "<!DOCTYPE html>\n<html>\n<head><title>Fortunes</title></head>\n<body>\n<table>\n"
                           "<tr><th>id</th><th>message</th></tr>\n"
                           "{% for fortune in fortunes %}"
                           "<tr><td>{{ fortune.id }}</td><td>{{ fortune.message }}</td></tr>\n"
                           "{% end %}"
                           "</table>\n</body>\n</html>\n";

static void read_rows(const char *path)
{
    char line[256];
    FILE *file = fopen(path, "re");
    for (int i = 0; i < ROWS; i++) {
        if (!file || !fgets(line, sizeof(line), file)) {
            fprintf(stderr, "templates: %s has no twelve lines\n", path);
            exit(EXIT_FAILURE);
        }
        line[strcspn(line, "\n")] = 0;
        rows[i] = (struct row){i + 1, strdup(line)};
    }
    fclose(file);
}

static int by_message(const void *one, const void *other)
{
    return strcmp(((const struct row *)one)->message, ((const struct row *)other)->message);
}

static json_t *make_values(void)
{
    struct row all[ROWS + 1];
    json_t *fortunes = json_array();
    memcpy(all, rows, sizeof(rows));
    all[ROWS] = (struct row){0, "Additional fortune added at request time."};
    qsort(all, ROWS + 1, sizeof(*all), by_message);
    for (int i = 0; i <= ROWS; i++) {
        json_t *fortune = json_object();
        json_object_set_new(fortune, "id", json_integer(all[i].id));
        json_object_set_new(fortune, "message", json_string(all[i].message));
        json_array_append_new(fortunes, fortune);
    }
    json_t *values = json_object();
    json_object_set_new(values, "fortunes", fortunes);
    return values;
}

static char *render(json_t *values)
{
    char *text = gust_render_text_json(templates, NULL, "fortunes.html", json_incref(values));
    if (!text) {
        fprintf(stderr, "templates: %s\n", gust_error_text(gust_error_last()));
        exit(EXIT_FAILURE);
    }
    return text;
}

static void render_only(json_t *values)
{
    free(render(values));
}

static void make_and_render(json_t *unused)
{
    (void)unused;
    json_t *values = make_values();
    free(render(values));
    json_decref(values);
}

/* Of the processor, in nanoseconds: what else runs on the machine does not count. */
static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double measure(void (*function)(json_t *values), json_t *values)
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (int i = 0; i < TIMES; i++)
            function(values);
        double each = (now() - start) / TIMES;
        best = each < best ? each : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    read_rows(argv[1]);
    templates = gust_templates_new();
    gust_templates_add(templates, "fortunes.html", page);
    json_t *values = make_values();
    if (argc > 2) {
        char *text = render(values);
        fputs(text, stdout);
        free(text);
    } else {
        printf("render %.0f ns\n", measure(render_only, values));
        printf("page %.0f ns\n", measure(make_and_render, NULL));
    }
    json_decref(values);
    gust_templates_free(templates);
    for (int i = 0; i < ROWS; i++)
        free((char *)(uintptr_t)rows[i].message);
    return 0;
}
