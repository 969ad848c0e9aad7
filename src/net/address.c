#include "net/address.h"

#include <gust/error.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

static int bad_text(const char *text, const char *what)
{
    return gust_error_set(EINVAL, "\"%s\" is no address: %s", text, what);
}

/* Decimal digits only, to the end of the text. -1: no such number, or over max. */
static long parse_number(const char *text, long max)
{
    long number = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        number = number * 10 + (*text - '0');
        if (number > max)
            return -1;
    }
    return number;
}

static int parse_local(const char *text, const char *path, struct gust__address *address)
{
    size_t length = strlen(path);
    bool abstract = path[0] == '@';
    if (length == 0 || (abstract && length == 1))
        return bad_text(text, "the socket has no name");
    /* An abstract name has a NUL where @ stands, and none behind. */
    if (length > GUST__PATH_MAX)
        return gust_error_set(ENAMETOOLONG, "\"%s\": a Unix socket's name has at most %d bytes", text,
                              (int)GUST__PATH_MAX);
    memset(address, 0, sizeof(*address));
    address->local.sun_family = AF_UNIX;
    memcpy(address->local.sun_path, path, length);
    if (abstract)
        address->local.sun_path[0] = '\0';
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !abstract);
    return 0;
}

static int copy_host(const char *text, const char *from, size_t length, char *host)
{
    if (length > GUST__HOST_MAX)
        return gust_error_set(ENAMETOOLONG, "a host name has at most %d characters", (int)GUST__HOST_MAX);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)from[i] <= ' ' || from[i] == 0x7f || strchr("[]/@", from[i]))
            return bad_text(text, "a host name has no such characters");
    }
    memcpy(host, from, length);
    host[length] = '\0';
    return 0;
}

/* Finds the host's bytes; returns what stands behind it (":port" or ""), NULL when brackets do not fit. */
static const char *find_host(const char *text, const char **host, size_t *length)
{
    if (*text == '[') {
        const char *end = strchr(text, ']');
        if (!end || end == text + 1 || (end[1] != ':' && end[1] != '\0'))
            return NULL;
        *host = text + 1;
        *length = (size_t)(end - *host);
        return end + 1;
    }
    const char *colon = strchr(text, ':');
    if (colon && strchr(colon + 1, ':'))
        colon = NULL; /* several: an IPv6 address without brackets, which has no port */
    *host = text;
    *length = colon ? (size_t)(colon - text) : strlen(text);
    return text + *length;
}

int gust__host_parse(const char *text, char host[GUST__HOST_MAX + 1], int *port)
{
    const char *from;
    size_t length;
    const char *behind = find_host(text, &from, &length);
    if (!behind)
        return bad_text(text, "its brackets do not fit");
    if (copy_host(text, from, length, host) < 0)
        return -1;
    struct gust__address address;
    if ((*text == '[' || strchr(host, ':')) &&
        (!strchr(host, ':') || gust__address_numeric(host, 0, &address) < 0))
        return bad_text(text, *text == '[' ? "only an IPv6 address stands in brackets"
                                           : "an IPv6 address stands in brackets, as in [::1]:80");
    *port = -1;
    if (*behind) {
        *port = (int)parse_number(behind + 1, 65535);
        if (*port < 0)
            return bad_text(text, "a port is a number up to 65535");
    }
    return 0;
}

int gust__endpoint_parse(const char *text, struct gust__endpoint *endpoint)
{
    *endpoint = (struct gust__endpoint){.local = strncmp(text, "unix:", 5) == 0};
    if (endpoint->local)
        return parse_local(text, text + 5, &endpoint->address);
    int port;
    if (gust__host_parse(text, endpoint->host, &port) < 0)
        return -1;
    if (port < 0)
        return bad_text(text, strchr(endpoint->host, ':') ? "an IPv6 address with a port is written [::1]:80"
                                                          : "it has no port");
    endpoint->port = (unsigned)port;
    return 0;
}

static unsigned parse_zone(const char *zone)
{
    long number = parse_number(zone, INT32_MAX);
    return number > 0 ? (unsigned)number : if_nametoindex(zone);
}

static int numeric_v6(const char *host, unsigned port, struct gust__address *address)
{
    char plain[INET6_ADDRSTRLEN];
    const char *zone = strchr(host, '%');
    size_t length = zone ? (size_t)(zone - host) : strlen(host);
    if (length >= sizeof(plain))
        return 0;
    memcpy(plain, host, length);
    plain[length] = '\0';
    memset(address, 0, sizeof(*address));
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons((uint16_t)port);
    if (inet_pton(AF_INET6, plain, &address->v6.sin6_addr) != 1)
        return 0;
    if (zone && (address->v6.sin6_scope_id = parse_zone(zone + 1)) == 0)
        return 0;
    address->length = sizeof(address->v6);
    return 1;
}

int gust__address_numeric(const char *host, unsigned port, struct gust__address *address)
{
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons((uint16_t)port);
        address->length = sizeof(address->v4);
        return 0;
    }
    if (numeric_v6(host, port, address))
        return 0;
    errno = EINVAL;
    return -1;
}

/* ---- socket addresses ---- */

void gust__address_set(struct gust__address *address, const struct sockaddr *from, socklen_t length)
{
    socklen_t most = sizeof(*address) - offsetof(struct gust__address, any);
    memset(address, 0, sizeof(*address));
    address->length = length < most ? length : most;
    if (address->length)
        memcpy(&address->any, from, address->length);
}

unsigned gust__address_port(const struct gust__address *address)
{
    switch (address->length ? address->any.sa_family : AF_UNSPEC) {
    case AF_INET:
        return ntohs(address->v4.sin_port);
    case AF_INET6:
        return ntohs(address->v6.sin6_port);
    default:
        return 0;
    }
}

void gust__address_set_port(struct gust__address *address, unsigned port)
{
    if (address->any.sa_family == AF_INET)
        address->v4.sin_port = htons((uint16_t)port);
    else if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons((uint16_t)port);
}

static void format_local(const struct gust__address *address, char *to)
{
    size_t length = address->length - offsetof(struct sockaddr_un, sun_path);
    const char *path = address->local.sun_path;
    if (length && path[0])
        length = strnlen(path, length);
    to += sprintf(to, "unix:");
    for (size_t i = 0; i < length; i++)
        *to++ = path[i] ? path[i] : '@';
    *to = '\0';
}

static void format_v6(const struct gust__address *address, char *to)
{
    char text[INET6_ADDRSTRLEN], zone[IF_NAMESIZE + 1] = "";
    inet_ntop(AF_INET6, &address->v6.sin6_addr, text, sizeof(text));
    if (address->v6.sin6_scope_id)
        snprintf(zone, sizeof(zone), "%%%u", address->v6.sin6_scope_id);
    snprintf(to, GUST__ADDRESS_TEXT, "[%s%s]:%u", text, zone, gust__address_port(address));
}

const char *gust__address_format(const struct gust__address *address, char to[GUST__ADDRESS_TEXT])
{
    to[0] = '\0';
    if (address->length < sizeof(address->any.sa_family))
        return to;
    if (address->any.sa_family == AF_INET && address->length >= sizeof(address->v4)) {
        char text[INET_ADDRSTRLEN];
        inet_ntop(AF_INET, &address->v4.sin_addr, text, sizeof(text));
        snprintf(to, GUST__ADDRESS_TEXT, "%s:%u", text, gust__address_port(address));
    } else if (address->any.sa_family == AF_INET6 && address->length >= sizeof(address->v6)) {
        format_v6(address, to);
    } else if (address->any.sa_family == AF_UNIX) {
        format_local(address, to);
    }
    return to;
}
