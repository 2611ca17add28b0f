//! All calls as an OpenAPI document, made of the code that carries them out.

use super::{channels, presence, problem, publish, send, sessions, stats, users};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, OpenApi as Document, Ref, ResponseBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// The address that the API is below.
pub(crate) const PREFIX: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidings",
        version = "1",
        description = "The HTTP API of a Tidings server, for an application's own servers. docs/http-api.md says more.",
        license(name = "MIT OR Apache-2.0")
    ),
    servers((url = "/api/v1")),
    paths(
        publish::publish,
        publish::batch,
        send::send,
        channels::channel,
        channels::history,
        users::user,
        users::disconnect,
        sessions::session,
        sessions::disconnect,
        sessions::subscribe,
        sessions::unsubscribe,
        presence::user,
        presence::users,
        presence::channel,
        stats::stats,
    ),
    components(schemas(
        problem::ErrorBody,
        channels::ChannelName,
        channels::Limit,
        channels::Offset,
        channels::EpochText,
        send::UserId,
        sessions::SessionText,
    )),
    security(("key" = [])),
    modifiers(&Common)
)]
struct Api;

/// What all calls have in common.
struct Common;

/// Refusals that every call may give: the status, and what it means.
const REFUSALS: [(&str, &str); 8] = [
    ("400", "The request is not of this form"),
    ("401", "There is no key, or it is not one of the server's"),
    ("403", "The key lacks a right, or the page's origin is not allowed"),
    ("404", "There is no such thing"),
    ("405", "The address has another method; `Allow` tells it"),
    ("422", "The request is of this form, and the rules that apply do not have what it asks for"),
    (
        "429",
        "Too many requests with this key, or keys that are not good from this address; try again after `Retry-After`",
    ),
    ("503", "It cannot be done now; try again after `Retry-After`"),
];

/// The same of calls that change something.
const POST_REFUSALS: [(&str, &str); 4] = [
    ("408", "The body did not come in time"),
    ("409", "A limit is reached, or it is not the time for it; the message begins with the limit's name"),
    ("413", "The body, or the data in it, is too large"),
    ("415", "The body is not JSON"),
];

impl Modify for Common {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A key of the API")).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
        for item in document.paths.paths.values_mut() {
            item.get.iter_mut().for_each(|get| add_refusals(get, &[]));
            item.post.iter_mut().for_each(|post| add_refusals(post, &POST_REFUSALS));
        }
    }
}

fn add_refusals(operation: &mut Operation, more: &[(&str, &str)]) {
    for (status, meaning) in REFUSALS.iter().chain(more) {
        let content = Content::new(Some(Ref::from_schema_name("ErrorBody")));
        let response = ResponseBuilder::new().description(*meaning).content("application/json", content).build();
        operation.responses.responses.entry((*status).to_owned()).or_insert_with(|| response.into());
    }
}

/// The document, as it is served.
#[must_use]
pub fn openapi_json() -> String {
    let mut text = Api::openapi().to_pretty_json().expect("a document of texts and lists can be written as JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::openapi_json;
    use crate::api::route::Route;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn every_call_is_in_the_document_and_nothing_else() {
        let document: Value = serde_json::from_str(&openapi_json()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
        let mut documented = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let calls = methods.as_object().unwrap().keys();
            documented.extend(calls.map(|method| format!("{} {path}", method.to_uppercase())));
        }
        let calls: BTreeSet<_> =
            Route::ALL.iter().map(|route| format!("{} {}", route.method(), route.template())).collect();
        assert_eq!(documented, calls);
        for route in Route::ALL {
            let segments: Vec<String> = route.template()[1..].split('/').map(str::to_owned).collect();
            assert_eq!(Route::find(&segments).map(|(found, _)| found), Some(route));
        }
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let text = openapi_json();
        let document: Value = serde_json::from_str(&text).unwrap();
        let named = text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap());
        let unknown: Vec<_> = named.filter(|name| document["components"]["schemas"].get(name).is_none()).collect();
        assert_eq!(unknown, [""; 0]);
    }

    #[test]
    fn what_is_unknown_is_refused_by_the_document_too() {
        let document: Value = serde_json::from_str(&openapi_json()).unwrap();
        for body in ["Publication", "Batch", "Sending", "Membership", "Asked"] {
            assert_eq!(document["components"]["schemas"][body]["additionalProperties"], false, "{body}");
        }
    }
}
