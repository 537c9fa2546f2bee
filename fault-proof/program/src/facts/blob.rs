//! Blobs by field element: 4,096 evaluations of the blob's polynomial, each under a key of its own (F1).
//!
//! Element `i` is the evaluation at the `i`-th of the 4,096th roots of unity in bit-reversed order (EIP-4844). The
//! key commits to that point, so it has to be the one that the oracle contract checks the proof at (T24).
//!
//! **Invariant:** the points are computed once per run.

use crate::{HintKind, Oracle, PreimageKey, Undetermined, reader::Reader};
use alloc::{vec, vec::Vec};
use alloy_primitives::{B256, Bytes, U256};

/// Field elements of a blob.
pub(crate) const FIELD_ELEMENTS: usize = 4096;
/// Points that are computed; the others follow from them.
const HALF: u32 = 2048;
const _: () = assert!(HALF as usize == FIELD_ELEMENTS / 2);
/// Bytes of a field element.
const ELEMENT_BYTES: usize = 32;

/// Order of the BLS12-381 scalar field.
const MODULUS: U256 = U256::from_limbs([
    0xffff_ffff_0000_0001,
    0x53bd_a402_fffe_5bfe,
    0x3339_d808_09a1_d805,
    0x73ed_a753_299d_7d48,
]);
/// -1 / modulus modulo 2^64.
const INVERSE: u64 = 0xffff_fffe_ffff_ffff;
/// `7 ^ ((modulus - 1) / 4096)`, a primitive root of unity, times 2^256: so a Montgomery product with it is plain.
const ROOT: U256 = U256::from_limbs([
    0xf2df_262c_0945_8a39,
    0x048c_df5b_99df_f177,
    0x1685_7bc5_c7cc_e57b,
    0x043b_3dbc_a4a9_15ae,
]);

/// The points in the order of a blob's field elements.
#[derive(Clone, Debug)]
pub(crate) struct Points(Vec<B256>);

impl Points {
    /// Computes half of them; the others are their negatives, because `root ^ 2048 = -1`.
    pub(crate) fn new() -> Self {
        let mut points = vec![B256::ZERO; FIELD_ELEMENTS];
        let mut power = U256::ONE;
        for exponent in 0..HALF {
            // Twelve bits, reversed; the lowest is the exponent's highest and zero here.
            let place = (exponent.reverse_bits() >> 20) as usize;
            let pair = [power, MODULUS.wrapping_sub(power)];
            for (point, value) in points.iter_mut().skip(place).zip(pair) {
                *point = value.to_be_bytes().into();
            }
            power = power.mul_redc(ROOT, MODULUS, INVERSE);
        }
        Self(points)
    }

    pub(crate) fn as_slice(&self) -> &[B256] {
        &self.0
    }
}

impl From<Points> for Vec<B256> {
    fn from(points: Points) -> Self {
        points.0
    }
}

/// Reads the blob with this versioned hash.
pub(crate) fn blob<O: Oracle>(
    reader: &Reader<'_, O>,
    points: &Points,
    hash: &B256,
    timestamp: u64,
) -> Result<Bytes, Undetermined> {
    reader.hint(HintKind::L1Blob, &[hash.as_slice(), &timestamp.to_be_bytes()]);
    let key = PreimageKey::versioned_hash(*hash);
    let mut commitment = [0; 48];
    reader.read_into(key, &mut commitment, "KZG commitment of a blob")?;
    let mut blob = vec![0; FIELD_ELEMENTS.saturating_mul(ELEMENT_BYTES)];
    for (element, point) in blob.chunks_exact_mut(ELEMENT_BYTES).zip(points.as_slice()) {
        reader.read_element(&commitment, point, element)?;
    }
    Ok(blob.into())
}
