//! Statistics.

use super::{call::Call, problem::Problem};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What the server has counted since it started, and what it holds now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Statistics {
    /// By name; those of `/metrics` are the same, with longer names.
    engine: BTreeMap<String, u64>,
    /// Whether things are kept on disk, and can be now.
    storing: bool,
}

/// What the server has counted, and what it holds
#[utoipa::path(
    get,
    path = "/stats",
    tag = "server",
    responses((status = 200, description = "The figures", body = Statistics))
)]
pub(super) fn stats(call: Call<'_>) -> Result<Statistics, Problem> {
    let value = serde_json::to_value(call.engine.stats()).expect("numbers can be written as JSON");
    let figures = value.as_object().into_iter().flatten();
    let engine = figures.filter_map(|(name, value)| Some((name.clone(), value.as_u64()?))).collect();
    Ok(Statistics { engine, storing: call.engine.is_storing() })
}
