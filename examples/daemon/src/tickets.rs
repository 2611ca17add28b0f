//! `POST /api/v1/tickets`: a ticket for a token, for browsers' pages and for everybody who can't send headers.

use crate::answer::{Answer, JSON, answer, bearer, has_failed, held_back, refusal};
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};
use serde_json::json;
use tidings::Code;
use tidings::host::Denial;
use tidings_auth::Gate;
use tidings_transports::{Cors, Origins, Visitors};

/// Where.
pub(crate) const PATH: &str = "/api/v1/tickets";

/// Gives tickets.
pub(crate) struct Desk {
    gate: Gate,
    cors: Cors,
    visitors: Visitors,
}

impl Desk {
    /// A desk at this gate, for pages of these origins.
    pub(crate) fn new(gate: Gate, origins: Origins, visitors: Visitors) -> Self {
        Self { gate, cors: Cors::new(origins, "POST", "Authorization"), visitors }
    }

    /// Answers one request. Its body is not read: everything stands in its header.
    pub(crate) async fn answer<B>(&self, request: &Request<B>) -> Answer {
        if request.method() == Method::OPTIONS {
            return self.cors.preflight(request.headers());
        }
        let mut answer = self.judged(request).await;
        self.cors.admit(request.headers(), answer.headers_mut());
        answer
    }

    async fn judged<B>(&self, request: &Request<B>) -> Answer {
        if !self.cors.allows(request.headers()) {
            return refusal(&Denial::new(Code::Forbidden, "pages of this origin may not connect; see allowed_origin"));
        }
        if request.method() != Method::POST {
            let mut answer = answer(StatusCode::METHOD_NOT_ALLOWED, JSON, "");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
            return answer;
        }
        if let Some(answer) = held_back(request, &self.visitors) {
            return answer;
        }
        let given = match bearer(request.headers()) {
            Some(token) => self.gate.ticket(token).await,
            None => Err(Denial::unauthorized()),
        };
        match given {
            Ok(ticket) => {
                let body = json!({ "ticket": ticket.text, "expires_in_ms": ticket.expires_in_ms });
                answer(StatusCode::CREATED, JSON, format!("{body}\n"))
            }
            Err(denial) => {
                if denial.code == Code::Unauthorized {
                    has_failed(request, &self.visitors);
                }
                refusal(&denial)
            }
        }
    }
}
