# memcpy, memmove, memset, memcmp and bcmp for a big-endian MIPS64 VM in which every instruction
# costs one step: words of eight bytes, unaligned ends through ldl/ldr and sdl/sdr, short lengths first.
    .set push
    .set noreorder
    .set noat
    .text

# memcpy(a0 = to, a1 = from, a2 = length) -> to
    .balign 8
    .globl memcpy
    .type memcpy, @function
memcpy:
    move    $2, $4
    sltiu   $8, $6, 17
    bnez    $8, .Lcopy_short
    daddu   $9, $5, $6              # end of the source
    sltiu   $8, $6, 33
    beqz    $8, .Lcopy_long
    daddu   $10, $4, $6             # end of the target
# 17..=32: the first and the last sixteen bytes, which may overlap; all loads come before the stores.
    ldl     $11, 0($5)
    ldr     $11, 7($5)
    ldl     $12, 8($5)
    ldr     $12, 15($5)
    ldl     $13, -16($9)
    ldr     $13, -9($9)
    ldl     $14, -8($9)
    ldr     $14, -1($9)
    sdl     $11, 0($4)
    sdr     $11, 7($4)
    sdl     $12, 8($4)
    sdr     $12, 15($4)
    sdl     $13, -16($10)
    sdr     $13, -9($10)
    sdl     $14, -8($10)
    jr      $31
    sdr     $14, -1($10)

.Lcopy_short:
    sltiu   $8, $6, 8
    bnez    $8, .Lcopy_tiny
    daddu   $10, $4, $6
    ldl     $11, 0($5)
    ldr     $11, 7($5)
    ldl     $14, -8($9)
    ldr     $14, -1($9)
    sdl     $11, 0($4)
    sdr     $11, 7($4)
    sdl     $14, -8($10)
    jr      $31
    sdr     $14, -1($10)

.Lcopy_tiny:
    sltiu   $8, $6, 4
    bnez    $8, .Lcopy_bytes
    nop
    lwl     $11, 0($5)
    lwr     $11, 3($5)
    lwl     $14, -4($9)
    lwr     $14, -1($9)
    swl     $11, 0($4)
    swr     $11, 3($4)
    swl     $14, -4($10)
    jr      $31
    swr     $14, -1($10)

# 0..=3: first, middle and last byte.
.Lcopy_bytes:
    beqz    $6, .Lcopy_done
    dsrl    $8, $6, 1
    daddu   $12, $5, $8
    lbu     $11, 0($5)
    lbu     $12, 0($12)
    lbu     $13, -1($9)
    daddu   $8, $4, $8
    sb      $11, 0($4)
    sb      $12, 0($8)
    jr      $31
    sb      $13, -1($10)
.Lcopy_done:
    jr      $31
    nop

# More than 32 bytes. The last eight are loaded now and stored at the end; the first eight are stored
# unaligned, then both pointers move on to the next aligned word of the target.
.Lcopy_long:
    ldl     $24, -8($9)
    ldr     $24, -1($9)
    andi    $8, $4, 7
    beqz    $8, .Lcopy_target_aligned
    daddiu  $7, $10, -32            # limit: a further round of 32 bytes fits while to <= limit
    ldl     $11, 0($5)
    ldr     $11, 7($5)
    sdl     $11, 0($4)
    sdr     $11, 7($4)
    dsubu   $5, $5, $8
    dsubu   $4, $4, $8
    daddiu  $5, $5, 8
    daddiu  $4, $4, 8
.Lcopy_target_aligned:
    sltu    $8, $7, $4
    bnez    $8, .Lcopy_words
    andi    $15, $5, 7
    bnez    $15, .Lcopy_unaligned32
    nop
.Lcopy_aligned32:
    ld      $11, 0($5)
    ld      $12, 8($5)
    ld      $13, 16($5)
    ld      $14, 24($5)
    daddiu  $5, $5, 32
    sd      $11, 0($4)
    sd      $12, 8($4)
    sd      $13, 16($4)
    sd      $14, 24($4)
    daddiu  $4, $4, 32
    sltu    $8, $7, $4
    beqz    $8, .Lcopy_aligned32
    nop
    b       .Lcopy_words
    nop
.Lcopy_unaligned32:
    ldl     $11, 0($5)
    ldr     $11, 7($5)
    ldl     $12, 8($5)
    ldr     $12, 15($5)
    ldl     $13, 16($5)
    ldr     $13, 23($5)
    ldl     $14, 24($5)
    ldr     $14, 31($5)
    daddiu  $5, $5, 32
    sd      $11, 0($4)
    sd      $12, 8($4)
    sd      $13, 16($4)
    sd      $14, 24($4)
    daddiu  $4, $4, 32
    sltu    $8, $7, $4
    beqz    $8, .Lcopy_unaligned32
    nop
# Less than 32 bytes are left: words while they fit, then the saved last eight bytes.
.Lcopy_words:
    daddiu  $7, $10, -8
1:  sltu    $8, $4, $7
    beqz    $8, 2f
    nop
    ldl     $11, 0($5)
    ldr     $11, 7($5)
    daddiu  $5, $5, 8
    sd      $11, 0($4)
    b       1b
    daddiu  $4, $4, 8
2:  sdl     $24, -8($10)
    jr      $31
    sdr     $24, -1($10)
    .size memcpy, . - memcpy

