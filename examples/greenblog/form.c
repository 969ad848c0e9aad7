#include "form.h"

#include "html.h"

#include <errno.h>

static bool is_shown(const struct field *field, enum form_fields which)
{
    if (field->kind == FIELD_IS_KEY)
        return false;
    return which == FORM_ALL || field->kind == FIELD_IS_TEXT || field->kind == FIELD_IS_LONG_TEXT;
}

static void write_field(gust_request *req, const struct field *field, const void *record, const char *problem)
{
    char buffer[FIELD_BUFFER];
    const char *value = orm_get(field, record, buffer);
    html_printf(req, "<label>%s", field->label);
    if (field->kind == FIELD_IS_LONG_TEXT)
        /* A newline right behind the tag does not count: one that the text begins with has to. */
        html_printf(req, "<textarea name=\"%s\" rows=\"8\">\n%s</textarea>", field->name, value);
    else
        html_printf(req, "<input type=\"%s\" name=\"%s\" value=\"%s\">",
                    field->kind == FIELD_IS_TEXT ? "text" : "number", field->name, value);
    if (*problem)
        html_printf(req, "<span class=\"problem\">%s</span>", problem);
    gust_print(req, "</label>\n");
}

void form_write(gust_request *req, const struct model *model, const void *record, enum form_fields which,
                const struct orm_problems *problems, const char *url)
{
    html_printf(req, "<form method=\"post\" action=\"%s\">\n", url);
    for (size_t i = 0; i < model->field_count; i++) {
        if (is_shown(&model->fields[i], which))
            write_field(req, &model->fields[i], record, problems ? problems->text[i] : "");
    }
    gust_print(req, "<button>Save</button></form>\n");
}

void form_read(gust_request *req, const struct model *model, void *record, enum form_fields which)
{
    for (size_t i = 0; i < model->field_count; i++) {
        const struct field *field = &model->fields[i];
        if (is_shown(field, which) && orm_set(field, record, gust_need_arg(req, field->name)) < 0)
            gust_fail(errno == ENOMEM ? 503 : 400, "%s is no number", field->name);
    }
}
