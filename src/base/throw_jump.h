/*
 * The jump under a throw. gust__jump_call calls a function and returns its result; gust__jump_back, called
 * from somewhere below it, has that same call return -1 at once. Nothing returns twice, as setjmp does: to
 * the compiler it is a call like any other, so that no variable needs to be volatile, and _FORTIFY_SOURCE's
 * check of longjmp, which takes a coroutine's stack for a wrong one, is not in the way.
 *
 *     void *place;
 *     int result = gust__jump_call(work, &job, &place);
 */
#ifndef GUST_BASE_THROW_JUMP_H
#define GUST_BASE_THROW_JUMP_H

#if defined(__SANITIZE_THREAD__)
#define GUST__PORTABLE_JUMP 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GUST__PORTABLE_JUMP 1 /* its shadow stack follows only the longjmp that it intercepts */
#endif
#endif
#if !(defined(__x86_64__) && defined(__LP64__)) && !(defined(__aarch64__) && defined(__LP64__))
#define GUST__PORTABLE_JUMP 1
#endif

#ifndef __ASSEMBLER__

/* *place is an address in the frame of this call: frames below it are those that a jump leaves. */
int gust__jump_call(int (*function)(void *argument), void *argument, void **place);
_Noreturn void gust__jump_back(void *place);

#endif

#endif
