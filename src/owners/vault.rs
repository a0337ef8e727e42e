//! Keys at rest: XChaCha20-Poly1305 under one master key, the owner's alias as associated data.
//!
//! In: credentials and an alias. Out: [`Sealed`] text for the registry, and back. Always true: a sealed key opens only under the alias
//! and the master key it was sealed with; nothing secret is in an error. Does not know where sealed keys are kept.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    XChaCha20Poly1305,
    aead::{Aead as _, KeyInit as _, Payload},
};
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use crate::model::{Credentials, OwnerAlias};

/// Why a key cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its own sentence: making a new master key here would lose every stored key for good.
    #[error(
        "the master key file `{0}` is gone but owners' keys are sealed with it; restore the file, or remove the owners and add them again"
    )]
    MasterKeyLost(PathBuf),
    #[error("`{0}` is not a master key; it must hold 64 hex digits and nothing else")]
    MasterKeyUnreadable(PathBuf),
    #[error(
        "the owners' keys are sealed with master key {wanted}, but {found} was given; give the former one back"
    )]
    OtherMasterKey { wanted: String, found: String },
    #[error(
        "the sealed key of `{0}` was changed or belongs to another owner; store the key again with `gengfu owner rotate {0}`"
    )]
    Tampered(OwnerAlias),
    #[error("failed to read or write the master key file `{path}`")]
    Io { path: PathBuf, source: io::Error },
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// 256 bits that all stored keys rest on; wiped from memory when dropped.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// An encrypted key pair, safe to write to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// 24 bytes in hex.
    nonce: String,
    /// Ciphertext with tag, in hex.
    text: String,
}

/// What lies inside a [`Sealed`].
#[derive(Serialize, Deserialize)]
struct Opened {
    id: String,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_ms: Option<i64>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.key.zeroize();
        self.token.zeroize();
    }
}

/// 16 random hex digits, by which an entry is told from a later one of the same name.
pub fn mark() -> Result<String, Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(hex::encode(bytes))
}

