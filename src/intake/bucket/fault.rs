//! What can be wrong with a bucket, each with its own sentence and, where a right is missing, its name.
//!
//! In: status, COS code and clock of an answer. Out: a [`Fault`]. Always true: a fault is never chosen by the text of a message,
//! which COS may change. Source of the codes: <https://cloud.tencent.com/document/product/436/7730>.

use std::{fmt, io};

use crate::model::Lang;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// No such `SecretId`.
    UnknownId,
    /// The `SecretKey` does not belong to the `SecretId`.
    WrongKey,
    /// A key of limited time has run out.
    ExpiredToken,
    /// Our clock is ahead of the server's by so many seconds (behind when negative), more than a signature allows.
    ClockSkew {
        ahead_s: i64,
    },
    ListDenied,
    ReadDenied,
    /// No bucket of this name, or it lies in another region.
    NoBucket,
    /// The object is in an archive class and has to be restored first.
    Archived,
    /// Another content since it was listed.
    Replaced,
    /// Gone since it was listed.
    Deleted,
    /// Too many requests, or the server is in trouble; we asked several times.
    Busy,
    /// The answer broke off or was no answer at all, several times.
    Broken,
    Unreachable,
    /// The address of the bucket is none.
    BadAddress,
    /// The folder that stands in for a bucket is not there.
    NoFolder,
    /// A file of that folder could not be read.
    Local,
    /// Refused for a reason this program does not know.
    Refused,
}

/// A fault, and where it was met.
#[derive(Debug, thiserror::Error)]
#[error("{fault} at `{at}`{}", Detail { status: *status, code })]
pub struct Error {
    pub fault: Fault,
    /// The bucket, as `GENGFU_BUCKET` names it; empty when it could not even be opened.
    pub bucket: String,
    /// The key or prefix that was asked for.
    pub at: String,
    /// HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// COS's code, as in `AccessDenied`; empty when there was none.
    pub code: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

struct Detail<'a> {
    status: Option<u16>,
    code: &'a str,
}

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, " (HTTP {status} {})", self.code),
            None => Ok(()),
        }
    }
}

impl Error {
    pub(super) fn of(fault: Fault, at: &str) -> Self {
        Self {
            fault,
            bucket: String::new(),
            at: at.to_owned(),
            status: None,
            code: String::new(),
            source: None,
        }
    }

    pub(super) fn local(at: &str, source: io::Error) -> Self {
        let fault = match source.kind() {
            io::ErrorKind::NotADirectory => Fault::NoFolder,
            io::ErrorKind::NotFound => Fault::Deleted,
            _ => Fault::Local,
        };
        Self {
            source: Some(source.into()),
            ..Self::of(fault, at)
        }
    }

    /// Whether asking again later may help without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self.fault,
            Fault::Busy | Fault::Broken | Fault::Unreachable | Fault::Replaced
        )
    }

    /// Whether one object is concerned, so that the others are worth reading.
    #[must_use]
    pub const fn is_about_one_object(&self) -> bool {
        matches!(
            self.fault,
            Fault::Archived | Fault::Replaced | Fault::Deleted | Fault::Broken | Fault::Local
        )
    }

    pub(super) fn in_bucket(self, bucket: String) -> Self {
        Self { bucket, ..self }
    }

    /// What is wrong, what to do and where it was met, for the operator.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        let text = self.fault.sentence(lang);
        if self.bucket.is_empty() {
            return text;
        }
        // Both spellings of a doubled slash are tried; a reader knows the prefix with one.
        let at = self.at.replace("//", "/");
        let (bucket, status) = (self.bucket.trim_end_matches('/'), self.status());
        match lang {
            Lang::Zh => format!("{text}（查的是 {bucket}/{at}{status}）"),
            Lang::En => format!("{text} (looked at {bucket}/{at}{status})"),
        }
    }

    /// What a known fault hides nobody misses; of an unknown one it is all there is.
    fn status(&self) -> String {
        match self.status {
            Some(status) if self.fault == Fault::Refused => {
                format!(", HTTP {status} {}", self.code)
            }
            _ => String::new(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence(Lang::En))
    }
}

impl Fault {
    /// Reads an answer that is not a success.
    ///
    /// `now_s` is the server's clock; `valid` the time the signature was for.
    pub(super) fn of(
        status: u16,
        code: &str,
        listing: bool,
        now_s: Option<i64>,
        valid: (i64, i64),
    ) -> Self {
        let out_of_time = now_s.filter(|now| !(valid.0..=valid.1).contains(now));
        match (status, code) {
            (_, "ExpiredToken" | "TokenExpired") => Self::ExpiredToken,
            (_, "InvalidAccessKeyId" | "InvalidSecretId") => Self::UnknownId,
            (_, "SignatureDoesNotMatch") => Self::WrongKey,
            (_, "InvalidObjectState") => Self::Archived,
            (_, "RequestTimeTooSkewed") => Self::ClockSkew {
                ahead_s: now_s.map_or(0, |now| valid.0 + super::cos::BACKDATED_S - now),
            },
            (403, _) if out_of_time.is_some() => Self::ClockSkew {
                ahead_s: now_s.map_or(0, |now| valid.0 + super::cos::BACKDATED_S - now),
            },
            (_, "NoSuchBucket") | (301 | 302 | 307, _) => Self::NoBucket,
            (403, _) if listing => Self::ListDenied,
            (403, _) => Self::ReadDenied,
            (404, _) if listing => Self::NoBucket,
            (404, _) => Self::Deleted,
            (412 | 416, _) => Self::Replaced,
            (429 | 500..=599, _) => Self::Busy,
            _ => Self::Refused,
        }
    }

