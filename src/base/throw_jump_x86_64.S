/*
 * The jump under a throw, for x86-64: throw_jump.h is its manual. It is a call that keeps all registers which a
 * function must preserve in its own frame, so that a jump from anywhere below can put them back.
 */
#include "base/throw_jump.h"

#if !defined(GUST__PORTABLE_JUMP) && defined(__x86_64__)

        .text
        .globl gust__jump_call
        .hidden gust__jump_call
        .type gust__jump_call, @function
        .p2align 4
gust__jump_call:
        .cfi_startproc
        endbr64
        pushq %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq %rsp, %rbp
        .cfi_def_cfa_register %rbp
        pushq %rbx
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        subq $8, %rsp
        .cfi_offset %rbx, -24
        .cfi_offset %r12, -32
        .cfi_offset %r13, -40
        .cfi_offset %r14, -48
        .cfi_offset %r15, -56
        movq %rsp, (%rdx)
        movq %rdi, %rax
        movq %rsi, %rdi
        callq *%rax
        .cfi_remember_state
        leave                                           /* the function gives the other registers back as they were */
        .cfi_def_cfa %rsp, 8
        retq
        .cfi_restore_state
.Lgust__jump_landing:
        addq $8, %rsp
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbx
        popq %rbp
        .cfi_def_cfa %rsp, 8
        retq
        .cfi_endproc
        .size gust__jump_call, .-gust__jump_call

        .globl gust__jump_back
        .hidden gust__jump_back
        .type gust__jump_back, @function
        .p2align 4
gust__jump_back:
        .cfi_startproc
        endbr64
        movq %rdi, %rsp
        movl $-1, %eax
        jmp .Lgust__jump_landing
        .cfi_endproc
        .size gust__jump_back, .-gust__jump_back

/* x86 features 1: IBT. Not SHSTK, which the linker then withholds from whatever this is linked into. */
        .section .note.gnu.property, "a", @note
        .p2align 3
        .long 4                                         /* name size */
        .long 16                                        /* descriptor size */
        .long 5                                         /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz "GNU"
        .long 0xc0000002                                /* GNU_PROPERTY_X86_FEATURE_1_AND */
        .long 4
        .long 1                                         /* IBT */
        .long 0

#endif
        .section .note.GNU-stack, "", %progbits
