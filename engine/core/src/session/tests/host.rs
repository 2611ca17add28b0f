//! What the host does to a session.

use super::{Bench, subscribe};
use crate::ask::Denial;
use tidings_proto::code::Code;

impl Bench {
    fn host_subscribes(&mut self, channel: &str) -> Result<bool, Code> {
        let told = self.session.subscribe_by_host(channel, &self.rules, self.now, &mut self.log);
        told.map_err(|Denial { code, .. }| code)
    }

    fn host_unsubscribes(&mut self, channel: &str) -> Result<bool, Code> {
        let told = self.session.unsubscribe_by_host(channel, self.now, &mut self.log);
        told.map_err(|Denial { code, .. }| code)
    }
}

#[test]
fn the_host_subscribes_to_what_the_user_may_not_and_nobody_is_asked() {
    let mut bench = Bench::live();
    assert_eq!(bench.host_subscribes("host:x"), Ok(true));
    assert_eq!(bench.take(), ["- join host:x"]);
    assert_eq!(bench.host_subscribes("host:x"), Ok(false));
    assert_eq!(bench.take(), [""; 0]);
    assert_eq!(bench.receive(&subscribe(2, "host:x")), ["2 error state"]);
    assert_eq!(bench.host_unsubscribes("host:x"), Ok(true));
    assert_eq!(bench.take(), ["- unsubscribed host:x", "leave host:x 2"]);
    assert_eq!(bench.host_unsubscribes("host:x"), Ok(false));
    assert_eq!((bench.take(), bench.streams()), (vec![], vec!["alice"]));
}

#[test]
fn the_host_is_held_to_names_and_limits_and_the_client_hears_nothing_of_it() {
    let mut bench = Bench::live();
    for (channel, code) in [("x", Code::BadRequest), ("none:x", Code::BadRequest), ("open:*", Code::BadRequest)] {
        assert_eq!(bench.host_subscribes(channel), Err(code), "{channel}");
    }
    for channel in ["open:1", "open:2", "open:3"] {
        assert_eq!(bench.host_subscribes(channel), Ok(true));
    }
    bench.take();
    assert_eq!(bench.host_subscribes("open:4"), Err(Code::Limit));
    assert_eq!(bench.host_unsubscribes("open:1"), Ok(true));
    bench.take();
    bench.log.refuse_subscribe = true;
    assert_eq!(bench.host_subscribes("open:4"), Err(Code::Unavailable));
    assert_eq!((bench.take(), bench.streams().len()), (vec!["- join open:4".to_owned()], 3));
}

#[test]
fn only_who_is_connected_is_subscribed() {
    let mut bench = Bench::new();
    assert_eq!(bench.host_subscribes("open:x"), Err(Code::NotFound));
    let mut bench = Bench::live_until(Some(bench.now.wall_ms + 1_000));
    bench.pass(1_000);
    assert_eq!(bench.host_subscribes("open:x"), Err(Code::NotFound));
    assert_eq!(bench.take(), ["close token_expired"]);
    assert_eq!(bench.host_unsubscribes("open:x"), Err(Code::NotFound));
}
