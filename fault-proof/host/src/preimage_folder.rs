//! The folder that op-challenger reads pre-images from: `kvformat` says `directory`, a value is hex in
//! `hex[0..4]/hex[4..64].txt` (peers.md section 5).
//!
//! **Invariant:** a file is there whole or not at all.

use alloy_primitives::hex;
use opal_mips::file::write_whole;
use opal_program::PreimageKey;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The name of this layout, as `kvformat` has it.
const FORMAT: &str = "directory";

/// See the module.
#[derive(Clone, Debug)]
pub struct PreimageFolder(PathBuf);

impl PreimageFolder {
    /// Makes the folder, or uses it again.
    pub fn create(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let format = path.join("kvformat");
        match fs::read_to_string(&format) {
            Ok(found) if found.trim() == FORMAT => {}
            Ok(found) => {
                let text = format!("the folder's kvformat is {}, not {FORMAT}", found.trim());
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            Err(_) => write_whole(&format, |file| file.write_all(FORMAT.as_bytes()))?,
        }
        Ok(Self(path.to_owned()))
    }

    /// Keeps a value.
    pub fn put(&self, key: PreimageKey, value: &[u8]) -> io::Result<()> {
        let path = self.path(key);
        if path.exists() {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        write_whole(&path, |file| file.write_all(hex::encode(value).as_bytes()))
    }

    /// A value that was kept.
    pub fn get(&self, key: PreimageKey) -> io::Result<Option<Vec<u8>>> {
        match fs::read_to_string(self.path(key)) {
            Ok(text) => hex::decode(text.trim()).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn path(&self, key: PreimageKey) -> PathBuf {
        let name = hex::encode(key.0);
        let (folder, file) = name.split_at(4);
        self.0.join(folder).join(format!("{file}.txt"))
    }
}
