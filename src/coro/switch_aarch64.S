/*
 * The two ends of a flow that C can't express: where a new one starts, and how an unwinder gets from the running
 * flow into one that doesn't run. The switch itself is in switch.h, and so are the offsets in struct gust__flow.
 */
#if defined(__aarch64__) && !defined(GUST_PORTABLE_SWITCH)

        .text

/* A new flow goes on here: at [sp] the argument, at [sp, #8] the entry; x29 is 0. The return address is
   undefined, so unwinders end at this frame. */
        .globl gust__flow_start
        .hidden gust__flow_start
        .type gust__flow_start, %function
        .p2align 4
        .cfi_startproc
        .cfi_undefined x30
        nop                                             /* unwinders look a return address up by the byte before */
gust__flow_start:
        hint #36                                        /* bti j */
        ldp x0, x16, [sp]
        blr x16
        brk #1
        .cfi_endproc
        .size gust__flow_start, . - gust__flow_start

/* void gust__flow_visit(const struct gust__flow *flow, void (*visit)(void *), void *argument)
   Calls visit(argument), and tells unwinders that its caller is the flow: the registers of the frame that called
   are "found" in *flow, to which x19 points. */
        .globl gust__flow_visit
        .hidden gust__flow_visit
        .type gust__flow_visit, %function
        .p2align 4
gust__flow_visit:
        .cfi_startproc
        hint #34                                        /* bti c */
        stp x19, x30, [sp, #-16]!
        .cfi_adjust_cfa_offset 16
        .cfi_rel_offset x19, 0
        .cfi_rel_offset x30, 8
        mov x19, x0
        mov x0, x2
        .cfi_remember_state
        .cfi_escape 0x0f, 3, 0x83, 0, 0x06              /* CFA: *(x19 + 0) */
        .cfi_escape 0x10, 29, 2, 0x83, 8                /* x29 is saved at x19 + 8 */
        .cfi_escape 0x10, 19, 2, 0x83, 16               /* x19 at x19 + 16 */
        .cfi_escape 0x10, 30, 2, 0x83, 24               /* the return address at x19 + 24 */
        blr x1
        nop
        .cfi_restore_state
        ldp x19, x30, [sp], #16
        .cfi_adjust_cfa_offset -16
        .cfi_restore x19
        .cfi_restore x30
        ret
        .cfi_endproc
        .size gust__flow_visit, . - gust__flow_visit

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
