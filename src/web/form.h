/* The multipart/form-data body of a buffered request. */
#ifndef GUST_WEB_FORM_H
#define GUST_WEB_FORM_H

#include "web/arguments.h"

/* Parses the body: fields are appended to fields, files kept in request->form. Fails the request with 400
 * when it is malformed or above a limit. */
void gust__form_parse(gust_request *request, struct gust__argument_list *fields);

#endif
