//! How values lie in blobs: MessagePack with field names, deflated. Names cost little once deflated, and let a field be added
//! to a value without a migration.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Serialize, de::DeserializeOwned};

use super::Error;

/// A blob of ours never inflates beyond this; more means a damaged file.
const MAX_BYTES: u64 = 1 << 30;

pub(super) fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    let plain = rmp_serde::to_vec_named(value).map_err(Error::encode)?;
    let mut out = DeflateEncoder::new(
        Vec::with_capacity(plain.len() / 3 + 16),
        Compression::fast(),
    );
    out.write_all(&plain)
        .and_then(|()| out.finish())
        .map_err(Error::encode)
}

pub(super) fn unpack<T: DeserializeOwned>(blob: &[u8]) -> Result<T, Error> {
    let mut plain = Vec::with_capacity(blob.len() * 3);
    DeflateDecoder::new(blob)
        .take(MAX_BYTES)
        .read_to_end(&mut plain)
        .map_err(|e| Error::Corrupt(e.to_string()))?;
    rmp_serde::from_slice(&plain).map_err(|e| Error::Corrupt(e.to_string()))
}

/// Values that a person may want to see in the `sqlite3` shell lie as JSON text.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(Error::encode)
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|e| Error::Corrupt(e.to_string()))
}

/// The name an enum has in JSON, without quotes: how enums lie in text columns.
pub(super) fn name<T: Serialize>(value: &T) -> Result<String, Error> {
    Ok(to_json(value)?.trim_matches('"').to_owned())
}

pub(super) fn from_name<T: DeserializeOwned>(name: &str) -> Result<T, Error> {
    serde_json::from_value(serde_json::Value::String(name.to_owned()))
        .map_err(|e| Error::Corrupt(e.to_string()))
}
