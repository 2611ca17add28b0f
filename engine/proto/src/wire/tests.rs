use super::{WireForm, render, render_entry};
use crate::frame::{Close, EntryFrame, ServerFrame};
use crate::payload::{Codec, DataRef};

fn rendered(form: WireForm, frame: &ServerFrame<'_>) -> Vec<u8> {
    let mut out = b"before".to_vec();
    render(form, None, frame, &mut out);
    out.split_off(6)
}

#[test]
fn forms_are_found_by_their_index() {
    for (at, form) in WireForm::ALL.into_iter().enumerate() {
        assert_eq!(form.index(), at);
    }
}

#[test]
fn a_ping_is_a_control_frame_and_a_frame() {
    assert_eq!(rendered(WireForm::WebSocketJson, &ServerFrame::Ping), b"\x89\x00\x81\x0b{\"ping\":{}}");
    assert_eq!(rendered(WireForm::WebSocketMsgpack, &ServerFrame::Ping), b"\x89\x00\x82\x07\x81\xa4ping\x80");
    assert_eq!(rendered(WireForm::JsonLines, &ServerFrame::Ping), b"{\"ping\":{}}\n");
    assert_eq!(rendered(WireForm::Sse, &ServerFrame::Ping), b":\n\n");
}

#[test]
fn a_server_sent_close_tells_when_to_come_back() {
    let close = |retry_after_ms| ServerFrame::Close(Close { code: 3001, reason: "shutdown", retry_after_ms });
    assert_eq!(
        rendered(WireForm::Sse, &close(Some(4_200))),
        b"retry: 4200\ndata: {\"close\":{\"code\":3001,\"reason\":\"shutdown\",\"retry_after_ms\":4200}}\n\n"
    );
    assert_eq!(rendered(WireForm::Sse, &close(None)), b"data: {\"close\":{\"code\":3001,\"reason\":\"shutdown\"}}\n\n");
}

#[test]
fn a_close_is_a_frame_and_a_control_frame() {
    let close = ServerFrame::Close(Close { code: 3001, reason: "shutdown", retry_after_ms: None });
    let frame = rendered(WireForm::WebSocketJson, &close);
    assert!(frame.ends_with(b"\x88\x0a\x0b\xb9shutdown"), "{frame:x?}");
    assert!(!rendered(WireForm::JsonLines, &close).contains(&0x88));
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let reason = "\u{20ac}".repeat(100);
    let close = ServerFrame::Close(Close { code: 4000, reason: &reason, retry_after_ms: None });
    let frame = rendered(WireForm::WebSocketMsgpack, &close);
    let control = frame.windows(2).rposition(|pair| pair == [0x88, 125]).unwrap();
    assert_eq!(frame.len() - control, 2 + 125);
    assert_eq!(std::str::from_utf8(&frame[control + 4..]), Ok(&*"\u{20ac}".repeat(41)));
}

#[test]
fn an_entry_without_a_place_tells_none() {
    let data = DataRef::parse(Codec::Json, b"1").unwrap();
    let entry = EntryFrame { stream: 1, offset: 0, event: "e", data, from: None, at: 3 };
    let mut out = Vec::new();
    render_entry(WireForm::JsonLines, &entry, &mut out);
    assert_eq!(out, b"{\"entry\":{\"stream\":1,\"event\":\"e\",\"data\":1,\"at\":3}}\n");
    let mut out = Vec::new();
    render_entry(WireForm::WebSocketMsgpack, &entry, &mut out);
    assert_eq!(out[2..], *b"\x81\xa5entry\x84\xa6stream\x01\xa5event\xa1e\xa4data\x01\xa2at\x03");
}

#[test]
fn an_entry_stands_on_one_line_whatever_its_data() {
    let data = DataRef::parse(Codec::Json, b"{\r\n  \"a\": [\n1 ]\n}").unwrap();
    let entry = EntryFrame { stream: 1, offset: 2, event: "a\"b", data, from: Some("zo\u{eb}\n"), at: 3 };
    let mut out = Vec::new();
    render_entry(WireForm::JsonLines, &entry, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.find(['\n', '\r']), Some(text.len() - 1), "{text}");
    let mut event = Vec::new();
    render_entry(WireForm::Sse, &entry, &mut event);
    assert_eq!(String::from_utf8(event).unwrap(), format!("data: {text}\n"));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["entry"]["event"], "a\"b");
    assert_eq!(value["entry"]["data"]["a"][0], 1);
}
