//! Tokens for servers that want JWT (Engine API): HS256 over the time of issue.
//!
//! **Invariant:** the secret is never printed.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// The 32 bytes that two programs share.
#[derive(Clone, PartialEq, Eq)]
pub struct JwtSecret([u8; 32]);

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtSecretError {
    /// Something else than hexadecimal digits.
    #[error("JWT secret is not hexadecimal")]
    NotHex,
    /// One length is right.
    #[error("JWT secret has {length} bytes, not 32")]
    Length {
        /// Bytes found.
        length: usize,
    },
}

#[derive(Serialize)]
struct Claims {
    /// Issued at, seconds.
    iat: u64,
}

impl JwtSecret {
    /// The secret with these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits, as the files hold them: with or without 0x, with white space around.
    pub fn from_hex(text: &str) -> Result<Self, JwtSecretError> {
        let bytes =
            alloy_primitives::hex::decode(text.trim()).map_err(|_| JwtSecretError::NotHex)?;
        let length = bytes.len();
        bytes.try_into().map(Self).map_err(|_| JwtSecretError::Length { length })
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A token issued now. Servers accept it for about a minute, so it is made for each connection or request.
    pub(crate) fn token(&self) -> Result<String, jsonwebtoken::errors::Error> {
        let iat = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
        let key = EncodingKey::from_secret(&self.0);
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &Claims { iat }, &key)
    }
}

impl fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_64_digits_and_prints_nothing() {
        let digits = "1f".repeat(32);
        let secret = JwtSecret::from_hex(&format!("0x{digits}\n")).unwrap();
        assert_eq!(secret, JwtSecret::from_hex(&digits).unwrap());
        assert_eq!(secret.as_bytes(), &[0x1f; 32]);
        assert_eq!(format!("{secret:?}"), "JwtSecret(..)");
        assert_eq!(JwtSecret::from_hex("xy"), Err(JwtSecretError::NotHex));
        assert_eq!(JwtSecret::from_hex("0x1234"), Err(JwtSecretError::Length { length: 2 }));
        assert_eq!(secret.token().unwrap().split('.').count(), 3);
    }
}
