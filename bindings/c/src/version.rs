//! Which version of the interface this is.

/// The version of the interface that this header describes. It rises when functions, fields or numbers are added; nothing is taken
/// away or changed.
pub const TIDINGS_ABI_VERSION: i32 = 1;

/// The version of the library's interface: at least `TIDINGS_ABI_VERSION` where it has all that the header describes. Alone
/// among the functions it returns no status.
///
/// Thread: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn tidings_abi_version() -> i32 {
    TIDINGS_ABI_VERSION
}
