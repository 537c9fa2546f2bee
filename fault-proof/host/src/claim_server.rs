//! Serves the pre-images of claims about a recorded chain, in the VM or outside of it.
//!
//! Start with [`ClaimServer::new`]. Hints name whole hashes, keys all but their first byte: so everything is made ready
//! when its hint comes, and reads only look it up.
//!
//! **Invariant:** a key is computed from the value served under it, but for local keys, which are the question itself. What
//! is not recorded is absent, never empty.

use crate::{Archive, PreimageFolder, Recording, precompile};
use alloy_primitives::{B256, Bytes, keccak256, map::HashMap};
use opal_execute::{Nodes, RevmCrypto, StateError, ordered_root_into};
use opal_program::{
    BlockTask, Boot, Hint, HintKind, Oracle, OracleError, PreimageKey, blob_points,
    development_locals,
};
use std::{collections::BTreeSet, str, sync::Arc};

/// Bytes of a field element of a blob.
const ELEMENT_BYTES: usize = 32;

/// See the module.
#[derive(Debug)]
pub struct ClaimServer<'a> {
    recording: &'a Recording,
    archive: &'a Archive,
    boot: Boot,
    ready: HashMap<PreimageKey, Bytes>,
    forgotten: BTreeSet<PreimageKey>,
    points: Vec<B256>,
    folder: Option<PreimageFolder>,
    /// Why the last hint could not be followed.
    fault: Option<String>,
    reads: u64,
    bytes: u64,
}

