//! TC3-HMAC-SHA256: the `Authorization` header of a request.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use super::Service;
use crate::model::Credentials;

/// The `Authorization` header of a POST of `body` to `/`, with `content-type: application/json` and `host` signed.
pub(super) fn authorization(
    credentials: &Credentials,
    service: Service,
    host: &str,
    body: &str,
    now: Timestamp,
) -> String {
    let service = service.name();
    let body_hash = hex::encode(Sha256::digest(body.as_bytes()));
    let canonical = format!(
        "POST\n/\n\ncontent-type:application/json\nhost:{host}\n\ncontent-type;host\n{body_hash}"
    );
    // The date is the UTC one, wherever we are.
    let date = now.strftime("%Y-%m-%d").to_string();
    let scope = format!("{date}/{service}/tc3_request");
    let to_sign = format!(
        "TC3-HMAC-SHA256\n{}\n{scope}\n{}",
        now.as_second(),
        hex::encode(Sha256::digest(canonical.as_bytes()))
    );
    let secret = zeroize::Zeroizing::new(format!("TC3{}", credentials.secret_key.expose_secret()));
    let key = [date.as_str(), service, "tc3_request"]
        .into_iter()
        .fold(secret.as_bytes().to_vec(), |key, part| {
            hmac_sha256(&key, part).to_vec()
        });
    let signature = hex::encode(hmac_sha256(&key, &to_sign));
    let id = &credentials.secret_id;
    format!(
        "TC3-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
    )
}

fn hmac_sha256(key: &[u8], text: &str) -> [u8; 32] {
    // What HMAC does with a key of any length: hashed when longer than a block, then filled up with zeros.
    let mut block = [0; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}
