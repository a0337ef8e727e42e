//! The XML that COS answers with: pages of a listing, and errors.
//!
//! In: a body. Out: its values. Always true: keys are as they are in the bucket, whatever characters they hold (they are asked for
//! percent-encoded, since XML cannot carry all of them).

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::Listed;

/// One page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) objects: Vec<Listed>,
    /// Where the next page begins; `None` on the last one.
    pub(super) next: Option<String>,
}

/// Reads a page; `None` when the body is no listing.
pub(super) fn page(body: &str) -> Option<Page> {
    let wire: Wire = quick_xml::de::from_str(body).ok()?;
    let objects: Vec<Listed> = wire
        .contents
        .into_iter()
        .map(|object| {
            Some(Listed {
                key: decoded(&object.key)?,
                etag: object.etag.trim_matches('"').to_owned(),
                size: object.size,
                modified_ms: object
                    .last_modified
                    .parse::<jiff::Timestamp>()
                    .ok()?
                    .as_millisecond(),
            })
        })
        .collect::<Option<_>>()?;
    let next = match (wire.is_truncated, wire.next_marker.as_str()) {
        (false, _) => None,
        // The marker of the next page is always the last key of this one.
        (true, "") => Some(objects.last()?.key.clone()),
        (true, marker) => Some(decoded(marker)?),
    };
    Some(Page { objects, next })
}

/// The code of an error's body, or nothing.
pub(super) fn error_code(body: &str) -> String {
    quick_xml::de::from_str(body)
        .map(|e: WireError| e.code)
        .unwrap_or_default()
}

fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_marker: String,
    #[serde(default)]
    contents: Vec<WireObject>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireObject {
    key: String,
    last_modified: String,
    #[serde(rename = "ETag", default)]
    etag: String,
    size: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireError {
    #[serde(default)]
    code: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_with_its_special_keys() {
        let body = "<?xml version='1.0'?><ListBucketResult><Name>b</Name><EncodingType>url</EncodingType><Prefix>a/</Prefix><Marker/><MaxKeys>2</MaxKeys><IsTruncated>true</IsTruncated>\
            <Contents><Key>a//2026/%E4%B8%AD%20x%2By.gz</Key><LastModified>2026-11-20T16:05:12.000Z</LastModified><ETag>&quot;9e10-2&quot;</ETag><Size>41</Size><Owner><ID>1</ID></Owner><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>";
        let page = page(body).expect("page");
        let key = "a//2026/中 x+y.gz".to_owned();
        assert_eq!(page.next, Some(key.clone()));
        let object = Listed {
            key,
            etag: "9e10-2".to_owned(),
            size: 41,
            modified_ms: 1_795_190_712_000,
        };
        assert_eq!(page.objects, [object]);
        let last = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
        assert_eq!(super::page(last), Some(Page::default()));
        assert_eq!(super::page("<html>busy"), None);
    }

    #[test]
    fn the_code_of_an_error_is_found() {
        let body = "<?xml version='1.0' encoding='utf-8'?><Error><Code>AccessDenied</Code><Message>x</Message></Error>";
        assert_eq!(error_code(body), "AccessDenied");
        assert_eq!(error_code(""), "");
    }
}
