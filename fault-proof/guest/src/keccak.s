# Keccak-f[1600] for a MIPS64 VM in which every instruction costs one step and no rotate exists.
#
# All 25 lanes stay in $1..$25 for the whole permutation, so sp, gp, fp, ra and k0, k1 serve as the six
# temporaries (the VM has no signals or interrupts that could need sp). hi keeps sp, lo the pointer to the
# next round constant. Two tricks of the Keccak team's implementation overview: rounds work in place, with
# lane names that return after four rounds, and six lanes (1, 2, 8, 12, 17, 20) are kept complemented, which
# leaves one NOT per row. A round takes 196 steps.
    .set push
    .set noreorder
    .set noat

    .section .rodata.keccak, "a", @progbits
    .balign 256                     # the end of the 192 bytes is recognised by its low eight bits
.Lconstants:
    .dword  0x0000000000000001
    .dword  0x0000000000008082
    .dword  0x800000000000808a
    .dword  0x8000000080008000
    .dword  0x000000000000808b
    .dword  0x0000000080000001
    .dword  0x8000000080008081
    .dword  0x8000000000008009
    .dword  0x000000000000008a
    .dword  0x0000000000000088
    .dword  0x0000000080008009
    .dword  0x000000008000000a
    .dword  0x000000008000808b
    .dword  0x800000000000008b
    .dword  0x8000000000008089
    .dword  0x8000000000008003
    .dword  0x8000000000008002
    .dword  0x8000000000000080
    .dword  0x000000000000800a
    .dword  0x800000008000000a
    .dword  0x8000000080008081
    .dword  0x8000000000008080
    .dword  0x0000000080000001
    .dword  0x8000000080008008

    .text
# column = parity of the five lanes
.macro PARITY column, l0, l1, l2, l3, l4
    xor     \column, \l0, \l1
    xor     \column, \column, \l2
    xor     \column, \column, \l3
    xor     \column, \column, \l4
.endm

# effect ^= rotate_left(from, 1), then every lane of the column takes it in
.macro APPLY effect, from, t, l0, l1, l2, l3, l4
    dsll    \t, \from, 1
    xor     \effect, \effect, \t
    dsrl    \t, \from, 63
    xor     \effect, \effect, \t
    xor     \l0, \l0, \effect
    xor     \l1, \l1, \effect
    xor     \l2, \l2, \effect
    xor     \l3, \l3, \effect
    xor     \l4, \l4, \effect
.endm

.macro MOVE_ROTATED to, from, by
    dsll    \to, \from, \by
    dsrl    \from, \from, 64 - \by
    or      \to, \to, \from
.endm

# Rho in place, for the row that pi leaves in its registers.
.macro ROTATE l1, r1, l2, r2, l3, r3, l4, r4
    dsll    $26, \l1, \r1
    dsrl    \l1, \l1, 64 - \r1
    or      \l1, \l1, $26
    dsll    $26, \l2, \r2
    dsrl    \l2, \l2, 64 - \r2
    or      \l2, \l2, $26
    dsll    $26, \l3, \r3
    dsrl    \l3, \l3, 64 - \r3
    or      \l3, \l3, $26
    dsll    $26, \l4, \r4
    dsrl    \l4, \l4, 64 - \r4
    or      \l4, \l4, $26
.endm

# Rho along the cycle in which the row's registers change places: the first lane goes to $26, each other
# one to the register of its predecessor, the last register becomes free.
.macro GATHER l0, r0, l1, r1, l2, r2, l3, r3, l4, r4
    MOVE_ROTATED $26, \l0, \r0
    MOVE_ROTATED \l0, \l1, \r1
    MOVE_ROTATED \l1, \l2, \r2
    MOVE_ROTATED \l2, \l3, \r3
    MOVE_ROTATED \l3, \l4, \r4
.endm

# Chi on b0..b4, with b0's result in e0. The operations and the place of the NOT follow from which lanes are
# kept complemented; rows are named b, g, k, m, s as in the Keccak reference.
.macro CHI e0, b0, b1, b2, b3, b4, o0, o1, o2, o3, o4, row
    \o4     $27, \b0, \b1
    \o3     $28, \b4, \b0
    .ifc \row, s
    nor     \b1, \b1, $0
    .endif
    \o0     $29, \b1, \b2
    xor     \e0, \b0, $29
    .ifc \row, b
    nor     $29, \b2, $0
    \o1     $29, $29, \b3
    .else
    \o1     $29, \b2, \b3
    .endif
    xor     \b1, \b1, $29
    .ifc \row, k
    nor     \b3, \b3, $0
    .endif
    .ifc \row, m
    nor     \b3, \b3, $0
    .endif
    .ifc \row, g
    nor     $29, \b4, $0
    \o2     $29, \b3, $29
    .else
    \o2     $29, \b3, \b4
    .endif
    xor     \b2, \b2, $29
    xor     \b3, \b3, $28
    xor     \b4, \b4, $27
