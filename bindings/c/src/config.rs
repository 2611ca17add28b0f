//! Configuration by key.

use crate::border;
use crate::memory::{text, wanted};
use crate::settings::{Settings, Values};
use crate::status::{Failure, TidingsError, TidingsStatus};
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

/// What an engine is started with: the settings of `docs/settings.md` and of `docs/c-api.md`, by key.
#[derive(Debug)]
pub struct TidingsConfig(Mutex<Values>);

impl TidingsConfig {
    /// What is set.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.settings().map_err(|why| Failure::new(TidingsStatus::Config, why))
    }

    fn change(&self, change: impl FnOnce(&Values) -> Result<Values, String>) -> Result<(), Failure> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *values = change(&values).map_err(|why| Failure::new(TidingsStatus::Config, why))?;
        Ok(())
    }
}

/// Makes a configuration in which everything has its default.
///
/// Thread: any. Blocks: no. Owner: the caller, who frees `*config` with `tidings_config_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_config_new(
    config: Option<&mut MaybeUninit<*mut TidingsConfig>>,
    error: *mut TidingsError,
) -> i32 {
    border::cross("tidings_config_new", error, || {
        let config = wanted(config, "config")?;
        let values = Values::new().map_err(|why| Failure::new(TidingsStatus::Config, why))?;
        config.write(Box::into_raw(Box::new(TidingsConfig(Mutex::new(values)))));
        Ok(())
    })
}

/// Sets one setting, such as `limits.connections_max` to `20000`: values are texts as one would write them in the
/// environment. On an error nothing is changed.
///
/// Thread: any. Blocks: no. Owner: both texts are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_config_set(
    config: Option<&TidingsConfig>,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
    error: *mut TidingsError,
) -> i32 {
    border::cross("tidings_config_set", error, || {
        // SAFETY: the caller's promise.
        let (key, value) = unsafe { (text(key, key_len, "key")?, text(value, value_len, "value")?) };
        border::there(config, "config")?.change(|values| values.with(key, value))
    })
}

/// Sets all that a text in TOML sets, as a file of `tidingsd` does. On an error nothing is changed, and the message names the
/// line.
///
/// Thread: any. Blocks: no. Owner: the text is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_config_set_toml(
    config: Option<&TidingsConfig>,
    toml: *const c_char,
    toml_len: usize,
    error: *mut TidingsError,
) -> i32 {
    border::cross("tidings_config_set_toml", error, || {
        // SAFETY: the caller's promise.
        let toml = unsafe { text(toml, toml_len, "toml") }?;
        border::there(config, "config")?.change(|values| values.with_toml(toml))
    })
}

/// Frees a configuration and sets `*config` to NULL. NULL, in either place, is nothing to free.
///
/// Thread: any, when no other call uses it. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_config_free(config: Option<&mut *mut TidingsConfig>) -> i32 {
    border::cross("tidings_config_free", std::ptr::null_mut(), || {
        // SAFETY: it is from `tidings_config_new`, and the caller uses it nowhere else.
        drop(config.and_then(|config| unsafe { border::give_back(config) }));
        Ok(())
    })
}
