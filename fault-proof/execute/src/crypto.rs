//! The expensive computations, as questions that the caller answers.
//!
//! Start with [`Crypto`]. The guest answers through the precompile oracle (F2), everyone else with
//! [`RevmCrypto`].
//!
//! **Invariant:** gas and input limits are settled before a question is asked; an answer depends on the
//! question alone.

use crate::StateError;
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::precompile::{self, bls12_381, bn254, modexp, secp256r1};

/// A precompile whose answer is worth asking for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// 0x01.
    EcRecover,
    /// 0x05.
    ModExp,
    /// 0x06.
    Bn254Add,
    /// 0x07.
    Bn254Mul,
    /// 0x08.
    Bn254Pairing,
    /// 0x0a.
    KzgPointEvaluation,
    /// 0x0b.
    Bls12G1Add,
    /// 0x0c.
    Bls12G1Msm,
    /// 0x0d.
    Bls12G2Add,
    /// 0x0e.
    Bls12G2Msm,
    /// 0x0f.
    Bls12Pairing,
    /// 0x10.
    Bls12MapFpToG1,
    /// 0x11.
    Bls12MapFp2ToG2,
    /// 0x0100.
    P256Verify,
}

impl Function {
    /// Every one.
    pub const ALL: [Self; 14] = [
        Self::EcRecover,
        Self::ModExp,
        Self::Bn254Add,
        Self::Bn254Mul,
        Self::Bn254Pairing,
        Self::KzgPointEvaluation,
        Self::Bls12G1Add,
        Self::Bls12G1Msm,
        Self::Bls12G2Add,
        Self::Bls12G2Msm,
        Self::Bls12Pairing,
        Self::Bls12MapFpToG1,
        Self::Bls12MapFp2ToG2,
        Self::P256Verify,
    ];

    /// Last two bytes of its address.
    pub const fn number(self) -> u16 {
        match self {
            Self::EcRecover => 0x01,
            Self::ModExp => 0x05,
            Self::Bn254Add => 0x06,
            Self::Bn254Mul => 0x07,
            Self::Bn254Pairing => 0x08,
            Self::KzgPointEvaluation => 0x0a,
            Self::Bls12G1Add => 0x0b,
            Self::Bls12G1Msm => 0x0c,
            Self::Bls12G2Add => 0x0d,
            Self::Bls12G2Msm => 0x0e,
            Self::Bls12Pairing => 0x0f,
            Self::Bls12MapFpToG1 => 0x10,
            Self::Bls12MapFp2ToG2 => 0x11,
            Self::P256Verify => 0x0100,
        }
    }

    /// Where it is called.
    pub const fn address(self) -> Address {
        precompile::u64_to_address(self.number() as u64)
    }
}

/// One call of a precompile.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Which.
    pub function: Function,
    /// What it costs, already paid (F2 needs it).
    pub gas: u64,
    /// The input as given.
    pub input: &'a [u8],
}

/// A signature over secp256k1 with its recovery bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Whether the y coordinate of the nonce point is odd.
    pub odd: bool,
    /// x coordinate of the nonce point.
    pub r: U256,
    /// The proof.
    pub s: U256,
}

impl Signature {
    /// r and s as 64 bytes.
    pub fn compact(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        let (r, s) = bytes.split_at_mut(32);
        r.copy_from_slice(&self.r.to_be_bytes::<32>());
        s.copy_from_slice(&self.s.to_be_bytes::<32>());
        bytes
    }
}

/// Answers the expensive questions.
pub trait Crypto {
    /// The precompile's output; `None` = the call fails.
    fn call(&mut self, call: Call<'_>) -> Result<Option<Bytes>, StateError>;

    /// The address that signed `hash`; `None` = no key gives this signature.
    fn recover(
        &mut self,
        hash: &B256,
        signature: &Signature,
    ) -> Result<Option<Address>, StateError> {
        let mut input = [0; 128];
        let (message, rest) = input.split_at_mut(32);
        let (v, r_and_s) = rest.split_at_mut(32);
        message.copy_from_slice(hash.as_slice());
        r_and_s.copy_from_slice(&signature.compact());
        if let Some(last) = v.last_mut() {
            *last = if signature.odd { 28 } else { 27 };
        }
        let call = Call { function: Function::EcRecover, gas: 3000, input: &input };
        let output = self.call(call)?.unwrap_or_default();
        Ok(output.get(12..32).and_then(|address| Address::try_from(address).ok()))
    }
}

/// revm's own implementations: C libraries with the feature `native`, else pure Rust.
#[derive(Clone, Copy, Debug, Default)]
pub struct RevmCrypto;

impl Crypto for RevmCrypto {
    fn call(&mut self, call: Call<'_>) -> Result<Option<Bytes>, StateError> {
        // Gas is settled already, so there is plenty.
        let (input, gas) = (call.input, u64::MAX);
        let result = match call.function {
            Function::EcRecover => precompile::secp256k1::ec_recover_run(input, gas),
            // The size limits are settled, so the older rules compute the same.
            Function::ModExp => modexp::berlin_run(input, gas),
            Function::Bn254Add => bn254::run_add(input, 0, gas),
            Function::Bn254Mul => bn254::run_mul(input, 0, gas),
            Function::Bn254Pairing => bn254::run_pair(input, 0, 0, gas),
            Function::KzgPointEvaluation => precompile::kzg_point_evaluation::run(input, gas),
            Function::Bls12G1Add => bls12_381::g1_add::g1_add(input, gas),
            Function::Bls12G1Msm => bls12_381::g1_msm::g1_msm(input, gas),
            Function::Bls12G2Add => bls12_381::g2_add::g2_add(input, gas),
            Function::Bls12G2Msm => bls12_381::g2_msm::g2_msm(input, gas),
            Function::Bls12Pairing => bls12_381::pairing::pairing(input, gas),
            Function::Bls12MapFpToG1 => bls12_381::map_fp_to_g1::map_fp_to_g1(input, gas),
            Function::Bls12MapFp2ToG2 => bls12_381::map_fp2_to_g2::map_fp2_to_g2(input, gas),
            Function::P256Verify => secp256r1::p256_verify(input, gas),
        };
        match result {
            Ok(output) => Ok(Some(output.bytes)),
            Err(_) => Ok(None),
        }
    }
}
