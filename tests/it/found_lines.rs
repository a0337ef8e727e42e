//! What a search finds leads to a line of the log: on the page by a link, over MCP by an evidence id that `fetch_logs` opens.

use gengfu::{demo, model::Day, round::tasks::Ended};
use jiff::tz::TimeZone;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    asking::said,
    over_bucket::{self, Manner},
    page::Browser,
    running::{Era, ROBOT},
    stored_day::owner,
};

const DAY: &str = "2026-11-20";
/// What every line of one template says, and nothing that went wrong.
const TEXT: &str = "coupon rejected";

#[tokio::test]
async fn a_template_that_was_found_shows_a_line_of_it() {
    let dir = TempDir::new().expect("folder");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let day: Day = DAY.parse().expect("day");
    demo::lay(&dir.path().join("bucket"), day, &zone).expect("lay");
    let server = over_bucket::serve(dir.path(), Manner::default()).await;
    let (round, _) = server.desk.rounds.start(&owner("demo"), day);
    assert_eq!(round.wait().await, Ended::Done);

    let client = server.client(ROBOT, Era::Handshake).await;
    let ask = json!({ "date": DAY, "keyword": TEXT });
    let found = said(&client, "analyze_business", ask).await;
    let (_, ids) = found.split_once("evidence=").expect("a line of it");
    let first = ids.split([',', ';']).next().expect("an id");
    let open = json!({ "kind": "business", "date": DAY, "keyword": first });
    let line = said(&client, "fetch_logs", open).await;
    assert!(line.contains(TEXT), "{found}\n{line}");

    let mut browser = Browser::new();
    let token = format!("token={ROBOT}");
    browser.post(&server, "/page/login", &token).await;
    let path = format!("/o/demo/{DAY}/search?q=coupon+rejected");
    let (_, page) = browser.get(&server, &path).await;
    let hit = page.split("<li>").skip(1).find(|hit| hit.contains(TEXT));
    let (_, href) = hit
        .expect("found")
        .split_once("<a href=\"")
        .expect("a link");
    let (href, _) = href.split_once('"').expect("its end");
    let to_line = format!("/o/demo/{DAY}/line/business");
    assert!(href.starts_with(&to_line), "{href}");
    let (status, line) = browser.get(&server, href).await;
    assert!(status == 200 && line.contains(TEXT), "{line}");
    client.cancel().await.expect("end");
    server.stop().await;
}
