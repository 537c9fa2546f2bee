//! Raw transaction bytes to what the EVM runs, decoded in place.
//!
//! Start with [`decode`]. Call data stays a slice of the raw bytes; the signed hash is taken over the field
//! bytes as they stand, without encoding them again.
//!
//! **Invariant:** bytes that the Go node refuses are refused, naming the field; any bytes give an answer.

use crate::crypto::{Crypto, Signature};
use crate::trie::{Item, Reader, put_header, put_string};
use crate::{Rules, StateError, TransactionFault};
use alloc::vec::Vec;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_eips::eip7702::{Authorization, RecoveredAuthority, RecoveredAuthorization};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256, uint};
use op_revm::OpTransaction;
use op_revm::transaction::deposit::DepositTransactionParts;
use opal_types::Fork;
use revm::context::TxEnv;
use revm::context_interface::either::Either;

/// Type byte of deposits (E1).
pub(crate) const DEPOSIT: u8 = 0x7e;

/// Order of the curve.
const CURVE_ORDER: U256 =
    uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
/// Largest s since EIP-2.
const HALF_ORDER: U256 =
    uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

/// Why a transaction was not decoded.
#[derive(Debug)]
pub(crate) enum Failure {
    Fault(TransactionFault),
    State(StateError),
}

impl From<TransactionFault> for Failure {
    fn from(fault: TransactionFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

/// Turns a missing field into the fault that names it.
fn need<T>(field: Option<T>, name: &'static str) -> Result<T, TransactionFault> {
    field.ok_or(TransactionFault::Malformed(name))
}

/// Decodes one transaction and finds out who sent it.
pub(crate) fn decode(
    raw: &Bytes,
    rules: &Rules,
    crypto: &mut dyn Crypto,
) -> Result<OpTransaction<TxEnv>, Failure> {
    let first = *raw.first().ok_or(TransactionFault::Empty)?;
    match first {
        0xc0.. => signed(raw, 0, rules, crypto),
        1 | 2 => signed(raw, first, rules, crypto),
        4 if rules.has(Fork::Isthmus) => signed(raw, first, rules, crypto),
        DEPOSIT => Ok(deposit(raw)?),
        // Blob transactions among them (E11).
        other => Err(TransactionFault::Type(other).into()),
    }
}

/// Reads the fields of a transaction whose list starts at `start` and fills `raw` to its end.
fn fields(raw: &Bytes, start: usize) -> Option<Reader<'_>> {
    let list = Item::at(raw, start)?;
    let fields = Reader::within(raw, list)?;
    (list.end == raw.len()).then_some(fields)
}

/// The next field as a slice that shares the bytes of `raw`.
fn data(fields: &mut Reader<'_>, raw: &Bytes) -> Result<Bytes, TransactionFault> {
    let item = need(fields.string_item(), "data")?;
    Ok(raw.slice(item.payload..item.end))
}

/// The next field as a receiver; empty = contract creation.
fn kind(fields: &mut Reader<'_>) -> Result<TxKind, TransactionFault> {
    let to = need(fields.string(), "to")?;
    if to.is_empty() {
        return Ok(TxKind::Create);
    }
    Ok(TxKind::Call(need(Address::try_from(to).ok(), "to")?))
}

fn deposit(raw: &Bytes) -> Result<OpTransaction<TxEnv>, TransactionFault> {
    let mut fields = need(fields(raw, 1), "deposit")?;
    let source_hash = need(fields.b256(), "source_hash")?;
    let caller = need(fields.address(), "from")?;
    let kind = kind(&mut fields)?;
    let mint = need(fields.u128(), "mint")?;
    let value = need(fields.u256(), "value")?;
    let gas_limit = need(fields.u64(), "gas")?;
    let is_system_transaction = match need(fields.string(), "is_system_tx")? {
        [] => false,
        [1] => true,
        _ => return Err(TransactionFault::Malformed("is_system_tx")),
    };
    let data = data(&mut fields, raw)?;
    need(fields.is_done().then_some(()), "deposit")?;
    let base = TxEnv { tx_type: DEPOSIT, caller, gas_limit, kind, value, data, ..blank() };
    let mint = (mint != 0).then_some(mint);
    Ok(OpTransaction {
        base,
        enveloped_tx: Some(raw.clone()),
        deposit: DepositTransactionParts { source_hash, mint, is_system_transaction },
    })
}

/// A transaction environment with nothing in it; revm's own default goes through a builder.
const fn blank() -> TxEnv {
    TxEnv {
        tx_type: 0,
        caller: Address::ZERO,
        gas_limit: 0,
        gas_price: 0,
        kind: TxKind::Create,
        value: U256::ZERO,
        data: Bytes::new(),
        nonce: 0,
        chain_id: None,
        access_list: AccessList(Vec::new()),
        gas_priority_fee: None,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    }
}

/// The types that carry a signature: 0, 1, 2 and 4.
fn signed(
    raw: &Bytes,
    tx_type: u8,
    rules: &Rules,
    crypto: &mut dyn Crypto,
) -> Result<OpTransaction<TxEnv>, Failure> {
    let start = usize::from(tx_type != 0);
    let mut fields = need(fields(raw, start), "transaction")?;
    let first_field = fields.position();
    let mut tx = TxEnv { tx_type, ..blank() };
    if tx_type != 0 {
        let chain_id = need(fields.u256(), "chain_id")?;
        check_chain_id(chain_id, rules)?;
        tx.chain_id = Some(rules.chain_id);
    }
    tx.nonce = need(fields.u64(), "nonce")?;
    if tx_type >= 2 {
        tx.gas_priority_fee = Some(need(fields.u128(), "max_priority_fee_per_gas")?);
        tx.gas_price = need(fields.u128(), "max_fee_per_gas")?;
    } else {
        tx.gas_price = need(fields.u128(), "gas_price")?;
    }
    tx.gas_limit = need(fields.u64(), "gas_limit")?;
    tx.kind = kind(&mut fields)?;
    if tx_type == 4 && tx.kind == TxKind::Create {
        return Err(TransactionFault::Malformed("to").into());
    }
    tx.value = need(fields.u256(), "value")?;
    tx.data = data(&mut fields, raw)?;
    if tx_type >= 1 {
        tx.access_list = need(access_list(&mut fields), "access_list")?;
    }
    if tx_type == 4 {
        let list = need(fields.sublist(), "authorization_list")?;
        tx.authorization_list = authorizations(list, crypto)?;
    }
    let unsigned = raw.get(first_field..fields.position()).unwrap_or_default();
    let v = need(fields.u256(), "v")?;
    let (odd, protected) = parity(v, tx_type, rules)?;
    if tx_type == 0 && protected {
        tx.chain_id = Some(rules.chain_id);
    }
    let signature = Signature { odd, r: need(fields.u256(), "r")?, s: need(fields.u256(), "s")? };
    need(fields.is_done().then_some(()), "transaction")?;
    let hash = signed_hash(unsigned, tx_type, protected.then_some(rules.chain_id));
    let sender = if is_in_range(&signature) { crypto.recover(&hash, &signature)? } else { None };
    tx.caller = sender.ok_or(TransactionFault::Signature)?;
    let deposit = DepositTransactionParts {
        source_hash: B256::ZERO,
        mint: None,
        is_system_transaction: false,
    };
    Ok(OpTransaction { base: tx, enveloped_tx: Some(raw.clone()), deposit })
}

fn check_chain_id(actual: U256, rules: &Rules) -> Result<(), TransactionFault> {
    let expected = rules.chain_id;
    if actual == U256::from(expected) {
        Ok(())
    } else {
        Err(TransactionFault::ChainId { actual, expected })
    }
}

/// Recovery bit, and whether a legacy transaction is bound to the chain (EIP-155).
fn parity(v: U256, tx_type: u8, rules: &Rules) -> Result<(bool, bool), TransactionFault> {
    if tx_type != 0 {
        return match u64::try_from(v) {
            Ok(0) => Ok((false, false)),
            Ok(1) => Ok((true, false)),
            _ => Err(TransactionFault::Signature),
        };
    }
    match u64::try_from(v) {
        Ok(27) => return Ok((false, false)),
        Ok(28) => return Ok((true, false)),
        _ => {}
    }
    let above = v.checked_sub(U256::from(35)).ok_or(TransactionFault::Signature)?;
    check_chain_id(above.wrapping_shr(1), rules)?;
    Ok((above.bit(0), true))
}

fn is_in_range(signature: &Signature) -> bool {
    let r = signature.r;
    let s = signature.s;
    !r.is_zero() && r < CURVE_ORDER && !s.is_zero() && s <= HALF_ORDER
}

/// What was signed: the fields in a list of their own, for protected legacy transactions with the chain id
/// and two zeros.
fn signed_hash(unsigned: &[u8], tx_type: u8, chain_id: Option<u64>) -> B256 {
    let mut tail = Vec::new();
    if let (0, Some(chain_id)) = (tx_type, chain_id) {
        crate::trie::put_integer(&mut tail, chain_id);
        tail.extend([0x80, 0x80]);
    }
    let payload = unsigned.len().saturating_add(tail.len());
    let mut out = Vec::with_capacity(payload.saturating_add(10));
    if tx_type != 0 {
        out.push(tx_type);
    }
    put_header(&mut out, 0xc0, payload);
    out.extend_from_slice(unsigned);
    out.extend_from_slice(&tail);
    keccak256(&out)
}

fn access_list(fields: &mut Reader<'_>) -> Option<AccessList> {
    let mut list = fields.sublist()?;
    let mut items = Vec::new();
    while !list.is_done() {
        let mut item = list.sublist()?;
        let address = item.address()?;
        let mut keys = item.sublist()?;
        let mut storage_keys = Vec::new();
        while !keys.is_done() {
            storage_keys.push(keys.b256()?);
        }
        if !item.is_done() {
            return None;
        }
        items.push(AccessListItem { address, storage_keys });
    }
    Some(AccessList(items))
}

/// EIP-7702. A signature that recovers nobody is no fault: the authorization just has no effect.
fn authorizations(
    mut list: Reader<'_>,
    crypto: &mut dyn Crypto,
) -> Result<Vec<Either<alloy_eips::eip7702::SignedAuthorization, RecoveredAuthorization>>, Failure>
{
    let mut out = Vec::new();
    while !list.is_done() {
        let (inner, parity, signature) = need(authorization(&mut list), "authorization_list")?;
        let mut authority = RecoveredAuthority::Invalid;
        if parity <= 1 && is_in_range(&signature) {
            let hash = authorization_hash(&inner);
            if let Some(address) = crypto.recover(&hash, &signature)? {
                authority = RecoveredAuthority::Valid(address);
            }
        }
        out.push(Either::Right(RecoveredAuthorization::new_unchecked(inner, authority)));
    }
    Ok(out)
}

fn authorization(list: &mut Reader<'_>) -> Option<(Authorization, u64, Signature)> {
    let mut fields = list.sublist()?;
    let inner = Authorization {
        chain_id: fields.u256()?,
        address: fields.address()?,
        nonce: fields.u64()?,
    };
    let parity = fields.u64().filter(|parity| *parity <= 0xff)?;
    let signature = Signature { odd: parity == 1, r: fields.u256()?, s: fields.u256()? };
    fields.is_done().then_some((inner, parity, signature))
}

/// keccak(0x05 ++ rlp([chain id, address, nonce])).
fn authorization_hash(authorization: &Authorization) -> B256 {
    let mut payload = Vec::with_capacity(64);
    let chain_id = authorization.chain_id.to_be_bytes_trimmed_vec();
    put_string(&mut payload, &chain_id);
    put_string(&mut payload, authorization.address.as_slice());
    crate::trie::put_integer(&mut payload, authorization.nonce);
    let mut out = Vec::with_capacity(66);
    out.push(5);
    put_header(&mut out, 0xc0, payload.len());
    out.extend_from_slice(&payload);
    keccak256(&out)
}

/// The DA footprint scalar in an L1 attributes deposit: `None` where `raw` is none, `Some(None)` in the form
/// from before Jovian.
pub(crate) fn da_footprint_scalar(raw: &Bytes) -> Option<Option<u16>> {
    /// Length of the call data from Isthmus and from Jovian (D17).
    const ISTHMUS_LENGTH: usize = 176;
    const JOVIAN_SELECTOR: [u8; 4] = [0x3d, 0xb6, 0xbe, 0x2b];
    let tx = (raw.first() == Some(&DEPOSIT)).then(|| deposit(raw).ok())??;
    let data = &tx.base.data;
    if data.len() == ISTHMUS_LENGTH {
        return Some(None);
    }
    let scalar = data.get(ISTHMUS_LENGTH..)?.first_chunk::<2>()?;
    (data.first_chunk() == Some(&JOVIAN_SELECTOR)).then_some(Some(u16::from_be_bytes(*scalar)))
}
