//! Whether a CLS alarm was rendered by the template that holds our key, and lately.
//!
//! In: the body as it came, a key, now. Out: nothing, or why it is refused. Always true: the signature is compared in constant time, and
//! covers the moment of the notification, so that a body that somebody has seen opens the door for [`WINDOW_MS`] only. CLS can sign one
//! variable: the rest of the body is not covered, and stays text of strangers.
//! Source: <https://cloud.tencent.com/document/product/614/74718>.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::Sha256;

use super::loose;

/// A notification older than this, or this far ahead, is a replay: CLS sends within seconds, and clocks differ by some.
pub const WINDOW_MS: i64 = 10 * 60 * 1000;

/// What an operator pastes into the notification channel of CLS; `<密钥>` stands for the door's key.
pub const TEMPLATE: &str = r#"{"kind":"cls_alarm","uin":"{{.UIN}}","region":"{{.Region}}","alarm":"{{escape .Alarm}}","alarmId":"{{.AlarmID}}","level":"{{.Level_zh}}","notifyType":{{.NotifyType}},"topic":"{{escape .Topic}}","topicId":"{{.TopicId}}","start":{{.StartTimeUnix}},"notify":{{.NotifyTimeUnix}},"nums":{{.ConsecutiveAlertNums}},"duration":{{.Duration}},"condition":"{{escape .Condition}}","params":"{{escape .TriggerParams}}","message":"{{escape .Message}}","detailUrl":"{{.DetailUrl}}","sig":"{{hmac_sha256 .NotifyTime "<密钥>"}}","notifyTime":"{{.NotifyTime}}","queryLog":{{if .QueryLog}}{{.QueryLog}}{{else}}[]{{end}}}"#;

/// Why a body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is not signed")]
    Unsigned,
    #[error("its signature is wrong")]
    Forged,
    #[error("it was signed too long ago, or by a clock that is wrong")]
    Replayed,
}

/// Checks the signature. `must`: a body without one is refused, too.
pub fn check(body: &[u8], key: &SecretString, must: bool, now_ms: i64) -> Result<(), Refused> {
    let text = String::from_utf8_lossy(body);
    let (signature, time) = (field(&text, "sig"), field(&text, "notifyTime"));
    if signature.is_empty() {
        return if must { Err(Refused::Unsigned) } else { Ok(()) };
    }
    let given = hex::decode(&signature).or_else(|_| STANDARD.decode(&signature));
    let given = given.map_err(|_| Refused::Forged)?;
    let mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes());
    let mut mac = mac.map_err(|_| Refused::Forged)?;
    mac.update(time.as_bytes());
    mac.verify_slice(&given).map_err(|_| Refused::Forged)?;
    let signed_ms = loose::time(&time).ok_or(Refused::Replayed)?;
    if (now_ms - signed_ms).abs() > WINDOW_MS {
        return Err(Refused::Replayed);
    }
    Ok(())
}

/// A text of the body by its name; found in broken JSON too, which a forgotten `escape` makes.
fn field(text: &str, name: &str) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return loose::text(&value, &format!("/{name}"));
    }
    let start = format!("\"{name}\":\"");
    let Some((_, rest)) = text.split_once(&start) else {
        return String::new();
    };
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The service's own example: `{{hmac_sha256 "test" "Secretkey"}}`.
    const EXAMPLE: &str = "FC49EBC05209B1359773D87C216BA85BCE0163FDE459EA37AB603EC9D8445D23";
    const AT: &str = "2026-11-22 09:12:00";
    const AT_MS: i64 = 1_795_309_920_000;

    fn signature(key: &str, time: &str) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length");
        mac.update(time.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    fn checked(body: &str, must: bool, now_ms: i64) -> Result<(), Refused> {
        check(
            body.as_bytes(),
            &SecretString::from("Secretkey"),
            must,
            now_ms,
        )
    }

    #[test]
    fn signs_as_the_service_does() {
        assert_eq!(hex::encode_upper(signature("Secretkey", "test")), EXAMPLE);
    }

    #[test]
    fn a_right_signature_opens_for_a_while_in_any_spelling() {
        let plain = signature("Secretkey", AT);
        for sig in [
            hex::encode(&plain),
            hex::encode_upper(&plain),
            STANDARD.encode(&plain),
        ] {
            let body = format!(r#"{{"kind":"cls_alarm","sig":"{sig}","notifyTime":"{AT}"}}"#);
            for (later_ms, expected) in [
                (0, Ok(())),
                (WINDOW_MS, Ok(())),
                (-WINDOW_MS, Ok(())),
                (WINDOW_MS + 1, Err(Refused::Replayed)),
                (86_400_000, Err(Refused::Replayed)),
            ] {
                assert_eq!(
                    checked(&body, true, AT_MS + later_ms),
                    expected,
                    "{sig} {later_ms}"
                );
            }
            let broken =
                format!(r#"{{"alarm":"a "quoted" name","sig":"{sig}","notifyTime":"{AT}","x":"#);
            assert_eq!(checked(&broken, true, AT_MS), Ok(()));
        }
    }

    #[test]
    fn what_is_forged_or_unsigned_is_refused() {
        let other = hex::encode(signature("otherkey", AT));
        let right = hex::encode(signature("Secretkey", AT));
        for (sig, time) in [
            (other.as_str(), AT),
            (&right, "2026-11-22 09:13:00"),
            ("zz", AT),
            ("00", AT),
        ] {
            let body = format!(r#"{{"sig":"{sig}","notifyTime":"{time}"}}"#);
            for must in [true, false] {
                assert_eq!(checked(&body, must, AT_MS), Err(Refused::Forged), "{body}");
            }
        }
        let when = hex::encode(signature("Secretkey", "soon"));
        let body = format!(r#"{{"sig":"{when}","notifyTime":"soon"}}"#);
        assert_eq!(checked(&body, true, AT_MS), Err(Refused::Replayed));
        assert_eq!(checked("{}", true, AT_MS), Err(Refused::Unsigned));
        assert_eq!(checked("{}", false, AT_MS), Ok(()));
    }

    #[test]
    fn the_documents_hold_the_template() {
        let page = include_str!("../../docs/alarms.md");
        assert!(
            page.contains(TEMPLATE),
            "docs/alarms.md shows another template"
        );
    }
}
