//! The instruction table: encoding, name, operands and meaning of each instruction, declared once.
//!
//! Start with the table at the end; decoder, names and dispatch are made from it. Rows are C5, C8 and C9 of op-stack.
//!
//! **Invariant:** an instruction that returns an error has changed nothing.

use crate::{
    bits::{load_word_right, low, merge32, merge64, offset_bits, signed, signed_low, word},
    bus::Access,
    cpu::Products,
    error::{Cause, Exit},
    register::{Register, RegisterFile},
};
use std::slice::Iter;

/// A decoded instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub(crate) struct Op {
    pub(crate) code: Code,
    pub(crate) rs: Register,
    pub(crate) rt: Register,
    /// Where the result goes.
    pub(crate) rd: Register,
    /// Immediate, shift amount, or distance of a branch or target of a jump in bytes.
    pub(crate) immediate: i32,
}

const _: () = assert!(size_of::<Op>() == 8, "a decoded instruction is one load");

/// Where an encoding stands.
enum Slot {
    Primary(u32),
    Special(u32),
    Special2(u32),
    RegImm,
}

/// What the fields of an encoding mean.
#[derive(Clone, Copy)]
enum Form {
    /// rd from rs, rt and a shift amount.
    Three,
    /// The same, with a shift amount above 31.
    Three32,
    /// rt from rs and a signed immediate.
    Signed,
    /// rt from rs and an unsigned immediate.
    Unsigned,
    /// A branch: distance from the delay slot.
    Branch,
    /// The same with a link.
    BranchLink,
    /// A jump inside the region of the delay slot.
    Jump,
    /// The same with a link.
    JumpLink,
}

impl Op {
    /// What fills predecoded pages before their first execution.
    pub(crate) const UNDECODED: Self = Self {
        code: Code::Undecoded,
        rs: Register::SINK,
        rt: Register::SINK,
        rd: Register::SINK,
        immediate: 0,
    };

    /// Decodes any word; what is no instruction becomes `Invalid`.
    pub(crate) fn decode(word: u32) -> Self {
        let slot = match word >> 26 {
            0 => Slot::Special(word & 0x3f),
            1 => Slot::RegImm,
            0x1c => Slot::Special2(word & 0x3f),
            primary => Slot::Primary(primary),
        };
        let (code, form) = Code::of(slot, word >> 16 & 31);
        let [_, _, high, low] = word.to_be_bytes();
        let signed = i32::from(i16::from_be_bytes([high, low]));
        let rd = word >> 11;
        let rt = word >> 16;
        let amount = (word >> 6 & 31).cast_signed();
        let (target, immediate) = match form {
            Form::Three => (Register::target(rd), amount),
            Form::Three32 => (Register::target(rd), amount | 32),
            Form::Signed => (Register::target(rt), signed),
            Form::Unsigned => (Register::target(rt), signed & 0xffff),
            Form::Branch => (Register::SINK, signed << 2),
            Form::BranchLink => (Register::RA, signed << 2),
            Form::Jump => (Register::SINK, ((word & 0x03ff_ffff) << 2).cast_signed()),
            Form::JumpLink => (Register::RA, ((word & 0x03ff_ffff) << 2).cast_signed()),
        };
        let (rs, rt) = (Register::source(word >> 21), Register::source(rt));
        Self { code, rs, rt, rd: target, immediate }
    }

    #[inline(always)]
    const fn immediate(self) -> u64 {
        (self.immediate as i64).cast_unsigned()
    }
}

