//! Seeds made by hand.

use super::{Seed, piece};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_rlp::Encodable;
use op_alloy_consensus::TxDeposit;
use opal_execute::Function;
use opal_mips::State;
use opal_program::{Hint, HintKind};
use opal_types::{
    Batch, ChainOutput, Compression, DEPOSIT_EVENT, Fork, L1Config, L1Info, L1InfoFormat,
    OutputRoot, SingularBatch, SuperRoot, compress_channel, encode_blob, encode_frames,
};

pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = codecs();
    seeds.extend(l1());
    seeds.extend(wire());
    seeds.extend(host());
    seeds.extend(tries().into_iter().map(|bytes| Seed { target: "trie", bytes }));
    seeds.extend(histories().into_iter().map(|bytes| Seed { target: "derivation", bytes }));
    for fork in 0..Fork::ALL.len() as u8 {
        let bytes = [vec![fork], piece(&creation())].concat();
        seeds.push(Seed { target: "transaction", bytes });
    }
    seeds
}

fn codecs() -> Vec<Seed> {
    let batch = Batch::Singular(SingularBatch::default());
    let batches = std::slice::from_ref(&batch);
    let zlib = compress_channel(batches, Compression::Zlib);
    let brotli = compress_channel(batches, Compression::Brotli { level: 9 });
    let blob = encode_blob(b"a blob").expect("it fits");
    let root = OutputRoot {
        state_root: B256::ZERO,
        message_passer_root: B256::ZERO,
        block_hash: B256::ZERO,
    };
    let chain = |id| ChainOutput { chain_id: U256::from(id), output_root: B256::repeat_byte(id) };
    let super_root = SuperRoot::new(9, vec![chain(1), chain(2)]).expect("two chains");
    let mainnet = L1Config::builtin(1).expect("mainnet is built in");
    let channel = |limit: u8, data: &[u8]| [&[limit], data].concat();
    vec![
        Seed { target: "batch", bytes: batch.encode() },
        Seed { target: "channel", bytes: channel(0, &zlib) },
        Seed { target: "channel", bytes: channel(9, &brotli) },
        Seed { target: "blob", bytes: blob[..128].to_vec() },
        Seed { target: "frames", bytes: encode_frames(&[Default::default()]) },
        Seed { target: "roots", bytes: root.encode() },
        Seed { target: "roots", bytes: super_root.encode() },
        Seed { target: "configs", bytes: mainnet.to_rlp() },
    ]
}

/// The chain that ships with opal: its files, its config in a set; words of a message; a payload of zeros.
fn wire() -> Vec<Seed> {
    let folder = opal_harness::workspace_root().join("tests/recordings/first");
    let file = |name| std::fs::read(folder.join(name)).expect("the recording ships with opal");
    let config = opal_types::read::rollup_json(&file("rollup.json")).expect("its config");
    let l1 = opal_types::read::l1_config_json(&file("l1-genesis.json")).expect("its L1's config");
    let set = opal_types::ChainSet::new(vec![config], l1).expect("a set of one");
    let mut entry = [0; 64];
    (entry[0], entry[32]) = (1, 3);
    let mut seeds = vec![
        Seed { target: "chain_set", bytes: set.to_rlp() },
        Seed { target: "message", bytes: entry.to_vec() },
        Seed { target: "payload", bytes: vec![0; 509] },
    ];
    let names = ["blobs.jsonl", "l1-genesis.json", "l1.jsonl", "l2-genesis.json", "l2.jsonl"];
    for (number, name) in (0..).zip(names.into_iter().chain(["rollup.json", "safe.jsonl"])) {
        seeds.push(Seed { target: "recording", bytes: [vec![number], file(name)].concat() });
    }
    seeds
}

