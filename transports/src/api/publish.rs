//! Publishing to channels.

use super::{
    call::Call,
    form,
    problem::{Problem, Refusal},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{future::Future, pin::Pin};
use tidings::{Codec, Data, Level, PublishedAt, error::Error, message::Message};
use utoipa::ToSchema;

/// How far a publication has to come before it is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wait {
    /// It is in the server's memory.
    #[default]
    Accepted,
    /// It is on the server's disk, behind the store's barrier.
    Stored,
}

/// What a publication is narrowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Narrowed {
    /// At most once, to whoever is there now; it is kept nowhere.
    Ephemeral,
}

/// How far a publication has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reached {
    /// It is in the server's memory.
    Accepted,
    /// It is on the server's disk, behind the store's barrier.
    Stored,
}

impl From<Level> for Reached {
    fn from(level: Level) -> Self {
        if level == Level::Stored { Self::Stored } else { Self::Accepted }
    }
}

/// A publication.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publication {
    /// The channel, `namespace:name`.
    #[schema(max_length = 128, pattern = "^[!-)+-9;-~]{1,32}:[!-)+-~]{1,126}$", example = "messaging:lobby")]
    channel: String,
    /// The event's name.
    #[schema(pattern = r"^[!#-\[\]-~]{1,64}$", example = "NEW_MESSAGE")]
    event: String,
    /// Any value; `null` if it is not there.
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    data: Option<Box<RawValue>>,
    /// In class `latest`: which value this replaces.
    #[schema(min_length = 1, max_length = 128)]
    key: Option<String>,
    /// The caller's own name for this publication, another for each: the same again within the server's window is not
    /// delivered twice and gets the first answer.
    #[schema(min_length = 1, max_length = 128)]
    idempotency_key: Option<String>,
    /// Narrows this publication.
    class: Option<Narrowed>,
    /// What to wait for.
    #[serde(default)]
    #[schema(default = "accepted")]
    wait: Wait,
}

/// Where a publication stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Published {
    /// The life of the channel that the offset counts in.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    epoch: String,
    /// Its place; 0 for one that was narrowed, which has none.
    offset: u64,
    /// How far it has come.
    level: Reached,
}

impl From<PublishedAt> for Published {
    fn from(at: PublishedAt) -> Self {
        let PublishedAt { position, level, .. } = at;
        Self { epoch: position.epoch.to_string(), offset: position.offset, level: level.into() }
    }
}

/// Several publications, taken in this order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    /// At most `api.batch_max`, 1,000 by default.
    #[schema(min_items = 1)]
    publications: Vec<Publication>,
}

/// What became of each, in the same order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchResults {
    results: Vec<BatchResult>,
}

/// What became of one publication: one of both.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchResult {
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    published: Option<Published>,
    /// Why it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<Refusal>,
}

impl From<Result<Published, Problem>> for BatchResult {
    fn from(result: Result<Published, Problem>) -> Self {
        match result {
            Ok(published) => Self { published: Some(published), error: None },
            Err(problem) => Self { published: None, error: Some(problem.refusal()) },
        }
    }
}

/// The data of a message.
pub(super) fn data(value: Option<Box<RawValue>>) -> Result<Data, Problem> {
    let Some(value) = value else { return Ok(Data::null()) };
    let text = String::from(Box::<str>::from(value));
    Data::parse(Codec::Json, Bytes::from(text)).map_err(|error| Problem::bad(format!("data: {error}")))
}

/// What is under way to the disk.
type Placed = Pin<Box<dyn Future<Output = Result<PublishedAt, Error>> + Send>>;

/// A publication whose form is right.
struct Ready {
    publication: Publication,
    data: Data,
}

impl Ready {
    fn check(mut publication: Publication) -> Result<Self, Problem> {
        form::channel(&publication.channel)?;
        form::event(&publication.event)?;
        form::key(publication.key.as_deref())?;
        form::idempotency_key(publication.idempotency_key.as_deref())?;
        let data = data(publication.data.take())?;
        Ok(Self { publication, data })
    }

    /// Places it. What is returned is ready when it has come as far as is wanted.
    fn place(self, call: Call<'_>) -> Result<Placed, Problem> {
        let Publication { channel, event, key, idempotency_key, class, wait, data: _ } = self.publication;
        call.check_channel(&channel)?;
        let mut message = Message::new(&event, &self.data);
        if let Some(key) = &key {
            message = message.key(key);
        }
        if let Some(key) = &idempotency_key {
            message = message.idempotency_key(key);
        }
        if class.is_some() {
            message = message.ephemeral();
        }
        if wait == Wait::Stored {
            return Ok(Box::pin(call.engine.publish_stored(&channel, &message)));
        }
        let published = call.engine.publish_message(&channel, &message)?;
        Ok(Box::pin(std::future::ready(Ok(published))))
    }
}

/// Publish to a channel
#[utoipa::path(
    post,
    path = "/publish",
    tag = "publish",
    request_body = Publication,
    responses((status = 200, description = "It has its place", body = Published))
)]
pub(super) async fn publish(call: Call<'_>, publication: Publication) -> Result<Published, Problem> {
    let placed = Ready::check(publication)?.place(call)?;
    Ok(placed.await?.into())
}

/// Publish several times, in order, each answered by itself
///
/// A batch in which one publication is not of this form is refused whole, and nothing of it is published.
#[utoipa::path(
    post,
    path = "/publish/batch",
    tag = "publish",
    request_body = Batch,
    responses((status = 200, description = "What became of each", body = BatchResults))
)]
pub(super) async fn batch(call: Call<'_>, batch: Batch) -> Result<BatchResults, Problem> {
    let count = batch.publications.len();
    if count == 0 {
        return Err(Problem::bad("publications: give one at least"));
    }
    if count > call.limits.batch_max {
        return Err(Problem::unfit(format!("api.batch_max: at most {} publications", call.limits.batch_max)));
    }
    let ready: Vec<Ready> = batch.publications.into_iter().map(Ready::check).collect::<Result<_, _>>()?;
    // All are placed before the first is waited for, so that one barrier is enough for them.
    let placed: Vec<_> = ready.into_iter().map(|ready| ready.place(call)).collect();
    let mut results = Vec::with_capacity(count);
    for one in placed {
        let result = match one {
            Ok(placed) => placed.await.map(Published::from).map_err(Problem::from),
            Err(problem) => Err(problem),
        };
        results.push(result.into());
    }
    Ok(BatchResults { results })
}
