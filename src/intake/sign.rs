//! The signature that COS asks for with every request (`q-sign-algorithm=sha1`).
//!
//! In: a request's method, path, parameters and headers, and a key. Out: the value of the `Authorization` header. Always true: no
//! clock is read here, so the same request at the same time has the same signature; the secret key does not leave this file.
//!
//! Source: <https://cloud.tencent.com/document/product/436/7778>, checked against vectors of `cos-python-sdk-v5`.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};

/// Everything but the unreserved characters of RFC 3986, which is what COS encodes in names and values.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A key of Tencent Cloud, as its owner gave it.
#[derive(Debug, Clone)]
pub struct CloudKey {
    pub id: String,
    pub secret: SecretString,
    /// Set for keys of a limited time (STS).
    pub token: Option<SecretString>,
}

/// What is signed of a request.
#[derive(Debug)]
pub(super) struct Signed<'a> {
    /// Lower case, as in `get`.
    pub(super) method: &'a str,
    /// Not percent-encoded, with its leading slash.
    pub(super) path: &'a str,
    pub(super) params: &'a [(&'a str, &'a str)],
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// From when to when the signature is valid, in Unix seconds.
    pub(super) valid: (i64, i64),
}

impl Signed<'_> {
    pub(super) fn authorization(&self, key: &CloudKey) -> String {
        let time = format!("{};{}", self.valid.0, self.valid.1);
        let (params, param_names) = sorted(self.params);
        let (headers, header_names) = sorted(self.headers);
        let request = format!("{}\n{}\n{params}\n{headers}\n", self.method, self.path);
        let digest = hex::encode(Sha1::digest(request.as_bytes()));
        let sign_key = hmac(key.secret.expose_secret().as_bytes(), time.as_bytes());
        let signature = hmac(
            sign_key.as_bytes(),
            format!("sha1\n{time}\n{digest}\n").as_bytes(),
        );
        format!(
            "q-sign-algorithm=sha1&q-ak={}&q-sign-time={time}&q-key-time={time}&q-header-list={header_names}&q-url-param-list={param_names}&q-signature={signature}",
            key.id
        )
    }
}

/// `k=v&k=v` and `k;k`, names in lower case and in order.
fn sorted(pairs: &[(&str, &str)]) -> (String, String) {
    let encode = |s: &str| utf8_percent_encode(s, RESERVED).to_string();
    let mut pairs: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| (encode(&name.to_lowercase()), encode(value)))
        .collect();
    pairs.sort();
    let (mut list, mut names) = (String::new(), String::new());
    for (i, (name, value)) in pairs.iter().enumerate() {
        let (and, then) = if i == 0 { ("", "") } else { ("&", ";") };
        // Writing to a string cannot fail.
        let _ = write!(list, "{and}{name}={value}");
        let _ = write!(names, "{then}{name}");
    }
    (list, names)
}

fn hmac(key: &[u8], message: &[u8]) -> String {
    // HMAC takes keys of any length, so there is always one.
    Hmac::<Sha1>::new_from_slice(key).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(message);
            hex::encode(mac.finalize().into_bytes())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors computed with `qcloud_cos.cos_auth` for id `AKIDEXAMPLE`, key `SecretKeyExample`.
    fn check(path: &str, params: &[(&str, &str)], headers: &[(&str, &str)], signature: &str) {
        let key = CloudKey {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "SecretKeyExample".into(),
            token: None,
        };
        let signed = Signed {
            method: "get",
            path,
            params,
            headers,
            valid: (1_795_348_860, 1_795_352_460),
        };
        let authorization = signed.authorization(&key);
        assert!(
            authorization.ends_with(&format!("q-signature={signature}")),
            "{authorization}"
        );
    }

    #[test]
    fn signatures_are_those_of_the_official_sdk() {
        check(
            "/",
            &[
                ("prefix", "tke/audit/2026/11/21/"),
                ("max-keys", "1000"),
                ("marker", ""),
            ],
            &[],
            "a49684d4b4e5e0abe087ca29ec2d4855240298bc",
        );
        check(
            "/tke/audit/2026/11/21/00/202611210005_000_132612782.gz",
            &[],
            &[
                (
                    "host",
                    "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com",
                ),
                ("range", "bytes=0-1023"),
            ],
            "95814f69a7afd944d37f36f5bec01f49a30199f8",
        );
    }
}
