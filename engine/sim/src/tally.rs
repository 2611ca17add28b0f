//! What was exercised, so that a run that proved nothing is seen.

use std::fmt;

macro_rules! tally {
    ($($(#[$doc:meta])* $field:ident = $name:literal,)*) => {
        /// Counts of one life or of many.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names that are printed tell what is counted")]
        pub struct Tally {
            $($(#[$doc])* pub $field: u64,)*
        }

        impl Tally {
            /// Adds another.
            pub fn add(&mut self, other: &Self) {
                $(self.$field += other.$field;)*
            }

            /// The names of what never happened.
            #[must_use]
            pub fn missing(&self) -> Vec<&'static str> {
                let all = [$((self.$field, $name),)*];
                all.into_iter().filter(|(count, _)| *count == 0).map(|(_, name)| name).collect()
            }
        }

        impl fmt::Display for Tally {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let all = [$((self.$field, $name),)*];
                let told: Vec<String> = all.into_iter().map(|(count, name)| format!("{name} {count}")).collect();
                f.write_str(&told.join(", "))
            }
        }
    };
}

tally! {
    published = "published",
    stored = "stored",
    delivered = "delivered",
    passed = "ephemeral delivered",
    repeated = "filtered by position",
    looks = "looks at the past",
    looked_past = "seen in the past",
    gaps = "gaps",
    lost_epochs = "lost epochs",
    retried = "retried",
    known = "known keys",
    acknowledged = "acknowledged",
    connections = "connections",
    resumed = "resumed",
    replaced = "replaced",
    refused_resumes = "resumes refused",
    cuts = "cuts",
    half_open = "half-open",
    slow = "closed as slow",
    lost = "closed as lost",
    full = "full outboxes",
    pages = "pages read",
    kills = "kills",
    power_cuts = "power cuts",
    lost_writes = "writes lost",
    failed_writes = "failed writes",
    failed_syncs = "failed syncs",
    slow_syncs = "slow syncs",
    failed_reads = "failed reads",
    reopened = "reopened",
    clock_steps = "clock steps",
    upkeep = "upkeep",
    removed = "removals",
    statuses = "presence told",
    heard_statuses = "statuses heard",
    busy = "told busy",
    denied = "denied",
    refreshed = "refreshed",
    refused_refreshes = "refreshes refused",
    expired = "tokens expired",
}
