/* Records and their tables. All SQL is made here, of the names in the description; values never get into it.
 */
#include "orm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_SIZE = 2000 };

/* SQL that is being written; too long, it is cut off, and the database complains. */
struct sql {
    char text[SQL_SIZE];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct sql *sql, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(sql->text + sql->length, sizeof(sql->text) - sql->length, format, arguments);
    va_end(arguments);
    sql->length += added > 0 ? (size_t)added : 0;
    if (sql->length >= sizeof(sql->text))
        sql->length = sizeof(sql->text) - 1;
}

/* ---- tables ---- */

static void add_column(struct sql *sql, const struct database *db, const struct field *field)
{
    static const char *const types[] = {
        [FIELD_IS_TEXT] = "varchar(200)",
        [FIELD_IS_LONG_TEXT] = "text",
        [FIELD_IS_TIME] = "bigint",
        [FIELD_IS_REFERENCE] = "bigint",
    };
    if (field->kind == FIELD_IS_KEY)
        add(sql, "%s %s", field->name, db->driver->key_type);
    else
        add(sql, ", %s %s not null", field->name, types[field->kind]);
}

static int create_table(struct database *db, const struct model *model)
{
    struct sql sql = {.length = 0};
    struct result none;
    add(&sql, "create table if not exists %s (", model->table);
    for (size_t i = 0; i < model->field_count; i++)
        add_column(&sql, db, &model->fields[i]);
    for (size_t i = 0; i < model->field_count; i++) {
        const struct field *field = &model->fields[i];
        if (field->kind == FIELD_IS_REFERENCE)
            add(&sql, ", foreign key (%s) references %s (%s) on delete cascade", field->name,
                field->refers->table, field->refers->fields[0].name);
    }
    add(&sql, ")");
    if (database_query(db, sql.text, NULL, 0, &none) < 0)
        return -1;
    result_clear(&none);
    return 0;
}

int orm_create_tables(struct database *db, const struct model *const models[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (create_table(db, models[i]) < 0)
            return -1;
    }
    return 0;
}

/* ---- reading ---- */

static void add_names(struct sql *sql, const struct model *model, size_t first)
{
    for (size_t i = first; i < model->field_count; i++)
        add(sql, "%s%s", i > first ? ", " : "", model->fields[i].name);
}

static int read_record(struct database *db, const struct model *model, const struct result *result,
                       size_t row, void *record)
{
    for (size_t i = 0; i < model->field_count; i++) {
        const char *value = result_value(result, row, i);
        if (orm_set(&model->fields[i], record, value ? value : "") < 0)
            return database_fail(db, "a value does not fit its field, or there is no memory");
    }
    return 0;
}

int orm_list(struct database *db, const struct model *model, const struct orm_query *query,
             struct record_list *list)
{
    struct sql sql = {.length = 0};
    struct result result;
    char value[FIELD_BUFFER];
    const char *const values[] = {value};
    const char *key = model->fields[0].name;
    *list = (struct record_list){0};
    snprintf(value, sizeof(value), "%" PRId64, query->equals);
    add(&sql, "select ");
    add_names(&sql, model, 0);
    add(&sql, " from %s", model->table);
    if (query->field)
        add(&sql, " where %s = ?", query->field);
    add(&sql, " order by %s%s", key, query->newest_first ? " desc" : "");
    if (query->limit)
        add(&sql, " limit %u", query->limit);
    if (database_query(db, sql.text, values, query->field ? 1 : 0, &result) < 0)
        return -1;
    int status = 0;
    list->records = calloc(result.rows ? result.rows : 1, model->record_size);
    if (!list->records)
        status = database_fail(db, "out of memory");
    while (status == 0 && list->count < result.rows) {
        list->count++;
        status = read_record(db, model, &result, list->count - 1, orm_list_at(model, list, list->count - 1));
    }
    result_clear(&result);
    if (status < 0)
        orm_list_clear(model, list);
    return status;
}

