//! Listening at an address.

use crate::border;
use crate::engine::TidingsEngine;
use crate::memory::text;
use crate::status::{Failure, TidingsError, TidingsStatus};
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::net::SocketAddr;

/// Listens at `address`, an IP address and a port such as `127.0.0.1:8080` or `[::]:8080`, and serves WebSocket at `/ws`,
/// server-sent events at `/sse`, with `api.key` the HTTP API at `/api/v1`, and `/healthz` and `/readyz`. `*port` (which may be
/// NULL) becomes the port: port 0 takes a free one. Several addresses may be listened at, until the engine is stopped.
///
/// Thread: any. Blocks: no; names are not looked up. Owner: the address is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_listen(
    engine: Option<&TidingsEngine>,
    address: *const c_char,
    address_len: usize,
    port: Option<&mut MaybeUninit<u16>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_listen", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let address = unsafe { text(address, address_len, "address") }?;
        if engine.inner().is_stopping() {
            return Err(Failure::new(TidingsStatus::Stopped, "the engine shuts down"));
        }
        let parsed: SocketAddr = address.parse().map_err(|_| {
            Failure::new(TidingsStatus::Listen, "give an IP address and a port, such as 127.0.0.1:8080 or [::]:8080")
        })?;
        let opened = engine.doors().open(parsed, engine.handle()).map_err(|error| {
            Failure::new(
                TidingsStatus::Listen,
                format!("cannot listen at {parsed}: {error}; choose another address or port"),
            )
        })?;
        if let Some(port) = port {
            port.write(opened.port());
        }
        Ok(())
    })
}
