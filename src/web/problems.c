/* Problems of fields, gathered and answered. */
#include "web/problems.h"

#include "base/throw.h"

#include <stdio.h>
#include <string.h>

/* Text as it stands between the quotes of a JSON string. */
static const char *quoted(gust_request *request, const char *text)
{
    char *to = gust_alloc(request, 6 * strlen(text) + 1), *start = to;
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            to += sprintf(to, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            to += sprintf(to, "\\u%04x", *text);
        else
            *to++ = *text;
    }
    *to = 0;
    return start;
}

void gust__problem_add(struct gust__problems *problems, const char *name, const char *problem)
{
    gust_request *request = problems->request;
    const char *json = problems->json, *sentence = problems->sentence;
    if (problems->count++ >= GUST__PROBLEMS_MAX)
        return;
    problems->json = gust_sprintf(request, "%s%s\"%s\":\"%s\"", json ? json : "", json ? "," : "",
                                  quoted(request, name), quoted(request, problem));
    problems->sentence =
        gust_sprintf(request, "%s%s%s %s", sentence ? sentence : "", sentence ? "; " : "", name, problem);
}

void gust__problems_fail(const struct gust__problems *problems)
{
    gust_request *request = problems->request;
    if (!problems->count)
        return;
    gust_error_set_detail("http", 400, EINVAL, "%s", problems->sentence);
    request->problems = gust_sprintf(request, "{\"fields\":{%s}}\n", problems->json);
    request->problems_text = gust_strdup(request, gust_error_text(gust_error_last()));
    gust_throw_last();
}
