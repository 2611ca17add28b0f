//! The application's routes, and the engine's beside them.

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{any, get, post};
use serde_json::{Value, json};
use tidings::error::ErrorKind;
use tidings::{Data, Engine};
use tidings_transports::{Gateway, Limits, Origins};

/// The event that carries a notification.
const NOTIFICATION: &str = "notification:new";

#[derive(Clone)]
struct App {
    engine: Engine,
    gateway: Gateway,
}

/// All routes. Pages of these origins may connect to `/ws`.
///
/// axum's own server puts no limit on slow or long request headers; where strangers connect, serve the router with
/// [`tidings_transports::serve`] or put a proxy in front.
pub fn router(engine: Engine, origins: Origins) -> Router {
    let gateway = Gateway::new(engine.clone(), origins, Limits::default());
    Router::new()
        .route("/", get(hello))
        .route("/notify/{user}", post(notify))
        .route("/ws", any(connect))
        .with_state(App { engine, gateway })
}

async fn hello(State(app): State<App>) -> String {
    format!("Hello. {} people are here; connect to /ws.\n", app.engine.stats().users)
}

/// Sends a notification to every device of a user. An application first asks who wants that.
async fn notify(
    State(app): State<App>,
    Path(user): Path<String>,
    Json(notification): Json<Value>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let data = Data::new(&notification).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    match app.engine.broadcast_to_user(&user, NOTIFICATION, &data) {
        Ok(sessions) => Ok(Json(json!({"sessions": sessions}))),
        Err(error) if matches!(error.kind(), ErrorKind::Input | ErrorKind::TooLarge) => {
            Err((StatusCode::BAD_REQUEST, error.to_string()))
        }
        Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
    }
}

async fn connect(State(app): State<App>, mut request: Request) -> Response {
    app.gateway.handle(&mut request).map(Body::new)
}
