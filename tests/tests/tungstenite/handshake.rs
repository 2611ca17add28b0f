//! What comes before the first message.

use tidings_e2e::client::{Client, in_time, request};
use tidings_e2e::codec::Codec;
use tidings_e2e::daemon::Daemon;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// The status of the answer to a request with these header fields.
async fn status(daemon: &Daemon, fields: &[(&'static str, &str)]) -> anyhow::Result<u16> {
    let mut request = request(daemon, Codec::Json)?;
    for (name, value) in fields {
        request.headers_mut().insert(*name, HeaderValue::from_str(value)?);
    }
    let stream = TcpStream::connect(daemon.address()).await?;
    match in_time("a handshake", tokio_tungstenite::client_async(request, stream)).await? {
        Ok((_, response)) => Ok(response.status().as_u16()),
        Err(Error::Http(response)) => Ok(response.status().as_u16()),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test]
async fn pages_come_in_by_the_list_of_origins_alone() -> anyhow::Result<()> {
    let daemon = Daemon::with(&[("ALLOWED_ORIGIN", "https://good.example,http://localhost:5173")])?;
    for origin in ["https://good.example", "http://localhost:5173"] {
        assert_eq!(status(&daemon, &[("origin", origin)]).await?, 101, "{origin}");
    }
    let others = [
        "http://good.example",
        "https://good.example:8443",
        "https://good.example.evil.example",
        "https://GOOD.example",
        "https://good.example/",
        "http://localhost",
        "null",
        "",
    ];
    for origin in others {
        assert_eq!(status(&daemon, &[("origin", origin)]).await?, 403, "{origin:?}");
    }
    assert_eq!(status(&daemon, &[]).await?, 101);
    Ok(())
}

#[tokio::test]
async fn no_page_comes_in_unless_it_is_allowed_but_the_own_one_on_this_machine() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let own = format!("http://{}", daemon.address());
    assert_eq!(status(&daemon, &[("origin", &own)]).await?, 101);
    for other in
        ["https://good.example", "http://127.0.0.1", "null", &own.replace("http:", "https:"), &format!("{own}0")]
    {
        assert_eq!(status(&daemon, &[("origin", other)]).await?, 403, "{other}");
    }
    Ok(())
}

#[tokio::test]
async fn subprotocols_are_chosen_from_what_is_offered() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    for codec in Codec::ALL {
        // Opening one checks what was chosen.
        Client::open(&daemon, codec).await?;
    }
    assert_eq!(status(&daemon, &[("sec-websocket-protocol", "graphql-ws")]).await?, 400);
    assert_eq!(status(&daemon, &[("sec-websocket-version", "8")]).await?, 426);
    Ok(())
}