impl MasterKey {
    pub fn fresh() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|_| Error::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// From 64 hex digits, blanks around them ignored.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut *bytes).ok()?;
        Some(Self(bytes))
    }

    /// Reads the key file. `None`: there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        let text = match fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                return Err(Error::MasterKeyUnreadable(path.into()));
            }
            Err(source) => {
                return Err(Error::Io {
                    path: path.into(),
                    source,
                });
            }
        };
        let key = Self::from_hex(&text).ok_or_else(|| Error::MasterKeyUnreadable(path.into()))?;
        Ok(Some(key))
    }

    /// Writes the key to a file that must not exist yet, readable by its user alone.
    pub fn write_new(&self, path: &Path) -> Result<(), Error> {
        let io = |source| Error::Io {
            path: path.into(),
            source,
        };
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(io)?;
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(io)?;
        let text = Zeroizing::new(hex::encode(*self.0) + "\n");
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(io)
    }

    /// Eight hex digits that tell master keys apart without telling anything about them.
    #[must_use]
    pub fn id(&self) -> String {
        self.tag("master", "")[..8].to_owned()
    }

    /// A keyed fingerprint of a value: the same value gives the same tag, and nobody without the key can guess back from it.
    /// `purpose` keeps tags of different things apart.
    #[must_use]
    pub fn tag(&self, purpose: &str, value: &str) -> String {
        // HMAC fills a short key up to its block of 64 bytes with zeros.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(&*self.0);
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new(&(*block).into());
        for part in [purpose, "\0", value] {
            mac.update(part.as_bytes());
        }
        hex::encode(mac.finalize().into_bytes())
    }

    pub fn seal(&self, alias: &OwnerAlias, key: &Credentials) -> Result<Sealed, Error> {
        let opened = Opened {
            id: key.secret_id.clone(),
            key: key.secret_key.expose_secret().to_owned(),
            token: key.token.as_ref().map(|t| t.expose_secret().to_owned()),
            expires_ms: key.expires_ms,
        };
        let plain = serde_json::to_vec(&opened).map_err(|_| Error::Tampered(alias.clone()))?;
        self.encrypt(alias, alias.as_str(), &Zeroizing::new(plain))
    }

    pub fn open(&self, alias: &OwnerAlias, sealed: &Sealed) -> Result<Credentials, Error> {
        let plain = self.decrypt(alias, alias.as_str(), sealed)?;
        let opened: Opened =
            serde_json::from_slice(&plain).map_err(|_| Error::Tampered(alias.clone()))?;
        Ok(Credentials {
            secret_id: opened.id.clone(),
            secret_key: SecretString::from(opened.key.as_str()),
            token: opened.token.as_deref().map(SecretString::from),
            expires_ms: opened.expires_ms,
        })
    }

    /// Seals an owner's spoken code. The `/` keeps it apart from keys: no alias has one.
    pub fn seal_code(&self, alias: &OwnerAlias, code: &str) -> Result<Sealed, Error> {
        self.encrypt(alias, &format!("{alias}/code"), code.as_bytes())
    }

    pub fn open_code(
        &self,
        alias: &OwnerAlias,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.decrypt(alias, &format!("{alias}/code"), sealed)
    }

    fn encrypt(&self, alias: &OwnerAlias, context: &str, plain: &[u8]) -> Result<Sealed, Error> {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).map_err(|_| Error::NoRandomness)?;
        let payload = Payload {
            msg: plain,
            aad: context.as_bytes(),
        };
        let text = self.cipher().encrypt(&nonce.into(), payload);
        let text = text.map_err(|_| Error::Tampered(alias.clone()))?;
        Ok(Sealed {
            nonce: hex::encode(nonce),
            text: hex::encode(text),
        })
    }

    fn decrypt(
        &self,
        alias: &OwnerAlias,
        context: &str,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let tampered = || Error::Tampered(alias.clone());
        let mut nonce = [0; 24];
        hex::decode_to_slice(&sealed.nonce, &mut nonce).map_err(|_| tampered())?;
        let text = hex::decode(&sealed.text).map_err(|_| tampered())?;
        let payload = Payload {
            msg: &text,
            aad: context.as_bytes(),
        };
        let plain = self.cipher().decrypt(&nonce.into(), payload);
        plain.map(Zeroizing::new).map_err(|_| tampered())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

/// The alias of an owner whom nobody has named: ten hex digits of the key id's hash, so that the same key is the same owner on
/// every machine and the id itself is never shown.
pub fn alias_of_id(secret_id: &str) -> Result<OwnerAlias, crate::model::InvalidAlias> {
    format!("owner-{}", &hash_of_id(secret_id)[..10]).parse()
}

/// By what a key that is kept no longer is still recognised, whatever the master key.
pub fn hash_of_id(secret_id: &str) -> String {
    hex::encode(Sha256::digest(secret_id.as_bytes()))[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alias(s: &str) -> OwnerAlias {
        s.parse().expect("alias")
    }

    #[test]
    fn a_sealed_key_opens_for_its_owner_alone() {
        let master = MasterKey::fresh().expect("random");
        let key =
            Credentials::new("AKIDEXAMPLE", "SecretKeyExample").with_token(Some("t/+=".into()));
        let sealed = master.seal(&alias("a"), &key).expect("seal");
        assert!(
            !serde_json::to_string(&sealed)
                .expect("json")
                .contains("AKID")
        );
        assert!(
            master
                .open(&alias("a"), &sealed)
                .expect("open")
                .is_same_key(&key)
        );
        assert!(matches!(
            master.open(&alias("b"), &sealed),
            Err(Error::Tampered(_))
        ));
        let other = MasterKey::fresh().expect("random");
        assert!(matches!(
            other.open(&alias("a"), &sealed),
            Err(Error::Tampered(_))
        ));
    }

    #[test]
    fn the_master_key_file_is_private_and_never_overwritten() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("sub/master.key");
        assert!(MasterKey::read(&path).expect("read").is_none());
        let master = MasterKey::fresh().expect("random");
        master.write_new(&path).expect("write");
        assert_eq!(
            MasterKey::read(&path).expect("read").map(|m| m.id()),
            Some(master.id())
        );
        assert!(matches!(
            MasterKey::fresh().expect("random").write_new(&path),
            Err(Error::Io { .. })
        ));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).expect("metadata").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&path, "not hex").expect("write");
        assert!(matches!(
            MasterKey::read(&path),
            Err(Error::MasterKeyUnreadable(_))
        ));
    }

    proptest! {
        #[test]
        fn any_flipped_byte_is_noticed(at in 0usize..1000, flip in 1u8..=255) {
            let master = MasterKey::from_hex(&"07".repeat(32)).expect("hex");
            let mut sealed = master.seal(&alias("a"), &Credentials::new("id", "key")).expect("seal");
            let mut bytes = hex::decode(&sealed.text).expect("hex");
            let at = at % bytes.len();
            bytes[at] ^= flip;
            sealed.text = hex::encode(bytes);
            prop_assert!(master.open(&alias("a"), &sealed).is_err());
        }
    }
}
