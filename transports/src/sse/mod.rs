//! Server-sent events (HTML, 9.2): a session whose frames come down one long answer, and whose commands go up by POST.

mod answers;
mod ask;
pub(crate) mod gateway;
mod link;
mod opening;
mod places;
mod positions;
mod serving;
mod told;
