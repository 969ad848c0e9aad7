/*
 * XSRF tokens in Tornado's second format: 2|mask|token under the mask|time, in hexadecimal. The cookie keeps
 * one, each answer shows the same token under a mask of its own.
 */
#include "web/request.h"
#include "web/xsrf_token.h"

#include "base/clock.h"
#include "base/random.h"

#include <string.h>

#include <openssl/crypto.h>

#include <gust/error.h>
#include <gust/secure.h>

static const char cookie_name[] = "_xsrf";

/* The cookie's token; false: none came that can be read. */
static bool token_that_came(gust_request *request, struct gust__xsrf_token *token)
{
    const char *text = gust_cookie(request, cookie_name);
    return text && gust__xsrf_token_read(gust__slice_of(text), token);
}

static void new_token(struct gust__xsrf_token *token)
{
    *token = (struct gust__xsrf_token){.time = gust__clock_wall() / 1000000000};
    if (gust__random_bytes(token->bytes, GUST__XSRF_TOKEN_SIZE) < 0)
        gust_fail(503, NULL);
    token->size = GUST__XSRF_TOKEN_SIZE;
}

const char *gust_xsrf_token(gust_request *request)
{
    struct gust__xsrf_token token;
    unsigned char mask[GUST__XSRF_MASK_SIZE];
    if (request->xsrf_token)
        return request->xsrf_token;
    bool came = token_that_came(request, &token);
    if (!came)
        new_token(&token);
    if (gust__random_bytes(mask, sizeof(mask)) < 0)
        gust_fail(503, NULL);
    char *text = gust_alloc(request, GUST__XSRF_TEXT_ROOM);
    gust__xsrf_token_write(text, &token, mask);
    if (!came && gust_set_cookie(request, cookie_name, text) < 0)
        gust_fail(500,
                  "the XSRF cookie came after the head was sent: call gust_xsrf_token before the output");
    return request->xsrf_token = text;
}

const char *gust_xsrf_form_html(gust_request *request)
{
    return gust_sprintf(request, "<input type=\"hidden\" name=\"_xsrf\" value=\"%s\"/>",
                        gust_xsrf_token(request));
}

static const char *text_that_came(gust_request *request)
{
    const char *text = gust_arg(request, cookie_name);
    if (!text || !*text)
        text = gust_header(request, "X-Xsrftoken");
    if (!text || !*text)
        text = gust_header(request, "X-Csrftoken");
    return text && *text ? text : NULL;
}

void gust_check_xsrf(gust_request *request)
{
    const char *text = text_that_came(request);
    struct gust__xsrf_token shown, kept;
    if (!text)
        gust_fail(403, "the argument _xsrf is missing: the form needs gust_xsrf_form_html");
    if (!token_that_came(request, &kept))
        gust_fail(403, "the cookie _xsrf is missing");
    if (!gust__xsrf_token_read(gust__slice_of(text), &shown))
        gust_fail(403, "the argument _xsrf is malformed");
    if (shown.size != kept.size || CRYPTO_memcmp(shown.bytes, kept.bytes, kept.size) != 0)
        gust_fail(403, "the argument _xsrf does not match the cookie");
}

void gust__xsrf_guard(gust_request *request)
{
    enum gust__method method = request->exchange->head->method;
    if (method != GUST__METHOD_GET && method != GUST__METHOD_HEAD && method != GUST__METHOD_OPTIONS)
        gust_check_xsrf(request);
}
