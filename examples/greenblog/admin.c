/*
 * Every table, listed, edited and deleted, by nothing but its description: a table added to models.c is here
 * too. It asks nobody who they are: leave it out, or put a guard before it, where strangers come.
 */
#include "connections.h"
#include "form.h"
#include "html.h"
#include "models.h"
#include "pages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 500, EXCERPT = 80 };

static const struct model *find_model(gust_request *req)
{
    const char *table = gust_path_arg(req, 1);
    for (size_t i = 0; i < MODEL_COUNT; i++) {
        if (!strcmp(models[i]->table, table))
            return models[i];
    }
    gust_fail(404, "no such table");
}

static const char *url_of(gust_request *req, const struct model *model, int64_t id, const char *action)
{
    return gust_sprintf(req, "/admin/%s/%" PRId64 "%s", model->table, id, action);
}

static void tables(gust_request *req)
{
    html_begin(req, "Tables");
    gust_print(req, "<ul>\n");
    for (size_t i = 0; i < MODEL_COUNT; i++)
        html_printf(req, "<li><a href=\"/admin/%s\">%s</a></li>\n", models[i]->table, models[i]->label);
    gust_print(req, "</ul>\n");
    html_end(req);
}

/* ---- a table ---- */

/* The beginning of a text, cut between characters. */
static const char *excerpt(gust_request *req, const char *text)
{
    if (strlen(text) <= EXCERPT)
        return text;
    int length = EXCERPT;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return gust_sprintf(req, "%.*s…", length, text);
}

static void write_row(gust_request *req, const struct model *model, const void *record)
{
    int64_t id = orm_get_number(&model->fields[0], record);
    gust_print(req, "<tr>");
    for (size_t i = 0; i < model->field_count; i++) {
        char buffer[FIELD_BUFFER];
        html_printf(req, "<td>%s</td>", excerpt(req, orm_get(&model->fields[i], record, buffer)));
    }
    html_printf(
        req,
        "<td><a href=\"%s\">Edit</a> <form method=\"post\" action=\"%s\"><button>Delete</button></form>"
        "</td></tr>\n",
        url_of(req, model, id, ""), url_of(req, model, id, "/delete"));
}

static void table(gust_request *req)
{
    const struct model *model = find_model(req);
    struct database *db = connection_take(req);
    GUST_DEFER(connection_give, req, db);
    struct orm_query newest = {.newest_first = true, .limit = SHOWN};
    struct record_list list;
    if (orm_list(db, model, &newest, &list) < 0)
        database_failed(db);
    GUST_DEFER(orm_list_clear, model, &list);
    html_begin(req, model->label);
    gust_print(req, "<table><tr>");
    for (size_t i = 0; i < model->field_count; i++)
        html_printf(req, "<th>%s</th>", model->fields[i].label);
    gust_print(req, "<th></th></tr>\n");
    for (size_t i = 0; i < list.count; i++)
        write_row(req, model, orm_list_at(model, &list, i));
    gust_print(req, "</table>\n");
    html_printf(req, "<p><a href=\"/admin/%s/new\">Add one</a></p>\n", model->table);
    html_end(req);
}

/* ---- a record ---- */

static void record_form(gust_request *req, const struct model *model, const void *record,
                        const struct orm_problems *problems)
{
    int64_t id = orm_get_number(&model->fields[0], record);
    html_begin(req, model->label);
    if (id)
        form_write(req, model, record, FORM_ALL, problems, url_of(req, model, id, ""));
    else
        form_write(req, model, record, FORM_ALL, problems, gust_sprintf(req, "/admin/%s", model->table));
    html_end(req);
}

static void new_record(gust_request *req)
{
    const struct model *model = find_model(req);
    record_form(req, model, gust_alloc(req, model->record_size), NULL);
}

/* The record that the path names, zeroed memory's until the request ends; 404 when there is none. */
static void load(gust_request *req, struct database *db, const struct model *model, void *record)
{
    int found = orm_load(db, model, path_number(req, 2), record);
    if (found < 0)
        database_failed(db);
    if (!found)
        gust_fail(404, "no such record");
}

static void edit(gust_request *req)
{
    const struct model *model = find_model(req);
    struct database *db = connection_take(req);
    GUST_DEFER(connection_give, req, db);
    void *record = gust_alloc(req, model->record_size);
    GUST_DEFER(orm_clear, model, record);
    load(req, db, model, record);
    record_form(req, model, record, NULL);
}

/* What the form says goes into the record, and the record into its table. */
static void save(gust_request *req, struct database *db, const struct model *model, void *record)
{
    struct orm_problems problems;
    form_read(req, model, record, FORM_ALL);
    if (!orm_validate(model, record, &problems)) {
        gust_set_status(req, 422);
        record_form(req, model, record, &problems);
        return;
    }
    int saved = orm_save(db, model, record);
    if (saved < 0)
        database_failed(db);
    if (!saved)
        gust_fail(404, "somebody has deleted it");
    gust_redirect(req, gust_sprintf(req, "/admin/%s", model->table), 303);
}

static void add_record(gust_request *req)
{
    const struct model *model = find_model(req);
    struct database *db = connection_take(req);
    GUST_DEFER(connection_give, req, db);
    void *record = gust_alloc(req, model->record_size);
    GUST_DEFER(orm_clear, model, record);
    save(req, db, model, record);
}

static void save_record(gust_request *req)
{
    const struct model *model = find_model(req);
    struct database *db = connection_take(req);
    GUST_DEFER(connection_give, req, db);
    void *record = gust_alloc(req, model->record_size);
    GUST_DEFER(orm_clear, model, record);
    load(req, db, model, record);
    save(req, db, model, record);
}

static void delete_record(gust_request *req)
{
    const struct model *model = find_model(req);
    struct database *db = connection_take(req);
    GUST_DEFER(connection_give, req, db);
    int deleted = orm_delete(db, model, path_number(req, 2));
    if (deleted < 0)
        database_failed(db);
    if (!deleted)
        gust_fail(404, "no such record");
    gust_redirect(req, gust_sprintf(req, "/admin/%s", model->table), 303);
}

void add_admin(gust_app *app, struct connections *connections)
{
    gust_route(app, "GET /admin/", tables);
    gust_route(app, "GET /admin/(\\w+)", table, .data = connections);
    gust_route(app, "POST /admin/(\\w+)", add_record, .data = connections);
    gust_route(app, "GET /admin/(\\w+)/new", new_record);
    gust_route(app, "GET /admin/(\\w+)/(\\d+)", edit, .data = connections);
    gust_route(app, "POST /admin/(\\w+)/(\\d+)", save_record, .data = connections);
    gust_route(app, "POST /admin/(\\w+)/(\\d+)/delete", delete_record, .data = connections);
}
