use super::Tally;

#[test]
fn results_are_summed() {
    let mut tally = Tally::default();
    let lines = [
        "running 3 tests",
        "test a::b ... ok",
        "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.00s",
        "test result: FAILED. 40 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        "test result: not the end of a program",
        "all doctests ran in 0.61s; merged doctests compilation took 0.60s",
    ];
    for line in lines {
        tally.read(line);
    }
    assert_eq!(tally, Tally { passed: 43, failed: 2 });
    assert_eq!(tally.to_string(), "43 passed, 2 failed");
}

#[test]
fn nothing_is_empty() {
    assert!(Tally::default().is_empty());
    assert!(!Tally { passed: 0, failed: 1 }.is_empty());
}