/// Makes the code enumeration, its names, the decoder and the dispatcher from the table.
macro_rules! instructions {
    (
        compute { $($cslot:pat, $ccode:ident $cname:literal $cform:ident |$cx:pat_param, $cy:pat_param, $cn:pat_param| $cvalue:expr;)* }
        choose { $($mslot:pat, $mcode:ident $mname:literal $mform:ident |$my:ident| $mtaken:expr;)* }
        accumulate { $($aslot:pat, $acode:ident $aname:literal $aform:ident |$acpu:ident, $ax:pat_param, $ay:pat_param| $avalue:expr;)* }
        load { $($lslot:pat, $lcode:ident $lname:literal $lform:ident |$lbus:ident, $la:ident, $ly:pat_param| $lvalue:expr;)* }
        store { $($sslot:pat, $scode:ident $sname:literal $sform:ident |$sbus:ident, $sa:ident, $sy:ident| $sstore:expr;)* }
        branch { $($bslot:pat, $bcode:ident $bname:literal $bform:ident |$bx:pat_param, $by:pat_param| $btaken:expr;)* }
        branch_link { $($blslot:pat, $blcode:ident $blname:literal $blform:ident |$blx:ident| $bltaken:expr;)* }
        jump { $($jslot:pat, $jcode:ident $jname:literal $jform:ident |$jnext:pat_param, $jx:pat_param, $jn:pat_param| $jtarget:expr;)* }
        jump_link { $($jlslot:pat, $jlcode:ident $jlname:literal $jlform:ident |$jlnext:pat_param, $jlx:pat_param, $jln:pat_param| $jltarget:expr;)* }
        outside { $($oslot:pat, $ocode:ident $oname:literal $oform:ident;)* }
        pairs { $($pair:ident = $first:ident $second:ident;)* }
    ) => {
        /// Which instruction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Code {
            /// Not looked at yet.
            Undecoded,
            Invalid,
            $($ccode,)* $($mcode,)* $($acode,)* $($lcode,)* $($scode,)* $($bcode,)* $($blcode,)*
            $($jcode,)* $($jlcode,)* $($ocode,)* $($pair,)*
        }

        impl Code {
            /// The mnemonic of what is an instruction.
            pub(crate) const fn name(self) -> Option<&'static str> {
                Some(match self {
                    $(Self::$pair)|* | Self::Undecoded | Self::Invalid => return None,
                    $(Self::$ccode => $cname,)* $(Self::$mcode => $mname,)* $(Self::$acode => $aname,)*
                    $(Self::$lcode => $lname,)* $(Self::$scode => $sname,)* $(Self::$bcode => $bname,)*
                    $(Self::$blcode => $blname,)* $(Self::$jcode => $jname,)* $(Self::$jlcode => $jlname,)*
                    $(Self::$ocode => $oname,)*
                })
            }

            /// The instruction in a slot; `rt` tells those under REGIMM apart.
            fn of(slot: Slot, rt: u32) -> (Self, Form) {
                use Slot::{Primary, RegImm, Special, Special2};
                match (slot, rt) {
                    $($cslot => (Self::$ccode, Form::$cform),)* $($mslot => (Self::$mcode, Form::$mform),)*
                    $($aslot => (Self::$acode, Form::$aform),)* $($lslot => (Self::$lcode, Form::$lform),)*
                    $($sslot => (Self::$scode, Form::$sform),)* $($bslot => (Self::$bcode, Form::$bform),)*
                    $($blslot => (Self::$blcode, Form::$blform),)* $($jslot => (Self::$jcode, Form::$jform),)*
                    $($jlslot => (Self::$jlcode, Form::$jlform),)* $($oslot => (Self::$ocode, Form::$oform),)*
                    _ => (Self::Invalid, Form::Three),
                }
            }
        }

        impl Code {
            /// What executes this instruction and the one behind it in one go, if they are a pair; else this one.
            pub(crate) const fn paired(self, next: Self) -> Self {
                match (self, next.single()) {
                    $((Self::$first, Self::$second) => Self::$pair,)*
                    _ => self,
                }
            }

            /// The instruction itself, without the one behind it.
            pub(crate) const fn single(self) -> Self {
                match self {
                    $(Self::$pair => Self::$first,)*
                    code => code,
                }
            }

            /// Whether it is a branch or jump, taken or not.
            pub(crate) const fn is_transfer(self) -> bool {
                matches!(self, $(Self::$bcode)|* $(| Self::$blcode)* $(| Self::$jcode)* $(| Self::$jlcode)*)
            }
        }

        /// Executes one instruction that concerns nothing but registers and memory. `at` is its address, which only
        /// transfers ask for. What comes back is the target of a taken branch or jump: the caller goes there after
        /// the delay slot, and it sees to C8 before.
        #[inline(always)]
        pub(crate) fn execute<A: Access>(
            at: impl FnOnce() -> u64,
            products: &mut Products,
            file: &mut RegisterFile,
            op: Op,
            bus: &mut A,
        ) -> Result<Option<u64>, Exit> {
            match op.code {
                $(Code::$ccode => {
                    let ($cx, $cy, $cn) = (file.at(op.rs), file.at(op.rt), op.immediate());
                    file.set(op.rd, $cvalue);
                })*
                $(Code::$mcode => {
                    let ($my, x) = (file.at(op.rt), file.at(op.rs));
                    let old = file.at(op.rd);
                    file.set(op.rd, if $mtaken { x } else { old });
                })*
                $(Code::$acode => {
                    let ($ax, $ay) = (file.at(op.rs), file.at(op.rt));
                    let $acpu = &mut *products;
                    let value = $avalue;
                    file.set(op.rd, value);
                })*
                $(Code::$lcode => {
                    let ($la, $ly) = (file.at(op.rs).wrapping_add(op.immediate()), file.at(op.rt));
                    let $lbus = &mut *bus;
                    let value = $lvalue;
                    file.set(op.rd, value);
                })*
                $(Code::$scode => {
                    let ($sa, $sy) = (file.at(op.rs).wrapping_add(op.immediate()), file.at(op.rt));
                    let $sbus = &mut *bus;
                    $sstore?;
                })*
                $(Code::$bcode => {
                    let ($bx, $by) = (file.at(op.rs), file.at(op.rt));
                    if $btaken {
                        return Ok(Some(at().wrapping_add(4).wrapping_add(op.immediate())));
                    }
                })*
                $(Code::$blcode => {
                    let ($blx, next) = (file.at(op.rs), at().wrapping_add(4));
                    file.set(op.rd, next.wrapping_add(4));
                    if $bltaken {
                        return Ok(Some(next.wrapping_add(op.immediate())));
                    }
                })*
                $(Code::$jcode => {
                    let ($jx, $jn) = (file.at(op.rs), op.immediate());
                    let $jnext = at().wrapping_add(4);
                    return Ok(Some($jtarget));
                })*
                $(Code::$jlcode => {
                    let ($jlx, $jln, next) = (file.at(op.rs), op.immediate(), at().wrapping_add(4));
                    file.set(op.rd, next.wrapping_add(4));
                    let $jlnext = next;
                    return Ok(Some($jltarget));
                })*
                // The step around this one knows what to do with these.
                $(Code::$ocode)|* | $(Code::$pair)|* | Code::Undecoded => return Err(Exit::Leave),
                Code::Invalid => return Err(Exit::Trap(Cause::InvalidInstruction)),
            }
            Ok(None)
        }

        /// [`execute`] for an instruction that was just taken from `row`; of a pair both, as far as the row reaches.
        /// `at` gives the address of the last one taken.
        #[inline(always)]
        pub(crate) fn execute_in_row<A: Access>(
            op: Op,
            row: &mut Iter<'_, Op>,
            at: impl Fn(&Iter<'_, Op>) -> u64,
            (products, file): (&mut Products, &mut RegisterFile),
            bus: &mut A,
        ) -> Result<Option<u64>, Exit> {
            match op.code {
                $(Code::$pair => {
                    execute(|| at(row), products, file, Op { code: Code::$first, ..op }, bus)?;
                    let Some(next) = row.next() else { return Ok(None) };
                    execute(|| at(row), products, file, Op { code: Code::$second, ..*next }, bus)
                })*
                _ => execute(|| at(row), products, file, op, bus),
            }
        }
    };
}

