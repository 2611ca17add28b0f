//! When certificates end.

use rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// When the first of these ends, in seconds since 1970: from then on nobody believes the chain. `None`: none of them can be read.
pub(crate) fn ends_at_s(chain: &[CertificateDer<'_>]) -> Option<i64> {
    let read = chain.iter().filter_map(|certificate| X509Certificate::from_der(certificate).ok());
    read.map(|(_, certificate)| certificate.validity().not_after.timestamp()).min()
}

#[cfg(test)]
mod tests {
    use super::ends_at_s;
    use rustls::pki_types::CertificateDer;

    fn certificate(not_after: (i32, u8, u8)) -> CertificateDer<'static> {
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(not_after.0, not_after.1, not_after.2);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn the_first_that_ends_counts_in_both_spellings_of_a_time() {
        // From 2050 on, certificates write the year in four digits.
        let (near, far) = (certificate((2049, 12, 31)), certificate((2050, 1, 1)));
        assert_eq!(ends_at_s(std::slice::from_ref(&near)), Some(2_524_521_600));
        assert_eq!(ends_at_s(std::slice::from_ref(&far)), Some(2_524_608_000));
        assert_eq!(ends_at_s(&[far, near]), Some(2_524_521_600));
        assert_eq!(ends_at_s(&[CertificateDer::from(b"nonsense".to_vec())]), None);
        assert_eq!(ends_at_s(&[]), None);
    }
}
