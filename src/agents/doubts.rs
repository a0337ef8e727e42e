//! What a model has to prove beyond what our own sentences do, since it may mean harm or nothing at all.
//!
//! In: a claim of a model, what it asserts ([`Tokens`]) and what its records show ([`Ground`]). Out: [`Fault`]s. An observation must hold
//! something that can be looked up, may not say that all is well and may not name a cause that its records do not; none and one are
//! looked up too, and in English a service may be called by any word. Each clause is held against what it rests on: its words by `vocabulary`, its
//! numbers by `measure`, who did what by `roles`; a guess by `guess`. Pure.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use crate::model::{
    Lang,
    report::{Claim, ClaimKind},
};

use super::{
    claims::Facts,
    clauses::clauses,
    fault::Fault,
    ground::Ground,
    guess::{guess, ordered},
    lists::{found, lists},
    roles::roles,
    tokens::Tokens,
};

type Pattern = LazyLock<Option<Regex>>;

/// `cart and recommend services`: what stands before the kind names one of it.
static CALLED: Pattern = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:([a-z][a-z0-9-]*)(?:,| and| or) )?([a-z][a-z0-9-]*) ",
        r"(?:services?|deployments?|pods?|statefulsets?|daemonsets?)(?-u:\b)"
    ))
    .ok()
});
/// A log is full of what goes wrong; that nothing does is in no line of it.
static WELL: Pattern = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:完全|一切|都|运行|服务|状态|表现|均|很|是)正常|(?:没有|没|无|未见|未发现)(?:发现|出现)?(?:任何|什么)?(?:异常|问题|故障|错误)|(?:很|完全|是|都)健康",
        r"|(?-u:\b)(?:is|are|was|were|stays?|remains?) (?:all |completely |perfectly |fully )?(?:healthy|fine|normal|well|ok)(?-u:\b)",
        r"|(?-u:\b)(?:no|without any|without) (?:errors?|problems?|anomal(?:y|ies)|issues?|failures?)(?-u:\b)"
    ))
    .ok()
});
/// Words that stand before a kind without being a name.
const ORDINARY: &str = " the a an this that these those its their his our your all any some no each every both other another more most many \
    several few such same new old first second last next only whole entire which of in on for to from by with and or as at is are was were be been \
    two three four five six ten failed failing pending running crashing crashed starting started restarting restarted evicted deleted terminated \
    terminating stopped killed created scheduled unscheduled broken affected unaffected healthy unhealthy ready unready available unavailable \
    calling called upstream downstream dependent internal external existing missing backing headless target kubernetes k8s system ";

pub(super) fn doubts(
    claim: &Claim,
    facts: Facts<'_>,
    said: &Tokens,
    ground: &Ground,
) -> Vec<Fault> {
    let called = match facts.lang {
        Lang::En => called(&claim.text, facts),
        Lang::Zh => BTreeSet::new(),
    };
    let few = said.few.iter().filter(|n| !ground.has_few(**n));
    let mut faults: Vec<Fault> = few.map(|n| Fault::Number(*n)).collect();
    let unknown = called.iter().filter(|n| !ground.has_word(n));
    faults.extend(unknown.cloned().map(Fault::Name));
    // An address has no letters, and is a name all the same.
    let words = said
        .rest
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != ':');
    // `v2.4.1` is a version, and checked as a name.
    let words = words.filter(|w| !w.contains(|c: char| c.is_ascii_alphabetic()));
    let words = words.map(|w| w.trim_matches(['.', ':']));
    let addresses = words.filter(|w| w.matches('.').count() >= 2 && !ground.has_word(w));
    faults.extend(addresses.map(|w| Fault::Name(w.to_owned())));
    let lang = facts.lang;
    let Some(clauses) = clauses(claim, facts) else {
        faults.push(Fault::Whose);
        return faults;
    };
    faults.extend(ordered(claim, &clauses, lang));
    if let Some(word) = found(&lists(lang).vague, &said.rest.to_lowercase()) {
        faults.push(Fault::Quantity(word.to_owned()));
    }
    for clause in &clauses {
        faults.extend(roles(clause, claim.kind, lang));
        let there = &clause.ground;
        // What is nowhere at all is found to be so elsewhere.
        let is_there = |n: f64| ground.is_about(n) || ground.is_over(n);
        let wrong = clause.said.bound.iter().filter(|(n, behind)| {
            let counts = |n| there.has_count(n);
            is_there(*n) && !there.measures.holds(*n, behind, counts, lang)
        });
        faults.extend(wrong.map(|(n, _)| Fault::Unit(*n)));
        let of_another = |n: &&String| ground.has_word(n) && !there.has_word(n);
        let names = clause.said.names.iter().filter(of_another);
        faults.extend(names.cloned().map(Fault::Name));
    }
    if claim.kind != ClaimKind::Observed {
        faults.extend(guess(claim, &clauses, lang));
        return faults;
    }
    for clause in &clauses {
        let strange = clause
            .corpus
            .strange(&clause.said.rest, lang, &clause.names);
        faults.extend(strange.map(Fault::Word));
    }
    let unseen = said.causes.iter().filter(|c| !ground.has_beginning(c));
    faults.extend(unseen.cloned().map(Fault::Name));
    if WELL.as_ref().is_some_and(|p| p.is_match(&claim.text)) {
        faults.push(Fault::Well);
    }
    // Each of these is held against the records elsewhere; here one must be there at all.
    let is_bare = called.is_empty()
        && said.names.is_empty()
        && said.causes.is_empty()
        && said.quotes.is_empty()
        && said.times.is_empty()
        && said.hours.is_empty()
        && said.dates.is_empty()
        && said.percents.is_empty()
        && [&said.numbers, &said.about, &said.over]
            .iter()
            .all(|list| list.is_empty());
    if is_bare {
        faults.push(Fault::Bare);
    }
    faults
}

