//! What the API refuses, and what to do about it.

use crate::model::Lang;

/// Why an action gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the key is wrong ({code})")]
    Key { code: String },
    #[error("the temporary key has expired")]
    TokenExpired,
    #[error("this machine's clock is wrong by {skew_s} s")]
    Clock { skew_s: i64 },
    /// `action` as it is written in a CAM policy: `cls:SearchLog`.
    #[error("the key may not call `{action}`")]
    Denied { action: String },
    #[error("`{action}` found nothing of that name ({code})")]
    NotFound { action: String, code: String },
    #[error("too many requests to `{action}`")]
    TooMany { action: String },
    #[error("the account is in arrears, its logs cannot be read")]
    Arrears,
    #[error("`{action}` failed: {code}")]
    Service { action: String, code: String },
    #[error("`{host}` cannot be reached")]
    Unreachable { host: String },
    #[error("`{host}` gave an answer that is not one of API 3.0")]
    NotAnAnswer { host: String },
}

impl Error {
    /// Whether the same request may succeed in a moment.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::TooMany { .. } | Self::Unreachable { .. } => true,
            Self::Service { code, .. } => {
                code.starts_with("InternalError") || code.contains("Timeout")
            }
            _ => false,
        }
    }

    /// What is wrong and what to do about it.
    #[must_use]
    pub fn in_words(&self, lang: Lang) -> String {
        match lang {
            Lang::Zh => self.in_chinese(),
            Lang::En => format!("{self}; {}", self.remedy()),
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::Key { .. } => "check SecretId and SecretKey",
            Self::TokenExpired => "fetch a new temporary key",
            Self::Clock { .. } => "set the clock by NTP",
            Self::Denied { .. } => "add this action to the sub-account's CAM policy",
            Self::NotFound { .. } => "check region and id",
            Self::TooMany { .. } | Self::Service { .. } | Self::NotAnAnswer { .. } => {
                "try again later"
            }
            Self::Arrears => "settle the account in the Tencent Cloud console",
            Self::Unreachable { .. } => "check network and endpoint",
        }
    }

    fn in_chinese(&self) -> String {
        match self {
            Self::Key { code } => format!("密钥不对（{code}），请检查 SecretId 和 SecretKey"),
            Self::TokenExpired => "临时密钥已过期，请换一个新的".to_owned(),
            Self::Clock { skew_s } => format!("本机时钟差了 {skew_s} 秒，请用 NTP 校时"),
            Self::Denied { action } => {
                format!("密钥没有 {action} 权限，请在访问管理 CAM 的策略里加上这一项")
            }
            Self::NotFound { action, code } => {
                format!("{action} 没有找到对应的资源（{code}），请检查地域和 ID")
            }
            Self::TooMany { action } => format!("{action} 请求太频繁，请稍后再试"),
            Self::Arrears => "账号已欠费，日志暂时读不了，请先在控制台充值".to_owned(),
            Self::Service { action, code } => format!("{action} 失败（{code}），请稍后再试"),
            Self::Unreachable { host } => format!("连不上 {host}，请检查网络和接口地址"),
            Self::NotAnAnswer { host } => {
                format!("{host} 的回答不是腾讯云 API 3.0 的格式，请检查接口地址")
            }
        }
    }
}
