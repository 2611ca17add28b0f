//! A session's part in presence.

use super::Turn;
use crate::cell::Cell;
use std::sync::Arc;
use tidings_core::limit::Limit;
use tidings_core::policy::Attendance;
use tidings_core::presence::{DeviceId, NotWatched};
use tidings_core::session::{Effects, Joining, Subscription, Watched};
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::frame::{Failure, ServerFrame, Told, Unwatched, Watching};
use tidings_proto::payload::DataRef;
use tidings_proto::presence::Present;

impl Turn<'_> {
    /// The session's device; `None` when another connection has taken the session over, or it is over.
    fn device(&self) -> Option<DeviceId> {
        self.shared.identities.device_of(self.conn.session_id(), self.conn)
    }

    pub(super) fn note_activity(&mut self, active: bool) {
        let Some(device) = self.device() else { return };
        self.shared.presence().board().active(device, active, self.now);
        if active {
            // Idleness is looked for from now on.
            self.wakes = true;
        }
    }

    pub(super) fn note_present(&mut self, id: Option<u64>, present: &Present<'_>) {
        let Some(device) = self.device() else { return };
        let shared = self.shared;
        let mut board = shared.presence().board();
        board.set(device, present, self.now);
        if let Some(own) = board.own(device) {
            self.reply(id, &ServerFrame::Presence(own));
        }
        self.send_replies();
    }

    pub(super) fn note_watched(&mut self, id: Option<u64>, watched: Watched<'_>) {
        let Watched { allowed, refused, again } = watched;
        let Some(device) = self.device() else { return };
        let shared = self.shared;
        let mut board = shared.presence().board();
        let result = board.watch(device, Arc::clone(&self.conn.outbox), allowed.iter().copied());
        if again {
            board.rewatched(device);
        }
        let watched = match result {
            Ok(watched) => watched,
            Err(not_watched) => {
                let (limit, message) = match not_watched {
                    NotWatched::TooMany => (Limit::WatchedUsers, "watched_users_max: stop watching somebody first"),
                    NotWatched::Crowded => (Limit::Watchers, "watchers_max: as many watch one of these users as may"),
                };
                self.reached(limit);
                let failure = Failure { code: Code::Limit, message, retry_after_ms: None };
                return self.reply(id, &ServerFrame::Error(failure));
            }
        };
        self.reply(id, &ServerFrame::Watching(Watching { watched, refused }));
        for user in allowed {
            let status = board.status(device, user);
            self.reply(None, &ServerFrame::Status(status));
        }
        // Before the board is unlocked, so that no change overtakes the answer.
        self.send_replies();
    }

    pub(super) fn watched_before(&self) -> Vec<Arc<str>> {
        let Some(device) = self.device() else { return Vec::new() };
        self.shared.presence().board().watched(device)
    }

    pub(super) fn note_unwatched(&mut self, id: Option<u64>, users: &[&str]) {
        let Some(device) = self.device() else { return };
        let watched = self.shared.presence().board().unwatch(device, users.iter().copied());
        self.reply(id, &ServerFrame::Unwatched(Unwatched { watched }));
    }

    /// The session has joined a channel.
    pub(super) fn note_joined(&mut self, channel: ChannelName<'_>, name: &Arc<str>, joining: Joining<'_>) {
        let attendance = self.attendance(channel.namespace());
        if attendance == Attendance::None {
            return;
        }
        let Some(device) = self.device() else { return };
        let Joining { presence, info, .. } = joining;
        let shared = self.shared;
        let mut board = shared.presence().board();
        board.join(device, name, attendance, Arc::clone(&self.conn.outbox), presence, info, self.now);
        if board.is_told(device, name) {
            self.reply(None, &ServerFrame::Members(board.members(name, true)));
            self.send_replies();
        }
    }

    /// The session has left a channel, not because its connection ended.
    pub(super) fn note_parted(&mut self, channel: &str) {
        if self.attendance(channel.split(':').next().unwrap_or_default()) != Attendance::None
            && let Some(device) = self.device()
        {
            self.shared.presence().board().part(device, channel, self.now);
        }
    }

    pub(super) fn tell_members(&mut self, id: Option<u64>, subscription: &Subscription<Arc<Cell>>, lists: bool) {
        let shared = self.shared;
        let mut board = shared.presence().board();
        let name = subscription.channel.shared_name();
        self.reply(id, &ServerFrame::Members(board.members(name, lists)));
        self.send_replies();
    }

    pub(super) fn note_info(
        &mut self,
        id: Option<u64>,
        subscription: &Subscription<Arc<Cell>>,
        info: Option<DataRef<'_>>,
    ) {
        let Some(device) = self.device() else { return };
        let channel = subscription.channel.shared_name();
        self.shared.presence().board().inform(device, channel, info);
        self.reply(id, &ServerFrame::Info(Told { channel }));
    }

    fn attendance(&self, namespace: &str) -> Attendance {
        self.shared.settled.rules.namespace(namespace).map_or(Attendance::None, |policy| policy.attendance)
    }
}
