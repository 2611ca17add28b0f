use super::Stamp;
use crate::tree::Tree;
use std::fs;
use std::path::Path;

#[test]
fn installed_is_fresh_until_the_pins_change() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::at(folder.path());
    let stamp = Stamp::new(&tree, Path::new("pins.txt"), folder.path());
    assert!(!stamp.is_fresh());
    fs::write(tree.path("pins.txt"), "websockets==1").unwrap();
    assert!(!stamp.is_fresh());
    stamp.keep().unwrap();
    assert!(stamp.is_fresh());
    fs::write(tree.path("pins.txt"), "websockets==2").unwrap();
    assert!(!stamp.is_fresh());
}
