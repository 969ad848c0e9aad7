/* What templates may ask of the request that they answer: URLs of routes and files, XSRF fields,
 * translations. */
#include "web/template.h"

#include <errno.h>

#include <gust/error.h>
#include <gust/files.h>
#include <gust/locale.h>
#include <gust/secure.h>

static gust_request *need_request(gust_template_call *call)
{
    gust_request *request = gust_template_request(call);
    if (!request)
        gust_error_set(EINVAL, "there is no request");
    return request;
}

/* reverse_url(name, arguments...) */
int gust__template_reverse_url(gust_template_call *call, void *data)
{
    const char *texts[9] = {0};
    gust_request *request = need_request(call);
    unsigned count = gust_template_count(call);
    (void)data;
    if (!request)
        return -1;
    if (count == 0 || count > GUST_LEN(texts))
        return gust_error_set(EINVAL, "the name of a route, and up to 8 arguments");
    for (unsigned i = 0; i < count; i++) {
        texts[i] = gust_template_text(call, i);
        if (!texts[i])
            return -1;
    }
    return gust_template_return(call, gust_url_for(request, texts[0], texts[1], texts[2], texts[3], texts[4],
                                                   texts[5], texts[6], texts[7], texts[8], NULL));
}

/* static_url(name) */
int gust__template_static_url(gust_template_call *call, void *data)
{
    gust_request *request = need_request(call);
    const char *name = request ? gust_template_text(call, 0) : NULL;
    (void)data;
    return name ? gust_template_return(call, gust_static_url(request, name)) : -1;
}

int gust__template_xsrf_form_html(gust_template_call *call, void *data)
{
    gust_request *request = need_request(call);
    (void)data;
    return request ? gust_template_return_html(call, gust_xsrf_form_html(request)) : -1;
}

/* _(message), _(singular, plural, number). Without a request they stay as they are. */
int gust__template_translate(gust_template_call *call, void *data)
{
    gust_request *request = gust_template_request(call);
    const gust_locale *locale = request ? gust_locale_of(request) : NULL;
    const char *message = gust_template_text(call, 0), *plural;
    int64_t number;
    (void)data;
    if (!message)
        return -1;
    if (gust_template_count(call) == 1)
        return gust_template_return(call, gust_translate(locale, message));
    plural = gust_template_text(call, 1);
    if (!plural || gust_template_integer(call, 2, &number) < 0)
        return -1;
    uint64_t positive = number < 0 ? -(uint64_t)number : (uint64_t)number;
    return gust_template_return(call, gust_translate_n(locale, message, plural, positive));
}
