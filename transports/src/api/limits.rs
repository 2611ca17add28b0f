//! What one caller of the API may take.

/// What the API is held to.
///
/// ```
/// use tidings_transports::ApiLimits;
///
/// let mut limits = ApiLimits::default();
/// limits.body_bytes_max = 64 * 1024;
/// assert!(limits.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiLimits {
    /// Bytes of a request's body. More are answered 413.
    ///
    /// Default: 1 MiB. Worst case: this for each of `requests_max`.
    pub body_bytes_max: usize,
    /// Time for a request's body to arrive, from the end of its header. It is answered 408 when it passes.
    ///
    /// Default: 10,000 ms. Raising it lets whoever has a key hold each of `requests_max` longer.
    pub body_timeout_ms: u64,
    /// Requests with a good key that are worked on at the same time. The next one is answered 503 with `Retry-After`.
    ///
    /// Default: 128. Worst case: this many bodies, or pages of history of about 1 MiB.
    pub requests_max: usize,
    /// Requests with one key in a minute, and that many at once after a rest. The next one is answered 429 with `Retry-After`. 0: no
    /// limit.
    ///
    /// Default: 0. Without it whoever has a key can ask as much as the machine can answer, [`ApiLimits::requests_max`] at a time.
    pub requests_per_minute_per_key: u32,
    /// Publications of one batch.
    ///
    /// Default: 1,000. One batch is placed without a pause.
    pub batch_max: usize,
    /// Users that one event is sent to.
    ///
    /// Default: 1,000. One event is placed in all their inboxes without a pause.
    pub users_max: usize,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            body_timeout_ms: 10_000,
            requests_max: 128,
            requests_per_minute_per_key: 0,
            batch_max: 1_000,
            users_max: 1_000,
        }
    }
}

impl ApiLimits {
    /// Says whether these limits can be served with.
    ///
    /// # Errors
    /// A sentence that names the field that must be more than 0.
    pub fn check(&self) -> Result<(), String> {
        let positive = [
            ("body_bytes_max", self.body_bytes_max as u64),
            ("body_timeout_ms", self.body_timeout_ms),
            ("requests_max", self.requests_max as u64),
            ("batch_max", self.batch_max as u64),
            ("users_max", self.users_max as u64),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(format!("api.{name} must be more than 0")),
            None => Ok(()),
        }
    }
}
