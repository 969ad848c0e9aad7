/* Signed cookies, and signed texts of other kinds. */
#include "web/request.h"

#include "base/clock.h"
#include "base/options.h"
#include "http/utf8.h"
#include "web/signed_value.h"

#include <string.h>

#include <gust/error.h>
#include <gust/secure.h>

enum { NANOSECONDS = 1000000000, DAY = 86400, SECRET_MIN = 16, KEY_VERSION_MAX = 999999999 };

/* ---- keys ---- */

static void check_key(gust_app *app, const gust_cookie_key *key)
{
    if (strlen(key->secret) < SECRET_MIN)
        gust__app_mistaken(
            app, "a cookie secret needs at least %d bytes: take a long random one (openssl rand -hex 32)",
            SECRET_MIN);
    if (key->version > KEY_VERSION_MAX)
        gust__app_mistaken(app, "the cookie key's version %u is above %d", key->version, KEY_VERSION_MAX);
}

static const gust_cookie_key *own_keys(gust_app *app)
{
    if (app->settings.cookie_keys)
        return app->settings.cookie_keys;
    app->single_key[0].secret = app->settings.cookie_secret;
    return app->settings.cookie_secret ? app->single_key : NULL;
}

void gust__app_check_keys(gust_app *app)
{
    const gust_cookie_key *key = own_keys(app);
    if (key && !key->secret)
        gust__app_mistaken(app, "cookie_keys has no key");
    for (; key && key->secret; key++)
        check_key(app, key);
}

void gust__app_inherit_keys(gust_app *app)
{
    const gust_app *parent = app->mount ? app->mount->app : NULL;
    app->keys = own_keys(app);
    if (!app->keys && parent)
        app->keys = parent->keys;
    app->xsrf = app->settings.xsrf_cookies || (parent && parent->xsrf);
}

static const char *secret_of(const gust_app *app, unsigned version)
{
    for (const gust_cookie_key *key = app->keys; key && key->secret; key++) {
        if (key->version == version)
            return key->secret;
    }
    return NULL;
}

/* ---- signing ---- */

const char *gust_sign(gust_request *request, const char *name, gust_bytes value)
{
    const gust_cookie_key *key = request->app->keys;
    struct gust__signed_value made = {
        .time = gust__clock_wall() / NANOSECONDS,
        .name = gust__slice_of(name),
        .value = gust__slice(value.data, value.len),
    };
    if (!key) {
        gust_error_set(ENOKEY, "nothing can be signed: the application has no cookie_secret");
        return NULL;
    }
    made.key_version = key->version;
    size_t room = gust__signed_value_room(made.name.size, made.value.size);
    char *text = gust_alloc(request, room);
    return gust__signed_value_write(text, room, &made, key->secret) < 0 ? NULL : text;
}

int gust_set_signed_cookie_with(gust_request *request, const char *name, const char *value,
                                const gust_cookie_options *given)
{
    gust_cookie_options options;
    gust__options_read(&options, sizeof(options), given);
    const char *text = gust_sign(request, name, (gust_bytes){value, strlen(value)});
    if (!text)
        return -1;
    if (!options.max_age)
        options.max_age = GUST_S(30LL * DAY);
    options.size = sizeof(options);
    return gust_set_cookie_with(request, name, text, &options);
}

/* ---- reading ---- */

static bool young_enough(int64_t time, const gust_signed_options *given)
{
    gust_signed_options options;
    gust__options_read(&options, sizeof(options), given);
    int64_t max_age = options.max_age ? options.max_age / NANOSECONDS : 31LL * DAY;
    return time >= gust__clock_wall() / NANOSECONDS - max_age;
}

gust_bytes gust_unsign_with(gust_request *request, const char *name, const char *text,
                            const gust_signed_options *options)
{
    struct gust__slice whole = gust__slice_of(text);
    struct gust__signed_value value;
    const char *secret;
    if (!gust__signed_value_read(whole, &value))
        goto none;
    secret = secret_of(request->app, value.key_version);
    if (!secret || !gust__signed_value_genuine(whole, &value, secret))
        goto none;
    if (!gust__slice_equals(value.name, gust__slice_of(name)) || !young_enough(value.time, options))
        goto none;
    char *data = gust_alloc(request, value.value.size + 1);
    ssize_t size = gust__signed_value_decode(data, &value);
    if (size < 0)
        goto none;
    data[size] = 0;
    return (gust_bytes){data, (size_t)size};
none:
    return (gust_bytes){NULL, 0};
}

const char *gust_signed_cookie_with(gust_request *request, const char *name,
                                    const gust_signed_options *options)
{
    const char *text = gust_cookie(request, name);
    gust_bytes value = text ? gust_unsign_with(request, name, text, options) : (gust_bytes){NULL, 0};
    bool is_text = value.data && !memchr(value.data, 0, value.len) &&
                   gust__utf8_valid(gust__slice(value.data, value.len));
    return is_text ? value.data : NULL;
}
