use super::Places;
use crate::client::commands::Ack;
use crate::client::frames::{Connected, Entry, Gap, Inbox, Position, Subscribed};
use serde_json::value::RawValue;
use tidings_proto::frame::Recovered;

const EPOCH: &str = "00000000000000ab";
const INBOX: u32 = 1;
const CHANNEL: u32 = 2;

fn at(offset: u64) -> Position {
    Position { epoch: EPOCH.into(), offset }
}

fn connected(resumed: bool, delivered: u64, recovered: Recovered) -> Connected {
    let inbox = Inbox { stream: INBOX, epoch: EPOCH.into(), delivered, recovered };
    Connected { session: "s".into(), secret: "x".into(), resumed, user: "bob".into(), inbox, ping_ms: 1 }
}

fn subscribed(epoch: &str, offset: u64, recovered: Recovered) -> Subscribed {
    Subscribed { channel: "a:b".into(), stream: CHANNEL, epoch: epoch.into(), offset, recovered }
}

fn entry(stream: u32, offset: impl Into<Option<u64>>) -> Entry {
    let data = RawValue::from_string("1".into()).unwrap();
    Entry { stream, offset: offset.into(), event: "E".into(), data, from: None, at: 0 }
}

fn gap(from: u64, to: u64, reason: &str) -> Gap {
    Gap { stream: CHANNEL, from, to, reason: reason.into() }
}

/// Prints what is new, and says whether it was.
fn print(places: &mut Places, stream: u32, offset: u64) -> bool {
    let entry = entry(stream, offset);
    let is_new = places.is_new(&entry);
    if is_new {
        places.printed(&entry);
    }
    is_new
}

fn channel(places: &Places) -> Option<Position> {
    places.channels().next().map(|(_, position)| position.clone())
}

fn started() -> Places {
    let mut places = Places::new(&["a:b".into()], None);
    places.begin(&connected(false, 5, Recovered::Complete));
    places.subscribed(&subscribed(EPOCH, 7, Recovered::None));
    places
}

#[test]
fn a_session_that_goes_on_is_subscribed_already_and_one_that_is_new_is_not() {
    let mut places = Places::new(&["a:b".into()], None);
    assert!(places.positions().is_empty());
    places.begin(&connected(false, 5, Recovered::Complete));
    assert_eq!(places.to_subscribe().collect::<Vec<_>>(), [("a:b", None)]);
    places.subscribed(&subscribed(EPOCH, 7, Recovered::None));
    assert!(print(&mut places, CHANNEL, 8) && print(&mut places, INBOX, 6));
    let told: Vec<_> =
        places.positions().iter().map(|place| (place.channel.is_none(), place.position.offset)).collect();
    assert_eq!(told, [(true, 6), (false, 8)]);
    places.begin(&connected(true, 6, Recovered::Complete));
    assert_eq!(places.to_subscribe().count(), 0);
    places.begin(&connected(false, 6, Recovered::Complete));
    assert_eq!(places.to_subscribe().collect::<Vec<_>>(), [("a:b", Some(&at(8)))]);
}

#[test]
fn each_entry_is_printed_once_over_connections() {
    let mut places = started();
    assert!(!print(&mut places, CHANNEL, 7) && print(&mut places, CHANNEL, 8) && print(&mut places, CHANNEL, 9));
    assert!(!print(&mut places, INBOX, 5) && print(&mut places, INBOX, 6));
    places.begin(&connected(true, 5, Recovered::Complete));
    places.subscribed(&subscribed(EPOCH, 12, Recovered::Complete));
    assert!(!print(&mut places, CHANNEL, 8) && !print(&mut places, CHANNEL, 9) && print(&mut places, CHANNEL, 10));
    assert!(!print(&mut places, INBOX, 6) && print(&mut places, INBOX, 7));
    assert!(places.is_new(&entry(CHANNEL, None)), "what has no place is always new");
}

#[test]
fn what_was_subscribed_and_never_answered_goes_on_where_the_server_says() {
    let mut places = Places::new(&["a:b".into()], None);
    places.begin(&connected(false, 0, Recovered::None));
    places.begin(&connected(true, 0, Recovered::Complete));
    places.subscribed(&subscribed(EPOCH, 12, Recovered::Complete));
    assert_eq!(channel(&places), None, "not 12: what comes up to there is new");
    assert!(print(&mut places, CHANNEL, 11) && print(&mut places, CHANNEL, 12));
    assert_eq!(channel(&places), Some(at(12)));
}

#[test]
fn gaps_move_on_and_another_life_begins_afresh() {
    let mut places = started();
    assert!(print(&mut places, CHANNEL, 8));
    places.begin(&connected(true, 5, Recovered::Complete));
    places.subscribed(&subscribed(EPOCH, 30, Recovered::Gap));
    assert_eq!(channel(&places), Some(at(8)), "a connection that breaks here asks for the same again");
    places.gap(&gap(9, 20, "expired"));
    assert!(!print(&mut places, CHANNEL, 20) && print(&mut places, CHANNEL, 21));
    places.subscribed(&subscribed(EPOCH, 10, Recovered::Gap));
    places.gap(&gap(4, 3, "future"));
    assert!(print(&mut places, CHANNEL, 4));
    let other = "00000000000000cd";
    places.subscribed(&subscribed(other, 3, Recovered::Gap));
    places.gap(&gap(1, 0, "epoch"));
    assert!(print(&mut places, CHANNEL, 1));
    assert_eq!(channel(&places), Some(Position { epoch: other.into(), offset: 1 }));
}

#[test]
fn what_was_printed_is_acknowledged_once_and_by_number() {
    let mut places = started();
    assert!(!places.wants_ack());
    print(&mut places, CHANNEL, 8);
    print(&mut places, CHANNEL, 9);
    print(&mut places, INBOX, 6);
    assert_eq!(places.acks(1), [Ack { stream: INBOX, offset: 6 }]);
    assert_eq!(places.acks(9), [Ack { stream: CHANNEL, offset: 9 }]);
    assert!(!places.wants_ack() && places.acks(9).is_empty());
    print(&mut places, CHANNEL, 10);
    places.begin(&connected(true, 6, Recovered::Complete));
    assert!(!places.wants_ack(), "numbers are those of the new connection");
}
