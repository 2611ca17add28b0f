//! Channels: how they stand, and what they keep.

use super::{call::Call, path::Query, problem::Problem};
use serde::Serialize;
use serde_json::value::RawValue;
use tidings::inspect::{Begin, Class, Entry, Epoch, GapReason, HISTORY_ENTRIES_MAX, History, Missing, Position};
use utoipa::ToSchema;

/// Entries of a page for which no number is given.
const LIMIT: u64 = 100;

/// The largest offset that is read: what JavaScript's numbers hold exactly.
const OFFSET_MAX: u64 = (1 << 53) - 1;

/// A place in a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Place {
    /// The life of the channel that the offset counts in.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    epoch: String,
    /// The place.
    offset: u64,
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        Self { epoch: position.epoch.to_string(), offset: position.offset }
    }
}

/// What a namespace promises.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Promise {
    Ephemeral,
    Latest,
    Reliable,
    Durable,
}

/// A channel as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Channel {
    /// Its name.
    channel: String,
    /// What its namespace promises.
    class: Promise,
    /// How many sessions are subscribed now.
    members: u64,
    /// Its last entry; not there where nothing is known of the channel, because nobody has used it for long.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    position: Option<Place>,
    /// The first offset that is kept; that of the next entry when nothing is.
    first: u64,
}

/// How a channel stands
#[utoipa::path(
    get,
    path = "/channels/{channel}",
    tag = "channels",
    params(("channel" = ChannelName, Path, description = "The channel, `namespace:name`, escaped as in every address")),
    responses((status = 200, description = "How it stands", body = Channel))
)]
pub(super) async fn channel(call: Call<'_>, channel: String) -> Result<Channel, Problem> {
    call.check_channel(&channel)?;
    let seen = call.engine.channel(&channel).await?;
    let class = match seen.class {
        Class::Latest => Promise::Latest,
        Class::Reliable => Promise::Reliable,
        Class::Durable => Promise::Durable,
        _ => Promise::Ephemeral,
    };
    let (members, position) = (seen.members as u64, seen.position.map(Place::from));
    Ok(Channel { channel, class, members, position, first: seen.first })
}

/// An entry.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Kept {
    /// Its place.
    offset: u64,
    /// The event's name.
    event: String,
    /// What was published.
    #[schema(value_type = serde_json::Value)]
    data: Box<RawValue>,
    /// Who published it; not there for a server of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    from: Option<String>,
    /// In class `latest`: which value it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key: Option<String>,
    /// When the server took it, in milliseconds since 1970.
    at: u64,
}

impl From<Entry> for Kept {
    fn from(entry: Entry) -> Self {
        let Entry { offset, event, data, from, key, at } = entry;
        let data = RawValue::from_string(data.to_json()).expect("JSON that was checked when it came in");
        let (from, key) = (from.map(|from| from.to_string()), key.map(String::from));
        Self { offset, event: event.into(), data, from, key, at }
    }
}

/// Why entries are not there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reason {
    /// They are older, or more, than the channel keeps.
    Expired,
    /// The position counts in another epoch: what followed it there is gone.
    Epoch,
    /// The position lies past the last entry: this server never gave it.
    Future,
    /// They were kept on disk and cannot be read there.
    Lost,
}

/// Entries that are not there, both ends included.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Gap {
    /// The first.
    from: u64,
    /// The last; `from - 1` when it is not known whether any is.
    to: u64,
    /// Why.
    reason: Reason,
}

impl From<Missing> for Gap {
    fn from(missing: Missing) -> Self {
        let reason = match missing.reason {
            GapReason::Epoch => Reason::Epoch,
            GapReason::Future => Reason::Future,
            GapReason::Lost => Reason::Lost,
            _ => Reason::Expired,
        };
        Self { from: missing.from, to: missing.to, reason }
    }
}