instructions! {
    // The value of rd (or rt) from x = rs, y = rt and n = immediate or shift amount.
    compute {
        (Special(0x00), _), Sll "sll" Three |_, y, n| word(low(y).wrapping_shl(low(n)));
        (Special(0x02), _), Srl "srl" Three |_, y, n| word(low(y).wrapping_shr(low(n)));
        (Special(0x03), _), Sra "sra" Three |_, y, n| word(signed_low(y).wrapping_shr(low(n)).cast_unsigned());
        (Special(0x04), _), Sllv "sllv" Three |x, y, _| word(low(y).wrapping_shl(low(x)));
        (Special(0x06), _), Srlv "srlv" Three |x, y, _| word(low(y).wrapping_shr(low(x)));
        (Special(0x07), _), Srav "srav" Three |x, y, _| word(signed_low(y).wrapping_shr(low(x)).cast_unsigned());
        (Special(0x0f), _), Sync "sync" Three |x, _, _| x;
        (Special(0x14), _), Dsllv "dsllv" Three |x, y, _| y.wrapping_shl(low(x));
        (Special(0x16), _), Dsrlv "dsrlv" Three |x, y, _| y.wrapping_shr(low(x));
        (Special(0x17), _), Dsrav "dsrav" Three |x, y, _| signed(y).wrapping_shr(low(x)).cast_unsigned();
        (Special(0x20), _), Add "add" Three |x, y, _| word(low(x).wrapping_add(low(y)));
        (Special(0x21), _), Addu "addu" Three |x, y, _| word(low(x).wrapping_add(low(y)));
        (Special(0x22), _), Sub "sub" Three |x, y, _| word(low(x).wrapping_sub(low(y)));
        (Special(0x23), _), Subu "subu" Three |x, y, _| word(low(x).wrapping_sub(low(y)));
        (Special(0x24), _), And "and" Three |x, y, _| x & y;
        (Special(0x25), _), Or "or" Three |x, y, _| x | y;
        (Special(0x26), _), Xor "xor" Three |x, y, _| x ^ y;
        (Special(0x27), _), Nor "nor" Three |x, y, _| !(x | y);
        (Special(0x2a), _), Slt "slt" Three |x, y, _| u64::from(signed(x) < signed(y));
        (Special(0x2b), _), Sltu "sltu" Three |x, y, _| u64::from(x < y);
        (Special(0x2c), _), Dadd "dadd" Three |x, y, _| x.wrapping_add(y);
        (Special(0x2d), _), Daddu "daddu" Three |x, y, _| x.wrapping_add(y);
        (Special(0x2e), _), Dsub "dsub" Three |x, y, _| x.wrapping_sub(y);
        (Special(0x2f), _), Dsubu "dsubu" Three |x, y, _| x.wrapping_sub(y);
        (Special(0x38), _), Dsll "dsll" Three |_, y, n| y.wrapping_shl(low(n));
        (Special(0x3a), _), Dsrl "dsrl" Three |_, y, n| y.wrapping_shr(low(n));
        (Special(0x3b), _), Dsra "dsra" Three |_, y, n| signed(y).wrapping_shr(low(n)).cast_unsigned();
        (Special(0x3c), _), Dsll32 "dsll32" Three32 |_, y, n| y.wrapping_shl(low(n));
        (Special(0x3e), _), Dsrl32 "dsrl32" Three32 |_, y, n| y.wrapping_shr(low(n));
        (Special(0x3f), _), Dsra32 "dsra32" Three32 |_, y, n| signed(y).wrapping_shr(low(n)).cast_unsigned();
        (Primary(0x08), _), Addi "addi" Signed |x, _, n| word(low(x).wrapping_add(low(n)));
        (Primary(0x09), _), Addiu "addiu" Signed |x, _, n| word(low(x).wrapping_add(low(n)));
        (Primary(0x0a), _), Slti "slti" Signed |x, _, n| u64::from(signed(x) < signed(n));
        (Primary(0x0b), _), Sltiu "sltiu" Signed |x, _, n| u64::from(x < n);
        (Primary(0x0c), _), Andi "andi" Unsigned |x, _, n| x & n;
        (Primary(0x0d), _), Ori "ori" Unsigned |x, _, n| x | n;
        (Primary(0x0e), _), Xori "xori" Unsigned |x, _, n| x ^ n;
        (Primary(0x0f), _), Lui "lui" Signed |_, _, n| word(low(n) << 16);
        (Primary(0x18), _), Daddi "daddi" Signed |x, _, n| x.wrapping_add(n);
        (Primary(0x19), _), Daddiu "daddiu" Signed |x, _, n| x.wrapping_add(n);
        (Special2(0x02), _), Mul "mul" Three |x, y, _| word(low(x).wrapping_mul(low(y)));
        (Special2(0x20), _), Clz "clz" Three |x, _, _| u64::from(low(x).leading_zeros());
        (Special2(0x21), _), Clo "clo" Three |x, _, _| u64::from(low(x).leading_ones());
        (Special2(0x24), _), Dclz "dclz" Three |x, _, _| u64::from(x.leading_zeros());
        (Special2(0x25), _), Dclo "dclo" Three |x, _, _| u64::from(x.leading_ones());
    }
    // rd takes rs if the condition on y = rt holds.
    choose {
        (Special(0x0a), _), Movz "movz" Three |y| y == 0;
        (Special(0x0b), _), Movn "movn" Three |y| y != 0;
    }
    // HI and LO; the value goes to rd, which is 0 for all but mfhi and mflo.
    accumulate {
        (Special(0x10), _), Mfhi "mfhi" Three |cpu, _, _| cpu.hi;
        (Special(0x11), _), Mthi "mthi" Three |cpu, x, _| { cpu.hi = x; 0 };
        (Special(0x12), _), Mflo "mflo" Three |cpu, _, _| cpu.lo;
        (Special(0x13), _), Mtlo "mtlo" Three |cpu, x, _| { cpu.lo = x; 0 };
        (Special(0x18), _), Mult "mult" Three |cpu, x, y| {
            let product = i64::from(signed_low(x)).wrapping_mul(i64::from(signed_low(y))).cast_unsigned();
            (cpu.lo, cpu.hi) = (word(low(product)), word(low(product >> 32)));
            0
        };
        (Special(0x19), _), Multu "multu" Three |cpu, x, y| {
            let product = u64::from(low(x)).wrapping_mul(u64::from(low(y)));
            (cpu.lo, cpu.hi) = (word(low(product)), word(low(product >> 32)));
            0
        };
        (Special(0x1a), _), Div "div" Three |cpu, x, y| {
            let (x, y) = (signed_low(x), signed_low(y));
            // The smallest number by -1 wraps; only a zero has no quotient.
            let quotient = x.checked_div(y).or_else(|| (y != 0).then_some(x));
            let remainder = x.checked_rem(y).or_else(|| (y != 0).then_some(0));
            let extend = |it: i32| word(it.cast_unsigned());
            cpu.set_division(quotient.map(extend), remainder.map(extend))?
        };
        (Special(0x1b), _), Divu "divu" Three |cpu, x, y| {
            let (x, y) = (low(x), low(y));
            cpu.set_division(x.checked_div(y).map(word), x.checked_rem(y).map(word))?
        };
        (Special(0x1c), _), Dmult "dmult" Three |cpu, x, y| {
            cpu.set_product(i128::from(signed(x)).wrapping_mul(i128::from(signed(y))).cast_unsigned());
            0
        };
        (Special(0x1d), _), Dmultu "dmultu" Three |cpu, x, y| {
            cpu.set_product(u128::from(x).wrapping_mul(u128::from(y)));
            0
        };
        (Special(0x1e), _), Ddiv "ddiv" Three |cpu, x, y| {
            let (x, y) = (signed(x), signed(y));
            let quotient = x.checked_div(y).or_else(|| (y != 0).then_some(x));
            let remainder = x.checked_rem(y).or_else(|| (y != 0).then_some(0));
            cpu.set_division(quotient.map(i64::cast_unsigned), remainder.map(i64::cast_unsigned))?
        };
        (Special(0x1f), _), Ddivu "ddivu" Three |cpu, x, y| cpu.set_division(x.checked_div(y), x.checked_rem(y))?;
    }
    // The value of rt from the address a = rs + immediate and y = rt before.
    load {
        (Primary(0x1a), _), Ldl "ldl" Signed |bus, a, y| {
            let shift = offset_bits(a, 8);
            merge64(y, u64::from_be_bytes(bus.load(a)?) << shift, u64::MAX << shift)
        };
        (Primary(0x1b), _), Ldr "ldr" Signed |bus, a, y| {
            let shift = 56 ^ offset_bits(a, 8);
            merge64(y, u64::from_be_bytes(bus.load(a)?) >> shift, u64::MAX >> shift)
        };
        (Primary(0x20), _), Lb "lb" Signed |bus, a, _| i64::from(i8::from_be_bytes(bus.load(a)?)).cast_unsigned();
        (Primary(0x21), _), Lh "lh" Signed |bus, a, _| i64::from(i16::from_be_bytes(bus.load(a)?)).cast_unsigned();
        (Primary(0x22), _), Lwl "lwl" Signed |bus, a, y| {
            let shift = offset_bits(a, 4);
            word(merge32(low(y), u32::from_be_bytes(bus.load(a)?) << shift, u32::MAX << shift))
        };
        (Primary(0x23), _), Lw "lw" Signed |bus, a, _| word(u32::from_be_bytes(bus.load(a)?));
        (Primary(0x24), _), Lbu "lbu" Signed |bus, a, _| u64::from(u8::from_be_bytes(bus.load(a)?));
        (Primary(0x25), _), Lhu "lhu" Signed |bus, a, _| u64::from(u16::from_be_bytes(bus.load(a)?));
        (Primary(0x26), _), Lwr "lwr" Signed |bus, a, y| load_word_right(u32::from_be_bytes(bus.load(a)?), a, y);
        (Primary(0x27), _), Lwu "lwu" Signed |bus, a, _| u64::from(u32::from_be_bytes(bus.load(a)?));
        (Primary(0x37), _), Ld "ld" Signed |bus, a, _| u64::from_be_bytes(bus.load(a)?);
    }
    // What is stored at a = rs + immediate from y = rt.
    store {
        (Primary(0x28), _), Sb "sb" Signed |bus, a, y| bus.store(a, [(y & 0xff) as u8]);
        (Primary(0x29), _), Sh "sh" Signed |bus, a, y| bus.store(a, ((y & 0xffff) as u16).to_be_bytes());
        (Primary(0x2a), _), Swl "swl" Signed |bus, a, y| {
            let shift = offset_bits(a, 4);
            let old = u32::from_be_bytes(bus.load(a)?);
            bus.store(a, merge32(old, low(y) >> shift, u32::MAX >> shift).to_be_bytes())
        };
        (Primary(0x2b), _), Sw "sw" Signed |bus, a, y| bus.store(a, low(y).to_be_bytes());
        (Primary(0x2c), _), Sdl "sdl" Signed |bus, a, y| {
            let shift = offset_bits(a, 8);
            let old = u64::from_be_bytes(bus.load(a)?);
            bus.store(a, merge64(old, y >> shift, u64::MAX >> shift).to_be_bytes())
        };
        (Primary(0x2d), _), Sdr "sdr" Signed |bus, a, y| {
            let shift = 56 ^ offset_bits(a, 8);
            let old = u64::from_be_bytes(bus.load(a)?);
            bus.store(a, merge64(old, y << shift, u64::MAX << shift).to_be_bytes())
        };
        (Primary(0x2e), _), Swr "swr" Signed |bus, a, y| {
            let shift = 24 ^ offset_bits(a, 4);
            let old = u32::from_be_bytes(bus.load(a)?);
            bus.store(a, merge32(old, low(y) << shift, u32::MAX << shift).to_be_bytes())
        };
        (Primary(0x3f), _), Sd "sd" Signed |bus, a, y| bus.store(a, y.to_be_bytes());
    }
    // Whether the branch is taken, from x = rs and y = rt.
    branch {
        (Primary(0x04), _), Beq "beq" Branch |x, y| x == y;
        (Primary(0x05), _), Bne "bne" Branch |x, y| x != y;
        (Primary(0x06), _), Blez "blez" Branch |x, _| signed(x) <= 0;
        (Primary(0x07), _), Bgtz "bgtz" Branch |x, _| signed(x) > 0;
        (RegImm, 0x00), Bltz "bltz" Branch |x, _| signed(x) < 0;
        (RegImm, 0x01), Bgez "bgez" Branch |x, _| signed(x) >= 0;
        // Whatever else stands under REGIMM is a branch that is never taken (peers.md section 6).
        (RegImm, 0x02..=0x0f | 0x12..=0x1f), Never "regimm" Branch |_, _| false;
    }
    // The same; r31 takes the return address, taken or not.
    branch_link {
        (RegImm, 0x10), Bltzal "bltzal" BranchLink |x| signed(x) < 0;
        (RegImm, 0x11), Bgezal "bgezal" BranchLink |x| signed(x) >= 0;
    }
    // Where the jump leads, from the delay slot's address, x = rs and n = target inside the region.
    jump {
        (Primary(0x02), _), J "j" Jump |next, _, n| next & !0x0fff_ffff | n;
        (Special(0x08), _), Jr "jr" Three |_, x, _| x;
    }
    // The same; rd (r31 for jal) takes the return address.
    jump_link {
        (Primary(0x03), _), Jal "jal" JumpLink |next, _, n| next & !0x0fff_ffff | n;
        (Special(0x09), _), Jalr "jalr" Three |_, x, _| x;
    }
    // What concerns more than registers and memory: see the step.
    outside {
        (Special(0x0c), _), Syscall "syscall" Three;
        (Primary(0x30), _), Ll "ll" Signed;
        (Primary(0x34), _), Lld "lld" Signed;
        (Primary(0x38), _), Sc "sc" Signed;
        (Primary(0x3c), _), Scd "scd" Signed;
    }
    // Frequent neighbours, which one dispatch executes: counted on tests/guests. The first is never a transfer.
    pairs {
        XorXor = Xor Xor; SdSd = Sd Sd; LdSd = Ld Sd; LdOr = Ld Or; LdLd = Ld Ld; SdDaddiu = Sd Daddiu;
        OrDsll = Or Dsll; DadduLd = Daddu Ld; DsllDaddu = Dsll Daddu; DsllvSubu = Dsllv Subu; SubuDsrlv = Subu Dsrlv;
        DsrlvLd = Dsrlv Ld; DaddiuDsllv = Daddiu Dsllv; DaddiuBne = Daddiu Bne; LwDaddiu = Lw Daddiu; LdXor = Ld Xor;
        XorLd = Xor Ld; AndAnd = And And; AndXor = And Xor; XorAnd = Xor And; XorSd = Xor Sd; SdXor = Sd Xor;
        OrXor = Or Xor; SdLd = Sd Ld; DaddiuDaddiu = Daddiu Daddiu; LdDaddiu = Ld Daddiu; DaddiuBeq = Daddiu Beq;
        DadduAndi = Daddu Andi; AndiDsrlv = Andi Dsrlv; DsrlvSll = Dsrlv Sll; SllDaddu = Sll Daddu;
        SbDaddiu = Sb Daddiu; SllSb = Sll Sb; DaddiuSd = Daddiu Sd; SltuBne = Sltu Bne; LdDaddu = Ld Daddu;
        DaddiuDaddu = Daddiu Daddu; LbuLd = Lbu Ld; DsllOr = Dsll Or; LdBeq = Ld Beq; LdBne = Ld Bne;
        DaddiuSb = Daddiu Sb; SbBne = Sb Bne; OrLd = Or Ld; DaddiuLd = Daddiu Ld; DsubuSltu = Dsubu Sltu;
    }
}

#[cfg(test)]
mod tests;
