/*
 * Content codings of answers and of requests' bodies.
 *
 *     gust__answer_finish / gust_flush        an application with .compress
 *       gust__coding_plan                     is it worth it, does the client take it: Vary, a weak Etag
 *       gust__coding_begin                    before the head: Content-Encoding, the encoder
 *       gust__coding_send                     instead of sending the output itself
 */
#ifndef GUST_WEB_CODED_H
#define GUST_WEB_CODED_H

#include "web/request.h"

/* ---- coded_answer.c: for applications with .compress ---- */

/* Decides once, as far as the headers tell, how the answer is coded: request->coding. size: of the body; -1:
 * it streams. */
void gust__coding_plan(gust_request *request, int64_t size);
/* Before each piece of output, whole: it is all. -> whether it is to be encoded: there is an encoder. */
bool gust__coding_begin(gust_request *request, bool whole);
/* [blk] Encodes both, one behind the other, and sends what comes out. 0; -1: as gust_flush. */
int gust__coding_send(gust_request *request, struct gust__slice text, struct gust__slice more,
                      enum gust__encode what);
/* Forgets the decision, when the answer begins anew or the request ends. */
void gust__coding_reset(gust_request *request);
/* Adds "Vary: Accept-Encoding" unless that is said. */
void gust__answer_vary(gust_request *request);

/* ---- coded_body.c: for applications with .decompress_request ---- */

/* Looks at Content-Encoding; decodes a buffered body. What is wrong with it ends the handler: 400, 413, 415.
 */
void gust__body_decode(gust_request *request);
/* [blk] As gust_read_body, when request->coded_body is set. */
ssize_t gust__coded_body_read(gust_request *request, void *to, size_t size);
void gust__coded_body_end(gust_request *request);

#endif
