//! What a client makes of what it is told, and when it says that a promise was broken.

use super::link::{Asked, Expected, Reading};
use super::{Client, Do, Have};
use crate::frames::{self, Connected, Entry, Failure, Frame, Gap, Reason, Subscribed, Told};
use crate::known::Known;
use crate::name::{ConnId, StreamName};
use crate::oracle::Oracle;
use crate::trace::{About, Violation};
use serde_json::json;
use std::sync::Arc;
use tidings_core::policy::Class;
use tidings_proto::code::Code;
use tidings_proto::frame::Recovered;
use tidings_proto::id::Position;

type Heard = Result<(), Violation>;

impl Client {
    /// Bytes came over a connection.
    pub(crate) fn hear(&mut self, conn: ConnId, bytes: &[u8], oracle: &mut Oracle, now_ms: u64, calm: bool) -> Heard {
        let Some(at) = self.links.iter().position(|link| link.conn == conn) else { return Ok(()) };
        self.links[at].received.extend_from_slice(bytes);
        self.links[at].heard_ms = now_ms;
        loop {
            let Some(at) = self.links.iter().position(|link| link.conn == conn) else { return Ok(()) };
            let frame = match frames::read(self.who.form, &mut self.links[at].received) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(()),
                Err(error) => {
                    let what = format!("a frame cannot be read: {error}");
                    return Err(Violation::new(About::client(self.who.index), what));
                }
            };
            self.frame(at, frame, oracle, now_ms, calm)?;
        }
    }

    fn frame(&mut self, at: usize, frame: Frame, oracle: &mut Oracle, now_ms: u64, calm: bool) -> Heard {
        let asked = frame.id.and_then(|id| self.links[at].asked.remove(&id));
        let (conn, client) = (self.links[at].conn, self.who.index);
        let about = || About { client: Some(client), stream: self.links[at].stream_of(&frame.told).cloned() };
        oracle.trace.note(about, || format!("({conn}) < {:?} {:?}", frame.id, frame.told));
        match (frame.told, asked) {
            (Told::Connected(connected), _) => self.connected(at, &connected, oracle, now_ms),
            (Told::Subscribed(subscribed), Some(Asked::Subscribe(_, since))) => {
                self.subscribed(at, &subscribed, since, oracle)
            }
            (Told::Subscribed(subscribed), _) => {
                // The channel of a resumed session: the position was given with `connect`, if at all.
                let given = self.links[at].given.get(&StreamName::channel(&subscribed.channel)).copied();
                self.subscribed(at, &subscribed, given, oracle)
            }
            (Told::Unsubscribed(told), _) => {
                let stream = StreamName::channel(&told.channel);
                self.links[at].told.members.remove(&*told.channel);
                self.links[at].streams.retain(|_, reading| reading.stream != stream);
                Ok(())
            }
            (Told::Published(published), Some(Asked::Publish(n))) => {
                self.answered(n, published.level, Some((published.epoch, published.offset)), oracle)
            }
            (Told::Sent(sent), Some(Asked::Publish(n))) => self.answered(n, sent.level, None, oracle),
            (Told::Entry(entry), _) => self.entry(at, &entry, oracle),
            (Told::History(history), Some(Asked::History(looking))) => self.seen(at, &history, &looking, oracle),
            (Told::Gap(gap), _) => self.gap(at, &gap, oracle),
            (Told::Error(failure), Some(Asked::Publish(n))) => {
                self.refused(n, &failure, now_ms, oracle);
                Ok(())
            }
            (Told::Error(failure), Some(Asked::Subscribe(channel, _))) => {
                self.not_subscribed(&channel, &failure, oracle);
                Ok(())
            }
            (Told::Close(close), _) => {
                self.closed(at, close.code, oracle, now_ms, calm);
                Ok(())
            }
            (Told::Expiring {}, _) => {
                self.refresh(at, calm);
                Ok(())
            }
            (Told::Refreshed {}, Some(Asked::Refresh { own: true })) => {
                oracle.tally.refreshed += 1;
                Ok(())
            }
            (Told::Refreshed {}, _) => {
                Err(Violation::new(About::client(self.who.index), "its session goes on with another's token"))
            }
            (Told::Error(_), Some(Asked::Refresh { own: false })) => {
                oracle.tally.refused_refreshes += 1;
                Ok(())
            }
            (Told::Ping {}, _) => {
                self.say(at, &json!({ "pong": {} }));
                Ok(())
            }
            (Told::Error(_) | Told::Pong {} | Told::Published(_) | Told::Sent(_), _) => Ok(()),
            (told, asked) => {
                self.presence_told(at, told, asked, oracle);
                Ok(())
            }
        }
    }

    fn presence_told(&mut self, at: usize, told: Told, asked: Option<Asked>, oracle: &mut Oracle) {
        match (told, asked) {
            (Told::Status(status), _) => self.status(at, &status, oracle),
            (Told::Watching {}, Some(Asked::Watch(users))) => self.watching(at, users),
            (Told::Presence {}, Some(Asked::Present(chosen))) => self.says(at, chosen),
            (Told::Members(members), _) => self.members(at, &members, None),
            (Told::Joined(members), _) => self.members(at, &members, Some(true)),
            (Told::Left(members), _) => self.members(at, &members, Some(false)),
            _ => {}
        }
    }

    fn not_subscribed(&mut self, channel: &Arc<str>, failure: &Failure, oracle: &mut Oracle) {
        if failure.code == Code::Forbidden.number() {
            oracle.tally.denied += 1;
            self.wants.remove(channel);
        }
    }

    fn closed(&mut self, at: usize, code: u16, oracle: &mut Oracle, now_ms: u64, calm: bool) {
        oracle.tally.replaced += u64::from(code == Code::Replaced.number());
        oracle.tally.expired += u64::from(code == Code::TokenExpired.number());
        // Whose token has ended goes on with the session by another.
        if code >= 3500 && code != Code::Replaced.number() && code != Code::TokenExpired.number() {
            self.forget_session();
        }
        let conn = self.links[at].conn;
        self.out.push(Do::Shut(conn));
        self.ended(conn, now_ms, calm);
    }

    fn connected(&mut self, at: usize, connected: &Connected, oracle: &mut Oracle, now_ms: u64) -> Heard {
        let inbox = self.inbox();
        if *connected.user != *self.who.user {
            return self.violation(&inbox, format!("it is connected as {}", connected.user));
        }
        self.check_resumed(at, connected, oracle)?;
        oracle.epoch_told(&inbox, connected.inbox.epoch)?;
        let life = self.links[at].life;
        let (session, secret) = (connected.session, connected.secret);
        let known = Known { session, secret, life };
        oracle.sessions.insert(self.who.index, (Arc::clone(&self.who.user), known.clone()));
        oracle.tally.connections += 1;
        self.memory.known = Some(known);
        self.links[at].told.session = Some(session);
        if !connected.resumed {
            self.memory.watched.clear();
        }
        self.links[at].live_since = Some(now_ms);
        self.retry_soon();
        let told = &connected.inbox;
        let given = self.links[at].given.get(&inbox).copied();
        if given.is_none() {
            let acknowledged = *self.memory.acknowledged.get_or_insert(told.delivered);
            let is_new = oracle.may_be_new(&self.who.user, &self.who.device, told.delivered);
            if told.delivered > acknowledged && !is_new {
                let what = format!("{} is told to be delivered, and {acknowledged} was acknowledged", told.delivered);
                return self.violation(&inbox, what);
            }
            let have = Have { epoch: told.epoch, offset: told.delivered, life };
            self.memory.streams.entry(inbox.clone()).or_insert(have);
        }
        let begin = given.map_or(told.delivered, |given| given.offset);
        let reading = Reading {
            stream: inbox,
            epoch: told.epoch,
            last: Some(begin),
            gap_due: told.recovered == Recovered::Gap,
            marked: 0,
        };
        self.links[at].streams.insert(told.stream, reading);
        Ok(())
    }

    /// A session of one's own is resumed as long as it must be kept, another's never.
    fn check_resumed(&self, at: usize, connected: &Connected, oracle: &mut Oracle) -> Heard {
        let link = &self.links[at];
        let about = About::client(self.who.index);
        match (link.expected, connected.resumed) {
            (Expected::Refused, true) => Err(Violation::new(about, "it has resumed a session that is not its own")),
            (Expected::Refused, false) => {
                oracle.tally.refused_resumes += 1;
                Ok(())
            }
            (Expected::New, true) => Err(Violation::new(about, "it has resumed a session and did not want to")),
            (Expected::Own, true) => {
                oracle.tally.resumed += 1;
                Ok(())
            }
            (Expected::Own, false) => match &self.memory.known {
                Some(known) if known.life == link.life && oracle.must_be_kept(known) && self.links.len() == 1 => {
                    let what = format!("its session {} could not be resumed", known.session);
                    Err(Violation::new(about, what))
                }
                _ => Ok(()),
            },
            (Expected::New, false) => Ok(()),
        }
    }

    fn subscribed(&mut self, at: usize, told: &Subscribed, given: Option<Position>, oracle: &mut Oracle) -> Heard {
        let stream = StreamName::channel(&told.channel);
        if !self.plan.may_join(&self.who.user, &told.channel) {
            return self.violation(&stream, "it may not be in this channel");
        }
        oracle.epoch_told(&stream, told.epoch)?;
        let life = self.links[at].life;
        let have = self.memory.streams.get(&stream).copied();
        let last = match (told.recovered, given) {
            (Recovered::Complete, Some(Position { epoch, offset })) if epoch == told.epoch && offset <= told.offset => {
                Some(offset)
            }
            (Recovered::Complete, Some(given)) => {
                let what = format!("{given:?} is told to be complete in epoch {} at {}", told.epoch, told.offset);
                return self.violation(&stream, what);
            }
            // The server knew where it stood.
            (Recovered::Complete, None) => None,
            (Recovered::Gap, given) => given.filter(|given| given.epoch == told.epoch).map(|given| given.offset),
            (Recovered::None, None) => {
                // It asked for no more than what comes from now on; another connection may have brought more already.
                let before = have.filter(|have| have.epoch == told.epoch).map_or(0, |have| have.offset);
                let offset = before.max(told.offset);
                self.memory.streams.insert(stream.clone(), Have { epoch: told.epoch, offset, life });
                Some(told.offset)
            }
            (Recovered::None, Some(_)) => {
                return self.violation(&stream, "it gave a position, and nobody looked at it");
            }
        };
        let is_elsewhere = have.is_none_or(|have| have.epoch != told.epoch);
        if is_elsewhere && given.is_none() && told.recovered == Recovered::Complete {
            self.memory.streams.insert(stream.clone(), Have { epoch: told.epoch, offset: told.offset, life });
        }
        let gap_due = told.recovered == Recovered::Gap;
        let reading = Reading { stream, epoch: told.epoch, last, gap_due, marked: 0 };
        self.links[at].streams.insert(told.stream, reading);
        Ok(())
    }

    fn gap(&mut self, at: usize, gap: &Gap, oracle: &mut Oracle) -> Heard {
        let life = self.links[at].life;
        let Some(reading) = self.links[at].streams.get_mut(&gap.stream) else {
            return Err(Violation::new(About::client(self.who.index), "a gap in a stream that it is not in"));
        };
        let (stream, epoch, last) = (reading.stream.clone(), reading.epoch, reading.last);
        reading.gap_due = false;
        reading.last = Some(gap.to);
        let have = self.memory.streams.get(&stream).copied();
        let who = (self.who.index, &self.who.user, &*self.who.device);
        match gap.reason {
            Reason::Epoch => {
                oracle.tally.lost_epochs += 1;
                let is_same = have.is_some_and(|have| have.life == life && have.epoch != epoch);
                if oracle.class(&stream) == Class::Durable || is_same {
                    return self.violation(&stream, "the epoch is new, and the server the same");
                }
                oracle.gap(who, &stream, epoch, (gap.from, gap.to))?;
                // Another connection may have brought more already.
                let before = have.filter(|have| have.epoch == epoch).map_or(0, |have| have.offset);
                self.memory.streams.insert(stream, Have { epoch, offset: before.max(gap.to), life });
                return Ok(());
            }
            Reason::Future | Reason::Lost => {
                return self.violation(&stream, format!("a gap from {} to {}: {:?}", gap.from, gap.to, gap.reason));
            }
            Reason::Expired => {}
        }
        if last.is_some_and(|last| gap.from != last + 1) {
            return self.violation(&stream, format!("a gap from {} behind {last:?}", gap.from));
        }
        let have = match have {
            Some(have) if have.epoch == epoch => have,
            // An older connection, of what is gone.
            Some(have) if last.is_some() || have.life > life => return Ok(()),
            // The server knew better where it stood.
            _ => Have { epoch, offset: gap.from - 1, life },
        };
        if gap.from > have.offset + 1 {
            return self.violation(&stream, format!("a gap from {} and it has {}", gap.from, have.offset));
        }
        let missing = (gap.from.max(have.offset + 1), gap.to);
        oracle.gap(who, &stream, epoch, missing)?;
        let offset = have.offset.max(gap.to);
        self.memory.streams.insert(stream, Have { offset, life, ..have });
        Ok(())
    }

    fn entry(&mut self, at: usize, entry: &Entry, oracle: &mut Oracle) -> Heard {
        let Entry { stream: number, offset, data, at: time } = entry;
        let (life, n) = (self.links[at].life, data.n);
        let Some(reading) = self.links[at].streams.get_mut(number) else {
            let what = format!("publication {n} came in a stream that it is not in");
            return Err(Violation::new(About::client(self.who.index), what));
        };
        let (stream, epoch, last) = (reading.stream.clone(), reading.epoch, reading.last);
        if *offset == 0 {
            return self.passed(at, &stream, n, oracle);
        }
        if reading.gap_due {
            return self.violation(&stream, format!("offset {offset} came before the gap that was promised"));
        }
        reading.last = Some(*offset);
        let have = self.memory.streams.get(&stream).copied().filter(|have| have.epoch == epoch);
        // A connection without a known beginning may begin anywhere that leaves no hole.
        let begin = last.or(have.map(|have| have.offset.min(offset - 1))).unwrap_or(offset - 1);
        if *offset <= begin {
            return self.violation(&stream, format!("offset {offset} came behind {begin}"));
        }
        self.check_hole(&stream, epoch, (begin, *offset), oracle)?;
        oracle.received(self.who.index, &stream, epoch, (*offset, n, *time))?;
        oracle.held_a_token((self.who.index, self.links[at].conn), &stream, epoch, *offset)?;
        let Some(have) = have else { return Ok(()) };
        if *offset <= have.offset {
            oracle.tally.repeated += 1;
            return Ok(());
        }
        self.check_hole(&stream, epoch, (have.offset, *offset), oracle)?;
        self.memory.streams.insert(stream, Have { offset: *offset, life, ..have });
        Ok(())
    }

    fn check_hole(
        &self,
        stream: &StreamName,
        epoch: tidings_proto::id::Epoch,
        between: (u64, u64),
        oracle: &Oracle,
    ) -> Heard {
        let (last, next) = between;
        let class = oracle.class(stream);
        for missing in last + 1..next {
            let is_right = match class {
                Class::Ephemeral => true,
                Class::Latest => oracle.is_replaced(stream, epoch, missing),
                _ => false,
            };
            if !is_right {
                let what = format!("offset {next} came behind {last}: {missing} is missing, and nobody said so");
                return self.violation(stream, what);
            }
        }
        Ok(())
    }

    fn passed(&mut self, at: usize, stream: &StreamName, n: usize, oracle: &mut Oracle) -> Heard {
        oracle.tally.passed += 1;
        let is_right = oracle.published.get(n).is_some_and(|published| published.passes && published.stream == *stream);
        if !is_right {
            return self.violation(stream, format!("publication {n} came without an offset"));
        }
        if !self.links[at].passed.insert(n) {
            return self.violation(stream, format!("the ephemeral publication {n} came twice"));
        }
        Ok(())
    }
}
