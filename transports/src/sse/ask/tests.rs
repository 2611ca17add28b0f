use super::Ask;
use hyper::{HeaderMap, StatusCode, header::HeaderValue};
use tidings_proto::id::{Epoch, Position};

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn read(query: &str, fields: &[(&'static str, &str)]) -> Ask {
    Ask::read(Some(query), &headers(fields)).unwrap()
}

fn refused(query: &str, fields: &[(&'static str, &str)]) -> StatusCode {
    Ask::read(Some(query), &headers(fields)).unwrap_err().status
}

#[test]
fn an_address_says_all() {
    let ask =
        read("channel=messaging:a&token=t%2Bt&channel=messaging%3Ab&channel=messaging:a&device=my+phone&x=y", &[]);
    assert_eq!(ask.channels, ["messaging:a", "messaging:b"]);
    assert_eq!((&*ask.token, ask.device.as_deref(), ask.brought), ("t+t", Some("my phone"), None));
    assert_eq!(Ask::read(None, &HeaderMap::new()).unwrap(), Ask::default());
}

#[test]
fn a_header_comes_before_the_address() {
    assert_eq!(read("token=a", &[("authorization", "bearer b")]).token, "b");
    for fields in [
        &[("authorization", "Basic b")][..],
        &[("authorization", "b")],
        &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
    ] {
        assert_eq!(refused("token=a", fields), StatusCode::BAD_REQUEST);
    }
    let position = |offset| Some(vec![Position { epoch: Epoch(0xab), offset }]);
    let query = "last_event_id=00000000000000ab-1";
    assert_eq!(read(query, &[]).brought, position(1));
    assert_eq!(read(query, &[("last-event-id", "00000000000000ab-2")]).brought, position(2));
    assert_eq!(read(query, &[("last-event-id", "")]).brought, position(1));
}

#[test]
fn nonsense_is_brought_as_nothing_known() {
    assert_eq!(read("last_event_id=nonsense", &[]).brought, Some(vec![]));
    assert_eq!(read("last_event_id=", &[]).brought, None, "nothing was brought");
}

#[test]
fn too_much_is_refused() {
    for query in ["token=a&token=b", "device=a&device=a", "last_event_id=a&last_event_id=b"] {
        assert_eq!(refused(query, &[]), StatusCode::BAD_REQUEST, "{query}");
    }
    let many = |count| (0..count).map(|at| format!("channel=messaging:{at}&")).collect::<String>();
    assert_eq!(read(&many(16), &[]).channels.len(), 16);
    assert_eq!(refused(&many(17), &[]), StatusCode::BAD_REQUEST);
}
