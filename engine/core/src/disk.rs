//! What a stream of class durable knows of its part on disk: what is stored, what is still kept, and what must be
//! written down.

use crate::devices::Devices;
use crate::policy::{Overflow, Shelf};
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Edge, Entry, Head, Kept};

/// Most entries that one look at the bounds lets go by age and bytes. The next look goes on.
const STEPS_MAX: usize = 1_000;

/// What must be written down for a stream, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upkeep {
    /// Its head, if that has changed.
    pub head: Option<Head>,
    /// The first and the last of the entries that are kept no longer.
    pub remove: Option<(u64, u64)>,
    /// There is more to let go: look again soon.
    pub more: bool,
}

/// Whether a stream has a part on disk.
#[derive(Debug)]
pub(crate) enum OnDisk {
    /// It is in memory alone.
    No,
    /// An inbox of which nothing is on disk: the number that its records will stand under. Most users' inboxes stay so as
    /// long as they are in memory, and take no more of it than this.
    Untouched(u64),
    /// Boxed, because most streams have none.
    Part(Box<Disk>),
}

impl OnDisk {
    /// What is known of it, but for its number.
    pub(crate) fn get(&self) -> Option<&Disk> {
        // The number is the only thing in which one that is untouched differs from another.
        static UNTOUCHED: Disk = Disk::new(0, true);
        match self {
            Self::No => None,
            Self::Untouched(_) => Some(&UNTOUCHED),
            Self::Part(disk) => Some(disk),
        }
    }

    /// The number that its records stand under.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Self::Untouched(number) => Some(*number),
            Self::No | Self::Part(_) => self.get().map(|disk| disk.number),
        }
    }

    /// To change something of what there is already.
    pub(crate) fn part(&mut self) -> Option<&mut Disk> {
        match self {
            Self::No | Self::Untouched(_) => None,
            Self::Part(disk) => Some(disk),
        }
    }

    /// To write the first thing, or another.
    pub(crate) fn touched(&mut self) -> Option<&mut Disk> {
        if let Self::Untouched(number) = *self {
            *self = Self::Part(Box::new(Disk::new(number, true)));
        }
        self.part()
    }
}

/// The part on disk.
#[derive(Debug)]
pub(crate) struct Disk {
    number: u64,
    /// Everything up to here is behind the barrier.
    stored: u64,
    /// The first offset that is kept.
    floor: u64,
    /// Bytes of all entries that there ever were, those that wait for the disk included.
    bytes_sum: u64,
    /// The same of those that are stored.
    stored_sum: u64,
    /// The same of those below `floor`.
    floor_sum: u64,
    /// When the entry at `floor` was taken; 0 when that is not known.
    floor_at: u64,
    /// What is below this has been removed already.
    removed_below: u64,
    /// The head on disk is not as it should be.
    stale: bool,
    /// Of an inbox.
    pub(crate) devices: Option<Devices>,
}

impl Disk {
    /// A stream that has nothing on disk yet. Its head is written with its first entry or device, so that a stream that
    /// was only looked at leaves nothing.
    pub(crate) const fn new(number: u64, is_inbox: bool) -> Self {
        let devices = if is_inbox { Some(Devices::new(Vec::new())) } else { None };
        Self {
            number,
            stored: 0,
            floor: 1,
            bytes_sum: 0,
            stored_sum: 0,
            floor_sum: 0,
            floor_at: 0,
            removed_below: 1,
            stale: false,
            devices,
        }
    }

    /// A stream as it was found on disk. If entries below the floor are still there, their bytes count until the first
    /// [`Disk::upkeep`] has seen where the others begin.
    pub(crate) fn found(kept: Kept, is_inbox: bool) -> Self {
        let Kept { head, edges } = kept;
        let stored = head.last.max(edges.map_or(0, |(_, newest)| newest.offset));
        let floor = edges.map_or(stored + 1, |(oldest, _)| oldest.offset.max(head.floor).min(stored + 1));
        let (floor_sum, floor_at) = match edges {
            Some((_, newest)) if newest.offset < floor => (newest.bytes_sum, 0),
            Some((oldest, _)) => (oldest.bytes_sum - oldest.bytes, oldest.at),
            None => (0, 0),
        };
        let bytes_sum = edges.map_or(0, |(_, newest)| newest.bytes_sum);
        Self {
            number: head.stream,
            stored,
            floor,
            bytes_sum,
            stored_sum: bytes_sum,
            floor_sum,
            floor_at,
            removed_below: edges.map_or(floor, |(oldest, _)| oldest.offset),
            stale: false,
            devices: is_inbox.then(|| Devices::new(head.devices)),
        }
    }

    /// The first offset that is kept; that of the next entry when nothing is.
    pub(crate) const fn floor(&self) -> u64 {
        self.floor
    }

    /// Everything up to here is behind the barrier.
    pub(crate) const fn stored(&self) -> u64 {
        self.stored
    }

    /// Whether a publisher must be refused.
    pub(crate) fn is_full(&self, last: u64, shelf: &Shelf) -> bool {
        let entries = (last + 1).saturating_sub(self.floor);
        let full = entries >= shelf.keep.entries_max as u64 || self.bytes() >= shelf.keep.bytes_max as u64;
        shelf.overflow == Overflow::Refuse && full
    }

    const fn bytes(&self) -> u64 {
        self.bytes_sum.saturating_sub(self.floor_sum)
    }

    /// A new entry. Returns the sum of bytes that its record carries.
    pub(crate) fn append(&mut self, entry: &Entry) -> u64 {
        self.stale |= entry.offset == 1;
        self.bytes_sum += entry.record_bytes();
        self.bytes_sum
    }

