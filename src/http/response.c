#include "http/response.h"
#include "base/alloc.h"

#include <errno.h>

/* Copies text to *at with a NUL behind, and moves *at behind that. */
static const char *copy(char **at, struct gust__slice text)
{
    char *to = *at;
    if (text.size)
        memcpy(to, text.data, text.size);
    to[text.size] = '\0';
    *at = to + text.size + 1;
    return to;
}

static size_t size_of(const struct gust__response_head *head)
{
    size_t size = sizeof(struct gust_response) + head->reason.size + 1;
    for (size_t i = 0; i < head->fields.count; i++) {
        const struct gust__header *header = &head->fields.headers[i];
        size += sizeof(struct gust__response_header) + header->name.size + 1 + header->value.size + 1;
    }
    return size;
}

gust_response *gust__response_new(const struct gust__response_head *head, size_t max_body)
{
    gust_response *response = gust__malloc(size_of(head));
    if (!response)
        return NULL;
    char *text = (char *)&response->headers[head->fields.count];
    *response = (gust_response){.status = head->status, .count = head->fields.count};
    response->body.max = max_body < SIZE_MAX / 2 ? max_body + 1 : SIZE_MAX / 2;
    response->reason = copy(&text, head->reason);
    for (size_t i = 0; i < response->count; i++) {
        const struct gust__header *header = &head->fields.headers[i];
        response->headers[i].name = copy(&text, header->name);
        response->headers[i].value = copy(&text, header->value);
    }
    return response;
}

int gust__response_add(gust_response *response, const void *data, size_t size)
{
    if (size > response->body.max - 1 - response->body_length) {
        errno = EMSGSIZE;
        return -1;
    }
    if (gust__buffer_append(&response->body, data, size) < 0)
        return -1;
    response->body_length += size;
    return 0;
}

int gust__response_end(gust_response *response)
{
    return response->body_length ? gust__buffer_append(&response->body, "", 1) : 0;
}

int gust_response_status(const gust_response *response)
{
    return response->status;
}

const char *gust_response_reason(const gust_response *response)
{
    return response->reason;
}

const char *gust_response_header(const gust_response *response, const char *name)
{
    struct gust__slice wanted = gust__slice_of(name);
    for (size_t i = 0; i < response->count; i++) {
        if (gust__slice_equals_ignoring_case(gust__slice_of(response->headers[i].name), wanted))
            return response->headers[i].value;
    }
    return NULL;
}

bool gust_response_header_at(const gust_response *response, size_t index, const char **name,
                             const char **value)
{
    if (index >= response->count)
        return false;
    if (name)
        *name = response->headers[index].name;
    if (value)
        *value = response->headers[index].value;
    return true;
}

gust_bytes gust_response_body(const gust_response *response)
{
    if (response->body_length == 0)
        return (gust_bytes){"", 0};
    return (gust_bytes){gust__buffer_bytes(&response->body), response->body_length};
}

void gust_response_free(gust_response *response)
{
    if (!response)
        return;
    gust__buffer_fini(&response->body);
    gust__free(response);
}
