//! The operator's page as a browser without a script sees it: signing in, looking, marking, the numbers.

use gengfu::{model::shapes::DayShapes, store::docs_of};
use reqwest::redirect::Policy;
use serde_json::json;

use crate::{
    running::{ERAS, ROBOT, Running, told},
    stored_day::{owner, report},
};

/// A browser: follows nothing by itself, sends back what cookies it was given.
pub(crate) struct Browser {
    client: reqwest::Client,
    cookie: String,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let _ = crate::running::http_client();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none());
        Self {
            client: client.build().expect("client"),
            cookie: String::new(),
        }
    }

    pub(crate) async fn get(&self, server: &Running, path: &str) -> (u16, String) {
        let answer = self
            .client
            .get(server.url(path))
            .header("cookie", &self.cookie)
            .header("accept", "text/html,*/*;q=0.8")
            .send()
            .await
            .expect("get");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    pub(crate) async fn post(&mut self, server: &Running, path: &str, form: &str) -> (u16, String) {
        let request = self
            .client
            .post(server.url(path))
            .header("cookie", &self.cookie)
            .header("origin", server.url(""));
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        let answer = request.send().await.expect("post");
        if let Some(set) = answer.headers().get("set-cookie") {
            let pair = set
                .to_str()
                .expect("text")
                .split(';')
                .next()
                .unwrap_or_default();
            pair.clone_into(&mut self.cookie);
        }
        let to = answer
            .headers()
            .get("location")
            .map(|l| l.to_str().expect("text").to_owned());
        (answer.status().as_u16(), to.unwrap_or_default())
    }
}

#[tokio::test]
async fn a_reader_signs_in_looks_and_signs_out() {
    let server = Running::start().await;
    let mut browser = Browser::new();
    let (status, gate) = browser.get(&server, "/o/demo/2026-11-21").await;
    assert!(
        status == 200 && gate.contains("/page/login") && !gate.contains("checkout"),
        "{gate}"
    );
    assert_eq!(
        browser
            .post(&server, "/page/login", "token=wrong&back=%2F")
            .await
            .0,
        401
    );
    let (status, to) = browser
        .post(
            &server,
            "/page/login",
            &format!("token={ROBOT}&back=%2Fo%2Fdemo%2F2026-11-21"),
        )
        .await;
    assert_eq!((status, to.as_str()), (303, "/o/demo/2026-11-21"));
    assert!(!browser.cookie.contains(ROBOT));
    let (_, day) = browser.get(&server, &to).await;
    for incident in report().incidents {
        assert!(
            day.contains(&format!("/o/demo/2026-11-21/{}", incident.id)),
            "{}",
            incident.id
        );
    }
    let (_, incident) = browser.get(&server, "/o/demo/2026-11-21/i1").await;
    assert!(incident.contains(&report().incidents[0].root.object.name));
    let (status, line) = browser
        .get(&server, "/o/demo/2026-11-21/line/event%3A0000000000000001")
        .await;
    assert!(status == 200 && line.contains("v2.4.1-rc9"), "{line}");
    let (status, missing) = browser.get(&server, "/o/demo/2026-11-20").await;
    assert!(
        status == 404 && missing.contains("没有这一页") && missing.contains("/page/logout"),
        "{missing}"
    );
    assert_eq!(browser.get(&server, "/o/demo/round").await.1, "null");
    browser.post(&server, "/page/logout", "").await;
    assert!(browser.get(&server, "/").await.1.contains("/page/login"));
    // The script that follows a round learns that it is over, and gets no form for an answer.
    let asked = browser.client.get(server.url("/o/demo/round"));
    let asked = asked.header("accept", "application/json").send().await;
    assert_eq!(asked.expect("get").status(), 401);
}

