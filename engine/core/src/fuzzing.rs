//! The models that the tests hold sessions and streams against, driven by a fuzzer.
//!
//! Every four bytes are one step: they are the seed of the chance by which proptest chooses it. So what a fuzzer does to
//! bytes (leaves some out, repeats some, takes some of another input) it does to steps.

use crate::policy::Class;
use crate::session::tests::property;
use crate::stream::tests::durable::life;
use crate::stream::tests::model;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use std::fmt::Debug;
use tidings_proto::kept::Kind;

/// More steps find nothing that fewer do not.
const STEPS_MAX: usize = 300;

/// A session against random frames, answers and looks at the clock.
///
/// # Panics
/// When a promise is broken.
pub fn session(bytes: &[u8]) {
    check(bytes, &property::start(), &property::op(), property::live);
}

/// A stream in memory against the model of its class, which the first byte chooses.
///
/// # Panics
/// When a promise is broken.
pub fn stream(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let class = [Class::Reliable, Class::Latest, Class::Ephemeral][usize::from(first % 3)];
    check(bytes, &model::keep(), &model::op(), |keep, ops| model::live(class, keep, ops));
}

/// A stream on disk against its model, with failures and crashes.
///
/// # Panics
/// When a promise is broken.
pub fn durable(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let kind = if first % 2 == 0 { Kind::Channel } else { Kind::Inbox };
    check(bytes, &life::start(kind), &life::op(), |start, ops| life::live(kind, start, ops));
}

fn check<S: Strategy, O: Strategy>(
    bytes: &[u8],
    start: &S,
    op: &O,
    live: impl FnOnce(S::Value, Vec<O::Value>) -> TestCaseResult,
) where
    S::Value: Debug,
    O::Value: Debug,
{
    let [first, steps @ ..] = bytes.as_chunks().0 else { return };
    let ops = || steps.iter().take(STEPS_MAX).map(|step| draw(op, *step)).collect();
    if let Err(error) = live(draw(start, *first), ops()) {
        let ops: Vec<_> = ops();
        panic!("{error}\n{:?}\n{ops:#?}", draw(start, *first));
    }
}

fn draw<S: Strategy>(strategy: &S, [a, b, c, d]: [u8; 4]) -> S::Value {
    let seed = [a, b, c, d, b, c, d, a, !a, c, !b, d, 0x9e, 0x37, 0x79, 0xb9];
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::XorShift, &seed));
    // The first numbers after seeds that differ in a few bits differ in a few bits as well.
    (0..8).for_each(|_| drop(runner.new_rng()));
    strategy.new_tree(&mut runner).expect("none of the models' strategies gives up").current()
}
