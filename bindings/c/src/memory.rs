//! Reading what the caller points at, and writing where it wants something: the one place that trusts pointers.
//!
//! Whoever calls the library promises for each pointer what the header says: NULL where that is allowed, or so many bytes
//! that are there for as long as the call lasts, and that nobody writes to meanwhile.

use crate::status::Failure;
use std::ffi::c_char;
use std::mem::{MaybeUninit, size_of};
use std::{ptr, slice};

/// Bytes that a struct of the caller's may have at most: those of a later version of the library, not those of a mistake.
const STRUCT_BYTES_MAX: usize = 4096;

/// Text or bytes that somebody else owns: a pointer and how many bytes there are. Not ended by a zero byte. Nothing is NULL
/// and 0.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct TidingsView {
    /// The first byte.
    pub data: *const c_char,
    /// How many there are.
    pub len: usize,
}

impl TidingsView {
    pub(crate) const NONE: Self = Self { data: ptr::null(), len: 0 };

    pub(crate) const fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::NONE;
        }
        Self { data: bytes.as_ptr().cast(), len: bytes.len() }
    }
}

/// The bytes behind a pointer.
///
/// # Safety
/// `len` bytes are there for as long as `'a`, or `len` is 0.
pub(crate) unsafe fn bytes<'a>(data: *const c_char, len: usize, name: &str) -> Result<&'a [u8], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Failure::argument(format!("`{name}` is NULL and its length is not 0")));
    }
    if isize::try_from(len).is_err() {
        return Err(Failure::argument(format!("the length of `{name}` is more than there is memory")));
    }
    // SAFETY: not NULL, of a length that a slice may have, and the caller promises the rest.
    Ok(unsafe { slice::from_raw_parts(data.cast::<u8>(), len) })
}

/// The text behind a pointer.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(data: *const c_char, len: usize, name: &str) -> Result<&'a str, Failure> {
    // SAFETY: the same promise.
    let bytes = unsafe { bytes(data, len, name) }?;
    str::from_utf8(bytes).map_err(|_| Failure::argument(format!("`{name}` is no UTF-8")))
}

/// The text in a view; `None` where it is empty.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn optional<'a>(view: TidingsView, name: &str) -> Result<Option<&'a str>, Failure> {
    // SAFETY: the same promise.
    let text = unsafe { text(view.data, view.len, name) }?;
    Ok((!text.is_empty()).then_some(text))
}

/// The texts in an array of views.
///
/// # Safety
/// `count` views are there, each as [`bytes`] wants them.
pub(crate) unsafe fn texts<'a>(views: *const TidingsView, count: usize, name: &str) -> Result<Vec<&'a str>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if views.is_null() || !views.is_aligned() || count > isize::MAX as usize / size_of::<TidingsView>() {
        return Err(Failure::argument(format!("`{name}` is NULL or no array of so many")));
    }
    // SAFETY: not NULL, aligned, of a length that a slice may have, and the caller promises the rest.
    let views = unsafe { slice::from_raw_parts(views, count) };
    // SAFETY: the same promise, for each of them.
    views.iter().map(|view| unsafe { text(view.data, view.len, name) }).collect()
}

/// A struct that begins with its size, which may be that of a later version: what this one does not know must be 0.
///
/// # Safety
/// `T` begins with its size as a `u32`, may be any bytes, and as many bytes are there as it says.
pub(crate) unsafe fn sized<T: Copy>(from: *const T, name: &str) -> Result<T, Failure> {
    // SAFETY: the same promise.
    let size = unsafe { size(from, name) }?;
    // SAFETY: the struct is at least as large as this version's.
    let rest = unsafe { slice::from_raw_parts(from.cast::<u8>().add(size_of::<T>()), size - size_of::<T>()) };
    if rest.iter().any(|byte| *byte != 0) {
        return Err(Failure::argument(format!("`{name}` uses what this version of the library does not know")));
    }
    // SAFETY: not NULL, aligned, large enough, and of any bytes.
    Ok(unsafe { from.read() })
}

/// The size that a struct says it has.
///
/// # Safety
/// As [`sized`].
unsafe fn size<T>(from: *const T, name: &str) -> Result<usize, Failure> {
    if from.is_null() || !from.is_aligned() {
        return Err(Failure::argument(format!("`{name}` is NULL or not where such a struct can be")));
    }
    // SAFETY: the struct begins with its size, which is smaller and no better aligned than all of it.
    let size = unsafe { from.cast::<u32>().read() } as usize;
    if !(size_of::<T>()..=STRUCT_BYTES_MAX).contains(&size) {
        return Err(Failure::argument(format!("`{name}` does not begin with its size: set it to sizeof")));
    }
    Ok(size)
}

/// Whether a struct can be written to by [`put_sized`].
///
/// # Safety
/// As [`sized`].
pub(crate) unsafe fn check_sized<T>(to: *mut T, name: &str) -> Result<(), Failure> {
    // SAFETY: the same promise.
    unsafe { size(to.cast_const(), name) }.map(drop)
}

/// Writes a struct of the caller's, all but the size that it begins with. What a later version has beside it becomes 0.
///
/// # Safety
/// As [`sized`], and it can be written to.
pub(crate) unsafe fn put_sized<T: Copy>(to: *mut T, value: &T, name: &str) -> Result<(), Failure> {
    // SAFETY: the same promise.
    let size = unsafe { size(to.cast_const(), name) }?;
    let head = size_of::<u32>();
    // SAFETY: the caller's struct has `size` bytes, at least as many as `T`; `value` is somewhere else.
    unsafe {
        let (to, from) = (to.cast::<u8>(), ptr::from_ref(value).cast::<u8>());
        ptr::copy_nonoverlapping(from.add(head), to.add(head), size_of::<T>() - head);
        to.add(size_of::<T>()).write_bytes(0, size - size_of::<T>());
    }
    Ok(())
}

/// A place for a value that the caller must want.
pub(crate) fn wanted<'a, T>(
    out: Option<&'a mut MaybeUninit<T>>,
    name: &str,
) -> Result<&'a mut MaybeUninit<T>, Failure> {
    out.ok_or_else(|| Failure::argument(format!("`{name}` is NULL")))
}
