//! The engine's questions over real HTTP, answered well, badly and not at all.

mod support;

use serde_json::{Value, json};
use standardwebhooks::Webhook;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{App, Asked, PATIENCE, Reply, SECRET, Session, engine};
use tidings_hook::Secret;

const OTHER: &str = "another secret of 32 bytes or more, as it is written";

/// An application that says yes.
fn yes(body: &Value) -> Reply {
    Reply::ok(&match body["question"].as_str().unwrap() {
        "connect" => json!({"user": body["token"]}),
        "call" => json!({"result": {"echo": body["data"]}}),
        _ => json!({"allow": true}),
    })
}

/// As `yes` to tokens; to everything else this.
fn but(reply: Reply) -> impl Fn(&Value) -> Reply {
    move |body| if body["question"] == "connect" { yes(body) } else { reply.clone() }
}

/// Checks a request with a library that is not ours.
fn verify(asked: &Asked, secret: &Webhook) {
    let mut headers = hyper::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, asked.headers[name].clone());
    }
    secret.verify(&asked.bytes, &headers).unwrap();
    let other = [&asked.bytes[..], b" "].concat();
    assert!(secret.verify(&other, &headers).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_asked_signed_and_answered() {
    let app = App::start(|body| match body["question"].as_str().unwrap() {
        "connect" => Reply::ok(&json!({"user": "alice", "subscribe": ["messaging:mine"], "expires_at_ms": null})),
        _ => yes(body),
    })
    .await;
    let (engine, _) = engine(app.options());
    let session = Session::open(&engine);
    let answer = session.ask(json!({"connect": {"token": "tok", "device": "phone"}})).await;
    assert_eq!(answer["connected"]["user"], "alice", "{answer}");
    assert_eq!(session.subscribe("messaging:mine").await, 0);
    assert_eq!(app.asked().len(), 1, "of its own right: nobody is asked");
    assert_eq!(session.subscribe("messaging:a").await, 0);
    let data = json!({"text": "hé", "n": [1, 2.5, null]});
    let publish = json!({"publish": {"channel": "messaging:b", "event": "e", "data": data}});
    assert!(session.ask(publish).await["published"].is_object());
    let send = json!({"send": {"user": "bob", "namespace": "messaging", "event": "e", "data": data}});
    let answer = session.ask(send).await;
    assert!(answer["sent"].is_object(), "{answer}");
    app.now(|body| if body["question"] == "watch" { Reply::ok(&json!({"users": ["bob", "eve"]})) } else { yes(body) });
    let answer = session.ask(json!({"watch": {"users": ["bob", "carol"]}})).await;
    let watching = json!({"refused": ["carol"], "watched": 1});
    assert_eq!(answer["watching"], watching, "of those who were asked for, bob alone");
    assert!(session.next().await.unwrap()["status"].is_object());
    let answer = session.ask(json!({"call": {"method": "m", "data": data}})).await;
    assert_eq!(answer["result"]["echo"], data, "{answer}");

    let asked = app.asked();
    let webhook = Webhook::new(SECRET).unwrap();
    asked.iter().for_each(|asked| verify(asked, &webhook));
    let bodies: Vec<Value> = asked
        .into_iter()
        .map(|asked| {
            let mut body = asked.body;
            assert_eq!(body["id"].as_str(), asked.headers["webhook-id"].to_str().ok());
            assert_eq!(asked.headers["content-type"], "application/json");
            assert!(body["at"].as_u64().unwrap() > 1_700_000_000_000);
            let fields = body.as_object_mut().unwrap();
            fields.remove("id");
            fields.remove("at");
            body
        })
        .collect();
    assert_eq!(
        bodies,
        [
            json!({"question": "subscribe", "user": "alice", "channel": "messaging:a"}),
            json!({"question": "publish", "user": "alice", "channel": "messaging:b", "event": "e", "data": data}),
            json!({"question": "send", "user": "alice", "to": "bob", "event": "e", "data": data}),
            json!({"question": "watch", "user": "alice", "users": ["bob", "carol"]}),
            json!({"question": "call", "user": "alice", "method": "m", "data": data}),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_told_in_the_applications_words() {
    let no = json!({"allow": false, "message": "not on Sundays"});
    let app = App::start(but(Reply::ok(&no))).await;
    let (engine, _) = engine(app.options());
    let session = Session::of(&engine, "alice").await;
    let answer = session.ask(json!({"subscribe": {"channel": "messaging:a"}})).await;
    assert_eq!((&answer["error"]["code"], &answer["error"]["message"]), (&json!(2003), &json!("not on Sundays")));
    app.now(but(Reply::ok(&json!({"error": {"code": 2004, "message": "what?"}}))));
    let answer = session.ask(json!({"call": {"method": "m", "data": 1}})).await;
    assert_eq!((&answer["error"]["code"], &answer["error"]["message"]), (&json!(2004), &json!("what?")));

    app.now(move |_| Reply::ok(&no));
    let session = Session::open(&engine);
    let answer = session.ask(json!({"connect": {"token": "tok"}})).await;
    assert_eq!(answer["error"]["code"], 2001, "{answer}");
    assert!(!answer.to_string().contains("Sundays"), "one wording for every token: {answer}");
    assert_eq!(session.next().await.unwrap()["close"]["code"], 3500);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_no_answer_is_a_no() {
    let elsewhere = App::start(yes).await;
    let app = App::start(yes).await;
    let mut options = app.options();
    (options.retries, options.bounds.response_bytes_max, options.timeout_ms) = (1, 4_096, 200);
    let (engine, hook) = engine(options);
    let session = Session::of(&engine, "alice").await;
    let allow = json!({"allow": true}).to_string();
    let large = format!("{{\"allow\":true,\"more\":\"{}\"}}", "x".repeat(5_000));
    app.asked();
    for (reply, code, requests) in [
        (Reply::Answer(200, String::new()), 2008, 1),
        (Reply::Answer(200, "<html>it works</html>".into()), 2008, 1),
        (Reply::Answer(200, "{\"allow\":\"true\"}".into()), 2008, 1),
        (Reply::Answer(200, allow[..8].into()), 2008, 1),
        (Reply::Answer(204, String::new()), 2008, 1),
        (Reply::Answer(200, large), 2008, 1),
        (Reply::Endless, 2008, 1),
        (Reply::Answer(301, allow.clone()), 2008, 1),
        (Reply::Moved(elsewhere.url.clone()), 2008, 1),
        (Reply::Answer(400, allow.clone()), 2008, 1),
        (Reply::Answer(401, allow.clone()), 2008, 1),
        (Reply::Answer(404, allow.clone()), 2008, 1),
        (Reply::Answer(429, allow.clone()), 2008, 2),
        (Reply::Answer(500, allow.clone()), 2008, 2),
        (Reply::Answer(503, allow.clone()), 2008, 2),
        (Reply::Hangup, 2008, 2),
        (Reply::Silence, 2009, 2),
        (Reply::Half, 2009, 2),
        (Reply::Slow(PATIENCE, allow), 2009, 2),
    ] {
        app.now(but(reply.clone()));
        assert_eq!(session.subscribe("messaging:a").await, code, "{reply:?}");
        assert_eq!(app.asked().len(), requests, "{reply:?}");
    }
    assert!(elsewhere.asked().is_empty(), "redirects are not followed");
    assert!(hook.is_well());
    app.now(yes);
    assert_eq!(session.subscribe("messaging:a").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connect_that_cannot_be_asked_may_come_back() {
    let app = App::start(|_| Reply::Answer(503, String::new())).await;
    let mut options = app.options();
    options.retries = 0;
    let (engine, _) = engine(options);
    let session = Session::open(&engine);
    let answer = session.ask(json!({"connect": {"token": "tok"}})).await;
    assert_eq!((&answer["error"]["code"], &answer["error"]["retry"]), (&json!(2008), &json!(true)), "{answer}");
    assert_eq!(session.next().await.unwrap()["close"]["code"], 3005, "not 3500, which tells clients to stay away");
}

/// Fails so often, then says yes.
fn flaky(failures: usize) -> impl Fn(&Value) -> Reply {
    let left = AtomicUsize::new(failures);
    move |body| {
        let is_sick = body["question"] != "connect"
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if is_sick { Reply::Answer(503, String::new()) } else { yes(body) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_safe_is_asked_again_under_the_same_id_and_calls_are_not() {
    let app = App::start(flaky(2)).await;
    let (engine, _) = engine(app.options());
    let session = Session::of(&engine, "alice").await;
    app.asked();
    assert_eq!(session.subscribe("messaging:a").await, 0);
    let asked = app.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|one| one.body == asked[0].body));
    assert!(asked.iter().all(|one| one.headers["webhook-id"] == asked[0].headers["webhook-id"]));
    app.now(flaky(3));
    assert_eq!(session.subscribe("messaging:b").await, 2008);
    assert_eq!(app.asked().len(), 3);
    app.now(flaky(1));
    let call = || session.ask(json!({"call": {"method": "m", "data": 1}}));
    assert_eq!(call().await["error"]["code"], 2008);
    assert_eq!(app.asked().len(), 1, "it may have been carried out");
    assert!(call().await["result"].is_object());

    let mut options = app.options();
    options.retry_calls = true;
    let engine = support::engine(options).0;
    let session = Session::of(&engine, "alice").await;
    app.now(flaky(1));
    assert!(session.ask(json!({"call": {"method": "m", "data": 1}})).await["result"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_all_tries() {
    let app = App::start(but(Reply::Silence)).await;
    let mut options = app.options();
    (options.timeout_ms, options.deadline_ms, options.retries) = (150, 500, 100);
    let (engine, _) = engine(options);
    let session = Session::of(&engine, "alice").await;
    let began = Instant::now();
    assert_eq!(session.subscribe("messaging:a").await, 2009);
    assert!((Duration::from_millis(250)..Duration::from_secs(2)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert!(app.asked().len() < 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_while_it_fails_and_one_tries_whether_it_is_well() {
    let app = App::start(yes).await;
    let mut options = app.options();
    (options.retries, options.bounds.failures_max, options.bounds.pause_ms) = (0, 3, 1_500);
    let (engine, hook) = engine(options);
    let session = Session::of(&engine, "alice").await;
    app.now(but(Reply::Answer(500, String::new())));
    app.asked();
    for _ in 0..20 {
        assert_eq!(session.subscribe("messaging:a").await, 2008);
    }
    assert_eq!(app.asked().len(), 3);
    assert!(!hook.is_well());
    app.now(yes);
    let began = Instant::now();
    while session.subscribe("messaging:a").await != 0 {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(app.asked().len(), 1, "the one that tried");
    assert!(hook.is_well());
    // What an application does not understand is no sickness.
    app.now(but(Reply::Answer(400, String::new())));
    for _ in 0..10 {
        assert_eq!(session.subscribe("messaging:b").await, 2008);
    }
    assert!(hook.is_well());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_bounded_on_its_way_and_in_waiting() {
    let app = App::start(but(Reply::Slow(Duration::from_millis(200), "{\"allow\":true}".into()))).await;
    let mut options = app.options();
    (options.bounds.requests_max, options.bounds.waiting_max, options.timeout_ms) = (4, 8, 5_000);
    let engine = engine(options).0;
    let mut sessions = Vec::new();
    for at in 0..40 {
        sessions.push(Session::of(&engine, &format!("user-{at}")).await);
    }
    let ask = |session: Session| tokio::spawn(async move { session.subscribe("messaging:a").await });
    let asking: Vec<_> = sessions.into_iter().map(ask).collect();
    let mut codes = Vec::new();
    for asking in asking {
        codes.push(asking.await.unwrap());
    }
    assert!(app.most() <= 4, "{}", app.most());
    let (good, busy) =
        (codes.iter().filter(|code| **code == 0).count(), codes.iter().filter(|code| **code == 2011).count());
    assert!(good >= 12 && busy > 0 && good + busy == 40, "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hook_is_not_asked_the_other_host_answers() {
    let app = App::start(yes).await;
    let mut options = app.options();
    options.questions = "subscribe".parse().unwrap();
    let (engine, _) = engine(options);
    let session = Session::of(&engine, "alice").await;
    let publish = json!({"publish": {"channel": "messaging:b", "event": "e", "data": 1}});
    assert_eq!(session.ask(publish).await["error"]["code"], 2003);
    assert_eq!(session.ask(json!({"call": {"method": "m", "data": 1}})).await["error"]["code"], 2004);
    assert!(app.asked().is_empty());
    assert_eq!(session.subscribe("messaging:b").await, 0);
    assert_eq!(app.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_secrets_change_receivers_may_know_either() {
    let app = App::start(yes).await;
    let mut options = app.options();
    options.secrets = vec![Secret::new(OTHER).unwrap(), Secret::new(SECRET).unwrap()];
    let told = format!("{options:?}");
    assert!(!told.contains(&SECRET[6..]) && !told.contains(OTHER), "{told}");
    let (engine, _) = engine(options);
    let _session = Session::of(&engine, "alice").await;
    let asked = app.asked();
    verify(&asked[0], &Webhook::new(SECRET).unwrap());
    verify(&asked[0], &Webhook::from_bytes(OTHER.into()).unwrap());
    assert!(Webhook::from_bytes(b"a third one".to_vec()).unwrap().verify(&asked[0].bytes, &asked[0].headers).is_err());
}