/// Names in plain English words: those that objects of this day have, and what stands before a kind.
fn called(text: &str, facts: Facts<'_>) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    let report = facts.report;
    let roots = report.incidents.iter().flat_map(|i| {
        let changed = i.change.iter().chain(&i.recovered_by).map(|c| &c.object);
        changed.chain(&i.affected).chain([&i.root.object])
    });
    let objects = report.findings.iter().map(|f| &f.object).chain(roots);
    let known: BTreeSet<&str> = objects
        .map(|o| o.name.as_str())
        .chain(facts.records.values().map(|k| k.object.as_str()))
        .collect();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.');
    let words = words.map(|w| w.trim_matches(['-', '.']));
    let mut called: BTreeSet<String> = words
        .filter(|w| w.len() > 1 && known.contains(w))
        .map(str::to_owned)
        .collect();
    for found in CALLED.iter().flat_map(|p| p.captures_iter(&lower)) {
        let names = found.iter().skip(1).flatten().map(|m| m.as_str());
        let names = names.filter(|w| !ORDINARY.contains(&format!(" {w} ")));
        called.extend(names.map(str::to_owned));
    }
    called
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::claims::{
            Draft,
            tests::{faults_of, records},
        },
        model::sample,
    };

    fn faults(text: &str, kind: ClaimKind, lang: Lang) -> Vec<Fault> {
        let report = sample::report();
        let records = records(&report);
        let draft = Draft {
            text: text.to_owned(),
            kind,
            findings: vec![report.findings[0].id.clone()],
            evidence: vec![report.findings[0].evidence[0].id.to_string()],
        };
        faults_of(&draft, &report, &records, lang)
    }

    #[test]
    fn an_observation_holds_something_that_a_record_shows() {
        use ClaimKind::{Inferred, Observed};
        let name = |n: &str| vec![Fault::Name(n.to_owned())];
        for (text, wrong) in [
            (
                "客户资金已被攻击者全部转走，数据库已被清空",
                vec![Fault::Bare],
            ),
            ("checkout 完全正常，没有任何异常", vec![Fault::Well]),
            ("checkout 的容器 OOM 了", name("oom")),
            ("checkout 的副本已缩到 0 个", vec![Fault::Number(0.0)]),
            (
                "checkout 的数据库被清空",
                vec![Fault::Word("数据".to_owned())],
            ),
            (
                "请把 checkout 的镜像换掉",
                vec![Fault::Order("请".to_owned())],
            ),
        ] {
            let found = faults(text, Observed, Lang::Zh);
            assert!(wrong.iter().all(|w| found.contains(w)), "{text} {found:?}");
        }
        assert_eq!(faults("checkout 的镜像拉取失败", Observed, Lang::Zh), []);
        let found = faults("The payment service lost its orders", Observed, Lang::En);
        assert!(found.contains(&name("payment")[0]), "{found:?}");
        let holds = "The failing pods of checkout back off from pulling the image";
        assert_eq!(faults(holds, Observed, Lang::En), []);
        // A guess may name a cause that no record does.
        assert_eq!(
            faults("checkout 可能是 DNS 出了问题", Inferred, Lang::Zh),
            []
        );
        for (text, wrong) in [
            ("checkout 的镜像标签没有推送", Fault::Unhedged),
            ("镜像标签可能没有推送", Fault::Nameless),
            (
                "已经确认是 checkout 的镜像问题",
                Fault::Certain("确认".to_owned()),
            ),
            (
                "建议删除 checkout，可能就好了",
                Fault::Order("建议".to_owned()),
            ),
            (
                "checkout 可能是张三故意破坏的",
                Fault::Word("张三".to_owned()),
            ),
        ] {
            let found = faults(text, Inferred, Lang::Zh);
            assert!(found.contains(&wrong), "{text} {found:?}");
        }
    }
}
