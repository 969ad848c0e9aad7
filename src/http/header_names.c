/*
 * A perfect hash over the first four bytes, the last four and the length; header_names_test.c shows that
 * every name is found. The multipliers were searched for at random; a new name needs a new search (any pair
 * under which no two names collide will do) and the table printed anew.
 */
#include "http/header_names.h"

#include <stdint.h>

#define NAME(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct gust__slice names[GUST__HEADER_IDS] = {
    [GUST__HEADER_OTHER] = NAME(""),
    [GUST__HEADER_ACCEPT] = NAME("accept"),
    [GUST__HEADER_ACCEPT_CHARSET] = NAME("accept-charset"),
    [GUST__HEADER_ACCEPT_ENCODING] = NAME("accept-encoding"),
    [GUST__HEADER_ACCEPT_LANGUAGE] = NAME("accept-language"),
    [GUST__HEADER_ACCEPT_RANGES] = NAME("accept-ranges"),
    [GUST__HEADER_ACCESS_CONTROL_REQUEST_HEADERS] = NAME("access-control-request-headers"),
    [GUST__HEADER_ACCESS_CONTROL_REQUEST_METHOD] = NAME("access-control-request-method"),
    [GUST__HEADER_AGE] = NAME("age"),
    [GUST__HEADER_ALLOW] = NAME("allow"),
    [GUST__HEADER_ALT_SVC] = NAME("alt-svc"),
    [GUST__HEADER_AUTHORIZATION] = NAME("authorization"),
    [GUST__HEADER_CACHE_CONTROL] = NAME("cache-control"),
    [GUST__HEADER_CONNECTION] = NAME("connection"),
    [GUST__HEADER_CONTENT_DISPOSITION] = NAME("content-disposition"),
    [GUST__HEADER_CONTENT_ENCODING] = NAME("content-encoding"),
    [GUST__HEADER_CONTENT_LANGUAGE] = NAME("content-language"),
    [GUST__HEADER_CONTENT_LENGTH] = NAME("content-length"),
    [GUST__HEADER_CONTENT_LOCATION] = NAME("content-location"),
    [GUST__HEADER_CONTENT_RANGE] = NAME("content-range"),
    [GUST__HEADER_CONTENT_TYPE] = NAME("content-type"),
    [GUST__HEADER_COOKIE] = NAME("cookie"),
    [GUST__HEADER_DATE] = NAME("date"),
    [GUST__HEADER_DNT] = NAME("dnt"),
    [GUST__HEADER_ETAG] = NAME("etag"),
    [GUST__HEADER_EXPECT] = NAME("expect"),
    [GUST__HEADER_EXPIRES] = NAME("expires"),
    [GUST__HEADER_FORWARDED] = NAME("forwarded"),
    [GUST__HEADER_HOST] = NAME("host"),
    [GUST__HEADER_HTTP2_SETTINGS] = NAME("http2-settings"),
    [GUST__HEADER_IF_MATCH] = NAME("if-match"),
    [GUST__HEADER_IF_MODIFIED_SINCE] = NAME("if-modified-since"),
    [GUST__HEADER_IF_NONE_MATCH] = NAME("if-none-match"),
    [GUST__HEADER_IF_RANGE] = NAME("if-range"),
    [GUST__HEADER_IF_UNMODIFIED_SINCE] = NAME("if-unmodified-since"),
    [GUST__HEADER_KEEP_ALIVE] = NAME("keep-alive"),
    [GUST__HEADER_LAST_MODIFIED] = NAME("last-modified"),
    [GUST__HEADER_LINK] = NAME("link"),
    [GUST__HEADER_LOCATION] = NAME("location"),
    [GUST__HEADER_MAX_FORWARDS] = NAME("max-forwards"),
    [GUST__HEADER_ORIGIN] = NAME("origin"),
    [GUST__HEADER_PRAGMA] = NAME("pragma"),
    [GUST__HEADER_PRIORITY] = NAME("priority"),
    [GUST__HEADER_PROXY_AUTHENTICATE] = NAME("proxy-authenticate"),
    [GUST__HEADER_PROXY_AUTHORIZATION] = NAME("proxy-authorization"),
    [GUST__HEADER_PROXY_CONNECTION] = NAME("proxy-connection"),
    [GUST__HEADER_RANGE] = NAME("range"),
    [GUST__HEADER_REFERER] = NAME("referer"),
    [GUST__HEADER_RETRY_AFTER] = NAME("retry-after"),
    [GUST__HEADER_SEC_FETCH_DEST] = NAME("sec-fetch-dest"),
    [GUST__HEADER_SEC_FETCH_MODE] = NAME("sec-fetch-mode"),
    [GUST__HEADER_SEC_FETCH_SITE] = NAME("sec-fetch-site"),
    [GUST__HEADER_SEC_FETCH_USER] = NAME("sec-fetch-user"),
    [GUST__HEADER_SEC_WEBSOCKET_ACCEPT] = NAME("sec-websocket-accept"),
    [GUST__HEADER_SEC_WEBSOCKET_EXTENSIONS] = NAME("sec-websocket-extensions"),
    [GUST__HEADER_SEC_WEBSOCKET_KEY] = NAME("sec-websocket-key"),
    [GUST__HEADER_SEC_WEBSOCKET_PROTOCOL] = NAME("sec-websocket-protocol"),
    [GUST__HEADER_SEC_WEBSOCKET_VERSION] = NAME("sec-websocket-version"),
    [GUST__HEADER_SERVER] = NAME("server"),
    [GUST__HEADER_SET_COOKIE] = NAME("set-cookie"),
    [GUST__HEADER_TE] = NAME("te"),
    [GUST__HEADER_TRAILER] = NAME("trailer"),
    [GUST__HEADER_TRANSFER_ENCODING] = NAME("transfer-encoding"),
    [GUST__HEADER_UPGRADE] = NAME("upgrade"),
    [GUST__HEADER_UPGRADE_INSECURE_REQUESTS] = NAME("upgrade-insecure-requests"),
    [GUST__HEADER_USER_AGENT] = NAME("user-agent"),
    [GUST__HEADER_VARY] = NAME("vary"),
    [GUST__HEADER_VIA] = NAME("via"),
    [GUST__HEADER_WWW_AUTHENTICATE] = NAME("www-authenticate"),
    [GUST__HEADER_X_CSRFTOKEN] = NAME("x-csrftoken"),
    [GUST__HEADER_X_FORWARDED_FOR] = NAME("x-forwarded-for"),
    [GUST__HEADER_X_FORWARDED_HOST] = NAME("x-forwarded-host"),
    [GUST__HEADER_X_FORWARDED_PROTO] = NAME("x-forwarded-proto"),
    [GUST__HEADER_X_REAL_IP] = NAME("x-real-ip"),
    [GUST__HEADER_X_REQUEST_ID] = NAME("x-request-id"),
    [GUST__HEADER_X_REQUESTED_WITH] = NAME("x-requested-with"),
    [GUST__HEADER_X_SCHEME] = NAME("x-scheme"),
    [GUST__HEADER_X_XSRFTOKEN] = NAME("x-xsrftoken"),
};

