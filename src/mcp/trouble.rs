//! Why a call cannot give what was asked, as an answer that says what to do.
//!
//! In: whatever stopped a tool. Out: an [`Answer`] with `failed`. Always true: the told part is plain speech without any text from
//! outside; details are for the model. Nothing here is a protocol error.

use super::{Answer, args::Complaint};
use crate::{
    model::{Day, Lang, OwnerAlias},
    owners, store,
};

/// See the module's head.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("an argument cannot be read")]
    Argument(Complaint),
    #[error("`{0}` has not come yet")]
    Future(Day),
    #[error("no owner is known")]
    NoOwner,
    #[error("the caller may not open `{0}`")]
    NotYours(OwnerAlias),
    /// No report of that day, and no round that could be started for it.
    #[error("`{0}` was never run")]
    NeverRun(Day),
    /// The bucket holds nothing of that day.
    #[error("there are no logs of `{0}`")]
    NoLogs(Day),
    /// Nothing was told that "it" could mean.
    #[error("no incident was told")]
    NothingTold,
    #[error("no incident matches")]
    NoSuchIncident { had: Vec<String> },
    #[error("the last answer told no problem in that place")]
    NotTold { had: Vec<String> },
    #[error("there is no such task")]
    NoSuchTask,
    #[error(transparent)]
    Owners(#[from] owners::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Complaint> for Trouble {
    fn from(complaint: Complaint) -> Self {
        Self::Argument(complaint)
    }
}

impl Trouble {
    pub(super) fn answer(self, lang: Lang) -> Answer {
        let (zh, en) = self.told();
        let answer = Answer::told(lang.pick(zh, en)).failed();
        match self {
            Self::Argument(complaint) => answer.advice(complaint.sentence(lang)),
            Self::Future(day) => answer.fact("date", day),
            Self::NoOwner => answer.advice(lang.pick(
                "管理员:在 .env 写入 TENCENTCLOUD_SECRET_ID 和 TENCENTCLOUD_SECRET_KEY,或运行 gengfu owner add",
                "operator: set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY in .env, or run gengfu owner add",
            )),
            Self::NotYours(_) => answer.next("switch_owner_keys", &[]),
            Self::NeverRun(day) => {
                let date = day.to_string();
                answer.fact("date", &date).next("summarize_day", &[("date", &date), ("refresh", "true")])
            }
            Self::NoLogs(day) => answer.fact("date", day).next("summarize_day", &[]),
            Self::NoSuchIncident { had } | Self::NotTold { had } => answer.fact("incidents", had.join(",")),
            Self::NothingTold | Self::NoSuchTask => answer.next("summarize_day", &[]),
            Self::Owners(error) => {
                tracing::error!(error = %error, "the owners could not be read");
                answer.advice(format!("{}: {error}", lang.pick("管理员看日志", "operator, see the log")))
            }
            Self::Store(error) => {
                tracing::error!(error = %error, "the store could not answer a call");
                answer.advice(format!("{}: {error}", lang.pick("管理员看日志", "operator, see the log")))
            }
        }
    }

    fn told(&self) -> (&'static str, &'static str) {
        match self {
            Self::Argument(_) => (
                "有一个条件我没听明白。能换个说法再问一次吗？",
                "I did not understand one of the conditions. Could you say it differently?",
            ),
            Self::Future(_) => (
                "这一天还没到，还没有日志。要不要听昨天的？",
                "That day has not come yet, there are no logs. Shall I tell you about yesterday?",
            ),
            Self::NoOwner => (
                "我还不知道该看谁的日志，密钥还没有配置。要不要请管理员先配置好？",
                "I do not know whose logs to read, no key is set up. Could the operator do that first?",
            ),
            Self::NotYours(_) => (
                "这个入口不能看这位主人的日志。要不要换一位主人？",
                "This connection may not read that owner's logs. Shall I switch to another owner?",
            ),
            Self::NeverRun(_) => (
                "这一天的日志还没有分析过。要不要现在分析？",
                "The logs of that day have not been analysed yet. Shall I analyse them now?",
            ),
            Self::NoLogs(_) => (
                "这一天没有找到这类日志，可能没有投递，也可能已经过期。要不要换一天看看？",
                "There are no such logs of that day; they were not shipped, or have expired. Shall I look at another day?",
            ),
            Self::NothingTold => (
                "我还没有讲过哪个问题。要不要先听一遍播报？",
                "I have not told you about any problem yet. Shall I begin with the report?",
            ),
            Self::NoSuchIncident { .. } => (
                "这一天的报告里没有这个问题。要不要先听一遍有哪些问题？",
                "The report of that day has no such problem. Shall I list the problems first?",
            ),
            Self::NotTold { .. } => (
                "刚才没有念到这一个。要不要先听一遍有哪些问题？",
                "The last answer named no problem in that place. Shall I list the problems first?",
            ),
            Self::NoSuchTask => (
                "现在没有在进行的分析。要不要听昨天的播报？",
                "No analysis is running. Shall I tell you about yesterday?",
            ),
            Self::Owners(_) => (
                "主人的登记打不开。能请管理员看一下程序的日志吗？",
                "The register of owners cannot be opened. Could the operator look at the program's log?",
            ),
            Self::Store(store::Error::Full) => (
                "磁盘满了，暂时记不下也读不全。能请管理员清理一下磁盘吗？",
                "The disk is full. Could the operator free some space?",
            ),
            Self::Store(store::Error::TooNew { .. }) => (
                "数据是更新版本的程序写的，我打不开。能请管理员升级程序吗？",
                "The data was written by a newer version, I cannot open it. Could the operator upgrade the program?",
            ),
            Self::Store(error) if error.is_transient() => (
                "数据正忙，暂时打不开。要不要过一会儿再问我一次？",
                "The data is busy right now. Could you ask me again in a moment?",
            ),
            Self::Store(_) => (
                "数据暂时打不开。能请管理员看一下程序的日志吗？",
                "The data cannot be opened. Could the operator look at the program's log?",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::Wire;

    #[test]
    fn every_trouble_asks_something_speakable_and_helps_the_model() {
        let day = "2026-11-30".parse().expect("day");
        let all = [
            Trouble::Argument(Complaint::new(
                "part",
                "九",
                "1 到 4 的数字",
                "a number from 1 to 4",
            )),
            Trouble::Future(day),
            Trouble::NoOwner,
            Trouble::NotYours("b".parse().expect("alias")),
            Trouble::NeverRun(day),
            Trouble::NoLogs(day),
            Trouble::NothingTold,
            Trouble::NoSuchIncident {
                had: vec!["i1".to_owned()],
            },
            Trouble::NotTold {
                had: vec!["i1".to_owned()],
            },
            Trouble::NoSuchTask,
            Trouble::Store(store::Error::Full),
            Trouble::Store(store::Error::Stopped),
        ];
        for trouble in all {
            let answer = trouble.answer(Lang::Zh);
            assert!(answer.failed && answer.told.ends_with('？'), "{answer:?}");
            assert!(answer.told.chars().count() <= 60, "{}", answer.told);
            assert!(
                answer.text(Wire::Http, Lang::Zh).lines().count() == 2,
                "{answer:?}"
            );
        }
    }
}
