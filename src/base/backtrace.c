#include "base/backtrace.h"

#include <errno.h>
#include <unwind.h>

struct capture {
    void **frames;
    size_t max;
    size_t count;
    size_t skip;
};

/* A coroutine's first frame has address 0 or claims to be its own caller; either ends the walk. */
static _Unwind_Reason_Code add_frame(struct _Unwind_Context *frame, void *argument)
{
    struct capture *capture = argument;
    void *address = (void *)_Unwind_GetIP(frame);
    if (!address || capture->count == capture->max)
        return _URC_END_OF_STACK;
    if (capture->skip > 0) {
        capture->skip--;
        return _URC_NO_REASON;
    }
    capture->frames[capture->count++] = address;
    return capture->count == capture->max ? _URC_END_OF_STACK : _URC_NO_REASON;
}

__attribute__((noinline)) size_t gust__backtrace_capture(void **frames, size_t max, size_t skip)
{
    int saved = errno;
    struct capture capture = {.frames = frames, .max = max, .skip = skip + 1};
    _Unwind_Backtrace(add_frame, &capture);
    errno = saved;
    return capture.count;
}
