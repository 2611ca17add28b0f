//! Small houses to try the rules on.

use crate::house::{Crate, Dependency, House};
use crate::tree::Tree;
use std::fs;
use tempfile::TempDir;

/// A house in a temporary folder, which goes when this does.
pub(crate) struct Trial {
    pub(crate) house: House,
    _folder: TempDir,
}

/// A house with these files and no crates.
pub(crate) fn files(files: &[(&str, &str)]) -> Trial {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    let house = House { tree: Tree::at(folder.path()), crates: Vec::new() };
    Trial { house, _folder: folder }
}

/// A house with one crate called `name`, in the folder `one`, with these files in its `src`.
pub(crate) fn sources(name: &str, sources: &[(&str, &str)]) -> Trial {
    let named: Vec<(String, &str)> = sources.iter().map(|(file, text)| (format!("one/src/{file}"), *text)).collect();
    let borrowed: Vec<(&str, &str)> = named.iter().map(|(file, text)| (file.as_str(), *text)).collect();
    let mut trial = files(&borrowed);
    trial.house.crates.push(Crate { name: name.into(), folder: "one".into(), ..Crate::default() });
    trial
}

/// A crate called `name` that uses `used`, each for tests alone when it is marked.
pub(crate) fn one(name: &str, used: &[(&str, bool)]) -> Crate {
    let dependencies = used.iter().map(|(name, is_dev)| Dependency { name: (*name).into(), is_dev: *is_dev }).collect();
    Crate { name: name.into(), folder: name.into(), dependencies, ..Crate::default() }
}

/// A house of these crates, without files.
pub(crate) fn crates(crates: Vec<Crate>) -> Trial {
    let mut trial = files(&[]);
    trial.house.crates = crates;
    trial
}
