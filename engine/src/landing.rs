//! What follows the barrier: what is stored is fanned out, and the publishers are told.

use crate::fan::Fan;
use crate::flush::settle;
use crate::outbox::Outbox;
use crate::shared::Shared;
use crate::sync::lock;
use crate::waiting::{FAILED, Hearer, Landing};
use bytes::Bytes;
use std::sync::Arc;
use tidings_core::stream::Delivery;
use tidings_proto::code::Code;
use tidings_proto::frame::{Failure, ServerFrame};
use tidings_proto::wire;

/// Up to this many are answered by the thread that has written them; more by a task, while the next are written.
const INLINE_MAX: usize = 8;

/// The store has everything that these wait for.
pub(crate) fn land(shared: &Arc<Shared>, landings: Vec<Landing>) {
    if landings.is_empty() {
        return;
    }
    for Landing { cell, up_to, .. } in &landings {
        cell.iter().for_each(|cell| cell.raise_landed(*up_to));
    }
    if landings.len() <= INLINE_MAX {
        tell(shared, landings);
    } else {
        let (shared, handle) = (Arc::clone(shared), shared.flushing.handle.clone());
        handle.spawn(async move { tell(&shared, landings) });
    }
}

fn tell(shared: &Arc<Shared>, landings: Vec<Landing>) {
    let mut fan = Fan::new(shared.settled.outbox);
    let now = shared.clock.now();
    let mut stored = 0;
    for cell in landings.iter().filter_map(|landing| landing.cell.as_ref()) {
        stored += 1;
        let mut stream = cell.stream();
        let landed = cell.landed();
        if stream.position().offset < landed {
            stream.stored(landed, now, &mut fan);
        }
        drop(stream);
        cell.written();
    }
    shared.counters.stored.add(stored);
    let mut answers = Answers::default();
    for Landing { hearer, key, .. } in landings {
        if let Some((publisher, key)) = key {
            lock(&shared.keys).done(publisher.as_deref(), &key);
        }
        match hearer {
            Some(Hearer::Session { outbox, id: Some(id), answer }) => {
                answers.add(&mut fan, outbox, Some(id), &answer.frame());
            }
            // Whoever asked may have gone.
            Some(Hearer::Host(told)) => drop(told.send(())),
            Some(Hearer::Session { id: None, .. }) | None => {}
        }
    }
    answers.push(&mut fan);
    settle(shared, fan);
}

/// The store failed before these were certainly on disk.
pub(crate) fn refuse_all(shared: &Arc<Shared>, landings: Vec<Landing>) {
    let mut fan = Fan::new(shared.settled.outbox);
    let mut answers = Answers::default();
    for Landing { cell, hearer, key, .. } in landings {
        cell.iter().for_each(|cell| cell.written());
        if let Some((publisher, key)) = key {
            lock(&shared.keys).forget(publisher.as_deref(), &key);
        }
        if let Some(Hearer::Session { outbox, id, .. }) = hearer {
            shared.counters.errors.add(1);
            let failure = Failure { code: Code::Unavailable, message: FAILED, retry_after_ms: None };
            answers.add(&mut fan, outbox, id, &ServerFrame::Error(failure));
        }
    }
    answers.push(&mut fan);
    settle(shared, fan);
}

/// Answers in a row for the same connection, which leave as one piece.
#[derive(Default)]
struct Answers {
    to: Option<Arc<Outbox>>,
    frames: Vec<u8>,
}

impl Answers {
    fn add(&mut self, fan: &mut Fan, to: Arc<Outbox>, id: Option<u64>, frame: &ServerFrame<'_>) {
        if !self.to.as_ref().is_some_and(|before| Arc::ptr_eq(before, &to)) {
            self.push(fan);
        }
        wire::render(to.link().form(), id, frame, &mut self.frames);
        self.to = Some(to);
    }

    fn push(&mut self, fan: &mut Fan) {
        let frames = Bytes::from(std::mem::take(&mut self.frames));
        if let Some(to) = self.to.take()
            && fan.reply(&to, frames) == Delivery::Full
        {
            // It asks without reading the answers.
            fan.unanswered.push(to);
        }
    }
}