#[tokio::test]
async fn a_mark_of_the_page_is_the_mark_of_the_tool_and_is_taken_back() {
    let server = Running::start().await;
    let mut browser = Browser::new();
    browser
        .post(&server, "/page/login", &format!("token={ROBOT}"))
        .await;
    let (status, to) = browser
        .post(
            &server,
            "/o/demo/2026-11-21/i1/mark",
            "as=normal&note=%3Cb%3E",
        )
        .await;
    assert_eq!((status, to.as_str()), (303, "/o/demo/2026-11-21/i1"));
    // What is settled is counted apart, on the card, in the tally, in the strip and in the headline.
    let (left, settled) = (report().incidents.len() - 1, &report().incidents[0]);
    let client = server.client(ROBOT, ERAS[0]).await;
    let (summary, _) = told(&client, "summarize_day", json!({})).await;
    assert!(!summary.contains(&settled.title), "{summary}");
    let (_, house) = browser.get(&server, "/").await;
    let (_, day) = browser.get(&server, "/o/demo/2026-11-21").await;
    assert!(house.contains(&format!("<b>{left}</b> ")), "{house}");
    assert!(day.contains(&format!("<dd>{left} <small>+1 ")), "{day}");
    for page in [&house, &day] {
        assert!(page.contains(&format!("2026-11-21 · {left}\"")), "{page}");
    }
    let (_, after) = day.split_once("class=\"say\">").expect("headline");
    let (headline, _) = after.split_once("</p>").expect("its end");
    assert!(!headline.contains(&settled.title), "{headline}");
    let (listed, failed) = told(&client, "mark_incident", json!({ "as": "list" })).await;
    assert!(
        !failed && listed.contains(&report().incidents[0].title),
        "{listed}"
    );
    let (_, marks) = browser.get(&server, "/o/demo/marks").await;
    assert!(marks.contains("&lt;b&gt;"), "{marks}");
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    let id = store.marks().await.expect("marks")[0].id;
    let (status, to) = browser
        .post(
            &server,
            &format!("/o/demo/marks/{id}/undo"),
            "back=https%3A%2F%2Fevil.example",
        )
        .await;
    assert_eq!((status, to.as_str()), (303, "/"), "nobody is led elsewhere");
    assert_eq!(store.marks().await.expect("marks"), Vec::new());
    let (_, house) = browser.get(&server, "/").await;
    assert!(house.contains(&format!("<b>{}</b> ", left + 1)), "{house}");
}

#[tokio::test]
async fn what_is_called_wrong_on_the_page_and_taken_back_is_written_down() {
    let server = Running::start().await;
    let mut browser = Browser::new();
    browser
        .post(&server, "/page/login", &format!("token={ROBOT}"))
        .await;
    let mark = "/o/demo/2026-11-21/i1/mark";
    browser.post(&server, mark, "as=wrong&note=dns").await;
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    let id = store.marks().await.expect("marks")[0].id;
    let undo = format!("/o/demo/marks/{id}/undo");
    browser.post(&server, &undo, "back=%2F").await;
    let file = store.folder().join("evaluation.jsonl");
    let text = std::fs::read_to_string(file).expect("the evaluation file");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let judged: Vec<&serde_json::Value> = lines.iter().map(|l| &l["judgement"]).collect();
    assert_eq!(judged, ["wrong", "taken_back"]);
    for line in &lines {
        assert_eq!(
            (&line["incident"]["id"], &line["note"]),
            (&json!("i1"), &json!("dns"))
        );
    }
}

#[tokio::test]
async fn every_number_is_the_number_of_the_report() {
    let server = Running::start().await;
    let mut browser = Browser::new();
    browser
        .post(&server, "/page/login", &format!("token={ROBOT}"))
        .await;
    let (_, day) = browser.get(&server, "/o/demo/2026-11-21").await;
    let report = report();
    let written = |n: u64| {
        let digits = n.to_string();
        let groups: Vec<&str> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(|g| std::str::from_utf8(g).expect("digits"))
            .collect();
        groups.join(",")
    };
    for coverage in report.coverage.values() {
        assert!(
            day.contains(&format!("<b>{}</b>", written(coverage.records))),
            "{}",
            coverage.records
        );
    }
    assert!(day.contains(&format!("<dd>{}</dd>", report.incidents.len())));
    let (_, incident) = browser.get(&server, "/o/demo/2026-11-21/i1").await;
    for finding in report
        .findings
        .iter()
        .filter(|f| report.incidents[0].findings.contains(&f.id))
    {
        assert!(
            incident.contains(&format!("×{}", written(finding.count))),
            "{}",
            finding.id
        );
    }
}