void *orm_list_at(const struct model *model, const struct record_list *list, size_t index)
{
    return list->records + index * model->record_size;
}

void orm_list_clear(const struct model *model, struct record_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        orm_clear(model, orm_list_at(model, list, i));
    free(list->records);
    *list = (struct record_list){0};
}

int orm_load(struct database *db, const struct model *model, int64_t id, void *record)
{
    struct orm_query one = {.field = model->fields[0].name, .equals = id};
    struct record_list list;
    if (orm_list(db, model, &one, &list) < 0)
        return -1;
    int found = list.count > 0;
    if (found) {
        memcpy(record, list.records, model->record_size); /* its texts are the caller's now */
        memset(list.records, 0, model->record_size);
    }
    orm_list_clear(model, &list);
    return found;
}

/* ---- writing ---- */

/* The values of all fields but the key, which comes last. */
static void collect_values(const struct model *model, const void *record,
                           char buffers[ORM_MAX_FIELDS][FIELD_BUFFER], const char *values[ORM_MAX_FIELDS])
{
    size_t last = model->field_count - 1;
    for (size_t i = 0; i < model->field_count; i++) {
        size_t place = i ? i - 1 : last;
        values[place] = orm_get(&model->fields[i], record, buffers[place]);
    }
}

static int insert(struct database *db, const struct model *model, const char *const values[], void *record)
{
    struct sql sql = {.length = 0};
    struct result result;
    add(&sql, "insert into %s (", model->table);
    add_names(&sql, model, 1);
    add(&sql, ") values (");
    for (size_t i = 1; i < model->field_count; i++)
        add(&sql, "%s", i > 1 ? ", ?" : "?");
    add(&sql, ") returning %s", model->fields[0].name);
    if (database_query(db, sql.text, values, model->field_count - 1, &result) < 0)
        return -1;
    int status = result.rows == 1 ? orm_set(&model->fields[0], record, result_value(&result, 0, 0)) : -1;
    result_clear(&result);
    return status < 0 ? database_fail(db, "the new record has no key") : 1;
}

/* Whether a record is there is asked first: MariaDB counts only those that an update changes. */
static int exists(struct database *db, const struct model *model, const char *key)
{
    struct sql sql = {.length = 0};
    struct result result;
    add(&sql, "select 1 from %s where %s = ?", model->table, model->fields[0].name);
    if (database_query(db, sql.text, &key, 1, &result) < 0)
        return -1;
    int found = result.rows > 0;
    result_clear(&result);
    return found;
}

static int change(struct database *db, const struct model *model, const char *sql, const char *const values[],
                  size_t count)
{
    struct result none;
    int found = exists(db, model, values[count - 1]);
    if (found <= 0)
        return found;
    if (database_query(db, sql, values, count, &none) < 0)
        return -1;
    result_clear(&none);
    return 1;
}

int orm_save(struct database *db, const struct model *model, void *record)
{
    char buffers[ORM_MAX_FIELDS][FIELD_BUFFER];
    const char *values[ORM_MAX_FIELDS];
    struct sql sql = {.length = 0};
    collect_values(model, record, buffers, values);
    if (orm_get_number(&model->fields[0], record) == 0)
        return insert(db, model, values, record);
    add(&sql, "update %s set ", model->table);
    for (size_t i = 1; i < model->field_count; i++)
        add(&sql, "%s%s = ?", i > 1 ? ", " : "", model->fields[i].name);
    add(&sql, " where %s = ?", model->fields[0].name);
    return change(db, model, sql.text, values, model->field_count);
}

int orm_delete(struct database *db, const struct model *model, int64_t id)
{
    struct sql sql = {.length = 0};
    char key[FIELD_BUFFER];
    const char *const values[] = {key};
    snprintf(key, sizeof(key), "%" PRId64, id);
    add(&sql, "delete from %s where %s = ?", model->table, model->fields[0].name);
    return change(db, model, sql.text, values, 1);
}
