/* What a call gives: bytes of the heap, or a mapping of what the job wrote. */
#include "base/alloc.h"
#include "exec/processes_int.h"

struct result {
    gust_result face; /* first */
    size_t mapped;    /* 0: the bytes stand behind */
    char bytes[];
};

gust_result *gust__result_new(const void *bytes, size_t length, int shared)
{
    struct result *result = gust__malloc(sizeof(*result) + (shared < 0 ? length + 1 : 0));
    if (!result)
        return NULL;
    *result = (struct result){.face = {result->bytes, length}};
    if (shared < 0) {
        memcpy(result->bytes, bytes, length);
        result->bytes[length] = '\0';
        return &result->face;
    }
    result->face.data = gust__shared_map(shared, length);
    result->mapped = length + 1;
    if (result->face.data)
        return &result->face;
    int code = errno;
    gust__free(result);
    errno = code;
    return NULL;
}

void gust_result_free(gust_result *given)
{
    struct result *result = (struct result *)(void *)given;
    if (result && result->mapped)
        gust__sys_munmap((void *)(uintptr_t)result->face.data, result->mapped);
    gust__free(result);
}
