/* The groups of a route's pattern, decoded. */
#include "web/request.h"

#include "http/url.h"
#include "http/utf8.h"

#include <string.h>

/* Decoded text of a group. Slashes and '+' may come out of it as any other character. */
static char *decode_group(gust_request *request, struct gust__slice raw, unsigned group)
{
    char *text = gust__request_text(request, raw);
    ssize_t size = gust__url_decode(text, gust__slice(text, raw.size), GUST__URL_PATH);
    if (size < 0 || !gust__utf8_valid(gust__slice(text, (size_t)size)))
        gust_fail(400, "part %u of the path is not UTF-8 text, percent-encoded", group);
    text[size] = 0;
    return text;
}

/* Matches the path once more, now for the offsets, and copies what they tell before anything else matches. */
static void find_groups(gust_request *request)
{
    struct gust__web_state *state = gust__web_state(request->exchange->loop);
    if (!state)
        gust__no_memory();
    int count = gust__route_groups(request->route, request->path, state->match_data);
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(state->match_data);
    char **groups = count ? gust_alloc(request, (size_t)count * sizeof(*groups)) : NULL;
    for (int i = 1; i < count; i++) {
        if (offsets[2 * i] == PCRE2_UNSET)
            continue;
        struct gust__slice raw =
            gust__slice_between(request->path.data + offsets[2 * i], request->path.data + offsets[2 * i + 1]);
        groups[i] = decode_group(request, raw, (unsigned)i);
    }
    request->groups = groups;
    request->group_count = (unsigned)count;
    request->groups_known = true;
}

const char *gust_path_arg(gust_request *request, unsigned group)
{
    if (!request->route)
        return NULL;
    if (!request->groups_known)
        find_groups(request);
    return group < request->group_count ? request->groups[group] : NULL;
}

/* The numbers of the groups with one name stand in a table: mostly one, several with (?J). */
const char *gust_path_arg_named(gust_request *request, const char *name)
{
    PCRE2_SPTR first, last;
    const pcre2_code *code = request->route ? request->route->code : NULL;
    if (!code)
        return NULL;
    int width = pcre2_substring_nametable_scan(code, (PCRE2_SPTR)name, &first, &last);
    for (PCRE2_SPTR entry = first; width > 0 && entry <= last; entry += width) {
        const char *value = gust_path_arg(request, (unsigned)entry[0] << 8 | entry[1]);
        if (value)
            return value;
    }
    return NULL;
}
