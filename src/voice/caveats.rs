//! What a listener should know of how sure and how complete a report is.
//!
//! In: a report, an [`Ask`]. Out: clauses without an end mark, the gravest first. What is so of all kinds of log is said once.

use crate::model::{
    LogKind,
    report::{Report, Shipping, Stage},
};

use super::{ask::Ask, phrase::kind_name};

/// What a listener should know about how sure and how complete all this is; the gravest first.
pub(super) fn caveats(report: &Report, ask: &Ask) -> Vec<String> {
    let lang = ask.lang;
    let mut said = Vec::new();
    match report.stage {
        Stage::Events => said.push(
            lang.pick(
                "目前只看完事件日志，其余还在分析",
                "so far only the event log is read, the rest is under way",
            )
            .to_owned(),
        ),
        Stage::Windows => said.push(
            lang.pick(
                "目前只看完出问题的时段，其余还没看",
                "so far only the hours of trouble are read",
            )
            .to_owned(),
        ),
        Stage::Day | Stage::Complete | Stage::Checked => {}
    }
    let whole = !matches!(report.stage, Stage::Events | Stage::Windows);
    let mut unshipped = Vec::new();
    for kind in LogKind::ALL {
        let name = kind_name(kind, lang);
        match report.coverage.get(&kind) {
            Some(c) if matches!(c.shipping, Some(Shipping::Pending | Shipping::Failed)) => said
                .push(lang.pick(
                    format!("{name}还没全部投递到桶里，后面的会补上"),
                    format!("the {name} is not wholly shipped yet; the rest follows"),
                )),
            Some(c) if c.shipped && !c.complete && (whole || !c.problems.is_empty()) => {
                let n = c.problems.len().max(1);
                said.push(lang.pick(
                    format!("{name}有{n}个文件没读完整"),
                    format!("{n} files of the {name} could not be read in full"),
                ));
            }
            Some(c) if !c.shipped => unshipped.push(name),
            _ => {}
        }
    }
    let all = unshipped.len() == LogKind::ALL.len();
    said.extend(match unshipped[..] {
        [] => None,
        _ if all => Some(lang.pick(
            "三类日志都没有投递，什么也看不到".to_owned(),
            "none of the three logs is shipped, so nothing can be told".to_owned(),
        )),
        [name] => Some(lang.pick(
            format!("{name}没有投递，这一类看不到"),
            format!("the {name} is not shipped, so it tells nothing"),
        )),
        _ => Some(lang.pick(
            format!("{}没有投递，这两类看不到", unshipped.join("和")),
            format!(
                "the {} are not shipped, so they tell nothing",
                unshipped.join(" and the ")
            ),
        )),
    });
    if whole {
        if report.baseline.partial {
            said.push(
                lang.pick(
                    "前几天的数据还在补，对比不完整",
                    "earlier days are still being read, so the comparison is not complete",
                )
                .to_owned(),
            );
        } else if report.baseline.days == 0 {
            said.push(
                lang.pick(
                    "没有前几天的数据可以对比",
                    "there are no earlier days to compare with",
                )
                .to_owned(),
            );
        }
    }
    said
}
