//! What a server is told before it serves.

use std::sync::Arc;

use crate::{limits::Limits, proxies::Proxies, tls::Tls, visitors::Visitors};

/// How [`crate::serve`] serves. Limits alone are enough: they turn into options for plain HTTP that trust no proxy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// What a peer may take.
    pub limits: Arc<Limits>,
    /// Which proxies are believed.
    pub proxies: Proxies,
    /// What connections are encrypted with; `None`: they are not.
    pub tls: Option<Tls>,
    /// Who comes, and how often.
    pub visitors: Visitors,
}

impl Options {
    /// Options that hold peers to these limits.
    #[must_use]
    pub fn new(limits: impl Into<Arc<Limits>>) -> Self {
        Self { limits: limits.into(), proxies: Proxies::default(), tls: None, visitors: Visitors::default() }
    }

    /// The same, with these proxies in front.
    #[must_use]
    pub fn with_proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// The same, with TLS on every connection.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The same, with this book of visitors.
    #[must_use]
    pub fn with_visitors(mut self, visitors: Visitors) -> Self {
        self.visitors = visitors;
        self
    }
}

impl From<Arc<Limits>> for Options {
    fn from(limits: Arc<Limits>) -> Self {
        Self::new(limits)
    }
}
