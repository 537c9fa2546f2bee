//! Inputs for precompiles: valid ones, malformed ones, and those at the edge of what a fork takes (E9).
//!
//! Start with [`input`].
//!
//! **Invariant:** the valid ones are checked to be valid where a test counts on it.

use super::{keys::Key, rng::Rng};
use alloy_primitives::{B256, Bytes, U256, hex};
use opal_execute::{Call, Crypto, Function, RevmCrypto};

/// Numbers of all precompiles, and of some addresses that have none.
pub(crate) const NUMBERS: [u16; 23] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0xff,
    0x100, 0x101,
];

/// The generator of the second group of alt_bn128, imaginary parts first.
pub(crate) const BN_G2: [u8; 128] = hex!(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
);
const BN_P: [u8; 32] = hex!("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47");
/// The generators of BLS12-381, coordinates of 48 bytes.
const BLS_G1: [[u8; 48]; 2] = [
    hex!(
        "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    ),
    hex!(
        "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
    ),
];
const BLS_G2: [[u8; 48]; 4] = [
    hex!(
        "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    ),
    hex!(
        "13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    ),
    hex!(
        "0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
    ),
    hex!(
        "0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"
    ),
];
const BLS_P: [u8; 48] = hex!(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab"
);
/// A signature over P-256 that verifies: hash, r, s, x, y.
pub(crate) const P256_VALID: [u8; 160] = hex!(
    "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d"
    "a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac"
    "36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60"
    "4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3"
    "7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e"
);

/// Input for the precompile with this number: three of four times valid.
pub(crate) fn input(rng: &mut Rng, number: u16) -> Bytes {
    let mut bytes = valid(rng, number);
    if rng.one_in(4) {
        match rng.below(5) {
            0 => bytes.truncate(rng.below(bytes.len() as u64 + 1) as usize),
            1 => bytes.extend(rng.bytes(33)),
            2 if !bytes.is_empty() => {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << rng.below(8);
            }
            3 => bytes.iter_mut().take(64).for_each(|byte| *byte = 0xff),
            _ => {
                let length = rng.below(400) as usize;
                bytes = rng.bytes(length);
            }
        }
    }
    bytes.into()
}

/// An input that the contract answers.
pub(crate) fn valid(rng: &mut Rng, number: u16) -> Vec<u8> {
    match number {
        0x01 => ecrecover(rng),
        0x05 => modexp(rng),
        0x06 => [bn_g1(rng), bn_g1(rng)].concat(),
        0x07 => [bn_g1(rng), rng.bytes(32)].concat(),
        0x08 => bn_pairing(rng),
        0x09 => blake2f(rng),
        0x0a => kzg(rng),
        0x0b => [bls_g1(rng), bls_g1(rng)].concat(),
        0x0c => {
            (0..rng.between(1, 4)).flat_map(|_| [bls_g1(rng), rng.bytes(32)].concat()).collect()
        }
        0x0d => [bls_g2(rng), bls_g2(rng)].concat(),
        0x0e => {
            (0..rng.between(1, 3)).flat_map(|_| [bls_g2(rng), rng.bytes(32)].concat()).collect()
        }
        0x0f => bls_pairing(rng),
        0x10 => field(rng),
        0x11 => [field(rng), field(rng)].concat(),
        0x100 => P256_VALID.to_vec(),
        _ => {
            let length = rng.below(300) as usize;
            rng.bytes(length)
        }
    }
}

fn compute(function: Function, input: &[u8]) -> Vec<u8> {
    let answer = RevmCrypto.call(Call { function, gas: 0, input }).unwrap();
    answer.unwrap_or_else(|| panic!("{function:?} refuses {}", hex::encode(input))).into()
}

fn ecrecover(rng: &mut Rng) -> Vec<u8> {
    let hash = B256::from_slice(&rng.bytes(32));
    let signature = Key::new(rng.below(9)).sign_hash(&hash);
    let v = if signature.v() { 28 } else { 27 };
    [hash.0, U256::from(v).to_be_bytes(), signature.r().to_be_bytes(), signature.s().to_be_bytes()]
        .concat()
}

fn modexp(rng: &mut Rng) -> Vec<u8> {
    let lengths = [0, 1, 2].map(|_| match rng.below(8) {
        0 => 0,
        1 => rng.pick(&[1, 32, 33, 64, 96]),
        2 => rng.pick(&[255, 256, 1023, 1024, 1025]),
        _ => rng.below(48),
    });
    let mut bytes: Vec<u8> =
        lengths.iter().flat_map(|it| U256::from(*it).to_be_bytes::<32>()).collect();
    bytes.extend(rng.bytes(lengths.iter().sum::<u64>() as usize));
    if rng.one_in(12) {
        // A length beyond all bounds.
        let at = 32 * rng.below(3) as usize + rng.below(24) as usize;
        bytes[at] = 1;
    }
    bytes
}

/// A multiple of the generator, or nothing.
fn bn_g1(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    (bytes[31], bytes[63]) = (1, 2);
    bytes.extend(match rng.below(4) {
        0 => vec![0; 32],
        _ => rng.bytes(32),
    });
    compute(Function::Bn254Mul, &bytes)
}

/// P and -P with the same second point: their product is one.
fn bn_pairing(rng: &mut Rng) -> Vec<u8> {
    let point = bn_g1(rng);
    let mut negative = point.clone();
    let y = U256::from_be_slice(&point[32..]);
    if !y.is_zero() {
        let y = U256::from_be_bytes(BN_P) - y;
        negative[32..].copy_from_slice(&y.to_be_bytes::<32>());
    }
    let mut bytes = [&point[..], &BN_G2, &negative, &BN_G2].concat();
    if rng.one_in(3) {
        bytes.truncate(192);
    }
    bytes
}

fn blake2f(rng: &mut Rng) -> Vec<u8> {
    let rounds = rng.below(40) as u32;
    let mut bytes = [&rounds.to_be_bytes()[..], &rng.bytes(208)].concat();
    bytes.push(rng.below(2) as u8);
    bytes
}

/// A constant polynomial: 0 is committed to by nothing, 1 by the generator, and the proof is nothing.
fn kzg(rng: &mut Rng) -> Vec<u8> {
    let mut nothing = [0; 48];
    nothing[0] = 0xc0;
    let (commitment, y) = if rng.one_in(2) {
        (nothing, 0)
    } else {
        let mut generator = BLS_G1[0];
        generator[0] |= 0x80;
        (generator, 1)
    };
    let versioned = versioned_hash(&commitment);
    let mut z = rng.bytes(32);
    z[0] = 0;
    [&versioned[..], &z, &U256::from(y).to_be_bytes::<32>(), &commitment, &nothing].concat()
}

/// sha256 with the version of KZG commitments in the first byte.
fn versioned_hash(commitment: &[u8]) -> [u8; 32] {
    let output = revm::precompile::hash::sha256_run(commitment, u64::MAX).unwrap();
    let mut hash: [u8; 32] = output.bytes.as_ref().try_into().unwrap();
    hash[0] = 1;
    hash
}

/// A coordinate in 64 bytes.
fn padded(coordinate: &[u8; 48]) -> Vec<u8> {
    [&[0; 16][..], coordinate].concat()
}

fn field(rng: &mut Rng) -> Vec<u8> {
    let mut coordinate = BLS_P;
    if !rng.one_in(8) {
        coordinate[1..].copy_from_slice(&rng.bytes(47));
        coordinate[0] = 0x19;
    } else {
        coordinate[47] -= 1;
    }
    padded(&coordinate)
}

pub(crate) fn bls_g1(rng: &mut Rng) -> Vec<u8> {
    let mut bytes: Vec<u8> = BLS_G1.iter().flat_map(padded).collect();
    bytes.extend(if rng.one_in(5) { vec![0; 32] } else { rng.bytes(32) });
    compute(Function::Bls12G1Msm, &bytes)
}

pub(crate) fn bls_g2(rng: &mut Rng) -> Vec<u8> {
    let mut bytes: Vec<u8> = BLS_G2.iter().flat_map(padded).collect();
    bytes.extend(if rng.one_in(5) { vec![0; 32] } else { rng.bytes(32) });
    compute(Function::Bls12G2Msm, &bytes)
}

fn bls_pairing(rng: &mut Rng) -> Vec<u8> {
    let mut minus_one = hex!("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");
    minus_one[31] -= 1;
    let (p, q) = (bls_g1(rng), bls_g2(rng));
    let negative = compute(Function::Bls12G1Msm, &[&p[..], &minus_one].concat());
    let mut bytes = [&p[..], &q, &negative, &q].concat();
    if rng.one_in(3) {
        bytes.truncate(384);
    }
    bytes
}