fn l1() -> Vec<Seed> {
    let info = L1Info::default().encode(L1InfoFormat::Jovian);
    let word = |number: u64| U256::from(number).to_be_bytes::<32>();
    let update = [&[10, 3][..], &[0; 64], &word(2), &word(32), &word(32), &word(7)].concat();
    let content = [&word(32)[..], &word(73), &[0; 96]].concat();
    let deposit = [&[4][..], DEPOSIT_EVENT.as_slice(), &[0; 96], &content].concat();
    let header = alloy_consensus::Header {
        base_fee_per_gas: Some(7),
        withdrawals_root: Some(B256::ZERO),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(1),
        parent_beacon_block_root: Some(B256::ZERO),
        ..Default::default()
    };
    vec![
        Seed { target: "l1_info", bytes: info.to_vec() },
        Seed { target: "config_update", bytes: update },
        Seed { target: "deposit_log", bytes: deposit },
        Seed { target: "l1_header", bytes: alloy_rlp::encode(header) },
        Seed { target: "l1_header", bytes: c_chain_header() },
    ]
}

/// A header of the C-Chain with all of its fields.
fn c_chain_header() -> Vec<u8> {
    let (hash, zero) = (B256::ZERO, 0_u64);
    let fields: [&dyn Encodable; 24] = [
        &hash,
        &hash,
        &Address::ZERO,
        &hash,
        &hash,
        &hash,
        &[0_u8; 256].as_slice(),
        &1_u64,
        &zero,
        &zero,
        &zero,
        &zero,
        &Bytes::new(),
        &hash,
        &[0_u8; 8],
        &hash,
        &zero,
        &zero,
        &zero,
        &zero,
        &zero,
        &hash,
        &zero,
        &zero,
    ];
    list(&fields)
}

fn list(items: &[&dyn Encodable]) -> Vec<u8> {
    let mut out = Vec::new();
    alloy_rlp::encode_list::<&dyn Encodable, dyn Encodable>(items, &mut out);
    out
}

fn host() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for kind in HintKind::ALL {
        let bytes = Hint::new(*kind, &[&[1; 32]]).encode().into_bytes();
        seeds.push(Seed { target: "hint", bytes });
    }
    for function in Function::ALL {
        for length in [128, 192, 288] {
            let head = [function.address().as_slice(), &100_000_u64.to_be_bytes()].concat();
            let bytes = [head, vec![0; length]].concat();
            seeds.push(Seed { target: "precompile", bytes });
        }
    }
    let record = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
    seeds.push(Seed { target: "preimage_file", bytes: [record(b"one"), record(b"")].concat() });
    let mut state = State::initial(0x1000);
    let mut file = Vec::new();
    state.write(&mut file).expect("memory takes what is written");
    seeds.push(Seed { target: "state_file", bytes: std::mem::take(&mut file) });
    state.memory.set_word(0x1000, 7);
    state.last_hint = b"hint".to_vec();
    state.write(&mut file).expect("memory takes what is written");
    seeds.push(Seed { target: "state_file", bytes: file });
    seeds.push(Seed { target: "elf", bytes: guest() });
    let text = br#"{"chainId": 7, "cancunTime": 5, "blobSchedule": {"cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477}}}"#;
    seeds.push(Seed { target: "config_file", bytes: [&[2], text.as_slice()].concat() });
    seeds
}

