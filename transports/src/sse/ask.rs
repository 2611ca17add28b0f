//! What a GET asks for.

use super::{answers::Refusal, positions};
use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};
use tidings_proto::{id::Position, limit::SSE_CHANNELS_MAX};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A session that listens: who it is of, and to what it listens.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Ask {
    pub(crate) token: String,
    pub(crate) device: Option<String>,
    pub(crate) channels: Vec<String>,
    /// What the client has already, if it has been here before.
    pub(crate) brought: Option<Vec<Position>>,
}

impl Ask {
    /// Reads the request.
    ///
    /// # Errors
    /// Something stands there twice, or there is too much of it.
    pub(crate) fn read(query: Option<&str>, headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut ask = Self::default();
        let (mut token, mut last_event_id) = (None, None);
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let once = match &*name {
                "channel" => {
                    ask.add(value.into_owned())?;
                    continue;
                }
                "token" => &mut token,
                "device" => &mut ask.device,
                "last_event_id" => &mut last_event_id,
                _ => continue,
            };
            if once.replace(value.into_owned()).is_some() {
                return Err(Refusal::bad("token, device and last_event_id may each stand in the address once"));
            }
        }
        ask.token = bearer(headers)?.or(token).unwrap_or_default();
        // A browser's EventSource keeps its address, and what it was told since then is newer than what stands there.
        let brought = headers.get(LAST_EVENT_ID).map(HeaderValue::as_bytes).filter(|id| !id.is_empty());
        let brought = brought.or(last_event_id.as_deref().map(str::as_bytes)).filter(|id| !id.is_empty());
        ask.brought = brought.map(positions::read);
        Ok(ask)
    }

    fn add(&mut self, channel: String) -> Result<(), Refusal> {
        if self.channels.contains(&channel) {
            return Ok(());
        }
        if self.channels.len() >= SSE_CHANNELS_MAX {
            let text = format!("sse_channels_max: at most {SSE_CHANNELS_MAX} channels; subscribe to others by POST");
            return Err(Refusal::bad(text));
        }
        self.channels.push(channel);
        Ok(())
    }
}

/// The token of `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    match (token, values.next()) {
        (Some(token), None) => Ok(Some(token)),
        _ => Err(Refusal::bad("send Authorization once, as: Bearer TOKEN")),
    }
}

#[cfg(test)]
mod tests;
