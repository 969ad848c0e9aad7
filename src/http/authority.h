/*
 * "host" or "host:port", as in a Host field, an authority-form target or a URL without its user (RFC
 * 3986 3.2, RFC 9110 4.2, 7.2). The host is a name (reg-name, so also IPv4 in dots) or an IP literal in
 * brackets.
 */
#ifndef GUST_HTTP_AUTHORITY_H
#define GUST_HTTP_AUTHORITY_H

#include "http/slice.h"

struct gust__authority {
    struct gust__slice host; /* as given; an IP literal without its brackets. May be empty */
    bool bracketed;
    int port; /* 0 to 65535; -1: none was given ("host" and "host:") */
};

/* Splits and checks text. false: it is no authority, or has a user; *authority is undefined then. */
bool gust__authority_split(struct gust__slice text, struct gust__authority *authority);

#endif
