//! Problems as a listener counts them.
//!
//! In: the incidents of a day, the most important first. Out: [`Problem`]s in the same order. Always true: every incident is in exactly
//! one problem; where each can be named by itself it is. When there are too many, those of one cause are one problem ("two images
//! cannot be pulled"), then those of one family of causes. What is joined stands the same way, so that one standing is true of all: what
//! recovered is never told with what goes on. Words nothing but titles.

use crate::model::{
    Lang, Severity,
    report::{Incident, Status},
};

use super::phrase::{is_urgent, title};

/// Incidents that are told in one sentence; there is always a first, which stands for all.
#[derive(Debug, Clone)]
pub(super) struct Problem<'a> {
    pub first: &'a Incident,
    pub others: Vec<&'a Incident>,
}

/// What incidents of one sort have in common.
type Sort = fn(&Incident) -> (&str, Status, Option<Severity>);

/// From what is surely one matter to what merely sounds like it.
const SORTS: [Sort; 3] = [
    |incident| (&incident.root.cause, incident.status, None),
    |incident| (family(incident), incident.status, Some(incident.severity)),
    |incident| (family(incident), incident.status, None),
];

/// `schedule` of `schedule.node_affinity`.
fn family(incident: &Incident) -> &str {
    let code = incident.root.cause.as_str();
    code.split_once('.').map_or(code, |(family, _)| family)
}

/// At most `most` problems, if joining what is of one sort makes so few; no more is joined than that takes.
pub(super) fn problems<'a>(incidents: &[&'a Incident], most: usize) -> Vec<Problem<'a>> {
    let alone = incidents.iter().map(|first| Problem {
        first,
        others: Vec::new(),
    });
    let mut problems: Vec<Problem<'a>> = alone.collect();
    for sort in SORTS {
        while problems.len() > most && join_one(&mut problems, sort) {}
    }
    problems
}

/// Joins all problems of the first sort of which there are several.
fn join_one(problems: &mut Vec<Problem<'_>>, sort: Sort) -> bool {
    // Two things nobody understands need not have anything to do with each other.
    let same = |a: &Problem<'_>, b: &Problem<'_>| {
        a.first.root.cause != "unknown" && sort(a.first) == sort(b.first)
    };
    let several = |at: &usize| problems[at + 1..].iter().any(|p| same(&problems[*at], p));
    let Some(at) = (0..problems.len()).find(several) else {
        return false;
    };
    let later = problems.split_off(at + 1);
    for problem in later {
        if same(&problems[at], &problem) {
            problems[at].others.push(problem.first);
            problems[at].others.extend(problem.others);
        } else {
            problems.push(problem);
        }
    }
    true
}

impl<'a> Problem<'a> {
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Incident> + '_ {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    pub(super) fn is_urgent(&self) -> bool {
        self.all().any(is_urgent)
    }

    /// What holds for all of it: only what stands the same way is joined.
    pub(super) const fn status(&self) -> Status {
        self.first.status
    }

    /// The titles in at most `max` characters each; what they end with in common is said once.
    pub(super) fn title(&self, lang: Lang, max: usize) -> String {
        let titles: Vec<String> = self.all().map(|i| title(i, lang, max)).collect();
        let [first, others @ ..] = titles.as_slice() else {
            return String::new();
        };
        if others.is_empty() {
            return first.clone();
        }
        let (and, comma) = (lang.pick("和", " and "), lang.pick("，", ", "));
        let mut said: Vec<(Vec<&str>, &str)> = Vec::new();
        for (incident, title) in self.all().zip(&titles) {
            // A title begins with its object; what follows is what they may have in common.
            let name = incident.root.object.name.as_str();
            let (name, what) = match title.strip_prefix(name) {
                Some(what) => (&title[..name.len()], what),
                None => ("", title.as_str()),
            };
            match said
                .iter_mut()
                .find(|(names, same)| *same == what && !names[0].is_empty())
            {
                Some((names, _)) => names.push(name),
                None => said.push((vec![name], what)),
            }
        }
        let clauses: Vec<String> = said
            .into_iter()
            .map(|(names, what)| names_of(&names, and, lang) + what)
            .collect();
        clauses.join(comma)
    }
}