#[tokio::test]
async fn the_page_speaks_the_language_that_its_reader_chose() {
    let server = Running::start().await;
    let mut browser = Browser::new();
    browser
        .post(&server, "/page/login", &format!("token={ROBOT}"))
        .await;
    browser
        .cookie
        .push_str("; gengfu_lang=en; gengfu_theme=dark");
    let (_, english) = browser.get(&server, "/o/demo/2026-11-21").await;
    assert!(
        english.contains("lang=\"en\"")
            && english.contains("data-theme=\"dark\"")
            && english.contains("Problems")
    );
    // The report was written in Chinese; what is the catalogue's is said in English.
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    let mut report = report();
    report.incidents[0].title = "checkout 镜像不存在".to_owned();
    store.put_revision(report).await.expect("revision");
    for path in ["/", "/o/demo/2026-11-21", "/o/demo/2026-11-21/i1"] {
        let (_, english) = browser.get(&server, path).await;
        assert!(english.contains("checkout: image not found"), "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_or_found_is_answered_by_a_page() {
    let server = Running::start().await;
    let mut browser = Browser::new();
    let (status, _) = browser.post(&server, "/page/login", "").await;
    assert_eq!(status, 401, "no token is a wrong token");
    for path in ["/foo", "/page/x", "/o/demo/"] {
        let (status, page) = browser.get(&server, path).await;
        assert_eq!(status, 404, "{path}");
        assert!(page.contains("<h1>没有这一页"), "{path}: {page}");
    }
    browser
        .post(&server, "/page/login", &format!("token={ROBOT}"))
        .await;
    let marking = browser
        .client
        .post(server.url("/o/demo/2026-11-21/i1/mark"))
        .header("cookie", &browser.cookie)
        .header("origin", server.url(""))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("as=bogus");
    let answer = marking.send().await.expect("post");
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.expect("text");
    assert!(page.contains("<h1>这一页看不懂"), "{page}");
    assert!(!page.contains("variant") && !page.contains("deserialize"));
    // A program gets no page.
    let bare = browser.client.get(server.url("/foo")).send().await;
    let bare = bare.expect("get");
    assert_eq!(bare.status(), 404);
    assert_eq!(bare.text().await.expect("text"), "");
}

#[tokio::test]
async fn every_hit_can_be_reached_and_a_finding_leads_to_its_problem() {
    let server = Running::start().await;
    let mut browser = Browser::new();
    browser
        .post(&server, "/page/login", &format!("token={ROBOT}"))
        .await;
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    let mut report = report();
    let model = report.findings[0].clone();
    for n in 0..60 {
        let mut finding = model.clone();
        finding.id = format!("needle{n}");
        finding.title = format!("needle number{n}");
        report.incidents[0].findings.push(finding.id.clone());
        report.findings.push(finding);
    }
    let docs = docs_of(&report, &DayShapes::default());
    store.replace_docs(report.date, docs).await.expect("docs");
    store.put_revision(report).await.expect("revision");
    let path = "/o/demo/2026-11-21/search";
    let (_, first) = browser.get(&server, &format!("{path}?q=needle")).await;
    assert!(first.contains("1–40 / "), "{first}");
    let link = "?q=needle&amp;kind=&amp;from=40";
    assert!(first.contains(link), "{first}");
    let next = link.replace("&amp;", "&");
    let (_, second) = browser.get(&server, &format!("{path}{next}")).await;
    for n in 0..60 {
        let is_in = |page: &str| page.contains(&format!("needle number{n}</a>"));
        assert!(is_in(&first) != is_in(&second), "{n} is on one page");
    }
    assert!(second.contains("href=\"/o/demo/2026-11-21/i1\">needle"));
}