.endm

.macro IOTA lane, constant
    mflo    $26
    ld      $27, \constant($26)
    xor     \lane, \lane, $27
.endm

.macro ROUND constant, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24
    PARITY  $26, \a0, \a5, \a10, \a15, \a20
    PARITY  $27, \a1, \a6, \a11, \a16, \a21
    PARITY  $30, \a4, \a9, \a14, \a19, \a24
    dsll    $31, $27, 1
    dsrl    $28, $27, 63
    xor     $31, $31, $30
    xor     $31, $31, $28
    xor     \a0, \a0, $31
    xor     \a5, \a5, $31
    xor     \a10, \a10, $31
    xor     \a15, \a15, $31
    xor     \a20, \a20, $31
    PARITY  $28, \a2, \a7, \a12, \a17, \a22
    PARITY  $29, \a3, \a8, \a13, \a18, \a23
    APPLY   $27, $29, $31, \a2, \a7, \a12, \a17, \a22
    APPLY   $29, $26, $31, \a4, \a9, \a14, \a19, \a24
    APPLY   $26, $28, $31, \a1, \a6, \a11, \a16, \a21
    APPLY   $28, $30, $31, \a3, \a8, \a13, \a18, \a23
    ROTATE  \a6, 44, \a12, 43, \a18, 21, \a24, 14
    CHI     \a0, \a0, \a6, \a12, \a18, \a24, or, or, and, or, and, b
    IOTA    \a0, \constant
    GATHER  \a3, 28, \a16, 45, \a9, 20, \a22, 61, \a10, 3
    CHI     \a10, $26, \a16, \a22, \a3, \a9, or, and, or, or, and, g
    GATHER  \a1, 1, \a7, 6, \a13, 25, \a19, 8, \a20, 18
    CHI     \a20, $26, \a1, \a7, \a13, \a19, or, and, and, or, and, k
    GATHER  \a4, 27, \a23, 56, \a17, 15, \a11, 10, \a5, 36
    CHI     \a5, $26, \a11, \a17, \a23, \a4, and, or, or, and, or, m
    GATHER  \a2, 62, \a14, 39, \a21, 2, \a8, 55, \a15, 41
    CHI     \a15, $26, \a21, \a2, \a8, \a14, and, or, and, or, and, s
.endm

# keccak_empty(a0 = room for 25 lanes): the state before any input, in the form that keccak_f1600 keeps
    .balign 8
    .globl keccak_empty
    .type keccak_empty, @function
keccak_empty:
    daddiu  $2, $0, -1
    .irp lane, 0, 3, 4, 5, 6, 7, 9, 10, 11, 13, 14, 15, 16, 18, 19, 21, 22, 23, 24
    sd      $0, 8 * \lane($4)
    .endr
    .irp lane, 1, 2, 8, 12, 17
    sd      $2, 8 * \lane($4)
    .endr
    jr      $31
    sd      $2, 8 * 20($4)
    .size keccak_empty, . - keccak_empty

# lane takes in the parity of the column before it, and that of the one behind rotated by one
.macro TAKE lane, before, behind
    dsll    $31, \behind, 1
    xor     \lane, \lane, \before
    xor     \lane, \lane, $31
    dsrl    $31, \behind, 63
    xor     \lane, \lane, $31
.endm

# The last round where lanes 0 to 3 are all that is wanted: nothing but their row.
.macro LAST_ROUND constant, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24
    PARITY  $26, \a0, \a5, \a10, \a15, \a20
    PARITY  $27, \a1, \a6, \a11, \a16, \a21
    PARITY  $28, \a2, \a7, \a12, \a17, \a22
    PARITY  $29, \a3, \a8, \a13, \a18, \a23
    PARITY  $30, \a4, \a9, \a14, \a19, \a24
    TAKE    \a0, $30, $27
    TAKE    \a6, $26, $28
    TAKE    \a12, $27, $29
    TAKE    \a18, $28, $30
    TAKE    \a24, $29, $26
    ROTATE  \a6, 44, \a12, 43, \a18, 21, \a24, 14
    CHI     \a0, \a0, \a6, \a12, \a18, \a24, or, or, and, or, and, b
    IOTA    \a0, \constant
.endm

