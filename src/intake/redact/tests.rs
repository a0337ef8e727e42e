//! Secrets and personal numbers in every form, and what only looks like them.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn check(given: &str, expected: &Expect) {
    expected.assert_eq(&text(given));
}

#[test]
fn passwords_go_in_every_form() {
    check(
        "connect mysql://inventory@order-db:3306/stock?password=Pw_x1&charset=utf8",
        &expect!["connect mysql://inventory@order-db:3306/stock?password=<secret>&charset=utf8"],
    );
    check(
        "初始化管理员账号, password=S3cr-a",
        &expect!["初始化管理员账号, password=<secret>"],
    );
    check(
        "数据库密码:abc123,请保密",
        &expect!["数据库密码:<secret>,请保密"],
    );
    check(
        r#"cfg {\"db_password\":\"a b\\\"c\",\"port\":1}"#,
        &expect![[r#"cfg {\"db_password\":\"<secret>\",\"port\":1}"#]],
    );
    check(
        r#"{"passwd": "a\"b", "x": 1}"#,
        &expect![[r#"{"passwd": "<secret>", "x": 1}"#]],
    );
    check(
        "run --password hunter2 --port 1",
        &expect!["run --password <secret> --port 1"],
    );
    check(
        "amqp://guest:gu3st@mq:5672/v",
        &expect!["amqp://guest:<secret>@mq:5672/v"],
    );
    check(
        "dsn root:ro:ot@tcp(db:3306)/x",
        &expect!["dsn root:ro:<secret>@tcp(db:3306)/x"],
    );
    check(
        r#"{"name":"DB_PASSWORD","value":"lit"}"#,
        &expect![[r#"{"name":"DB_PASSWORD","value":"<secret>"}"#]],
    );
    check(
        "options: {secretKey: 'aB3', timeout: 3}",
        &expect!["options: {secretKey: '<secret>', timeout: 3}"],
    );
}

#[test]
fn a_password_may_begin_as_a_variable_or_a_path_does() {
    check("password=$3cretPa55", &expect!["password=<secret>"]);
    check("password=<Adm1nPa55x", &expect!["password=<secret>"]);
    check("DB_PWD=/x9KqPa55word1", &expect!["DB_PWD=<secret>"]);
    for kept in [
        "password=$DB_PASSWORD1 x",
        "password=${DB_PASSWORD} x",
        "password=<your-password> x",
        "PWD=/srv/app",
    ] {
        assert_eq!(text(kept), kept);
    }
}

#[test]
fn keys_of_other_houses_go_and_names_like_them_stay() {
    check(
        "using github_pat_11ABCDEFG0abcdefghij_KLMNOPqrstuv and glpat-AbCdEf1234567890wxyz",
        &expect!["using <secret> and <secret>"],
    );
    check(
        "openai said sk-proj-AbCd1234efGH5678ijKL9012mnOP3456",
        &expect!["openai said <secret>"],
    );
    let pod = "pod sk-service-deployment-worker-7d9f8b6c5d-x2x9k restarted";
    assert_eq!(text(pod), pod);
}

#[test]
fn keys_and_tokens_go() {
    check(
        "cos client ready, secretId=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE region=x",
        &expect!["cos client ready, secretId=<secret> region=x"],
    );
    check(
        "key AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE.",
        &expect!["key <secret>."],
    );
    check(
        "verify token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1 ok",
        &expect!["verify token <secret> ok"],
    );
    check(
        "Authorization: Bearer abcdef0123456789\nnext",
        &expect!["Authorization: <secret>\nnext"],
    );
    check(
        "got bearer abcdef0123456789 from x",
        &expect!["got bearer <secret> from x"],
    );
    check(
        "auth Basic dXNlcjpwYXNz sent",
        &expect!["auth Basic <secret> sent"],
    );
    check(
        "headers cookie: sid=abc; path=/",
        &expect!["headers cookie: <secret>"],
    );
    check(
        "callback https://h.example.com/o?access_token=abc123&x=1 delivered",
        &expect!["callback https://h.example.com/o?access_token=<secret>&x=1 delivered"],
    );
    check(
        "a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- z",
        &expect!["a <secret> z"],
    );
    check(
        "cut -----BEGIN PRIVATE KEY-----\nMIIE",
        &expect!["cut <secret>"],
    );
}

#[test]
fn numbers_of_people_go() {
    check(
        "sms queued to 13812345678 template=X, +86-13912345678, 8613812345678",
        &expect!["sms queued to <phone> template=X, +86-<phone>, <phone>"],
    );
    check(
        "绑定手机号13812345678成功",
        &expect!["绑定手机号<phone>成功"],
    );
    check(
        "实名认证通过, 身份证 11010519491231002X",
        &expect!["实名认证通过, 身份证 <id-card>"],
    );
    check(
        "bind card no=6228480402564890018 ok",
        &expect!["bind card no=<bank-card> ok"],
    );
}

#[test]
fn what_only_looks_similar_stays() {
    for clean in [
        "Access denied for user 'order'@'10.0.3.4' (using password: YES)",
        "invalid token: signature expired",
        "Error: secret \"regcred\" not found",
        "couldn't find key DB_PASSWORD in ConfigMap shop/checkout",
        "MountVolume.SetUp failed for volume \"tls\" : secret \"app-tls\" not found",
        "kubelet secret=\"shop/regcred\" pod=\"shop/checkout-6f7c9d8b5d-x2k8q\"",
        "Unable to retrieve some image pull secrets (legacy-registry)",
        "secretName: app-tls, tokenExpirationSeconds: 3607, max_tokens=2048",
        "traceId=7033579416a2fdc4 order 2026112157580 created, user=u4320418",
        "pod checkout-6f7c9d8b5d-x2k8q image shop/checkout:1.8.3@sha256:13812345678013812345678",
        "ts=1795276861234 order_id=13812345678 took 0.13812345678 job-13812345678-x",
        "uid 138aa5f3-4b5a-4c6d-8e7f-13812345678a bytes=15912345678",
        "Basic authentication failed, bearer token is missing",
        "PWD=/app password=****** token=${TOKEN} password=<secret>",
        "GET https://example.com/a@b?c=1 mail a@b.example",
        "panic: runtime error, see https://go.dev/x and user@host",
    ] {
        assert_eq!(text(clean), clean);
    }
}

#[test]
fn a_line_of_json_stays_json() {
    let raw = json!({
        "__TIMESTAMP__": 1_795_276_861_234_i64, "mobile": 13_812_345_678_i64, "password": "x1", "token": 12,
        "args": ["--token", "abc", "--port", "1"], "ctx": "{\"api_key\":\"k1\",\"n\":1}",
        "env": [{"name": "DB_PASSWORD", "value": "lit"}, {"name": "HOST", "value": "db"}],
    });
    let expected = json!({
        "__TIMESTAMP__": 1_795_276_861_234_i64, "mobile": "<phone>", "password": "<secret>", "token": 12,
        "args": ["--token", "<secret>", "--port", "1"], "ctx": "{\"api_key\":\"<secret>\",\"n\":1}",
        "env": [{"name": "DB_PASSWORD", "value": "<secret>"}, {"name": "HOST", "value": "db"}],
    });
    let redacted = line(raw.to_string().as_bytes());
    assert_eq!(
        serde_json::from_str::<Value>(&redacted).expect("json"),
        expected
    );
    assert_eq!(line(redacted.as_bytes()), redacted);
    let clean = r#"{"b": 1.50,"a":"x"}"#;
    assert_eq!(line(clean.as_bytes()), clean);
}

#[test]
fn bodies_of_secrets_are_hashes_even_in_raw_lines_and_patches() {
    for object_ref in [
        json!({"resource": "secrets"}),
        json!("{\"resource\":\"secrets\"}"),
    ] {
        for request in [
            json!({"data": {"k": "aHVudGVyMg"}}),
            json!("{\"stringData\":{\"k\":\"aHVudGVyMg\"}}"),
            json!([{"op": "replace", "path": "/data/k", "value": "aHVudGVyMg"}]),
        ] {
            let raw = json!({"kind": "Event", "objectRef": object_ref, "requestObject": request});
            let redacted = line(raw.to_string().as_bytes());
            assert!(
                !redacted.contains("aHVudGVyMg") && redacted.contains("sha256:"),
                "{redacted}"
            );
        }
    }
}

proptest! {
    #[test]
    fn redacting_twice_changes_nothing(given in r#"(password|token|Cookie|secret)?["=: ]{1,3}[a-zA-Z0-9 @:/.,;"\\=-]{0,40}"#) {
        let once = text(&given).into_owned();
        prop_assert_eq!(text(&once), once.as_str());
    }

    #[test]
    fn any_text_can_be_redacted(given in any::<String>()) {
        let _: Cow<'_, str> = text(&given);
        let _: String = line(given.as_bytes());
    }

    #[test]
    fn the_quick_look_misses_nothing(head in "[a-z:/@ ]{0,30}", word in 0_usize..9, tail in "[a-zA-Z0-9]{8,20}") {
        let word = ["password=", "Api_Key=", "ACCESS-KEY: ", "mobile 13812345678 ", "x://u:", "Authorization: Bearer ", "AKID", "apiKey\":\"", "rbac.authorization.k8s.io/authorization="][word];
        let given = format!("{head} {word}{tail}@h");
        let suspicion = scan::look(given.as_bytes());
        prop_assert!(suspicion.words || rules::hits(&given).is_empty());
        prop_assert!(suspicion.number || numbers::hits(&given).is_empty());
    }

    #[test]
    fn a_line_that_is_not_taken_apart_has_nothing_to_redact(
        fields in proptest::collection::vec((0_usize..13, 0_usize..13, "[a-z0-9]{0,14}"), 1..5),
        nested in any::<bool>(),
        slashes in any::<bool>(),
    ) {
        let names = ["password", "passWord", "user_pass_word", "api.key", "accessKeyId", "msg", "kind", "resource", "phone", "n", "Set-Cookie", "name", "authorization.k8s.io/reason"];
        let values = ["x://u:", "13812345678", "Secret", "ConfigMap", "configmaps", "DB_PASSWORD", "a\n13812345678", "11010519491231002X", "eyJhbGciOi.eyJ", "1795190400000", "token=", "Bearer ", "rbac.authorization.k8s.io: "];
        let mut object = serde_json::Map::new();
        for (name, value, tail) in fields {
            object.insert(names[name].to_owned(), json!(format!("{}{tail}@h", values[value])));
            object.insert("data".to_owned(), json!({"k": tail}));
        }
        let mut given = Value::Object(object).to_string();
        if nested {
            given = json!({"escaped": given}).to_string();
        }
        if slashes {
            given = given.replace('/', "\\/");
        }
        let mut tree: Value = serde_json::from_str(&given).expect("json");
        prop_assert!(scan::is_suspect_line(given.as_bytes()) || !value(&mut tree), "{}", given);
    }
}
