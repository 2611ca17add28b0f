//! TLS on the client's side: whose certificates are believed.

use anyhow::{Context as _, Result, ensure};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The one protocol that is spoken under TLS.
const ALPN: &[u8] = b"http/1.1";

/// Why there is no TLS with a server.
pub(super) enum NoTls {
    /// Its certificate is not one that is believed, for this reason.
    Untrusted(String),
    /// Something else, in words for a person.
    Lost(String),
}

/// Whose certificates are believed.
#[derive(Clone)]
pub(crate) struct Trust(TlsConnector);

impl Trust {
    /// The authorities in this PEM file and no others, or those that the system knows.
    ///
    /// # Errors
    /// There are none.
    pub(crate) fn new(ca: Option<&Path>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        match ca {
            Some(path) => {
                let shown = path.display();
                let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
                for certificate in read.with_context(|| format!("--ca {shown}"))? {
                    roots.add(certificate).with_context(|| format!("--ca {shown}"))?;
                }
                ensure!(!roots.is_empty(), "--ca {shown}: no certificate in PEM form is in it");
            }
            None => {
                // Some of a system's list may be too old to be read.
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                ensure!(
                    !roots.is_empty(),
                    "this system has no list of authorities; name the file with the server's by --ca FILE"
                );
            }
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config.context("TLS can't be set up")?.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Speaks TLS over this connection with a server that must be this host.
    pub(super) async fn connect(&self, host: &str, tcp: TcpStream) -> Result<TlsStream<TcpStream>, NoTls> {
        let host = ServerName::try_from(host.to_owned())
            .map_err(|_| NoTls::Lost(format!("{host:?} is no name that a certificate could be for")))?;
        self.0.connect(host, tcp).await.map_err(|error| {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
            match cause {
                Some(rustls::Error::InvalidCertificate(why)) => NoTls::Untrusted(why.to_string()),
                Some(rustls::Error::InvalidMessage(_)) => {
                    NoTls::Lost("the server does not speak TLS there; without it the address begins with ws://".into())
                }
                _ => NoTls::Lost(format!("the connection was lost: {error}")),
            }
        })
    }
}
