/*
 * The jump under a throw, for aarch64: throw_jump.h is its manual. It is a call that keeps all registers which a
 * function must preserve in its own frame, so that a jump from anywhere below can put them back.
 */
#include "base/throw_jump.h"

#if !defined(GUST__PORTABLE_JUMP) && defined(__aarch64__)

        .text
        .globl gust__jump_call
        .hidden gust__jump_call
        .type gust__jump_call, %function
        .p2align 4
gust__jump_call:
        .cfi_startproc
        hint #34                                        /* bti c */
        stp x29, x30, [sp, #-160]!
        .cfi_def_cfa_offset 160
        .cfi_offset x29, -160
        .cfi_offset x30, -152
        mov x29, sp
        stp x19, x20, [sp, #16]
        stp x21, x22, [sp, #32]
        stp x23, x24, [sp, #48]
        stp x25, x26, [sp, #64]
        stp x27, x28, [sp, #80]
        stp d8, d9, [sp, #96]
        stp d10, d11, [sp, #112]
        stp d12, d13, [sp, #128]
        stp d14, d15, [sp, #144]
        .cfi_offset x19, -144
        .cfi_offset x20, -136
        .cfi_offset x21, -128
        .cfi_offset x22, -120
        .cfi_offset x23, -112
        .cfi_offset x24, -104
        .cfi_offset x25, -96
        .cfi_offset x26, -88
        .cfi_offset x27, -80
        .cfi_offset x28, -72
        mov x9, sp
        str x9, [x2]
        mov x9, x0
        mov x0, x1
        blr x9
        .cfi_remember_state
        ldp x29, x30, [sp], #160                        /* the function gives the other registers back as they were */
        .cfi_restore x29
        .cfi_restore x30
        .cfi_def_cfa sp, 0
        ret
        .cfi_restore_state
.Lgust__jump_landing:
        ldp d14, d15, [sp, #144]
        ldp d12, d13, [sp, #128]
        ldp d10, d11, [sp, #112]
        ldp d8, d9, [sp, #96]
        ldp x27, x28, [sp, #80]
        ldp x25, x26, [sp, #64]
        ldp x23, x24, [sp, #48]
        ldp x21, x22, [sp, #32]
        ldp x19, x20, [sp, #16]
        ldp x29, x30, [sp], #160
        .cfi_restore x29
        .cfi_restore x30
        .cfi_def_cfa_offset 0
        ret
        .cfi_endproc
        .size gust__jump_call, .-gust__jump_call

        .globl gust__jump_back
        .hidden gust__jump_back
        .type gust__jump_back, %function
        .p2align 4
gust__jump_back:
        .cfi_startproc
        hint #34                                        /* bti c */
        mov sp, x0
        mov w0, #-1
        b .Lgust__jump_landing
        .cfi_endproc
        .size gust__jump_back, .-gust__jump_back

/* aarch64 features 1: BTI. Not PAC, not GCS: nothing here signs or checks a return address. */
        .section .note.gnu.property, "a", %note
        .p2align 3
        .long 4                                         /* name size */
        .long 16                                        /* descriptor size */
        .long 5                                         /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz "GNU"
        .long 0xc0000000                                /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
        .long 4
        .long 1                                         /* BTI */
        .long 0


#endif
        .section .note.GNU-stack, "", %progbits