/// `a和b`; of more than three the first two and how many there are.
fn names_of(names: &[&str], and: &str, lang: Lang) -> String {
    match names {
        [a, b, _, _, ..] => lang.pick(
            format!("{a}、{b}等{}个", names.len()),
            format!("{a}, {b} and {} more", names.len() - 2),
        ),
        [a, b, c] => format!("{a}{}{b}{and}{c}", lang.pick("、", ", ")),
        names => names.join(and),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    /// Incidents of these causes, each of an object of its own.
    fn day(causes: &[(&str, &str, Severity)]) -> Vec<Incident> {
        let sample = sample::report().incidents.remove(0);
        let one = |(cause, title, severity): &(&str, &str, Severity)| {
            let mut incident = sample.clone();
            incident.root.cause = (*cause).to_owned();
            incident.root.object.name = title.split(' ').next().unwrap_or_default().to_owned();
            incident.title = (*title).to_owned();
            incident.severity = *severity;
            incident
        };
        causes.iter().map(one).collect()
    }

    fn titles(incidents: &[Incident], most: usize) -> Vec<String> {
        let incidents: Vec<&Incident> = incidents.iter().collect();
        let problems = problems(&incidents, most);
        let all: usize = problems.iter().map(|p| p.all().count()).sum();
        assert_eq!(all, incidents.len());
        problems.iter().map(|p| p.title(Lang::Zh, 80)).collect()
    }

    #[test]
    fn what_is_of_one_sort_is_joined_until_it_is_few_enough() {
        use Severity::{Critical, Error};
        let day = day(&[
            ("scaling.full", "pool 到上限", Critical),
            ("image.not_found", "a 镜像不存在", Critical),
            ("schedule.memory", "b 内存不够", Critical),
            ("image.not_found", "c 镜像不存在", Critical),
            ("schedule.affinity", "d 亲和性不满足", Critical),
            ("scaling.no_metrics", "e 没有指标", Error),
        ]);
        assert_eq!(titles(&day, 6).len(), 6);
        let five = titles(&day, 5);
        assert_eq!(five[1], "a和c 镜像不存在");
        let four = titles(&day, 4);
        assert_eq!(four[2], "b 内存不够，d 亲和性不满足");
        assert_eq!(four[3], "e 没有指标");
        assert_eq!(titles(&day, 3)[0], "pool 到上限，e 没有指标");
        assert_eq!(titles(&day, 1).len(), 3);
    }

    #[test]
    fn what_recovered_is_not_told_with_what_goes_on() {
        let codes = [
            "app.tls_expired",
            "app.db_auth",
            "image.not_found",
            "schedule.memory",
            "storage.no_class",
            "scaling.full",
            "node.down",
        ];
        let causes = codes.map(|code| (code, "a 出错", Severity::Error));
        let mut day = day(&causes);
        day[1].status = Status::Recovered;
        let incidents: Vec<&Incident> = day.iter().collect();
        for most in 1..=7 {
            let problems = problems(&incidents, most);
            for problem in &problems {
                assert!(problem.all().all(|i| i.status == problem.status()));
            }
        }
        // What cannot be joined truly is told later, not together.
        assert_eq!(problems(&incidents, 6).len(), 7);
        day[1].status = Status::Ongoing;
        let incidents: Vec<&Incident> = day.iter().collect();
        assert_eq!(problems(&incidents, 6).len(), 6);
    }

    #[test]
    fn many_names_are_counted_and_the_unknown_stays_apart() {
        let same = [("image.not_found", "a 镜像不存在", Severity::Error); 4];
        assert_eq!(titles(&day(&same), 1), ["a、a等4个 镜像不存在"]);
        let unknown = [("unknown", "a 出错", Severity::Error); 2];
        assert_eq!(titles(&day(&unknown), 1).len(), 2);
    }
}
