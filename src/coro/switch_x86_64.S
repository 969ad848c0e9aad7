/*
 * The two ends of a flow that C can't express: where a new one starts, and how an unwinder gets from the running
 * flow into one that doesn't run. The switch itself is in switch.h, and so are the offsets in struct gust__flow.
 */
#if defined(__x86_64__) && !defined(GUST_PORTABLE_SWITCH)

        .text

/* A new flow goes on here: at (%rsp) the argument, at 8(%rsp) the entry; rbp is 0. The return address is
   undefined, so unwinders end at this frame. */
        .globl gust__flow_start
        .hidden gust__flow_start
        .type gust__flow_start, @function
        .p2align 4
        .cfi_startproc
        .cfi_undefined %rip
        nop                                             /* unwinders look a return address up by the byte before */
gust__flow_start:
        endbr64
        movq (%rsp), %rdi
        callq *8(%rsp)
        ud2
        .cfi_endproc
        .size gust__flow_start, . - gust__flow_start

/* void gust__flow_visit(const struct gust__flow *flow, void (*visit)(void *), void *argument)
   Calls visit(argument), and tells unwinders that its caller is the flow: the registers of the frame that called
   are "found" in *flow, to which rbx points. */
        .globl gust__flow_visit
        .hidden gust__flow_visit
        .type gust__flow_visit, @function
        .p2align 4
gust__flow_visit:
        .cfi_startproc
        endbr64
        pushq %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        movq %rdi, %rbx
        movq %rdx, %rdi
        .cfi_remember_state
        .cfi_escape 0x0f, 3, 0x73, 0, 0x06              /* CFA: *(rbx + 0) */
        .cfi_escape 0x10, 6, 2, 0x73, 8                 /* rbp is saved at rbx + 8 */
        .cfi_escape 0x10, 3, 2, 0x73, 16                /* rbx at rbx + 16 */
        .cfi_escape 0x10, 16, 2, 0x73, 24               /* the return address at rbx + 24 */
        callq *%rsi
        nop
        .cfi_restore_state
        popq %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        retq
        .cfi_endproc
        .size gust__flow_visit, . - gust__flow_visit

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
