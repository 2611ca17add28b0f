//! The committer: takes all that waits, writes, syncs once, answers all.

use super::Server;
use super::inner::Inner;
use super::queue::{Hearer, Job};
use crate::bug::Bug;
use crate::fact::Fact;
use crate::name::StreamName;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tidings_proto::frame::{Failure, ServerFrame};
use tidings_proto::kept::Kind;
use tidings_proto::wire;
use tidings_store::op::Op;

impl Server {
    pub(super) fn enqueue(&mut self, job: Job) {
        self.queue.waiting.push(job);
        self.call_committer();
    }

    fn call_committer(&mut self) {
        let queue = &mut self.queue;
        if !queue.called && queue.written.is_none() && !queue.waiting.is_empty() && !queue.failing {
            queue.called = true;
            let delay_ms = self.start.random.below(3);
            self.output.wish(delay_ms, Inner::Commit);
        }
    }

    /// Writes all that waits. Upkeep alone waits for no barrier.
    pub(super) fn commit(&mut self, now: Now) {
        self.queue.called = false;
        if self.queue.failing || self.queue.written.is_some() {
            return;
        }
        let jobs = mem::take(&mut self.queue.waiting);
        let ops: Vec<Op> = jobs.iter().flat_map(|job| job.ops.iter().cloned()).collect();
        if self.storage.archive.write(&ops).is_err() {
            self.queue.waiting = jobs;
            return self.store_failed(now);
        }
        for op in &ops {
            if let Op::Head { kind: Kind::Inbox, name, head } = op {
                let devices = head.devices.iter().map(|device| (device.name.clone(), device.seen_at)).collect();
                self.queue.heads.push((Arc::clone(name), devices));
            }
        }
        if self.has(Bug::DeliverBeforeStored) {
            self.show_stored(&jobs, now);
        }
        if self.has(Bug::AnswerBeforeSync) {
            self.answer_stored(&jobs);
        }
        let is_upkeep = jobs.iter().all(|job| job.up_to == 0);
        if is_upkeep && self.start.random.chance(700) {
            self.done(&jobs);
            self.call_committer();
            return;
        }
        self.queue.written = Some(jobs);
        let faults = &self.plan.faults;
        let slow = self.start.random.chance(faults.slow_sync);
        let sync_ms =
            if slow { self.start.random.between(500, 4_000) } else { self.start.random.between(1, faults.sync) };
        self.output.wish(sync_ms, Inner::Synced);
        if slow {
            self.output.facts.push(Fact::SlowSync);
            self.output.note(None, format!("the sync takes {sync_ms} ms"));
        }
    }

    /// The sync returns.
    pub(super) fn synced(&mut self, now: Now) {
        if self.queue.failing || self.queue.written.is_none() {
            return;
        }
        if self.storage.archive.sync().is_err() {
            return self.store_failed(now);
        }
        self.barrier();
        let jobs = self.queue.written.take().unwrap_or_default();
        self.show_stored(&jobs, now);
        for job in &jobs {
            if let Some((publisher, key)) = &job.key {
                self.keys.done(Some(publisher), key);
            }
        }
        self.answer_stored(&jobs);
        self.done(&jobs);
        self.call_committer();
        self.settle(now);
    }

    /// Everything that was written is safe.
    fn barrier(&mut self) {
        for (user, devices) in mem::take(&mut self.queue.heads) {
            self.output.facts.push(Fact::Registered { user, devices });
        }
    }

    fn show_stored(&mut self, jobs: &[Job], now: Now) {
        let mut last: BTreeMap<&StreamName, u64> = BTreeMap::new();
        for job in jobs.iter().filter(|job| job.up_to > 0) {
            let up_to = last.entry(&job.stream).or_default();
            *up_to = job.up_to.max(*up_to);
        }
        for (stream, up_to) in last {
            let Some((cell, mut fan)) = self.cell(stream) else { continue };
            if cell.stream.position().offset < up_to {
                cell.stream.stored(up_to, now, &mut fan);
            }
            self.output.note(Some(stream), format!("stored up to {up_to}"));
        }
    }

    fn answer_stored(&mut self, jobs: &[Job]) {
        for Hearer { conn, id, told } in jobs.iter().filter_map(|job| job.hearer) {
            self.tell(conn, id, &told.frame());
        }
    }

    fn tell(&mut self, conn: u64, id: u64, frame: &ServerFrame<'_>) {
        let form = self.member(conn).form;
        let mut frames = Vec::new();
        wire::render(form, Some(id), frame, &mut frames);
        self.fan().reply(conn, Bytes::from(frames));
    }

    fn done(&mut self, jobs: &[Job]) {
        for job in jobs {
            if let Some(cell) = self.cells.map.get_mut(&job.stream) {
                cell.queued = cell.queued.saturating_sub(1);
            }
            if job.up_to == 0 {
                let removed = job.ops.iter().any(|op| matches!(op, Op::Remove { .. }));
                self.output.facts.push(Fact::Upkeep { removed });
            }
        }
    }

    /// Nothing of what waits is certainly on disk: all of it is refused, and the store opened afresh.
    pub(super) fn store_failed(&mut self, now: Now) {
        self.queue.failing = true;
        // Whether they are there is not known; they are written again.
        self.queue.heads.clear();
        let mut jobs = self.queue.written.take().unwrap_or_default();
        jobs.append(&mut self.queue.waiting);
        self.output.note(None, format!("the store failed under {} jobs", jobs.len()));
        let told_stored = self.has(Bug::FailureAnsweredStored);
        for job in &jobs {
            self.queue.doubtful.insert(job.stream.clone());
            if let Some(cell) = self.cells.map.get_mut(&job.stream) {
                cell.queued = cell.queued.saturating_sub(1);
                if job.up_to == 0 {
                    cell.stream.unsettle();
                }
            }
            if let Some((publisher, key)) = &job.key {
                self.keys.forget(Some(publisher), key);
            }
            if let Some(Hearer { conn, id, told }) = job.hearer {
                let message = "the store failed before this was certainly on disk";
                let failure = Failure { code: Code::Unavailable, message, retry_after_ms: None };
                let frame = if told_stored { told.frame() } else { ServerFrame::Error(failure) };
                self.tell(conn, id, &frame);
            }
        }
        self.output.wish(self.plan.times.reopen, Inner::Reopen);
        self.settle(now);
    }
}
