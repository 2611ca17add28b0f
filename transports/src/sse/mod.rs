//! Server-sent events (HTML, 9.2): a session whose frames come down one long answer, and whose commands go up by POST.

mod answers;
pub(crate) mod ask;
pub(crate) mod gateway;
mod link;
mod opening;
mod places;
pub(crate) mod positions;
mod serving;
mod told;
