//! What is looked after now and then, and how the server is woken for it.

use super::Server;
use super::inner::Inner;
use super::queue::Job;
use crate::bug::Bug;
use crate::fact::Fact;
use crate::name::StreamName;
use std::sync::Arc;
use tidings_core::disk::Upkeep;
use tidings_core::time::Now;
use tidings_store::op::Op;

/// How often keys that are old are removed from the disk.
const KEYS_EVERY_MS: u64 = 10_000;

/// How many streams on disk that nobody uses one sweep looks at.
const SWEPT_STREAMS: usize = 2;

impl Server {
    /// What the server has wished for happens.
    pub(crate) fn happen(&mut self, inner: Inner, now: Now) {
        match inner {
            Inner::Answer { conn, token, asking } => self.answered(conn, token, &asking, now),
            Inner::Commit => self.commit(now),
            Inner::Synced => self.synced(now),
            Inner::Reopen => self.reopen(now),
            Inner::Page { stream, load, slot, from, to } => self.page_read((stream, load, slot, from, to), now),
            Inner::History(wanted) => self.show_past(&wanted, now),
            Inner::Sweep => self.sweep(now),
            Inner::Look { conn } => self.look(conn, now),
            Inner::Presence => self.tell_presence(now),
        }
        self.settle(now);
    }

    fn sweep(&mut self, now: Now) {
        self.output.wish(250, Inner::Sweep);
        for device in self.identities.expire(now.instant.0) {
            self.board.forget(device);
        }
        let streams: Vec<StreamName> = self.cells.map.keys().cloned().collect();
        for stream in streams {
            self.keep_up(&stream, now);
            self.drop_if_idle(&stream, now);
        }
        if !self.queue.failing {
            self.look_at_unused(now);
        }
        if now.instant.0 >= self.start.keys_swept_ms + KEYS_EVERY_MS {
            self.start.keys_swept_ms = now.instant.0;
            let before_ms = self.steady_ms(now).saturating_sub(self.plan.window.age_ms_max);
            let ops = vec![Op::ForgetKeys { before_ms }];
            let stream = StreamName::channel("");
            self.enqueue(Job { stream, ops, up_to: 0, hearer: None, key: None, bytes: 0 });
        }
        self.check_bounds();
    }

    /// Queues what the upkeep of one stream writes.
    fn keep_up(&mut self, stream: &StreamName, now: Now) {
        if self.queue.failing {
            return;
        }
        let archive = &self.storage.archive;
        let Some(cell) = self.cells.map.get_mut(stream).filter(|cell| cell.stream.wants_upkeep(now)) else { return };
        let number = cell.stream.disk_number().unwrap_or_default();
        let Some(upkeep) = cell.stream.upkeep(now, &mut |from| archive.edge(number, from).ok().flatten()) else {
            return;
        };
        let Upkeep { head, remove, .. } = upkeep;
        let head = head.map(|head| Op::Head { kind: stream.kind, name: Arc::clone(&stream.name), head });
        let remove = remove.map(|(from, to)| Op::Remove { stream: number, from, to });
        if head.is_none() && remove.is_none() {
            return;
        }
        cell.queued += 1;
        self.output.note(Some(stream), format!("upkeep: {head:?} {remove:?}"));
        let ops: Vec<Op> = if self.has(Bug::HeadBehindRemove) {
            remove.into_iter().chain(head).collect()
        } else {
            head.into_iter().chain(remove).collect()
        };
        self.enqueue(Job { stream: stream.clone(), ops, up_to: 0, hearer: None, key: None, bytes: 0 });
    }

    /// A stream that nobody is in and that is of no use in memory is dropped.
    fn drop_if_idle(&mut self, stream: &StreamName, now: Now) {
        let idle_ms = self.plan.times.idle;
        let Some(cell) = self.cells.map.get_mut(stream) else { return };
        cell.stream.trim(now);
        let is_quiet = cell.stream.members() == 0 && cell.queued == 0 && cell.reading.is_empty();
        let is_idle = now.instant.since_ms(cell.stream.active().instant) >= idle_ms;
        if !is_quiet || !is_idle {
            return;
        }
        if cell.stream.disk_number().is_some() {
            if cell.stream.unstored() == 0 && !cell.stream.wants_upkeep(now) {
                self.cells.map.remove(stream);
                self.output.note(Some(stream), "dropped from memory");
            }
        } else if cell.stream.kept() == 0 {
            let position = cell.stream.position();
            self.cells.map.remove(stream);
            self.cells.forgotten.insert(Arc::clone(&stream.name), position);
            self.output.note(Some(stream), format!("forgotten at {position:?}"));
        }
    }

    /// What has expired goes, though its user stays away.
    fn look_at_unused(&mut self, now: Now) {
        if self.start.random.chance(900) {
            return;
        }
        let after = self.storage.swept.take();
        let after = after.as_ref().map(|stream| (stream.kind, &*stream.name));
        let Ok(names) = self.storage.archive.names(after, SWEPT_STREAMS) else { return };
        for (kind, name) in names {
            let stream = StreamName { kind, name: name.into() };
            let loaded = self.load(&stream, now);
            self.storage.swept = loaded.is_ok().then_some(stream);
        }
    }

    fn check_bounds(&mut self) {
        let mut above = Vec::new();
        let room = self.room();
        for (conn, outbox) in self.outboxes.iter().filter(|(_, outbox)| outbox.is_above(room.of_answers())) {
            above.push(format!("the outbox of connection {conn} holds {} bytes", outbox.bytes()));
        }
        for (stream, cell) in &self.cells.map {
            let keep = self.plan.policy(stream).keep;
            let unstored = usize::try_from(cell.stream.unstored()).unwrap_or(usize::MAX);
            if cell.stream.kept() > keep.entries_max + unstored {
                above.push(format!("{stream} keeps {} entries in memory", cell.stream.kept()));
            }
        }
        if self.queue.bytes() > self.plan.bounds.queue_bytes {
            above.push(format!("{} bytes wait for the disk", self.queue.bytes()));
        }
        if self.keys.len() > self.plan.window.keys_max {
            above.push(format!("{} keys are remembered", self.keys.len()));
        }
        if self.identities.parked() > self.plan.bounds.parked {
            above.push(format!("{} sessions are parked", self.identities.parked()));
        }
        self.output.facts.extend(above.into_iter().map(Fact::Above));
    }

    /// What [`Bug::TrimBeyondSlowest`] does: the quickest device decides.
    pub(super) fn trim_up_to(&mut self, stream: &StreamName, to: u64) {
        let Some(cell) = self.cells.map.get_mut(stream) else { return };
        let Some(number) = cell.stream.disk_number() else { return };
        cell.queued += 1;
        let ops = vec![Op::Remove { stream: number, from: 1, to }];
        self.enqueue(Job { stream: stream.clone(), ops, up_to: 0, hearer: None, key: None, bytes: 0 });
    }

    /// What [`Bug::KeysForgotten`] does.
    pub(super) fn forget_keys_of(&mut self, user: Option<&str>) {
        let jobs = self.queue.waiting.iter().chain(self.queue.written.iter().flatten());
        for (publisher, key) in jobs.filter_map(|job| job.key.as_ref()) {
            if user == Some(&**publisher) {
                self.keys.forget(user, key);
            }
        }
    }
}