    /// Everything up to this entry is behind the barrier.
    pub(crate) fn advance(&mut self, entry: &Entry) {
        if entry.offset == self.floor {
            self.floor_at = entry.at;
        }
        self.stored = entry.offset;
        self.stored_sum += entry.record_bytes();
    }

    /// The disk was opened afresh: what waited for it and is not there never came to be. Offsets that were stored are not
    /// given again, even if the disk has lost them. What was to be written or removed may not have been.
    pub(crate) fn reopened(&mut self) {
        self.bytes_sum = self.stored_sum;
        self.unsettle();
    }

    /// What was told to be written was not, or may not have been: all of it is told again.
    pub(crate) const fn unsettle(&mut self) {
        self.removed_below = 1;
        self.stale = true;
    }

    /// The head must be written again.
    pub(crate) const fn touch(&mut self) {
        self.stale = true;
    }

    /// Whether [`Disk::upkeep`] has something to do, as far as can be told without looking at the disk.
    pub(crate) fn wants_upkeep(&self, shelf: &Shelf, wall_ms: u64) -> bool {
        let acknowledged = self.acknowledged(shelf, wall_ms).is_some_and(|all| all >= self.floor);
        self.stale || self.floor > self.removed_below || acknowledged || self.is_over(shelf, wall_ms)
    }

    /// Whether the oldest stored entry must go, whoever still waits for it. What is not stored yet drives nothing out.
    fn is_over(&self, shelf: &Shelf, wall_ms: u64) -> bool {
        let entries = (self.stored + 1).saturating_sub(self.floor);
        let bytes = self.stored_sum.saturating_sub(self.floor_sum);
        let is_much = entries > shelf.keep.entries_max as u64 || bytes > shelf.keep.bytes_max as u64;
        let is_old = self.floor_at > 0 && wall_ms.saturating_sub(self.floor_at) > shelf.keep.age_ms_max;
        entries > 0 && (is_old || (is_much && shelf.overflow == Overflow::DropOldest))
    }

    /// The first offset that some device still waits for, whether or not what is before it was let go already; that of
    /// the next entry when none does.
    pub(crate) fn waits_from(&self, shelf: &Shelf, wall_ms: u64) -> u64 {
        let acknowledged = self.acknowledged(shelf, wall_ms).map_or(0, |all| all + 1);
        acknowledged.max(self.floor).min(self.stored + 1)
    }

    /// Bytes of all entries that were ever stored.
    pub(crate) const fn stored_sum(&self) -> u64 {
        self.stored_sum
    }

    fn acknowledged(&self, shelf: &Shelf, wall_ms: u64) -> Option<u64> {
        self.devices.as_ref().and_then(|devices| devices.delivered_to_all(shelf, wall_ms))
    }

    /// Lets go what nobody waits for any more and what is above the bounds, never what is not stored, and tells what must
    /// be written. `edge` reads the first entry at or behind an offset from the disk; what it cannot read is not let go.
    pub(crate) fn upkeep(
        &mut self,
        epoch: Epoch,
        shelf: &Shelf,
        wall_ms: u64,
        edge: &mut dyn FnMut(u64) -> Option<Edge>,
    ) -> Upkeep {
        let before = self.floor;
        let acknowledged = self.acknowledged(shelf, wall_ms).map_or(0, |all| all + 1);
        let by_count = match shelf.overflow {
            Overflow::DropOldest => (self.stored + 1).saturating_sub(shelf.keep.entries_max as u64),
            Overflow::Refuse => 0,
        };
        let target = acknowledged.max(by_count).min(self.stored + 1);
        // As it was found, or the disk was opened afresh: what is known of the entry at the floor may be of another.
        let is_rough = self.floor > self.removed_below;
        if target > self.floor || is_rough {
            self.raise(target.max(self.floor), edge);
        }
        let mut steps = 0;
        while steps < STEPS_MAX && self.is_over(shelf, wall_ms) {
            let floor = self.floor;
            self.raise(floor + 1, edge);
            if self.floor == floor {
                break;
            }
            steps += 1;
        }
        self.stale |= self.floor > before;
        let head = self.stale_head(epoch);
        let remove = (self.floor > self.removed_below).then(|| (self.removed_below, self.floor - 1));
        self.removed_below = self.floor;
        Upkeep { head, remove, more: steps == STEPS_MAX }
    }

    /// The head as it should be on disk.
    pub(crate) fn head(&self, epoch: Epoch) -> Head {
        let devices = self.devices.as_ref().map_or_else(Vec::new, |devices| devices.list().to_vec());
        // Entries that are not stored may never be; those that are tell the last by themselves, but for the removed.
        Head { stream: self.number, epoch, floor: self.floor, last: self.stored, devices }
    }

    /// The head, if it must be written, which the caller then does.
    pub(crate) fn stale_head(&mut self, epoch: Epoch) -> Option<Head> {
        let head = self.stale.then(|| self.head(epoch));
        self.stale = false;
        head
    }

    /// Moves the floor, at least to `floor` and on to the next entry that there is.
    fn raise(&mut self, floor: u64, edge: &mut dyn FnMut(u64) -> Option<Edge>) {
        let oldest = (floor <= self.stored).then(|| edge(floor));
        match oldest {
            // Nothing can be read there, now or ever: nothing is let go for it.
            Some(None) => {}
            Some(Some(oldest)) if oldest.offset <= self.stored => {
                self.floor = oldest.offset;
                self.floor_sum = oldest.bytes_sum - oldest.bytes;
                self.floor_at = oldest.at;
            }
            Some(Some(_)) | None => {
                // Nothing stored is left; what waits for the disk, if anything, is not old.
                self.floor = self.stored + 1;
                self.floor_at = 0;
                self.floor_sum = self.stored_sum;
            }
        }
    }
}
