//! Says which values of key fields are new today.
//!
//! In: a day's templates, and what stood at their places on earlier days. Out: [`KeyField::new`] filled in. Always true: nothing is called
//! new without an earlier day of the same template, and nothing of a place whose values are new every day, as an order's number is.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::shapes::{FieldRole, KeyField, TemplateDay, TemplateId};

/// What stood at the places of templates before, by service and template.
#[derive(Debug, Clone, Default)]
pub struct Before(BTreeMap<(String, TemplateId), BTreeMap<String, Seen>>);

#[derive(Debug, Clone, Default)]
struct Seen {
    values: BTreeSet<String>,
    /// There were more values than were kept, so that nothing can be said to be new.
    cut: bool,
}

impl Before {
    /// Adds what an earlier day kept of a template.
    pub fn add(&mut self, service: String, template: TemplateId, fields: Vec<KeyField>) {
        let of_template = self.0.entry((service, template)).or_default();
        for field in fields {
            let seen = of_template.entry(field.name).or_default();
            seen.cut |= field.distinct as usize > field.top.len();
            seen.values
                .extend(field.top.into_iter().map(|(value, _)| value));
        }
    }

    /// Marks what none of the earlier days had.
    pub fn mark(&self, templates: &mut [TemplateDay]) {
        for template in templates {
            let key = (template.service.to_string(), template.id);
            let Some(before) = self.0.get(&key) else {
                continue;
            };
            for field in template.fields.iter_mut().filter(|f| lasts(f.role)) {
                let Some(seen) = before.get(&field.name).filter(|seen| !seen.cut) else {
                    continue;
                };
                let values = field.top.iter().map(|(value, _)| value);
                field.new = values
                    .filter(|v| !seen.values.contains(*v))
                    .cloned()
                    .collect();
            }
        }
    }
}

/// Whether a place of this role has the same values from day to day.
const fn lasts(role: FieldRole) -> bool {
    matches!(
        role,
        FieldRole::ErrorCode
            | FieldRole::HttpStatus
            | FieldRole::Exception
            | FieldRole::Endpoint
            | FieldRole::Service
            | FieldRole::Node
            | FieldRole::Container
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, Service, shapes::Cells};

    fn field(name: &str, role: FieldRole, values: &[&str], distinct: u32) -> KeyField {
        KeyField {
            name: name.to_owned(),
            role,
            distinct,
            top: values.iter().map(|v| ((*v).to_owned(), 1)).collect(),
            new: Vec::new(),
        }
    }

    fn service() -> Service {
        Service {
            cluster: String::new(),
            namespace: "shop".to_owned(),
            name: "cart".to_owned(),
            container: "cart".to_owned(),
        }
    }

    fn template(fields: Vec<KeyField>) -> TemplateDay {
        TemplateDay {
            id: TemplateId(7),
            text: String::new(),
            service: service(),
            level: Level::Error,
            cells: Cells::default(),
            first_ms: 0,
            last_ms: 0,
            samples: Vec::new(),
            fields,
        }
    }

    #[test]
    fn only_values_that_last_can_be_new() {
        let today = || {
            vec![
                field("code", FieldRole::ErrorCode, &["1045", "2003"], 2),
                field("order", FieldRole::BusinessId, &["9"], 1),
                field("target", FieldRole::Endpoint, &["db:3306"], 1),
            ]
        };
        let mut templates = [template(today())];
        Before::default().mark(&mut templates);
        assert!(templates[0].fields.iter().all(|f| f.new.is_empty()));

        let mut before = Before::default();
        let service = service().to_string();
        let earlier = vec![
            field("code", FieldRole::ErrorCode, &["2003"], 1),
            field("order", FieldRole::BusinessId, &["8"], 1),
            field("target", FieldRole::Endpoint, &["cache:6379"], 40),
        ];
        before.add(service, TemplateId(7), earlier);
        before.mark(&mut templates);
        let new: Vec<&[String]> = templates[0].fields.iter().map(|f| &f.new[..]).collect();
        assert_eq!(new, [&["1045".to_owned()][..], &[], &[]]);
    }
}
