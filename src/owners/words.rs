//! What is wrong with owners, their file or their keys, in the operator's language.
//!
//! In: an error of this room. Out: one sentence that says what to do. Always true: no key and no part of one stands in it.

use super::{Error, registry, vault};
use crate::model::Lang;

impl Error {
    /// What is wrong and what to do, for the operator.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Registry(error), _) => error.sentence(lang),
            (Self::Vault(error), _) => error.sentence(lang),
            (Self::Unknown { asked, known }, Lang::Zh) => {
                format!("没有叫 `{asked}` 的主人;现有:{known};用 gengfu owner list 查看")
            }
            (Self::Nobody, Lang::Zh) => "还没有主人,也不知道日志在哪里;请在 .env 写入 GENGFU_BUCKET 和 TENCENTCLOUD_SECRET_ID、TENCENTCLOUD_SECRET_KEY,或运行 gengfu init;只想看看就运行 gengfu demo".to_owned(),
            (Self::Nobody, Lang::En) => "there is no owner yet and no bucket; set GENGFU_BUCKET, TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY in .env, or run `gengfu init`; to look around, run `gengfu demo`".to_owned(),
            (Self::Exists(alias), Lang::Zh) => {
                format!("主人 {alias} 已经有了;要换密钥请用 gengfu owner rotate {alias},要改名字、桶、前缀请用 gengfu owner set {alias}")
            }
            (Self::KeyTaken(alias), Lang::Zh) => {
                format!("这把密钥已经是 {alias} 的;要改这个主人请用 gengfu owner set {alias},或先删除它")
            }
            (Self::InUse { alias, holder }, Lang::Zh) => format!(
                "这把密钥已登记为 {alias},它的数据正由 {holder} 使用;请先停掉那个程序再添加,或者直接给它起名:gengfu owner set {alias} --name 名字"
            ),
            (Self::Data { alias, source }, Lang::Zh) => {
                format!("{alias} 的数据没有移过来:{}", source.sentence(lang))
            }
            (Self::Data { alias, source }, Lang::En) => {
                format!("the data of {alias} was not moved: {}", source.sentence(lang))
            }
            (Self::NoKey(alias), Lang::Zh) => {
                format!("主人 {alias} 没有密钥;请用 gengfu owner rotate {alias} 存一个")
            }
            (Self::CodeTooShort(alias), Lang::Zh) => {
                format!("{alias} 的口令太短;至少要有四个数字或字,标点不算")
            }
            (Self::Alias(_), Lang::Zh) => {
                "主人的别名只能用 1 到 64 个字母、汉字、数字和 - _ .,不能以点开头".to_owned()
            }
            (
                Self::Unknown { .. }
                | Self::Exists(_)
                | Self::KeyTaken(_)
                | Self::InUse { .. }
                | Self::NoKey(_)
                | Self::CodeTooShort(_)
                | Self::Alias(_),
                Lang::En,
            ) => self.to_string(),
        }
    }
}

impl registry::Error {
    fn sentence(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Io { path, source }, Lang::Zh) => format!(
                "主人登记文件 {} 读写不了:{};请检查 GENGFU_DATA_DIR 的权限和磁盘",
                path.display(),
                lang.refusal(source)
            ),
            (Self::Io { path, source }, Lang::En) => format!(
                "the owners' file {} cannot be read or written: {}; check permissions and disk of GENGFU_DATA_DIR",
                path.display(),
                lang.refusal(source)
            ),
            (Self::Damaged { path, line }, Lang::Zh) => format!(
                "主人登记文件 {path} 损坏(第 {line} 行),没有改动它;请放回 {path}.bak 或备份"
            ),
            (Self::TooNew { path, .. }, Lang::Zh) => {
                format!("主人登记文件 {path} 是更新版本的程序写的;请升级 gengfu")
            }
            (Self::Busy(path), Lang::Zh) => {
                format!("另一个进程正在改主人登记文件 {};请再试一次", path.display())
            }
            (Self::Damaged { .. } | Self::TooNew { .. } | Self::Busy(_), Lang::En) => {
                self.to_string()
            }
        }
    }
}

impl vault::Error {
    fn sentence(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Io { path, source }, Lang::Zh) => format!(
                "主密钥文件 {} 读写不了:{};请检查 GENGFU_MASTER_KEY_FILE 和它的权限",
                path.display(),
                lang.refusal(source)
            ),
            (Self::Io { path, source }, Lang::En) => format!(
                "the master key file {} cannot be read or written: {}; check GENGFU_MASTER_KEY_FILE and its permissions",
                path.display(),
                lang.refusal(source)
            ),
            (Self::MasterKeyLost(path), Lang::Zh) => format!(
                "主密钥文件 {} 不见了,主人的密钥是用它加密的;请恢复这个文件,或删除主人后重新添加",
                path.display()
            ),
            (Self::MasterKeyUnreadable(path), Lang::Zh) => format!(
                "{} 不是主密钥;文件里应当只有 64 位十六进制数字",
                path.display()
            ),
            (Self::OtherMasterKey { .. }, Lang::Zh) => {
                "主人的密钥是用另一个主密钥加密的;请把原来的主密钥放回 GENGFU_MASTER_KEY 或 GENGFU_MASTER_KEY_FILE".to_owned()
            }
            (Self::Tampered(alias), Lang::Zh) => format!(
                "主人 {alias} 存的密钥被改动过或属于别人;请用 gengfu owner rotate {alias} 重新存"
            ),
            (Self::NoRandomness, Lang::Zh) => "系统给不出随机数;请检查操作系统".to_owned(),
            (
                Self::MasterKeyLost(_)
                | Self::MasterKeyUnreadable(_)
                | Self::OtherMasterKey { .. }
                | Self::Tampered(_)
                | Self::NoRandomness,
                Lang::En,
            ) => self.to_string(),
        }
    }
}
