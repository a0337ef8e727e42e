//! What a browser may do at the doors: pages that are named, forms of our own page, and nothing without a token.

use crate::{
    running::{APP, ROBOT, Running, http_client, initialize},
    stored_day::owner,
};

#[tokio::test]
async fn only_a_named_web_page_may_call_from_a_browser() {
    let server = Running::start().await;
    let ask = async |origin: &str| {
        let request = http_client().request(reqwest::Method::OPTIONS, server.url("/mcp"));
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        request
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            )
            .send()
            .await
            .expect("options")
    };
    let named = ask(APP).await;
    assert_eq!(named.status(), 204);
    assert_eq!(named.headers()["access-control-allow-origin"], APP);
    assert!(
        !named
            .headers()
            .contains_key("access-control-allow-credentials")
    );
    let other = ask("https://evil.example").await;
    assert_eq!(other.status(), 403);
    let local = ask("http://localhost:6274").await;
    assert!(!local.headers().contains_key("access-control-allow-origin"));
    let called = server
        .post(ROBOT, None, &initialize())
        .header("origin", APP)
        .send()
        .await
        .expect("post");
    assert_eq!(called.status(), 200);
    assert_eq!(called.headers()["access-control-allow-origin"], APP);
    let page = http_client()
        .get(server.url("/"))
        .header("origin", APP)
        .send()
        .await
        .expect("get");
    assert!(
        !page.headers().contains_key("access-control-allow-origin"),
        "the page is for nobody else"
    );
}

#[tokio::test]
async fn a_form_of_another_page_changes_nothing() {
    let server = Running::start().await;
    let form = |origin: &'static str| {
        let request = http_client()
            .post(server.url("/o/demo/2026-11-21/i1/mark"))
            .bearer_auth(ROBOT);
        request
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded")
            .body("as=wrong")
            .send()
    };
    // Another port of this machine is a page of somebody else.
    assert_eq!(
        form("http://localhost:3000").await.expect("post").status(),
        403
    );
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    assert_eq!(store.marks().await.expect("marks"), Vec::new());
}

#[tokio::test]
async fn the_page_shows_nothing_of_the_logs_without_a_token() {
    let server = Running::start().await;
    let get = |token: &'static str| http_client().get(server.url("/")).bearer_auth(token).send();
    let closed = get("wrong").await.expect("get");
    assert_eq!(closed.status(), 200);
    assert!(
        closed.headers()["content-security-policy"]
            .to_str()
            .expect("text")
            .starts_with("default-src 'none'")
    );
    let html = closed.text().await.expect("text");
    assert!(
        html.contains("streamable-http") && !html.contains("demo") && !html.contains("checkout"),
        "{html}"
    );
    let open = get(ROBOT).await.expect("get").text().await.expect("text");
    assert!(
        open.contains("demo") && open.contains("2026-11-21") && open.contains("checkout"),
        "{open}"
    );
    assert_eq!(
        http_client()
            .get(server.url("/"))
            .header("host", "evil.example")
            .send()
            .await
            .expect("get")
            .status(),
        403
    );
}