# Saves what the ABI wants back, and loads the lanes that a0 points to.
.macro ENTER
    daddiu  $29, $29, -112
    sd      $4, 0($29)
    sd      $16, 8($29)
    sd      $17, 16($29)
    sd      $18, 24($29)
    sd      $19, 32($29)
    sd      $20, 40($29)
    sd      $21, 48($29)
    sd      $22, 56($29)
    sd      $23, 64($29)
    sd      $28, 72($29)
    sd      $30, 80($29)
    sd      $31, 88($29)
    mthi    $29
    lui     $26, %hi(.Lconstants)   # the image is linked below 2 GiB
    daddiu  $26, $26, %lo(.Lconstants)
    mtlo    $26
    move    $26, $4
    ld      $1, 0($26)
    ld      $2, 8($26)
    ld      $3, 16($26)
    ld      $4, 24($26)
    ld      $5, 32($26)
    ld      $6, 40($26)
    ld      $7, 48($26)
    ld      $8, 56($26)
    ld      $9, 64($26)
    ld      $10, 72($26)
    ld      $11, 80($26)
    ld      $12, 88($26)
    ld      $13, 96($26)
    ld      $14, 104($26)
    ld      $15, 112($26)
    ld      $16, 120($26)
    ld      $17, 128($26)
    ld      $18, 136($26)
    ld      $19, 144($26)
    ld      $20, 152($26)
    ld      $21, 160($26)
    ld      $22, 168($26)
    ld      $23, 176($26)
    ld      $24, 184($26)
    ld      $25, 192($26)
.endm

.macro THREE_ROUNDS
    ROUND   0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25
    ROUND   8, $1, $7, $13, $19, $25, $11, $17, $23, $4, $10, $21, $2, $8, $14, $20, $6, $12, $18, $24, $5, $16, $22, $3, $9, $15
    ROUND   16, $1, $17, $8, $24, $15, $21, $12, $3, $19, $10, $16, $7, $23, $14, $5, $11, $2, $18, $9, $25, $6, $22, $13, $4, $20
.endm

# Four rounds at a time, while the constants' address ends in less than this.
.macro ROUNDS_UNTIL end
1:
    THREE_ROUNDS
    ROUND   24, $1, $12, $23, $9, $20, $16, $2, $13, $24, $10, $6, $17, $3, $14, $25, $21, $7, $18, $4, $15, $11, $22, $8, $19, $5
    mflo    $26
    daddiu  $26, $26, 32
    andi    $27, $26, 0xff
    xori    $27, $27, \end
    bnez    $27, 1b
    mtlo    $26
.endm

.macro LEAVE
    ld      $16, 8($29)
    ld      $17, 16($29)
    ld      $18, 24($29)
    ld      $19, 32($29)
    ld      $20, 40($29)
    ld      $21, 48($29)
    ld      $22, 56($29)
    ld      $23, 64($29)
    ld      $28, 72($29)
    ld      $30, 80($29)
    ld      $31, 88($29)
    jr      $31
    daddiu  $29, $29, 112
.endm

# keccak_f1600(a0 = 25 lanes, the six named above complemented)
    .balign 8
    .globl keccak_f1600
    .type keccak_f1600, @function
keccak_f1600:
    ENTER
    ROUNDS_UNTIL 192
    mfhi    $29
    ld      $26, 0($29)
    sd      $1, 0($26)
    sd      $2, 8($26)
    sd      $3, 16($26)
    sd      $4, 24($26)
    sd      $5, 32($26)
    sd      $6, 40($26)
    sd      $7, 48($26)
    sd      $8, 56($26)
    sd      $9, 64($26)
    sd      $10, 72($26)
    sd      $11, 80($26)
    sd      $12, 88($26)
    sd      $13, 96($26)
    sd      $14, 104($26)
    sd      $15, 112($26)
    sd      $16, 120($26)
    sd      $17, 128($26)
    sd      $18, 136($26)
    sd      $19, 144($26)
    sd      $20, 152($26)
    sd      $21, 160($26)
    sd      $22, 168($26)
    sd      $23, 176($26)
    sd      $24, 184($26)
    sd      $25, 192($26)
    LEAVE
    .size keccak_f1600, . - keccak_f1600

# The same where only lanes 0 to 3 are wanted: the others stay as they were.
    .balign 8
    .globl keccak_f1600_last
    .type keccak_f1600_last, @function
keccak_f1600_last:
    ENTER
    ROUNDS_UNTIL 160
    THREE_ROUNDS
    LAST_ROUND 24, $1, $12, $23, $9, $20, $16, $2, $13, $24, $10, $6, $17, $3, $14, $25, $21, $7, $18, $4, $15, $11, $22, $8, $19, $5
    mfhi    $29
    ld      $26, 0($29)
    sd      $1, 0($26)
    sd      $2, 8($26)
    sd      $3, 16($26)
    sd      $4, 24($26)
    LEAVE
    .size keccak_f1600_last, . - keccak_f1600_last
    .set pop