/// Why a hint cannot be followed.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Hint(#[from] opal_program::HintError),
    #[error("hint `{name}` has {found} bytes")]
    Length { name: &'static str, found: usize },
    #[error("the recording has no {what} {hash}")]
    Unknown { what: &'static str, hash: B256 },
    #[error(transparent)]
    Recording(Box<crate::RecordingError>),
    #[error("blob {hash} has no commitment: {error}")]
    Kzg { hash: B256, error: c_kzg::Error },
    #[error("pre-images cannot be kept: {0}")]
    Folder(#[from] std::io::Error),
    #[error(transparent)]
    Precompile(#[from] crate::PrecompileError),
}

impl<'a> ClaimServer<'a> {
    /// Serves this question about the recorded chain, whose states are in `archive`.
    pub fn new(recording: &'a Recording, archive: &'a Archive, boot: Boot) -> Self {
        let mut ready = HashMap::default();
        ready.extend(boot.locals());
        ready.extend(development_locals(&recording.config, &recording.l1_config));
        ready.insert(BlockTask::key(), Bytes::new());
        Self {
            recording,
            archive,
            boot,
            ready,
            forgotten: BTreeSet::new(),
            points: Vec::new(),
            folder: None,
            fault: None,
            reads: 0,
            bytes: 0,
        }
    }

    /// The question.
    pub const fn boot(&self) -> &Boot {
        &self.boot
    }

    /// The chain's recording.
    pub const fn recording(&self) -> &'a Recording {
        self.recording
    }

    /// Writes what op-challenger reads itself to this folder: blobs and answers of precompiles, with what their keys hash.
    pub fn keep_in(&mut self, folder: PreimageFolder) {
        self.folder = Some(folder);
    }

    /// Takes a pre-image out, as if nobody had it.
    pub fn forget(&mut self, key: PreimageKey) {
        self.forgotten.insert(key);
    }

    /// Pre-images read so far, and their bytes.
    pub const fn read_so_far(&self) -> (u64, u64) {
        (self.reads, self.bytes)
    }

    /// Why the last hint could not be followed, if it could not.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Makes ready what a hint announces.
    pub fn prepare(&mut self, hint: &Hint) {
        self.fault = self.follow(hint).err().map(|fault| fault.to_string());
    }

    fn follow(&mut self, hint: &Hint) -> Result<(), Fault> {
        let archive = self.archive;
        if hint.kind == HintKind::L1Precompile {
            let answer = precompile::answer(&hint.payload, &mut RevmCrypto)?;
            let key = PreimageKey::precompile(&hint.payload);
            return self.keep_with_request(key, &hint.payload, answer.into());
        }
        let found = hint.payload.len();
        let length = Fault::Length { name: hint.kind.name(), found };
        let hash = hint.payload.first_chunk::<32>().copied().map(B256::from).ok_or(length)?;
        match hint.kind {
            HintKind::L1BlockHeader => self.keep(&self.l1_block(hash)?.header_rlp),
            HintKind::L1Transactions => self.keep_list(&self.l1_block(hash)?.transactions),
            HintKind::L1Receipts => {
                let receipts = self.l1_block(hash)?.receipts.as_ref();
                self.keep_list(known(receipts, "receipts of L1 block", hash)?);
            }
            HintKind::L1Blob => self.keep_blob(hash)?,
            HintKind::L2BlockHeader => {
                let header = known(archive.header(hash), "L2 block", hash)?;
                self.keep(&alloy_rlp::encode(header.inner()).into());
            }
            HintKind::L2Transactions => {
                self.keep_list(known(archive.transactions(hash), "L2 block", hash)?);
            }
            HintKind::L2Receipts => {
                self.keep_list(known(archive.receipts(hash), "L2 block", hash)?);
            }
            HintKind::L2Code => {
                self.keep(known(archive.code(hash), "code", hash)?);
            }
            HintKind::L2StateNode => {
                self.keep(known(archive.node(hash), "state node", hash)?);
            }
            HintKind::L2Output => {
                let mut outputs = archive.blocks().map(|block| block.output_root());
                let output = outputs.find(|output| output.hash() == hash);
                self.keep(&known(output, "output root", hash)?.encode().into());
            }
            // Announced by other programs, which then ask for each part as well.
            HintKind::L1Precompile
            | HintKind::L2PayloadWitness
            | HintKind::L2AccountProof
            | HintKind::L2BlockData => {}
        }
        Ok(())
    }

    fn l1_block(&self, hash: B256) -> Result<&'a crate::L1Block, Fault> {
        known(self.recording.l1_block(hash), "L1 block", hash)
    }

    fn keep(&mut self, value: &Bytes) {
        self.ready.insert(PreimageKey::keccak(keccak256(value)), value.clone());
    }

    fn keep_list(&mut self, values: &[Bytes]) {
        ordered_root_into(values.iter().cloned(), &mut Kept(&mut self.ready));
    }

    /// Commitment and field elements of a blob. That the elements are what the commitment commits to is checked by
    /// computing it from them (F1).
    fn keep_blob(&mut self, hash: B256) -> Result<(), Fault> {
        let data = self.recording.blob(hash).map_err(|error| Fault::Recording(error.into()))?;
        let data = known(data, "blob", hash)?;
        let kzg = |error| Fault::Kzg { hash, error };
        let blob = c_kzg::Blob::from_bytes(data).map_err(kzg)?;
        let settings = c_kzg::ethereum_kzg_settings(0);
        let commitment = settings.blob_to_kzg_commitment(&blob).map_err(kzg)?;
        let commitment = commitment.to_bytes().into_inner();
        if self.points.is_empty() {
            self.points = blob_points();
        }
        self.ready.insert(PreimageKey::sha256(&commitment), commitment.to_vec().into());
        let points = std::mem::take(&mut self.points);
        for (start, point) in (0..).step_by(ELEMENT_BYTES).zip(&points) {
            let element = data.slice(start..start + ELEMENT_BYTES);
            let request = [commitment.as_slice(), point.as_slice()].concat();
            self.keep_with_request(PreimageKey::blob(&commitment, *point), &request, element)?;
        }
        self.points = points;
        Ok(())
    }

    /// Keeps a value whose key is the hash of something else.
    fn keep_with_request(
        &mut self,
        key: PreimageKey,
        request: &[u8],
        value: Bytes,
    ) -> Result<(), Fault> {
        if let Some(folder) = &self.folder {
            folder.put(key, &value)?;
            folder.put(PreimageKey::keccak(keccak256(request)), request)?;
        }
        self.ready.insert(key, value);
        Ok(())
    }

    /// The value of a key that was made ready.
    pub fn get(&mut self, key: PreimageKey) -> Result<Bytes, OracleError> {
        let value = self.ready.get(&key).filter(|_| !self.forgotten.contains(&key));
        let value = value.cloned().ok_or(OracleError::Absent { key })?;
        self.reads = self.reads.saturating_add(1);
        self.bytes = self.bytes.saturating_add(value.len() as u64);
        Ok(value)
    }
}

fn known<T>(value: Option<T>, what: &'static str, hash: B256) -> Result<T, Fault> {
    value.ok_or(Fault::Unknown { what, hash })
}

/// Keeps the nodes of a list's trie.
struct Kept<'a>(&'a mut HashMap<PreimageKey, Bytes>);

impl Nodes for Kept<'_> {
    fn node(&mut self, hash: &B256) -> Result<Bytes, StateError> {
        Err(StateError::Absent(opal_execute::Key::Node(*hash)))
    }

    fn made(&mut self, hash: &B256, node: &[u8]) {
        self.0.insert(PreimageKey::keccak(*hash), Bytes::copy_from_slice(node));
    }
}

impl Oracle for ClaimServer<'_> {
    fn hint(&mut self, hint: &Hint) {
        self.prepare(hint);
    }

    fn read(&mut self, key: PreimageKey) -> Result<Bytes, OracleError> {
        self.get(key)
    }
}

impl opal_mips::PreimageOracle for ClaimServer<'_> {
    fn hint(&mut self, hint: &[u8]) -> Result<(), opal_mips::OracleError> {
        self.prepare(&Hint::decode(str::from_utf8(hint)?)?);
        Ok(())
    }

    fn read(&mut self, key: [u8; 32]) -> Result<Arc<[u8]>, opal_mips::OracleError> {
        Ok(Arc::from(self.get(PreimageKey(key.into()))?.as_ref()))
    }
}