// clang-format off
static const uint8_t places[512] = {
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, 17,  0,
     0, 55,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, 22,
     0,  0,  0,  0,  0, 47,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0, 41,  0,  0,  0,  0,  0,  0,  0,  0,  0, 76, 48,  0,  0,  0,
     0,  0,  0,  0,  0, 59,  0,  0,  0, 62,  0,  0,  0,  0,  0,  0,
    10,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0, 31,  0, 75,  0, 24,  0, 32, 67,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0, 50,  0,  0,  0, 58,  0,  0,  0, 30,
     0,  0,  0,  0,  0,  0,  0,  0,  0, 27,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, 73,  0,  0, 16,
     0,  0,  0, 49,  0,  0,  0,  0,  0,  0, 66,  0,  0,  0,  0,  0,
     0,  0, 12, 19,  0,  0,  0,  2,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0, 71,  0,  0, 21,  0,  0,  0,  0,  0,  0, 29,  0,  0,
     0, 65,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0, 77,  0,  0,  0, 18,  0,  0,  0,  0,  0, 14,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, 61,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0, 46,  0, 37,  0,  6, 42, 63,  0,  0,  0,  0, 72,  0,  0,  0,
     0,  0,  0,  0, 28, 70,  0, 64,  0,  0,  0,  0,  4,  0, 40,  0,
    52,  0,  0,  0,  0, 34,  0, 15,  0,  8,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0, 25,  0,  0, 69,  0,  0,  0,  0, 11,  0,
     7,  0,  0,  0,  0,  0,  0,  0, 45,  0,  0,  0,  0,  0, 44,  0,
     9,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0, 43,  0, 56, 39,  0,  0, 74,  0,  0,  0,  0,  0,  0,  0, 53,
     0,  5,  0,  0,  0, 33,  0,  0,  0,  0,  0,  0, 68, 26,  0,  0,
     0,  0,  0,  0,  0,  0,  0, 36,  0,  0,  0,  0,  0, 35,  0, 20,
     0,  0,  0,  0,  0, 51,  0, 23, 13,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0, 60,  0,  0,  0,  0,  0,  0,  0, 54,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0, 38,  0,  0,  0,  0,  0,  0,
    57,  0,  0,  0,  3,  0,  0,  1,  0,  0,  0,  0,  0,  0,  0,  0,
};
// clang-format on

struct gust__slice gust__header_name(enum gust__header_id id)
{
    return names[id];
}

static inline uint32_t load4(const char *data)
{
    uint32_t word;
    memcpy(&word, data, sizeof(word));
    return word;
}

static inline uint64_t load8(const char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    return word;
}

/* Setting 0x20 folds the case of letters. The other tokens that it folds together, ^ and ~, are in no name.
 */
static inline bool equals_folded(const char *one, const char *other, size_t size)
{
    const uint64_t fold = 0x2020202020202020;
    if (size < 4) {
        for (size_t i = 0; i < size; i++) {
            if ((one[i] | 0x20) != other[i])
                return false;
        }
        return true;
    }
    if (size < 8) {
        return (load4(one) | (uint32_t)fold) == load4(other) &&
               (load4(one + size - 4) | (uint32_t)fold) == load4(other + size - 4);
    }
    for (size_t i = 0; i + 8 <= size; i += 8) {
        if ((load8(one + i) | fold) != load8(other + i))
            return false;
    }
    return (load8(one + size - 8) | fold) == load8(other + size - 8);
}

static inline uint32_t fold_short(const char *data, size_t size)
{
    return (uint8_t)data[0] | (uint32_t)(uint8_t)data[1] << 8 | (uint32_t)(uint8_t)data[size - 1] << 16;
}

enum gust__header_id gust__header_id(struct gust__slice name)
{
    uint32_t first, last;
    if (name.size < 2)
        return GUST__HEADER_OTHER;
    if (name.size < 4) {
        first = last = fold_short(name.data, name.size) | 0x202020;
    } else {
        first = load4(name.data) | 0x20202020;
        last = load4(name.data + name.size - 4) | 0x20202020;
    }
    uint32_t hash = first * 2277593839u + last * 2799324603u + (uint32_t)name.size * 0x01000193u;
    enum gust__header_id id = places[hash >> 23];
    if (names[id].size != name.size || !equals_folded(name.data, names[id].data, name.size))
        return GUST__HEADER_OTHER;
    return id;
}
