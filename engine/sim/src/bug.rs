//! Bugs that are planted on purpose, so that a test can tell whether the simulator finds them.

use std::fmt;
use std::str::FromStr;

macro_rules! bugs {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A bug of the simulated server, which the real one must not have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $($(#[$doc])* $variant,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

bugs! {
    /// Who resumes gets what follows the entry behind its position.
    ResumeSkipsOne = "resume-skips-one",
    /// `stored` is answered when the write returned, and the sync is still to come.
    AnswerBeforeSync = "answer-before-sync",
    /// Nobody looks after a connection whose full outbox has room again.
    NoWakeAfterFull = "no-wake-after-full",
    /// A page that was read from the disk is dropped when its reader's outbox is not empty.
    PageLost = "page-lost",
    /// An old connection that ends takes the session's new connection with it.
    StaleCleanUp = "stale-clean-up",
    /// Entries are fanned out when they are written, and the sync is still to come.
    DeliverBeforeStored = "deliver-before-stored",
    /// Upkeep removes what the quickest device has, instead of the slowest.
    TrimBeyondSlowest = "trim-beyond-slowest",
    /// The keys on disk are not read at the start.
    KeysNotRestored = "keys-not-restored",
    /// A key is forgotten when its publisher's connection is lost.
    KeysForgotten = "keys-forgotten",
    /// A session is resumed whatever secret is given.
    SecretNotChecked = "secret-not-checked",
    /// A session is resumed whoever asks for it.
    UserNotChecked = "user-not-checked",
    /// A gap is not told to who joins.
    GapNotTold = "gap-not-told",
    /// A stream in memory has the same epoch again after a restart.
    EpochKept = "epoch-kept",
    /// A publication's key is written behind its entry.
    KeyBehindEntry = "key-behind-entry",
    /// Streams in memory are not told that the store was opened afresh.
    NotReopened = "not-reopened",
    /// The head of a stream is written behind the removal of its entries.
    HeadBehindRemove = "head-behind-remove",
    /// A session that leaves a channel stays among its members.
    NeverLeaves = "never-leaves",
    /// What was found at the start is believed without a barrier.
    NoBarrierAtStart = "no-barrier-at-start",
    /// An outbox takes whatever comes.
    OutboxWithoutBound = "outbox-without-bound",
    /// Who comes with a position of another epoch is taken to have everything.
    HasTooMuch = "has-too-much",
    /// Who is told a gap is taken to have been reached by it.
    HasBehindGap = "has-behind-gap",
    /// Who loses its connection is offline at once.
    NoGrace = "no-grace",
    /// Nobody looks whether a grace period is over.
    GraceNeverEnds = "grace-never-ends",
    /// An old connection that ends late makes its session count as lost, which another connection has.
    StaleLoss = "stale-loss",
    /// Whom a session watched is not watched again when it is resumed.
    WatchForgotten = "watch-forgotten",
    /// Nobody tells a watcher whose full outbox has room again what it missed.
    StatusNotForwarded = "status-not-forwarded",
    /// Who hides is shown.
    HiddenShown = "hidden-shown",
    /// What waits for the disk when the store fails is answered as stored.
    FailureAnsweredStored = "failure-answered-stored",
    /// A session goes on when its token has ended.
    TokenNeverEnds = "token-never-ends",
    /// A look at the past leaves an entry out.
    HistorySkipsOne = "history-skips-one",
    /// A session goes on with whoever's token.
    AnyTokenRefreshes = "any-token-refreshes",
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Bug {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.iter().map(|bug| bug.name()).collect::<Vec<_>>().join(", ");
        Self::ALL.iter().copied().find(|bug| bug.name() == text).ok_or_else(|| format!("the bugs are: {}", known()))
    }
}
