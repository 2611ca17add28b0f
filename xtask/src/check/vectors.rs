//! The conformance vectors are what their generator writes.

use crate::breach::Breach;
use crate::house::House;
use crate::vectors;

/// The rule's name.
pub(crate) const RULE: &str = "vectors";

/// Asks the generator, where there is one, whether it would write anything else.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let clean = !vectors::has_generator(house) || vectors::generate(&house.tree, true)?;
    let breach = || Breach {
        file: "conformance".into(),
        line: 1,
        rule: RULE,
        what: "the vectors are not what the generator writes".into(),
        remedy: "cargo xtask vectors, and look at what changed".into(),
    };
    Ok((!clean).then(breach).into_iter().collect())
}
