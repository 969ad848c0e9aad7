/*
 * /proc/self/task/THREAD/syscall says in which call a thread is, and its stack pointer. libc's functions keep
 * no frame pointer, so whatever on the stack looks like a return address is taken for one: it points into a
 * loaded object, behind a call instruction. All is read by process_vm_readv, which fails where memory is
 * gone.
 */
#include "ops/stack_scan.h"
#include "base/sys.h"

#include <dlfcn.h>
#include <gust/base.h>
#include <stdbool.h>
#include <stdio.h>

enum { words_max = 2048 };

/* signal(7): never restarted. */
static const long not_restarted[] = {
#ifdef SYS_poll
    SYS_poll,         SYS_select,          SYS_epoll_wait,      SYS_pause,
#endif
    SYS_ppoll,        SYS_pselect6,        SYS_epoll_pwait,     SYS_epoll_pwait2,
    SYS_nanosleep,    SYS_clock_nanosleep, SYS_rt_sigtimedwait, SYS_rt_sigsuspend,
    SYS_io_getevents, SYS_semtimedop,      SYS_semop,           SYS_msgrcv,
    SYS_msgsnd,
};

static ssize_t read_memory(void *to, uintptr_t from, size_t size)
{
    struct iovec here = {to, size}, there = {(void *)from, size};
    return gust__sys_call("process_vm_readv", SYS_process_vm_readv, gust__sys_getpid(), (long)&here, 1,
                          (long)&there, 1, 0);
}

/* The call that a thread is in, and where its stack ends; false: it runs, or nobody says. */
static bool find_call(pid_t thread, long *number, uintptr_t *stack, uintptr_t *place)
{
    char path[64], text[256];
    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)thread);
    int fd = gust__sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    ssize_t size = gust__sys_read(fd, text, sizeof(text) - 1);
    gust__sys_close(fd);
    if (size <= 0)
        return false;
    text[size] = '\0';
    unsigned long sp, pc;
    if (sscanf(text, "%ld %*x %*x %*x %*x %*x %*x %lx %lx", number, &sp, &pc) != 3)
        return false;
    *stack = sp;
    *place = pc;
    return true;
}

static bool is_restarted(long number)
{
    for (size_t i = 0; i < GUST_LEN(not_restarted); i++) {
        if (not_restarted[i] == number)
            return false;
    }
    return true;
}

static bool behind_a_call(uintptr_t address)
{
    unsigned char code[8];
    if (read_memory(code, address - sizeof(code), sizeof(code)) != sizeof(code))
        return false;
#ifdef __x86_64__
    const unsigned char *end = code + sizeof(code);
    if (end[-5] == 0xe8)
        return true;
    for (int size = 2; size <= 7; size++) { /* call by register or memory: ff /2 */
        if (end[-size] == 0xff && (end[1 - size] & 0x38) == 0x10)
            return true;
    }
    return false;
#elif defined(__aarch64__)
    uint32_t instruction;
    memcpy(&instruction, code + 4, sizeof(instruction));
    return address % 4 == 0 &&
           ((instruction & 0xfc000000) == 0x94000000 || (instruction & 0xfffffc1f) == 0xd63f0000);
#else
    return true;
#endif
}

static bool is_return_address(uintptr_t address)
{
    struct dl_find_object found;
    return address > 4096 && _dl_find_object((void *)address, &found) == 0 && behind_a_call(address);
}

size_t gust__stack_scan(pid_t thread, void **frames, size_t max)
{
    uintptr_t words[words_max], stack, place;
    long number;
    if (max == 0 || !find_call(thread, &number, &stack, &place) || is_restarted(number))
        return 0;
    ssize_t size = read_memory(words, stack, sizeof(words));
    size_t count = 0;
    frames[count++] = (void *)place;
    for (size_t i = 0; size > 0 && i < (size_t)size / sizeof(words[0]) && count < max; i++) {
        if (is_return_address(words[i]))
            frames[count++] = (void *)words[i];
    }
    return count;
}
