/* Records in memory: their fields by description, and what may be in them. */
#include "orm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_text(const struct field *field)
{
    return field->kind == FIELD_IS_TEXT || field->kind == FIELD_IS_LONG_TEXT;
}

static char **text_of(const struct field *field, const void *record)
{
    return (char **)(uintptr_t)((const char *)record + field->offset);
}

static int64_t *number_of(const struct field *field, const void *record)
{
    return (int64_t *)(uintptr_t)((const char *)record + field->offset);
}

int64_t orm_get_number(const struct field *field, const void *record)
{
    return *number_of(field, record);
}

const char *orm_get(const struct field *field, const void *record, char buffer[FIELD_BUFFER])
{
    if (is_text(field))
        return *text_of(field, record) ? *text_of(field, record) : "";
    snprintf(buffer, FIELD_BUFFER, "%" PRId64, *number_of(field, record));
    return buffer;
}

static int set_number(int64_t *number, const char *text)
{
    char *end;
    errno = 0;
    intmax_t value = strtoimax(text, &end, 10);
    if (end == text || *end || errno) {
        errno = EINVAL;
        return -1;
    }
    *number = value;
    return 0;
}

int orm_set(const struct field *field, void *record, const char *text)
{
    if (!is_text(field))
        return set_number(number_of(field, record), text);
    char *copy = strdup(text);
    if (!copy)
        return -1;
    free(*text_of(field, record));
    *text_of(field, record) = copy;
    return 0;
}

void orm_clear(const struct model *model, void *record)
{
    for (size_t i = 0; i < model->field_count; i++) {
        if (is_text(&model->fields[i]))
            free(*text_of(&model->fields[i], record));
    }
    memset(record, 0, model->record_size);
}

/* ---- validation ---- */

static size_t characters(const char *utf8)
{
    size_t count = 0;
    for (; *utf8; utf8++)
        count += ((unsigned char)*utf8 & 0xc0) != 0x80;
    return count;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

bool orm_validate(const struct model *model, const void *record, struct orm_problems *problems)
{
    *problems = (struct orm_problems){0};
    for (size_t i = 0; i < model->field_count; i++) {
        const struct field *field = &model->fields[i];
        char buffer[FIELD_BUFFER];
        const char *text = orm_get(field, record, buffer);
        char *problem = problems->text[i];
        size_t size = sizeof(problems->text[i]);
        if (field->required && (is_text(field) ? is_blank(text) : orm_get_number(field, record) == 0))
            snprintf(problem, size, "must not be empty");
        else if (is_text(field) && field->max && characters(text) > field->max)
            snprintf(problem, size, "must not be longer than %zu characters", field->max);
        problems->count += *problem != '\0';
    }
    return problems->count == 0;
}