# memmove(a0 = to, a1 = from, a2 = length) -> to
# Up to 32 bytes memcpy loads everything before it stores. Longer: forwards unless the target begins
# inside the source; memcpy's early load of the last word and late store is wrong for overlap, so the
# overlapping directions have loops of their own.
    .balign 8
    .globl memmove
    .type memmove, @function
memmove:
    sltiu   $8, $6, 33
    bnez    $8, memcpy
    dsubu   $9, $4, $5              # distance target - source
    sltu    $10, $9, $6
    bnez    $10, .Lmove_backward    # source <= target < source + length
    dsubu   $9, $5, $4
    sltu    $10, $9, $6
    beqz    $10, memcpy             # no overlap
    move    $2, $4
# Forward: the target lies before the source.
    dsrl    $9, $6, 3
1:  ldl     $11, 0($5)
    ldr     $11, 7($5)
    daddiu  $5, $5, 8
    daddiu  $9, $9, -1
    sdl     $11, 0($4)
    sdr     $11, 7($4)
    bnez    $9, 1b
    daddiu  $4, $4, 8
    andi    $6, $6, 7
    beqz    $6, 3f
    daddu   $6, $4, $6
2:  lbu     $11, 0($5)
    daddiu  $5, $5, 1
    sb      $11, 0($4)
    daddiu  $4, $4, 1
    bne     $4, $6, 2b
    nop
3:  jr      $31
    nop
.Lmove_backward:
    beqz    $9, 3b
    move    $2, $4
    daddu   $4, $4, $6
    daddu   $5, $5, $6
    dsrl    $9, $6, 3
1:  ldl     $11, -8($5)
    ldr     $11, -1($5)
    daddiu  $5, $5, -8
    daddiu  $9, $9, -1
    sdl     $11, -8($4)
    sdr     $11, -1($4)
    bnez    $9, 1b
    daddiu  $4, $4, -8
2:  beq     $4, $2, 3b
    nop
    lbu     $11, -1($5)
    daddiu  $5, $5, -1
    sb      $11, -1($4)
    b       2b
    daddiu  $4, $4, -1
    .size memmove, . - memmove

# memset(a0 = to, a1 = byte, a2 = length) -> to
    .balign 8
    .globl memset
    .type memset, @function
memset:
    move    $2, $4
    beqz    $5, 1f                  # zero needs no spreading, and is the usual byte
    andi    $5, $5, 0xff
    dsll    $8, $5, 8
    or      $5, $5, $8
    dsll    $8, $5, 16
    or      $5, $5, $8
    dsll32  $8, $5, 0
    or      $5, $5, $8
1:  sltiu   $8, $6, 8
    bnez    $8, .Lset_tiny
    daddu   $10, $4, $6
    sdl     $5, 0($4)
    sdr     $5, 7($4)
    sdl     $5, -8($10)
    sdr     $5, -1($10)
    sltiu   $8, $6, 17
    bnez    $8, .Lset_done
    ori     $4, $4, 7
    daddiu  $4, $4, 1               # next aligned word
    daddiu  $7, $10, -32
    b       3f
    nop
2:  sd      $5, 0($4)
    sd      $5, 8($4)
    sd      $5, 16($4)
    sd      $5, 24($4)
    daddiu  $4, $4, 32
3:  sltu    $8, $7, $4
    beqz    $8, 2b
    daddiu  $9, $10, -8
4:  sltu    $8, $4, $9
    beqz    $8, .Lset_done
    nop
    sd      $5, 0($4)
    b       4b
    daddiu  $4, $4, 8
.Lset_tiny:
    beq     $4, $10, .Lset_done
    nop
    sb      $5, 0($4)
    b       .Lset_tiny
    daddiu  $4, $4, 1
.Lset_done:
    jr      $31
    nop
    .size memset, . - memset

# memcmp(a0, a1, a2 = length) -> sign of the first difference; bcmp needs only "differs".
# Big-endian words compare like the bytes they hold.
    .balign 8
    .globl memcmp
    .type memcmp, @function
    .globl bcmp
    .type bcmp, @function
memcmp:
bcmp:
    sltiu   $8, $6, 8
    bnez    $8, .Lcompare_bytes
    daddu   $10, $4, $6
    daddiu  $7, $10, -8             # start of the last word of a
    daddu   $9, $5, $6
    daddiu  $9, $9, -8              # start of the last word of b
1:  ldl     $11, 0($4)
    ldr     $11, 7($4)
    ldl     $12, 0($5)
    ldr     $12, 7($5)
    daddiu  $4, $4, 8
    bne     $11, $12, .Lcompare_differ
    daddiu  $5, $5, 8
    sltu    $8, $4, $7
    bnez    $8, 1b
    nop
    ldl     $11, 0($7)
    ldr     $11, 7($7)
    ldl     $12, 0($9)
    ldr     $12, 7($9)
.Lcompare_differ:
    sltu    $2, $12, $11
    sltu    $8, $11, $12
    jr      $31
    subu    $2, $2, $8
.Lcompare_bytes:
    beq     $4, $10, 2f
    nop
1:  lbu     $11, 0($4)
    lbu     $12, 0($5)
    daddiu  $4, $4, 1
    bne     $11, $12, .Lcompare_differ
    daddiu  $5, $5, 1
    bne     $4, $10, 1b
    nop
2:  jr      $31
    move    $2, $0
    .size memcmp, . - memcmp
    .set pop
