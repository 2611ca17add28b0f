//! What time brings: devices whose grace is over, and what is told.

use super::device::Line;
use super::slab::Key;
use super::{Board, Change, Grace};
use crate::stream::{Delivery, Effects, Subscriber};
use crate::time::Now;
use bytes::Bytes;
use tidings_proto::frame::ServerFrame;
use tidings_proto::presence::{Reason, StatusFrame};
use tidings_proto::wire::{self, WireForm};

/// How much one call of [`Board::tell`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Telling {
    /// Frames that were enqueued.
    pub told: u64,
    /// There is more to tell.
    pub more: bool,
}

/// One change, rendered at most once for each wire form.
struct Rendered<'f> {
    frame: StatusFrame<'f>,
    forms: [Option<Bytes>; WireForm::COUNT],
}

impl<'f> Rendered<'f> {
    const fn new(frame: StatusFrame<'f>) -> Self {
        Self { frame, forms: [const { None }; WireForm::COUNT] }
    }

    fn for_form(&mut self, form: WireForm) -> &Bytes {
        let frame = self.frame;
        self.forms[form.index()].get_or_insert_with(|| {
            let mut frames = Vec::with_capacity(160);
            wire::render(form, None, &ServerFrame::Status(frame), &mut frames);
            Bytes::from(frames)
        })
    }
}

impl<W: Subscriber + Clone> Board<W> {
    /// Looks at the clock. What follows is told by [`Board::tell`], until there is no more.
    pub fn tick(&mut self, now: Now) {
        while let Some(Grace { until, device, lost_ms }) = self.graces.front().copied() {
            if until > now.instant {
                break;
            }
            self.graces.pop_front();
            self.end_awaited_stays(device, now);
            if self.devices.find(device).is_some_and(|device| device.line == Line::Lost(until)) {
                self.go(device, Reason::Lost, now, lost_ms);
            }
        }
        self.dirty.extend(self.held.drain(..));
        self.hold_rooms_no_more();
    }

    /// Tells what has changed since it was told last, up to about so many frames. `changes` takes what the host hears.
    pub fn tell(
        &mut self,
        now: Now,
        frames_max: u64,
        effects: &mut impl Effects<W>,
        changes: &mut Vec<Change>,
    ) -> Telling {
        let mut telling = Telling::default();
        while let Some(key) = self.dirty.pop_front() {
            telling.told += self.tell_one(key, now, effects, changes);
            if telling.told >= frames_max {
                break;
            }
        }
        while telling.told < frames_max
            && let Some(told) = self.tell_next_room(now, effects)
        {
            telling.told += told;
        }
        telling.more = !self.dirty.is_empty() || self.has_more_rooms();
        telling
    }

    fn tell_one(&mut self, key: Key, now: Now, effects: &mut impl Effects<W>, changes: &mut Vec<Change>) -> u64 {
        let Self { people, watchers, held, .. } = self;
        let Some(person) = people.slab.find_mut(key) else { return 0 };
        if !person.is_due(now.instant) {
            held.push(key);
            return 0;
        }
        person.flags.is_dirty = false;
        let before = person.told_own;
        let had_new_text = person.flags.has_new_text;
        let settled = person.settle();
        let mut told = 0;
        if person.told_own != before || had_new_text {
            let mut change = Change::from(&person.frame(true));
            change.user = person.name.clone();
            changes.push(change);
        }
        if settled.own || settled.others {
            let (mut seen, mut own) = (Rendered::new(person.frame(false)), Rendered::new(person.frame(true)));
            for watcher in &person.watchers {
                let Some(list) = watchers.find_mut(*watcher) else { continue };
                let is_own = list.person == key;
                if (is_own && !settled.own) || (!is_own && !settled.others) {
                    continue;
                }
                let rendered = if is_own { &mut own } else { &mut seen };
                if effects.deliver(&list.to, rendered.for_form(list.to.form()), 0) == Delivery::Taken {
                    told += 1;
                } else if !list.behind.contains(&key) {
                    list.behind.push(key);
                }
            }
        }
        self.part_with(key);
        told
    }
}
