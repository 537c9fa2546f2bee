//! Random batches (D6, D7): singular ones as an RLP tree, span batches as the list of their fields.
//!
//! Start with [`batch`].
//!
//! **Invariant:** without damage every batch made here is one that all decoders accept.

use crate::{rlp::Item, rng::Rng};

/// A batch, perhaps damaged in a way that keeps most of its structure.
pub(crate) fn batch(rng: &mut Rng, large: bool) -> Vec<u8> {
    let damaged = rng.one_in(3);
    if rng.one_in(3) { singular(rng, large, damaged) } else { span(rng, large, damaged) }
}

fn singular(rng: &mut Rng, large: bool, damaged: bool) -> Vec<u8> {
    let count = if rng.one_in(4) { 0 } else { rng.below(5) };
    let transactions = (0..count).map(|_| Item::Bytes(opaque_transaction(rng, large))).collect();
    let mut tree = Item::List(vec![
        Item::Bytes(rng.bytes(32)),
        Item::number(&rng.number().to_be_bytes()),
        Item::Bytes(rng.bytes(32)),
        Item::number(&rng.number().to_be_bytes()),
        Item::List(transactions),
    ]);
    if damaged {
        tree.damage(rng);
    }
    let mut out = vec![if damaged && rng.one_in(20) { rng.word() as u8 } else { 0 }];
    tree.encode(&mut out);
    out
}

/// A singular batch carries transactions without looking into them.
fn opaque_transaction(rng: &mut Rng, large: bool) -> Vec<u8> {
    let length = data_length(rng, large);
    let mut transaction = rng.pick(&[vec![], vec![0x02], vec![0x7d], vec![0x7e], vec![0xf8, 0x6b]]);
    transaction.extend(rng.calldata(length));
    transaction
}

/// Large ones exceed the buffers that decompressed data goes through.
fn data_length(rng: &mut Rng, large: bool) -> usize {
    if large { rng.pick(&[0, 100, 3_000, 4_096, 5_000, 33_000]) } else { rng.below(80) }
}

/// What a span batch says about one transaction.
struct Transaction {
    kind: u8,
    data: Item,
    recipient: Option<Vec<u8>>,
    y_parity: bool,
    is_protected: bool,
}

fn transaction(rng: &mut Rng, large: bool) -> Transaction {
    let kind = if rng.one_in(50) { 0x7d } else { rng.pick(&[0, 0, 0, 1, 2, 2, 2, 4]) };
    // Setting code needs a recipient; a post-exec transaction has none.
    let creates = kind == 0x7d || kind != 4 && rng.one_in(4);
    let length = data_length(rng, large);
    let mut fields = vec![Item::amount(rng), Item::amount(rng)];
    if matches!(kind, 2 | 4) {
        fields.push(Item::amount(rng));
    }
    fields.push(Item::Bytes(rng.calldata(length)));
    if matches!(kind, 1 | 2 | 4) {
        fields.push(access_list(rng));
    }
    if kind == 4 {
        fields.push(authorizations(rng));
    }
    let recipient = (!creates).then(|| rng.bytes(20));
    let (y_parity, is_protected) = (rng.one_in(2), !rng.one_in(3));
    Transaction { kind, data: Item::List(fields), recipient, y_parity, is_protected }
}

fn access_list(rng: &mut Rng) -> Item {
    let count = rng.below(6).saturating_sub(3);
    let entry = |rng: &mut Rng| {
        let slots = rng.below(3);
        let slots = (0..slots).map(|_| Item::Bytes(rng.bytes(32))).collect();
        Item::List(vec![Item::Bytes(rng.bytes(20)), Item::List(slots)])
    };
    Item::List((0..count).map(|_| entry(rng)).collect())
}

fn authorizations(rng: &mut Rng) -> Item {
    let entry = |rng: &mut Rng| {
        Item::List(vec![
            Item::amount(rng),
            Item::Bytes(rng.bytes(20)),
            Item::number(&rng.number().to_be_bytes()),
            Item::number(&[rng.pick(&[0, 1, 2, 0x7f, 0x80, 0xff])]),
            Item::amount(rng),
            Item::amount(rng),
        ])
    };
    let count = rng.below(3);
    Item::List((0..count).map(|_| entry(rng)).collect())
}

