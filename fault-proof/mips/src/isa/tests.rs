//! The decoder knows the encodings of peers.md section 6.
//!
//! **Invariant:** the lists here are written apart from the table.

use super::*;

#[test]
fn every_encoding_of_peers_md_section_6_is_known_and_no_other() {
    let special = [0, 2, 3, 4]
        .into_iter()
        .chain(6..=0xc)
        .chain(0xf..=0x14)
        .chain(0x16..=0x27)
        .chain(0x2a..=0x2f);
    let special: Vec<u32> = special.chain([0x38, 0x3a, 0x3b, 0x3c, 0x3e, 0x3f]).collect();
    let primary = (1..=0xf).chain(0x18..=0x1b).chain(0x20..=0x2e).chain([0x30, 0x34, 0x37, 0x38]);
    let primary: Vec<u32> = primary.chain([0x3c, 0x3f]).collect();
    for code in 0..64 {
        let known = |word: u32| Op::decode(word).code.name().is_some();
        assert_eq!(known(code), special.contains(&code), "SPECIAL {code:#x}");
        assert_eq!(
            known(0x1c << 26 | code),
            [2, 0x20, 0x21, 0x24, 0x25].contains(&code),
            "SPECIAL2 {code:#x}"
        );
        if code != 0 && code != 0x1c {
            assert_eq!(known(code << 26), primary.contains(&code), "primary {code:#x}");
        }
        assert!(known(1 << 26 | (code & 31) << 16), "REGIMM {code:#x}");
    }
}
