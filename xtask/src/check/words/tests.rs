use super::{WORDS, prove};
use crate::check::trial::files;

#[test]
fn a_plain_text_passes() {
    let text = "A network/work folder, a farm, and what is shared.\nhttps://example.com/homework/1\n";
    assert!(prove(&files(&[("README.md", text)]).house).unwrap().is_empty());
}

#[test]
fn each_word_is_a_breach() {
    for word in WORDS {
        let found = prove(&files(&[("docs/a.md", &format!("first\nsee `{word}main`\n"))]).house).unwrap();
        assert_eq!(found.iter().map(|breach| breach.line).collect::<Vec<_>>(), [2], "{word}");
    }
}

#[test]
fn what_tools_made_and_what_is_no_text_is_left_out() {
    let made = format!("{}main", WORDS[0]);
    assert!(prove(&files(&[("target/a.txt", &made), ("node_modules/b.js", &made)]).house).unwrap().is_empty());
    let trial = files(&[]);
    std::fs::write(trial.house.tree.path("picture.png"), [0xff, 0xfe, b'/']).unwrap();
    assert!(prove(&trial.house).unwrap().is_empty());
}
