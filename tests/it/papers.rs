//! What the papers say of the program, held against the program.

use std::{collections::BTreeSet, fs, path::Path};

use gengfu::intake::tc3;

fn paper(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("paper")
}

#[test]
fn the_policies_of_both_readmes_allow_every_action_and_no_other() {
    let used: BTreeSet<&str> = tc3::ACTIONS.into_iter().collect();
    for name in ["README.md", "README.zh-CN.md"] {
        let text = paper(name);
        let (_, rest) = text.split_once("\"statement\"").expect("a policy");
        let (policy, _) = rest.split_once("```").expect("its end");
        let words = policy.split('"').skip(1).step_by(2);
        let named: BTreeSet<&str> = words
            .filter(|w| {
                ["cls:", "tke:", "monitor:"]
                    .iter()
                    .any(|s| w.starts_with(s))
            })
            .collect();
        assert_eq!(named, used, "{name}");
    }
}
