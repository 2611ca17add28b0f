//! The models that the tests hold sessions and streams against, driven by a fuzzer: its bytes are the chance by which
//! proptest chooses what happens.

use crate::policy::Class;
use crate::session::tests::property;
use crate::stream::tests::{durable, model};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use std::sync::LazyLock;
use tidings_proto::kept::Kind;

/// Fewer choose nothing.
const BYTES_MIN: usize = 32;

/// What chance goes on with when the fuzzer's bytes are used up: more than the longest life needs. Nothing but zeros, which
/// would follow, makes choices among three go on for ever.
const TAIL_BYTES: usize = 32 * 1024;

static TAIL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(TAIL_BYTES / 8).flatten().collect()
});

/// A session against random frames, answers and looks at the clock.
///
/// # Panics
/// When a promise is broken.
pub fn session(bytes: &[u8]) {
    check(bytes, &property::life(), property::live);
}

/// A stream in memory against the model of its class, which the first byte chooses.
///
/// # Panics
/// When a promise is broken.
pub fn stream(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let class = [Class::Reliable, Class::Latest, Class::Ephemeral][usize::from(first % 3)];
    check(bytes, &model::life(), |life| model::live(class, life));
}

/// A stream on disk against its model, with failures and crashes.
///
/// # Panics
/// When a promise is broken.
pub fn durable(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let kind = if first % 2 == 0 { Kind::Channel } else { Kind::Inbox };
    check(bytes, &durable::life::life(kind), |life| durable::life::live(kind, life));
}

fn check<S: Strategy>(bytes: &[u8], strategy: &S, live: impl FnOnce(S::Value) -> TestCaseResult) {
    if bytes.len() < BYTES_MIN {
        return;
    }
    let chance = TestRng::from_seed(RngAlgorithm::PassThrough, &[bytes, &*TAIL].concat());
    let mut runner = TestRunner::new_with_rng(Config::default(), chance);
    let Ok(tree) = strategy.new_tree(&mut runner) else { return };
    if let Err(error) = live(tree.current()) {
        panic!("{error}\n{:?}", tree.current());
    }
}
