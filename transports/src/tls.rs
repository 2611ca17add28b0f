//! TLS at the door, with certificates that can be changed while connections live.

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::expiry::ends_at_s;

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;

/// The one protocol that is spoken under TLS.
const ALPN: &[u8] = b"http/1.1";

/// TLS 1.2 and 1.3 by rustls, with a certificate and a key from PEM files.
///
/// The files may be replaced at any time: [`Tls::keep_fresh`] looks whether they have changed, and [`Tls::reload`] reads them
/// at once. Handshakes from then on show the new certificate; connections that are there go on. Files that can't be used
/// change nothing: the certificate from before is shown on, and the log says what is wrong with the new one.
///
/// Clones share the certificate.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
    provider: Arc<CryptoProvider>,
    certificate: PathBuf,
    key: PathBuf,
    /// The files as they were when they were last read.
    seen: Mutex<Option<[Stamp; 2]>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.0.certificate).finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS with the certificate, and those that lead from it to its authority, in the first file, and its private key in the
    /// second.
    ///
    /// # Errors
    /// They can't be read or don't belong together.
    pub fn from_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = stamps(&certificate, &key);
        let shown = Arc::new(Shown(RwLock::new(read(&certificate, &key, &provider)?)));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::library)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Clients that come back all at once after a restart of something between spare us their handshakes' costly half,
        // without memory for each of them here.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::library)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self(Arc::new(Inner { acceptor, shown, provider, certificate, key, seen: Mutex::new(seen) })))
    }

    /// Reads the files and shows what is in them from now on.
    ///
    /// # Errors
    /// As [`Tls::from_files`]; what was shown is shown on.
    pub fn reload(&self) -> Result<(), TlsError> {
        let Inner { shown, provider, certificate, key, seen, .. } = &*self.0;
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = stamps(certificate, key);
        let fresh = read(certificate, key, provider)?;
        *shown.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        metrics::counter!("tidings_tls_reloads_total", "outcome" => "changed").increment(1);
        Ok(())
    }

    /// The same, and to the log what came of it.
    pub fn reload_and_tell(&self) {
        let certificate = self.0.certificate.display();
        match self.reload() {
            Ok(()) => tracing::info!("the TLS certificate in {certificate} was read anew"),
            Err(error) => {
                metrics::counter!("tidings_tls_reloads_total", "outcome" => "kept").increment(1);
                tracing::error!("the TLS certificate from before stays in use: {error}");
            }
        }
    }

    /// When the first of the certificates that are shown ends, in seconds since 1970.
    #[must_use]
    pub fn ends_at_s(&self) -> Option<i64> {
        ends_at_s(&self.0.shown.now().cert)
    }

    /// Sets the figure `tidings_tls_certificate_ends_in_seconds`; below nought it has ended. Call it whenever figures are read.
    pub fn record_metrics(&self) {
        if let Some(at_s) = self.ends_at_s() {
            #[expect(clippy::cast_precision_loss, reason = "seconds up to the year 9999 are exact")]
            metrics::gauge!("tidings_tls_certificate_ends_in_seconds").set((at_s - now_s()) as f64);
        }
    }

    /// Looks at the files as often as this, and reads them when they have changed. Never ends by itself.
    pub async fn keep_fresh(self, every: Duration) {
        let mut ticks = interval(every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let tls = self.clone();
            let look = tokio::task::spawn_blocking(move || {
                if tls.has_changed() {
                    tls.reload_and_tell();
                }
            });
            if look.await.is_err() {
                return;
            }
        }
    }

    /// Whether the files are not those that were read last. While one of them is missing they are being replaced.
    fn has_changed(&self) -> bool {
        let now = stamps(&self.0.certificate, &self.0.key);
        now.is_some() && now != *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.0.acceptor
    }
}

/// What tells one version of a file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: Option<SystemTime>,
}

fn stamps(certificate: &Path, key: &Path) -> Option<[Stamp; 2]> {
    let stamp = |path: &Path| {
        let file = fs::metadata(path).ok()?;
        Some(Stamp { device: file.dev(), inode: file.ino(), bytes: file.len(), modified: file.modified().ok() })
    };
    Some([stamp(certificate)?, stamp(key)?])
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
    let at = |path: &Path, what| {
        let path = path.display().to_string();
        move |error| TlsError::new(&path, what, error)
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(at(certificate, "certificate"))?;
    if chain.is_empty() {
        return Err(at(certificate, "certificate")(pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(at(key, "private key"))?;
    let has_ended = ends_at_s(&chain).is_some_and(|at_s| at_s <= now_s());
    let pair = CertifiedKey::from_der(chain, private, provider).map_err(|error| {
        TlsError(format!("{} and {} can't be used together: {error}", certificate.display(), key.display()))
    })?;
    if has_ended {
        tracing::warn!("the TLS certificate in {} has ended: clients will not believe it", certificate.display());
    }
    Ok(Arc::new(pair))
}

/// The certificate that is shown to whoever connects.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn now(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

/// Seconds since 1970.
fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Why a certificate can't be used. It never holds anything of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsError(String);

impl TlsError {
    fn new(path: &str, what: &str, error: pem::Error) -> Self {
        Self(match error {
            pem::Error::NoItemsFound => format!("{path} has no {what} in PEM form (-----BEGIN …-----)"),
            pem::Error::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => format!("there is no file {path}, where the {what} should be"),
                io::ErrorKind::PermissionDenied => {
                    format!("{path}, with the {what}, may not be read by the user that this runs as")
                }
                _ => format!("can't read the {what} in {path}: {error}"),
            },
            // The library's words could quote a line of the file.
            _ => format!("{path} is no well-formed PEM file, so no {what} is in it"),
        })
    }

    fn library(error: rustls::Error) -> Self {
        Self(format!("TLS can't be set up: {error}"))
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}
