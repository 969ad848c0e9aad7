/* Inside the multipart parser: what a part's header lines say. */
#ifndef GUST_HTTP_MULTIPART_PART_H
#define GUST_HTTP_MULTIPART_PART_H

#include "http/multipart.h"

/* Fills name, filename and content_type of part from its headers, which lie in scratch: values are unquoted
 * there, in place. -> 0; -1: fault and errno are set */
int gust__multipart_read_part(struct gust__multipart_part *part, const struct gust__header *headers,
                              char *scratch, struct gust__http1_fault *fault);

#endif
