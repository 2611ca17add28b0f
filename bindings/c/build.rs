//! Gives the shared library the name that programs which were linked with it look for.

/// Changes when a function or a field is taken away or means something else, which makes old programs fail.
const SONAME: &str = "libtidings.so.0";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{SONAME}");
    }
}
