/* A record as a form, and a form that was sent as a record. */
#ifndef FORM_H
#define FORM_H

#include "orm.h"

#include <gust/gust.h>

/* Which fields people fill in: texts, or (for the administrator) all but the key. */
enum form_fields { FORM_TEXTS, FORM_ALL };

/* Writes a whole form that is sent to url, with what is in the record; problems may be NULL. */
void form_write(gust_request *req, const struct model *model, const void *record, enum form_fields which,
                const struct orm_problems *problems, const char *url);

/* Sets the record's fields from the request's; one that is missing, or no number, ends the request with 400.
 */
void form_read(gust_request *req, const struct model *model, void *record, enum form_fields which);

#endif
