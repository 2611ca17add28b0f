//! Who is there: the real board, and what the server does with it.

use super::turn::Turn;
use super::{Server, cells::Handle};
use crate::bug::Bug;
use crate::fact::Fact;
use crate::name::ConnId;
use std::rc::Rc;
use std::sync::Arc;
use tidings_core::policy::Attendance;
use tidings_core::presence::DeviceId;
use tidings_core::session::{Effects, Joining, Subscription, Watched};
use tidings_core::time::Now;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::frame::{ServerFrame, Told, Unwatched, Watching};
use tidings_proto::id::SessionId;
use tidings_proto::payload::DataRef;
use tidings_proto::presence::{Chosen, Present};

/// How often changes are told.
pub(crate) const TICK_MS: u64 = 100;

/// Few, so that a look takes several goes.
const FRAMES_MAX: u64 = 3;

impl Server {
    /// What a connection's session is among those who are present, if it has it still.
    pub(super) fn device(&self, conn: ConnId) -> Option<DeviceId> {
        let (session, generation) = self.conns.get(&conn)?.identity?;
        let identity = self.identities.map.get(&session).filter(|identity| identity.generation == generation)?;
        Some(identity.device)
    }

    /// Tells what has changed.
    pub(super) fn tell_presence(&mut self, now: Now) {
        self.output.wish(TICK_MS, super::inner::Inner::Presence);
        if !self.has(Bug::GraceNeverEnds) {
            self.board.tick(now);
        }
        let mut changes = Vec::new();
        loop {
            let room = self.room();
            let Self { board, outboxes, output, .. } = self;
            let mut fan = super::output::Fan { outboxes, output, room };
            let telling = board.tell(now, FRAMES_MAX, &mut fan, &mut changes);
            self.output.facts.push(Fact::Told(telling.told));
            if !telling.more {
                break;
            }
        }
        let plan = Rc::clone(&self.plan);
        for user in &plan.users {
            let is_here = self.is_here(user);
            let is_online = self.board.is_online(user);
            self.output.facts.push(Fact::Present { user: Arc::clone(user), is_here, is_online });
        }
    }

    /// Whether a user has a session with a connection, dead or alive.
    fn is_here(&self, user: &str) -> bool {
        let sessions = self.conns.values().filter_map(|conn| conn.session.as_ref());
        let mut live = sessions.filter(|session| session.is_live());
        live.any(|session| session.user().is_some_and(|of| **of == *user))
    }

    /// Delivers to a connection what it had no room for.
    pub(super) fn forward_presence(&mut self, conn: ConnId) {
        let Some(device) = self.device(conn).filter(|_| !self.has(Bug::StatusNotForwarded)) else { return };
        let room = self.room();
        let Self { board, outboxes, output, .. } = self;
        let mut fan = super::output::Fan { outboxes, output, room };
        board.forward(device, &mut fan);
        board.forward_rooms(device, &mut fan);
    }

    /// A session has lost its connection.
    pub(super) fn presence_lost(&mut self, session: SessionId, now: Now) {
        let Some(device) = self.identities.map.get(&session).map(|identity| identity.device) else { return };
        if self.has(Bug::NoGrace) {
            self.board.left(device, tidings_proto::presence::Reason::Left, now);
        } else {
            self.board.lost(device, now);
        }
    }
}

impl Turn<'_> {
    pub(super) fn note_activity(&mut self, active: bool) {
        if let Some(device) = self.server.device(self.conn) {
            self.server.board.active(device, active, self.now);
        }
    }

    pub(super) fn note_present(&mut self, id: Option<u64>, present: &Present<'_>) {
        let Some(device) = self.server.device(self.conn) else { return };
        let mut present = present.clone();
        if self.server.has(Bug::HiddenShown) && present.status == Some(Chosen::Invisible) {
            present.status = Some(Chosen::Online);
        }
        self.server.board.set(device, &present, self.now);
        let form = self.server.member(self.conn).form;
        let mut frames = Vec::new();
        if let Some(own) = self.server.board.own(device) {
            tidings_proto::wire::render(form, id, &ServerFrame::Presence(own), &mut frames);
        }
        self.replies().extend_from_slice(&frames);
        self.send_replies();
    }

    pub(super) fn note_watched(&mut self, id: Option<u64>, watched: Watched<'_>) {
        let Watched { allowed, refused, again } = watched;
        let Some(device) = self.server.device(self.conn) else { return };
        let member = self.server.member(self.conn);
        let result = self.server.board.watch(device, member, allowed.iter().copied());
        if again {
            self.server.board.rewatched(device);
        }
        let Ok(watched) = result else { return self.fail(id, Code::Limit, "too many are watched") };
        self.reply(id, &ServerFrame::Watching(Watching { watched, refused }));
        for user in allowed {
            let mut frames = Vec::new();
            let status = self.server.board.status(device, user);
            tidings_proto::wire::render(member.form, None, &ServerFrame::Status(status), &mut frames);
            self.replies().extend_from_slice(&frames);
        }
        self.send_replies();
    }

    pub(super) fn watched_before(&mut self) -> Vec<Arc<str>> {
        let Some(device) = self.server.device(self.conn) else { return Vec::new() };
        self.server.board.watched(device)
    }

    pub(super) fn note_unwatched(&mut self, id: Option<u64>, users: &[&str]) {
        let Some(device) = self.server.device(self.conn) else { return };
        let watched = self.server.board.unwatch(device, users.iter().copied());
        self.reply(id, &ServerFrame::Unwatched(Unwatched { watched }));
    }

    pub(super) fn note_joined(&mut self, channel: ChannelName<'_>, joining: Joining<'_>) {
        let Some(attendance) = self.attendance(channel.namespace()) else { return };
        let Some(device) = self.server.device(self.conn) else { return };
        let Joining { presence, info, .. } = joining;
        let (member, now, name) = (self.server.member(self.conn), self.now, Arc::from(channel.as_str()));
        self.server.board.join(device, &name, attendance, member, presence, info, now);
        if self.server.board.is_told(device, &name) {
            self.tell_members(None, &name, true);
        }
    }

    pub(super) fn note_parted(&mut self, channel: &str) {
        let namespace = channel.split(':').next().unwrap_or_default();
        if let (Some(_), Some(device)) = (self.attendance(namespace), self.server.device(self.conn)) {
            self.server.board.part(device, channel, self.now);
        }
    }

    pub(super) fn tell_members(&mut self, id: Option<u64>, channel: &str, lists: bool) {
        let form = self.server.member(self.conn).form;
        let mut frames = Vec::new();
        let members = ServerFrame::Members(self.server.board.members(channel, lists));
        tidings_proto::wire::render(form, id, &members, &mut frames);
        self.replies().extend_from_slice(&frames);
        self.send_replies();
    }

    pub(super) fn note_info(
        &mut self,
        id: Option<u64>,
        subscription: &Subscription<Handle>,
        info: Option<DataRef<'_>>,
    ) {
        let Some(device) = self.server.device(self.conn) else { return };
        let channel = &subscription.channel.stream.name;
        self.server.board.inform(device, channel, info);
        self.reply(id, &ServerFrame::Info(Told { channel }));
    }

    fn attendance(&self, namespace: &str) -> Option<Attendance> {
        let attendance = self.server.plan.rules.namespace(namespace)?.attendance;
        (attendance != Attendance::None).then_some(attendance)
    }
}