fn span(rng: &mut Rng, large: bool, damaged: bool) -> Vec<u8> {
    let block_count = if rng.one_in(30) { rng.below(300) } else { rng.below(9) } + 1;
    let per_block = if block_count > 20 { 1 } else { 4 };
    let counts: Vec<usize> =
        (0..block_count).map(|_| rng.below(per_block * 2).saturating_sub(per_block)).collect();
    let total = counts.iter().sum();
    let mut transactions: Vec<_> = (0..total).map(|_| transaction(rng, large)).collect();
    if damaged && total > 0 && rng.one_in(2) {
        let index = rng.below(total);
        damage_transaction(&mut transactions[index], rng);
    }
    let mut fields = prefix(rng);
    fields.push(uvarint(block_count as u64));
    fields.push(bits((0..block_count).map(|_| rng.one_in(3))));
    fields.extend(counts.iter().map(|count| uvarint(*count as u64)));
    put_transactions(&mut fields, &transactions, rng);
    if damaged {
        let index = rng.below(fields.len());
        damage_field(&mut fields, index, rng);
    }
    let mut out = vec![1];
    fields.iter().for_each(|field| out.extend(field));
    out
}

fn prefix(rng: &mut Rng) -> Vec<Vec<u8>> {
    // A first origin before block zero wraps around everywhere.
    let origin = if rng.one_in(20) { rng.below(4) as u64 } else { rng.number() };
    vec![uvarint(rng.number()), uvarint(origin), rng.bytes(20), rng.bytes(20)]
}

fn put_transactions(fields: &mut Vec<Vec<u8>>, transactions: &[Transaction], rng: &mut Rng) {
    fields.push(bits(transactions.iter().map(|it| it.recipient.is_none())));
    fields.push(bits(transactions.iter().map(|it| it.y_parity)));
    for _ in 0..transactions.len() * 2 {
        fields.push(signature_half(rng));
    }
    fields.extend(transactions.iter().filter_map(|it| it.recipient.clone()));
    for it in transactions {
        let mut data = if it.kind == 0 { vec![] } else { vec![it.kind] };
        it.data.encode(&mut data);
        fields.push(data);
    }
    // Nonces, then gas limits.
    for _ in 0..transactions.len() * 2 {
        fields.push(uvarint(rng.number()));
    }
    let legacy = transactions.iter().filter(|it| it.kind == 0);
    fields.push(bits(legacy.map(|it| it.is_protected)));
}

/// 32 bytes, of which the first ones may be zero.
fn signature_half(rng: &mut Rng) -> Vec<u8> {
    let mut half = rng.bytes(32);
    let zeros = rng.pick(&[0, 0, 0, 1, 2, 31, 32]);
    half[..zeros].fill(0);
    half
}

fn damage_transaction(transaction: &mut Transaction, rng: &mut Rng) {
    match rng.below(5) {
        0 => transaction.kind = rng.pick(&[3, 5, 0x7c, 0x7d, 0x7e, 0x7f]),
        1 => transaction.recipient = transaction.recipient.is_none().then(|| rng.bytes(20)),
        _ => transaction.data.damage(rng),
    }
}

fn damage_field(fields: &mut Vec<Vec<u8>>, index: usize, rng: &mut Rng) {
    match rng.below(8) {
        0 => drop(fields.remove(index)),
        1 => fields.insert(index, fields[index].clone()),
        2 => drop(fields[index].pop()),
        3 => fields[index].push(rng.word() as u8),
        4 => fields.truncate(index),
        5 => {
            let next = (index + 1) % fields.len();
            fields.swap(index, next);
        }
        6 => fields[index] = strange_uvarint(rng),
        _ => {
            // The last field a decoder reads, cut: where lists of bits are padded by mistake (1h).
            fields.last_mut().and_then(Vec::pop);
        }
    }
}

fn strange_uvarint(rng: &mut Rng) -> Vec<u8> {
    match rng.below(6) {
        0 => vec![0],
        // Longer than it needs to be.
        1 => vec![0x81, 0x80, 0x00],
        // Wider than 64 bits.
        2 => [vec![0xff; 9], vec![0x02]].concat(),
        3 => vec![0x80; 11],
        4 => uvarint(rng.pick(&[9_999_999, 10_000_000, 10_000_001, u64::MAX])),
        _ => uvarint(rng.below(20) as u64),
    }
}

/// Seven bits a byte, the lowest first.
fn uvarint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// A list of bits: a big-endian number whose lowest bit is the first.
fn bits(of: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, bit) in of.enumerate() {
        if index % 8 == 0 {
            out.push(0);
        }
        out[index / 8] |= u8::from(bit) << (index % 8);
    }
    out.reverse();
    out
}
