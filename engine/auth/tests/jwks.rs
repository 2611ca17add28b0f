//! Published keys, from a real HTTP server that does as it is told.

mod issuer;

use issuer::{Answer, Issuer, known, token_of, unknown};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidings::host::Denial;
use tidings_auth::{Algorithm, Jwks, JwksOptions, Key, Verifier};
use tidings_proto::code::Code;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

/// Options under which nothing happens by itself for the time of a test.
fn quiet() -> JwksOptions {
    JwksOptions::default()
}

async fn verifier(issuer: &Issuer, options: JwksOptions) -> (Arc<Jwks>, Verifier) {
    let jwks = Arc::new(Jwks::start(&issuer.url("/keys"), options).unwrap());
    let verifier = Verifier::new(Vec::new()).unwrap().jwks(Arc::clone(&jwks)).audience("tidings");
    (jwks, verifier)
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never so: {what}"));
}

#[track_caller]
fn assert_unauthorized<T: std::fmt::Debug>(judged: &Result<T, Denial>) {
    assert_eq!(judged.as_ref().err(), Some(&Denial::unauthorized()), "{judged:?}");
}

#[tokio::test]
async fn published_keys_check_the_algorithms_that_are_allowed_by_default() {
    let issuer = Issuer::start(Answer::keys(&known())).await;
    let (jwks, verifier) = verifier(&issuer, quiet()).await;
    assert!(jwks.ready().await);
    for row in known() {
        let name = row["algorithm"].as_str().unwrap();
        let is_public = Algorithm::PUBLIC.iter().any(|algorithm| algorithm.name() == name);
        let taken = verifier.verify(row["token"].as_str().unwrap());
        assert_eq!(taken.is_ok(), is_public, "{name}: {taken:?}");
    }
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn a_token_waits_for_the_first_keys() {
    let issuer = Issuer::start(Answer::keys(&known())).await;
    issuer.hold();
    let (_jwks, verifier) = verifier(&issuer, quiet()).await;
    let verifier = Arc::new(verifier);
    let waiting = tokio::spawn({
        let verifier = Arc::clone(&verifier);
        async move { verifier.verify_by_published(&token_of("ES256")).await }
    });
    until("the request has come", async || issuer.requests() == 1).await;
    assert!(!waiting.is_finished());
    issuer.release();
    assert!(waiting.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_key_that_is_new_is_fetched_when_a_token_names_it() {
    let without: Vec<_> = known().into_iter().filter(|row| row["algorithm"] != "EdDSA").collect();
    let issuer = Issuer::start(Answer::keys(&without)).await;
    let mut options = quiet();
    options.unknown_pause_ms = 1;
    let (jwks, verifier) = verifier(&issuer, options).await;
    assert!(jwks.ready().await);
    assert_unauthorized(&verifier.verify(&token_of("EdDSA")));
    issuer.answer(Answer::keys(&known()));
    sleep(Duration::from_millis(5)).await;
    verifier.verify_by_published(&token_of("EdDSA")).await.unwrap();
    assert_eq!(issuer.requests(), 2);
    // A key that the issuer takes back is gone with the next request.
    issuer.answer(Answer::keys(&without));
    sleep(Duration::from_millis(5)).await;
    assert_unauthorized(&verifier.verify_by_published(&unknown(0)).await);
    assert_unauthorized(&verifier.verify(&token_of("EdDSA")));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_unknown_keys_cause_one_request() {
    let issuer = Issuer::start(Answer::keys(&known())).await;
    issuer.hold();
    let (_jwks, verifier) = verifier(&issuer, quiet()).await;
    let verifier = Arc::new(verifier);
    for round in 0..2 {
        let flood: Vec<_> = (0..10_000)
            .map(|n| {
                let verifier = Arc::clone(&verifier);
                tokio::spawn(async move { verifier.verify_by_published(&unknown(n)).await })
            })
            .collect();
        if round == 0 {
            until("the request has come", async || issuer.requests() == 1).await;
            issuer.release();
        }
        for judged in flood {
            assert_unauthorized(&judged.await.unwrap());
        }
        assert_eq!(issuer.requests(), 1);
    }
    verifier.verify(&token_of("RS256")).unwrap();
}

#[tokio::test]
async fn keys_outlive_an_outage_for_a_while_and_come_again() {
    let issuer = Issuer::start(Answer::keys(&known())).await;
    let mut options = quiet();
    options.cache_ms_min = 20;
    options.cache_ms_max = 40;
    options.stale_ms_max = 1_500;
    options.wait_ms = 50;
    let (jwks, verifier) = verifier(&issuer, options).await;
    assert!(jwks.ready().await);
    issuer.answer(Answer::status(503));
    let failing = issuer.requests() + 1;
    until("a request has failed", async || issuer.requests() > failing).await;
    verifier.verify(&token_of("RS256")).unwrap();
    // Who can't judge says so, and sends nobody away for good.
    until("the keys are too old", async || verifier.verify(&token_of("RS256")).is_err()).await;
    let denial = verifier.verify_by_published(&token_of("RS256")).await.unwrap_err();
    assert_eq!(denial.code, Code::Unavailable);
    assert!(denial.code.retry());
    // Pauses grow: a second, two, four, each shortened by a fifth at most.
    assert!(issuer.requests() <= failing + 3, "{}", issuer.requests());
    issuer.answer(Answer::keys(&known()));
    until("the keys come again", async || verifier.verify(&token_of("RS256")).is_ok()).await;
}

#[tokio::test]
async fn keys_are_kept_as_long_as_the_answer_says_within_bounds() {
    let issuer = Issuer::start(Answer::keys(&known()).header("Cache-Control", "max-age=0")).await;
    let mut options = quiet();
    options.cache_ms_min = 300;
    let began = Instant::now();
    let (jwks, _verifier) = verifier(&issuer, options).await;
    assert!(jwks.ready().await);
    until("they are fetched again", async || issuer.requests() == 2).await;
    // A fifth of it may be taken off.
    assert!(began.elapsed() >= Duration::from_millis(300) * 4 / 5, "not before");
}

#[tokio::test]
async fn what_is_no_set_of_keys_is_not_taken() {
    let good = Answer::keys(&known());
    let elsewhere = Issuer::start(good.clone()).await;
    let secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let padded = format!("{}{}", " ".repeat(256 * 1024), good.body());
    for (what, answer) in [
        ("not JSON", Answer::body_of("<html>")),
        ("no list", Answer::body_of("{}")),
        ("no keys", Answer::body_of(r#"{"keys":[]}"#)),
        ("a secret", Answer::body_of(&json!({"keys": [{"kty": "oct", "k": secret, "alg": "HS256"}]}).to_string())),
        ("too long", Answer::body_of(&padded)),
        ("another status", good.clone().with_status(404)),
        ("elsewhere", Answer::redirect(&elsewhere.url("/keys"))),
        ("for ever", Answer::redirect("/keys")),
    ] {
        let issuer = Issuer::start(answer).await;
        let (jwks, _verifier) = verifier(&issuer, quiet()).await;
        assert!(!jwks.ready().await, "{what}");
    }
    assert_eq!(elsewhere.requests(), 0);
    // On the same host it may be elsewhere.
    let issuer = Issuer::start(Answer::redirect("/there")).await;
    issuer.at("/there", good);
    let (jwks, _verifier) = verifier(&issuer, quiet()).await;
    assert!(jwks.ready().await);
}

#[tokio::test]
async fn two_issuers_with_the_same_name_for_a_key_speak_for_themselves() {
    let rows = known();
    let find = |kid: &str| rows.iter().find(|row| row["jwk"]["kid"] == kid && row["algorithm"] == "RS256").unwrap();
    let renamed = |kid: &str| {
        let mut row = find(kid).clone();
        row["jwk"]["kid"] = "rsa-2048".into();
        row
    };
    let (ours, theirs) = (
        Issuer::start(Answer::keys(&[renamed("rsa-2048")])).await,
        Issuer::start(Answer::keys(&[renamed("rsa-4096")])).await,
    );
    let start = |issuer: &Issuer, name: &str| {
        let mut options = quiet();
        options.issuer = Some(name.to_owned());
        Arc::new(Jwks::start(&issuer.url("/keys"), options).unwrap())
    };
    // The token says that it is of https://id.example.
    let token = find("rsa-2048")["token"].as_str().unwrap();
    for (name_of_ours, name_of_theirs, is_taken) in
        [("https://id.example", "https://other.example", true), ("https://other.example", "https://id.example", false)]
    {
        let published = [start(&theirs, name_of_theirs), start(&ours, name_of_ours)];
        let mut verifier = Verifier::new(Vec::new()).unwrap().audience("tidings");
        for jwks in published {
            assert!(jwks.ready().await);
            verifier = verifier.jwks(jwks);
        }
        assert_eq!(verifier.verify_by_published(token).await.is_ok(), is_taken, "{name_of_ours}");
    }
}

#[tokio::test]
async fn a_secret_of_ones_own_stands_beside_published_keys() {
    let issuer = Issuer::start(Answer::status(500)).await;
    let jwks = Arc::new(Jwks::start(&issuer.url("/keys"), quiet()).unwrap());
    assert!(!jwks.ready().await);
    let rows = known();
    let row = rows.iter().find(|row| row["algorithm"] == "HS256").unwrap();
    let secret = Key::secret(Algorithm::Hs256, row["secret"].as_str().unwrap().as_bytes()).unwrap();
    let verifier = Verifier::new(vec![secret]).unwrap().jwks(jwks).audience("tidings");
    verifier.verify(row["token"].as_str().unwrap()).unwrap();
    // Bad tokens under the secret are bad whether the issuer answers or not.
    let tampered = row["token"].as_str().unwrap().replace('.', ".e");
    assert_unauthorized(&verifier.verify(&tampered));
    assert_eq!(verifier.verify(&token_of("RS256")).unwrap_err().code, Code::Unavailable);
}
