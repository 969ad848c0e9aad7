/* The portable jump; those of x86-64 and aarch64 are assembly, beside this file. */
#undef _FORTIFY_SOURCE /* ____longjmp_chk takes a jump on a coroutine's stack for one into a dead frame */
#include "base/throw_jump.h"

#ifdef GUST__PORTABLE_JUMP

#include <setjmp.h>

struct landing {
    jmp_buf registers;
};

int gust__jump_call(int (*function)(void *argument), void *argument, void **place)
{
    struct landing landing;
    *place = &landing;
    if (_setjmp(landing.registers))
        return -1;
    return function(argument);
}

_Noreturn void gust__jump_back(void *place)
{
    struct landing *landing = place;
    _longjmp(landing->registers, 1);
}

#endif