/// A page of what a channel keeps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    /// The channel.
    channel: String,
    /// The entries, by rising offset. A page ends early when it has about 1 MiB of data.
    entries: Vec<Kept>,
    /// What is not there of what was asked for.
    gaps: Vec<Gap>,
    /// The channel's last entry; not there where nothing is known of the channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    position: Option<Place>,
    /// The first offset that is kept; that of the next entry when nothing is.
    first: u64,
    /// Where this page begins: the next older page is the one `before` it, as long as it is above `first`.
    from: u64,
    /// Where to go on: the next newer page, and whoever subscribes, begins `since` here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<Place>,
    /// Whether there were entries behind `next`.
    more: bool,
}

/// What a channel keeps
///
/// With `since_offset`, what followed a position; with `before`, what stands before an offset; with neither, the newest.
/// Always by rising offset.
#[utoipa::path(
    get,
    path = "/channels/{channel}/history",
    tag = "channels",
    params(
        ("channel" = ChannelName, Path, description = "The channel, `namespace:name`, escaped as in every address"),
        ("limit" = Option<Limit>, Query, description = "Most entries, 100 by default"),
        ("since_offset" = Option<Offset>, Query, description = "What followed this offset"),
        ("since_epoch" = Option<EpochText>, Query, description = "The epoch of `since_offset`; without it, the channel's present one"),
        ("before" = Option<Offset>, Query, description = "The last of those before this offset; not with `since_offset`"),
    ),
    responses((status = 200, description = "A page", body = Page))
)]
pub(super) async fn history(call: Call<'_>, channel: String, query: Option<&str>) -> Result<Page, Problem> {
    let query = Query::read(query, &["limit", "since_offset", "since_epoch", "before"])?;
    let limit = query.number("limit", 1, HISTORY_ENTRIES_MAX as u64)?.unwrap_or(LIMIT);
    let begin = begin(&query)?;
    call.check_channel(&channel)?;
    let limit = usize::try_from(limit).unwrap_or(HISTORY_ENTRIES_MAX);
    let History { entries, missing, position, first, from, next, .. } =
        call.engine.history(&channel, begin, limit).await?;
    let more = position.zip(next).is_some_and(|(position, next)| next.offset < position.offset);
    Ok(Page {
        channel,
        entries: entries.into_iter().map(Kept::from).collect(),
        gaps: missing.into_iter().map(Gap::from).collect(),
        position: position.map(Place::from),
        first,
        from,
        next: next.map(Place::from),
        more,
    })
}

fn begin(query: &Query) -> Result<Begin, Problem> {
    let epoch: Option<Epoch> = match query.text("since_epoch").map(str::parse) {
        None => None,
        Some(Ok(epoch)) => Some(epoch),
        Some(Err(_)) => return Err(Problem::bad("since_epoch is 16 hexadecimal digits")),
    };
    let since = query.number("since_offset", 0, OFFSET_MAX)?;
    let before = query.number("before", 0, OFFSET_MAX)?;
    match (since, epoch, before) {
        (Some(offset), Some(epoch), None) => Ok(Begin::Since(Position { epoch, offset })),
        (Some(offset), None, None) => Ok(Begin::Behind(offset)),
        (None, None, Some(offset)) => Ok(Begin::Before(offset)),
        (None, None, None) => Ok(Begin::Newest),
        (None, Some(_), _) => Err(Problem::unfit("since_epoch is the epoch of since_offset; give both")),
        (Some(_), _, Some(_)) => Err(Problem::unfit("give since_offset or before")),
    }
}

/// A channel's name.
#[derive(ToSchema)]
#[schema(max_length = 128, pattern = "^[!-)+-9;-~]{1,32}:[!-)+-~]{1,126}$", example = "messaging:lobby")]
#[allow(dead_code, reason = "the form of a text in the document")]
pub(crate) struct ChannelName(String);

/// A number of entries.
#[derive(ToSchema)]
#[schema(minimum = 1, maximum = 1000)]
#[allow(dead_code, reason = "the form of a number in the document")]
pub(crate) struct Limit(u64);

/// An offset.
#[derive(ToSchema)]
#[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
#[allow(dead_code, reason = "the form of a number in the document")]
pub(crate) struct Offset(u64);

/// An epoch.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-fA-F]{16}$")]
#[allow(dead_code, reason = "the form of a text in the document")]
pub(crate) struct EpochText(String);
