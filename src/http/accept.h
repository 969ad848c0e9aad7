/*
 * Lists with weights: Accept-Encoding, Accept-Language, Accept (RFC 9110 12.4.2).
 *
 *     struct gust__slice rest = header->value, value;
 *     unsigned weight;
 *     while (gust__accept_next(&rest, &value, &weight))
 *         ...                                              "gzip;q=0.5": value is gzip, weight 500
 *
 * Any thread.
 */
#ifndef GUST_HTTP_ACCEPT_H
#define GUST_HTTP_ACCEPT_H

#include "http/slice.h"

/* The next member: its value without parameters, and its weight in thousandths, 1000 where none is given; 0
 * says "not this one". Members whose weight is malformed are skipped. false: the end. */
bool gust__accept_next(struct gust__slice *rest, struct gust__slice *value, unsigned *weight);

#endif