/// A guest of one instruction: file header, program header, code, three section headers, a symbol, its name.
fn guest() -> Vec<u8> {
    let mut file = Vec::new();
    let mut put = |value: u64, bytes: usize| file.extend(&value.to_be_bytes()[8 - bytes..]);
    put(0x7f45_4c46_0202_0100, 8);
    put(0, 8);
    // Type, machine, version, entry, tables, flags, sizes and counts.
    for (value, bytes) in [(2, 2), (8, 2), (1, 4), (0x1000, 8), (64, 8), (128, 8), (0, 4), (64, 2)]
    {
        put(value, bytes);
    }
    for value in [56, 1, 64, 2, 0] {
        put(value, 2);
    }
    // The segment: type, flags, offset, addresses, sizes, alignment.
    put(1, 4);
    put(5, 4);
    for value in [0, 0x1000, 0x1000, 64, 4096, 8] {
        put(value, 8);
    }
    put(0, 8);
    // Sections: name, type, flags, address, offset, size, link, info, alignment, row size.
    for (kind, offset, size, link) in [(2, 256, 48, 1), (3, 304, 6, 0)] {
        for (value, bytes) in [(0, 4), (kind, 4), (0, 8), (0, 8), (offset, 8), (size, 8)] {
            put(value, bytes);
        }
        for (value, bytes) in [(link, 4), (1, 4), (8, 8), (24, 8)] {
            put(value, bytes);
        }
    }
    // No symbol, then `main`.
    for value in [0, 0, 0, 1 << 32, 0x1000, 4] {
        put(value, 8);
    }
    file.extend(b"\0main\0");
    file
}

/// A deposit that creates a contract: stores a word, calls the identity precompile, returns.
fn creation() -> Vec<u8> {
    let code = [
        0x60, 1, 0x60, 0, 0x55, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 4, 0x61, 0xff,
        0xff, 0xf1, 0x60, 0, 0x60, 0, 0xf3,
    ];
    let deposit = TxDeposit {
        source_hash: B256::ZERO,
        from: Address::repeat_byte(9),
        to: TxKind::Create,
        mint: 5,
        value: U256::from(3),
        gas_limit: 200_000,
        is_system_transaction: false,
        input: code.to_vec().into(),
    };
    deposit.encoded_2718()
}

/// A branch over an extension, an inline leaf and a hash; operations that pass through each.
fn tries() -> Vec<Vec<u8>> {
    let key = |first: u8| [&[32, first][..], &[0x11; 31]].concat();
    let operation = |kind: u8, first: u8| [vec![kind], key(first), vec![1, 7]].concat();
    let gap = Bytes::new();
    let hash = B256::repeat_byte(1);
    let mut fields: Vec<&dyn Encodable> = vec![&gap; 17];
    fields[0] = &hash;
    fields[5] = &hash;
    fields[15] = &hash;
    let branch = list(&fields);
    let extension = list(&[&[0x00_u8, 0x11].as_slice(), &hash]);
    let leaf = list(&[&[0x31_u8, 0x11].as_slice(), &[0x82_u8; 40].as_slice()]);
    let nodes = [&branch, &extension, &branch, &leaf, &leaf].map(|it| piece(it)).concat();
    let kinds = [[0, 1, 2], [1, 2, 0], [2, 2, 1]];
    let runs = kinds.map(|[a, b, c]| {
        let operations = [operation(a, 0x01), operation(b, 0x51), operation(c, 0xf1)].concat();
        [vec![3], operations, nodes.clone()].concat()
    });
    runs.into()
}

/// Commands for derivation: blocks with singular batches and spans, logs, reorgs.
fn histories() -> Vec<Vec<u8>> {
    let transaction = piece(&[0xc0; 9]);
    // Time, origin, transactions, then how the channel is posted.
    let singular = |way: u8| [&[6, 0, 0, 1][..], &transaction, &[way, 20, 1]].concat();
    let span = |way: u8, count: u8| {
        [vec![7, 0, 0, count], vec![0; count.into()], vec![0, way, 9, 2]].concat()
    };
    let gas_limit = [[0; 31], [0; 31]].concat();
    let update = [&[5, 9][..], &piece(&gas_limit)].concat();
    let mut histories = Vec::new();
    for fork in 0..Fork::ALL.len() as u8 {
        for activation in [0, 5] {
            let mined = [singular(0), vec![0], span(8, 6), vec![0, 0], singular(12), vec![0]];
            let after = [span(18, 15), vec![0], update.clone(), vec![0, 8, 3, 0, 9, 0, 0]];
            let commands = [mined.concat(), after.concat()].concat();
            histories.push([vec![fork, activation], commands].concat());
        }
    }
    histories
}
