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

#elif defined(__x86_64__)

__asm__(".text\n"
        ".globl gust__jump_call\n"
        ".hidden gust__jump_call\n"
        ".type gust__jump_call, @function\n"
        ".p2align 4\n"
        "gust__jump_call:\n\t"
        ".cfi_startproc\n\t"
        "endbr64\n\t"
        "pushq %rbp\n\t"
        ".cfi_def_cfa_offset 16\n\t"
        ".cfi_offset %rbp, -16\n\t"
        "movq %rsp, %rbp\n\t"
        ".cfi_def_cfa_register %rbp\n\t"
        "pushq %rbx\n\t"
        "pushq %r12\n\t"
        "pushq %r13\n\t"
        "pushq %r14\n\t"
        "pushq %r15\n\t"
        "subq $8, %rsp\n\t"
        ".cfi_offset %rbx, -24\n\t"
        ".cfi_offset %r12, -32\n\t"
        ".cfi_offset %r13, -40\n\t"
        ".cfi_offset %r14, -48\n\t"
        ".cfi_offset %r15, -56\n\t"
        "movq %rsp, (%rdx)\n\t"
        "movq %rdi, %rax\n\t"
        "movq %rsi, %rdi\n\t"
        "callq *%rax\n"
        ".Lgust__jump_landing:\n\t"
        "addq $8, %rsp\n\t"
        "popq %r15\n\t"
        "popq %r14\n\t"
        "popq %r13\n\t"
        "popq %r12\n\t"
        "popq %rbx\n\t"
        "popq %rbp\n\t"
        ".cfi_def_cfa %rsp, 8\n\t"
        "retq\n\t"
        ".cfi_endproc\n"
        ".size gust__jump_call, .-gust__jump_call\n"
        ".globl gust__jump_back\n"
        ".hidden gust__jump_back\n"
        ".type gust__jump_back, @function\n"
        ".p2align 4\n"
        "gust__jump_back:\n\t"
        ".cfi_startproc\n\t"
        "endbr64\n\t"
        "movq %rdi, %rsp\n\t"
        "movl $-1, %eax\n\t"
        "jmp .Lgust__jump_landing\n\t"
        ".cfi_endproc\n"
        ".size gust__jump_back, .-gust__jump_back\n");

#else /* aarch64 */

__asm__(".text\n"
        ".globl gust__jump_call\n"
        ".hidden gust__jump_call\n"
        ".type gust__jump_call, %function\n"
        ".p2align 4\n"
        "gust__jump_call:\n\t"
        ".cfi_startproc\n\t"
        "hint #34\n\t" /* bti c */
        "stp x29, x30, [sp, #-160]!\n\t"
        ".cfi_def_cfa_offset 160\n\t"
        ".cfi_offset x29, -160\n\t"
        ".cfi_offset x30, -152\n\t"
        "mov x29, sp\n\t"
        "stp x19, x20, [sp, #16]\n\t"
        "stp x21, x22, [sp, #32]\n\t"
        "stp x23, x24, [sp, #48]\n\t"
        "stp x25, x26, [sp, #64]\n\t"
        "stp x27, x28, [sp, #80]\n\t"
        "stp d8, d9, [sp, #96]\n\t"
        "stp d10, d11, [sp, #112]\n\t"
        "stp d12, d13, [sp, #128]\n\t"
        "stp d14, d15, [sp, #144]\n\t"
        ".cfi_offset x19, -144\n\t"
        ".cfi_offset x20, -136\n\t"
        ".cfi_offset x21, -128\n\t"
        ".cfi_offset x22, -120\n\t"
        ".cfi_offset x23, -112\n\t"
        ".cfi_offset x24, -104\n\t"
        ".cfi_offset x25, -96\n\t"
        ".cfi_offset x26, -88\n\t"
        ".cfi_offset x27, -80\n\t"
        ".cfi_offset x28, -72\n\t"
        "mov x9, sp\n\t"
        "str x9, [x2]\n\t"
        "mov x9, x0\n\t"
        "mov x0, x1\n\t"
        "blr x9\n"
        ".Lgust__jump_landing:\n\t"
        "ldp d14, d15, [sp, #144]\n\t"
        "ldp d12, d13, [sp, #128]\n\t"
        "ldp d10, d11, [sp, #112]\n\t"
        "ldp d8, d9, [sp, #96]\n\t"
        "ldp x27, x28, [sp, #80]\n\t"
        "ldp x25, x26, [sp, #64]\n\t"
        "ldp x23, x24, [sp, #48]\n\t"
        "ldp x21, x22, [sp, #32]\n\t"
        "ldp x19, x20, [sp, #16]\n\t"
        "ldp x29, x30, [sp], #160\n\t"
        ".cfi_restore x29\n\t"
        ".cfi_restore x30\n\t"
        ".cfi_def_cfa_offset 0\n\t"
        "ret\n\t"
        ".cfi_endproc\n"
        ".size gust__jump_call, .-gust__jump_call\n"
        ".globl gust__jump_back\n"
        ".hidden gust__jump_back\n"
        ".type gust__jump_back, %function\n"
        ".p2align 4\n"
        "gust__jump_back:\n\t"
        ".cfi_startproc\n\t"
        "hint #34\n\t"
        "mov sp, x0\n\t"
        "mov w0, #-1\n\t"
        "b .Lgust__jump_landing\n\t"
        ".cfi_endproc\n"
        ".size gust__jump_back, .-gust__jump_back\n");

#endif
