#include "http/multipart_part.h"

#include "http/http1_fields.h"
#include "http/parameters.h"

/* The slice's bytes as what they are: the parser's own, to be written to. */
static char *own(char *scratch, struct gust__slice slice)
{
    return scratch + (slice.data - scratch);
}

/* Read last: its bytes are decoded over themselves. */
static bool read_extended(struct gust__multipart_part *part, struct gust__slice value, char *scratch)
{
    char *out = own(scratch, value);
    ssize_t size = gust__parameter_decode_extended(out, value);
    if (size < 0)
        return false;
    part->filename = gust__slice(out, (size_t)size);
    part->has_filename = true;
    return true;
}

static struct gust__slice unquote(const struct gust__parameter *parameter, char *scratch)
{
    char *out = own(scratch, parameter->value);
    return gust__slice(out, gust__parameter_unquote(parameter, out));
}

static int refuse(struct gust__http1_fault *fault, const char *reason)
{
    return gust__http1_set_fault(fault, 400, reason);
}

static int read_disposition(struct gust__multipart_part *part, struct gust__slice value, char *scratch,
                            struct gust__http1_fault *fault)
{
    struct gust__parameter parameter;
    struct gust__slice extended = {NULL, 0};
    bool has_name = false;
    int more;
    if (!gust__slice_equals_ignoring_case(gust__parameters_begin(&value), GUST__SLICE("form-data")))
        return refuse(fault, "the Content-Disposition of a part is not form-data");
    while ((more = gust__parameters_next(&value, &parameter)) > 0) {
        if (gust__slice_equals_ignoring_case(parameter.name, GUST__SLICE("name"))) {
            part->name = unquote(&parameter, scratch);
            has_name = true;
        } else if (gust__slice_equals_ignoring_case(parameter.name, GUST__SLICE("filename"))) {
            part->filename = unquote(&parameter, scratch);
            part->has_filename = true;
        } else if (gust__slice_equals_ignoring_case(parameter.name, GUST__SLICE("filename*"))) {
            extended = parameter.value;
        }
    }
    if (more < 0)
        return refuse(fault, "the Content-Disposition of a part is malformed");
    if (!has_name)
        return refuse(fault, "a part has no name");
    if (extended.data && !read_extended(part, extended, scratch))
        return refuse(fault, "the filename* of a part is malformed");
    return 0;
}

int gust__multipart_read_part(struct gust__multipart_part *part, const struct gust__header *headers,
                              char *scratch, struct gust__http1_fault *fault)
{
    const struct gust__header *disposition = NULL;
    part->name = part->filename = part->content_type = GUST__SLICE("");
    part->has_filename = false;
    for (size_t i = 0; i < part->header_count; i++) {
        if (headers[i].id == GUST__HEADER_CONTENT_TYPE)
            part->content_type = headers[i].value;
        if (headers[i].id == GUST__HEADER_CONTENT_DISPOSITION && disposition)
            return refuse(fault, "a part has two Content-Dispositions");
        if (headers[i].id == GUST__HEADER_CONTENT_DISPOSITION)
            disposition = &headers[i];
    }
    if (!disposition)
        return refuse(fault, "a part has no Content-Disposition");
    return read_disposition(part, disposition->value, scratch, fault);
}
