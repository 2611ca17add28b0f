//! Who connects.

use crate::cli::ServerArgs;
use crate::settings::Settings;
use crate::token::{Mint, grants};
use anyhow::{Context as _, Result, bail};
use std::time::Duration;

/// How long a token is good for that was made for one connection.
const LASTS: Duration = Duration::from_secs(60 * 60);

/// Where tokens come from.
pub(crate) enum Identity {
    /// It was given.
    Token(String),
    /// It is made for each connection.
    User(Box<Mint>, String),
}

impl Identity {
    /// Who connects, by the command line.
    ///
    /// # Errors
    /// It does not say, or the user is named and there is no secret.
    pub(crate) fn new(args: &ServerArgs, settings: &Settings) -> Result<Self> {
        match (&args.token, &args.user) {
            // A named user was asked for here; a token may only lie in the environment.
            (_, Some(user)) => {
                let mint = Mint::new(settings).context("--user makes a token")?;
                mint.token(user, grants(&[], &[], &[], &[]), LASTS)?;
                Ok(Self::User(Box::new(mint), user.clone()))
            }
            (Some(token), None) => Ok(Self::Token(token.trim().to_owned())),
            (None, None) => bail!(
                "who are you? Give --token (the server prints some when it starts without JWT_SECRET; else \
                 `tidingsd token --user NAME` makes one), set TIDINGS_TOKEN, or give --user with JWT_SECRET set"
            ),
        }
    }

    /// A token for the next connection.
    pub(crate) fn token(&self) -> Result<String> {
        match self {
            Self::Token(token) => Ok(token.clone()),
            Self::User(mint, user) => mint.token(user, grants(&[], &[], &[], &[]), LASTS),
        }
    }

    /// Whether the next token will be another one.
    pub(crate) const fn is_renewed(&self) -> bool {
        matches!(self, Self::User(..))
    }
}