    /// What is wrong and what to do.
    #[must_use]
    pub fn sentence(self, lang: Lang) -> String {
        let text = match self {
            Self::UnknownId => lang.pick(
                "SecretId 不存在或已停用；请在访问管理 CAM 的“API 密钥管理”核对 TENCENTCLOUD_SECRET_ID。",
                "the SecretId does not exist or is disabled; check TENCENTCLOUD_SECRET_ID under CAM, API keys",
            ),
            Self::WrongKey => lang.pick(
                "SecretKey 与 SecretId 不匹配，签名被拒绝；请核对 TENCENTCLOUD_SECRET_KEY，注意多余的空格。",
                "the SecretKey does not belong to the SecretId; check TENCENTCLOUD_SECRET_KEY, also for stray blanks",
            ),
            Self::ExpiredToken => lang.pick(
                "临时密钥已过期；请换新的临时密钥（TENCENTCLOUD_TOKEN），或改用长期密钥。",
                "the temporary key has expired; renew TENCENTCLOUD_TOKEN or use a permanent key",
            ),
            Self::ClockSkew { ahead_s } => return skew(ahead_s, lang),
            Self::ListDenied => lang.pick(
                "密钥没有列出存储桶的权限；请在 CAM 授予 name/cos:GetBucket。",
                "the key may not list the bucket; grant name/cos:GetBucket in CAM",
            ),
            Self::ReadDenied => lang.pick(
                "密钥能列出但不能读取对象；请在 CAM 授予 name/cos:GetObject。",
                "the key may not read objects; grant name/cos:GetObject in CAM",
            ),
            Self::NoBucket => lang.pick(
                "找不到存储桶：名称不对（要带 APPID，如 logs-1250000000），或者它在别的地域；请核对 GENGFU_BUCKET 和 TENCENTCLOUD_REGION。",
                "no such bucket: a wrong name (it ends with the APPID, as in logs-1250000000) or another region; check GENGFU_BUCKET and TENCENTCLOUD_REGION",
            ),
            Self::Archived => lang.pick(
                "对象是归档存储，要先恢复才能读；请在控制台恢复（name/cos:PostObjectRestore），并把投递任务的存储类型改成标准存储。",
                "the object is archived and has to be restored first (name/cos:PostObjectRestore); let the shipping task use STANDARD storage",
            ),
            Self::Replaced => lang.pick(
                "对象在列出之后被替换了；下一次运行会重新读取。",
                "the object was replaced after it was listed; the next run reads it again",
            ),
            Self::Deleted => lang.pick(
                "对象在列出之后被删除了，可能是生命周期规则清理的；请检查存储桶的生命周期设置。",
                "the object was deleted after it was listed, perhaps by a lifecycle rule; check the bucket's lifecycle settings",
            ),
            Self::Busy => lang.pick(
                "COS 多次答复繁忙或出错；请稍后重试。",
                "COS kept answering that it is busy or in trouble; try again later",
            ),
            Self::Broken => lang.pick(
                "COS 的答复多次中断或无法识别；请检查网络和代理。",
                "answers of COS kept breaking off or made no sense; check the network and proxies",
            ),
            Self::Unreachable => lang.pick(
                "连不上 COS；请检查网络、DNS 和 GENGFU_COS_ENDPOINT。",
                "COS cannot be reached; check network, DNS and GENGFU_COS_ENDPOINT",
            ),
            Self::BadAddress => lang.pick(
                "存储桶地址不对；请核对 GENGFU_BUCKET 和 GENGFU_COS_ENDPOINT。",
                "the address of the bucket is wrong; check GENGFU_BUCKET and GENGFU_COS_ENDPOINT",
            ),
            Self::NoFolder => lang.pick(
                "GENGFU_BUCKET 指的目录不存在。",
                "the folder that GENGFU_BUCKET names does not exist",
            ),
            Self::Local => lang.pick(
                "文件读不出来；请检查目录的权限。",
                "the file cannot be read; check the folder's permissions",
            ),
            Self::Refused => lang.pick(
                "COS 拒绝了请求，原因不在已知之列；请看状态码和错误码。",
                "COS refused for a reason this program does not know; see status and code",
            ),
        };
        text.to_owned()
    }
}

fn skew(ahead_s: i64, lang: Lang) -> String {
    let by = ahead_s.unsigned_abs();
    let (zh, en) = if ahead_s >= 0 {
        ("快", "ahead")
    } else {
        ("慢", "behind")
    };
    match lang {
        Lang::Zh => format!("本机时钟比 COS {zh}了 {by} 秒，签名因此无效；请校准系统时间（NTP）。"),
        Lang::En => format!(
            "this machine's clock is {by} seconds {en} of COS, which makes signatures invalid; set it by NTP"
        ),
    }
}
