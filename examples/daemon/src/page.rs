//! The page at `/`: a chat between two windows, and what goes on behind it. It is built from `page/`; what is built is kept with
//! its source, so that this program needs nothing but cargo.

use crate::answer::{Answer, answer};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY,
};
use hyper::{Request, StatusCode};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A file of the page.
struct File {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

const FILES: [File; 4] = [
    File { path: "/", content_type: "text/html; charset=utf-8", bytes: include_bytes!("../page/dist/index.html") },
    File {
        path: "/page.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../page/dist/page.js"),
    },
    File { path: "/page.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("../page/dist/page.css") },
    File { path: "/page.svg", content_type: "image/svg+xml", bytes: include_bytes!("../page/dist/page.svg") },
];

/// What a browser may do with the page: its own script, its own style, its own server, and nothing else. No text becomes
/// markup or script by mistake.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// Whether a path is one of the page's.
pub(crate) fn serves(path: &str) -> bool {
    FILES.iter().any(|file| file.path == path)
}

/// A file of the page, or that it is still the same.
pub(crate) fn file<B>(request: &Request<B>) -> Option<Answer> {
    let file = FILES.iter().find(|file| file.path == request.uri().path())?;
    let tag = tag(file.bytes);
    let mut answer = if is_known(request.headers(), &tag) {
        answer(StatusCode::NOT_MODIFIED, file.content_type, "")
    } else {
        answer(StatusCode::OK, file.content_type, file.bytes)
    };
    let headers = answer.headers_mut();
    // Kept, and asked for each time: another version of the server has another page at the same addresses.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("same-origin"));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    Some(answer)
}

/// Tells a file from one of another version.
fn tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether the browser has this one.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let mut known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.any(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag))
}

#[cfg(test)]
mod tests {
    use super::{FILES, File, file};
    use hyper::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
    use hyper::{Request, StatusCode};

    #[test]
    fn the_page_brings_no_script_and_no_style_in_its_markup() {
        let html = std::str::from_utf8(FILES[0].bytes).unwrap();
        for (at, _) in html.match_indices("<script") {
            let end = html[at..].find("</script>").unwrap();
            assert!(html[at..at + end].ends_with('>'), "a script stands in the page");
        }
        for word in ["<style", " style=", " onload=", " onclick=", "http-equiv", "http:", "https:", "//"] {
            assert!(!html.contains(word), "{word}");
        }
        for File { path, .. } in &FILES[1..] {
            assert!(html.contains(&format!("\"{path}\"")), "{path}");
        }
    }

    #[test]
    fn what_a_browser_has_is_not_sent_again() {
        for File { path, bytes, .. } in &FILES {
            let ask = |tag: &str| file(&Request::get(*path).header(IF_NONE_MATCH, tag).body(()).unwrap()).unwrap();
            let fresh = ask("\"another\"");
            assert_eq!((fresh.status(), fresh.headers()[CACHE_CONTROL].as_bytes()), (StatusCode::OK, &b"no-cache"[..]));
            assert!(!bytes.is_empty());
            let tag = fresh.headers()[ETAG].to_str().unwrap().to_owned();
            for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}")] {
                assert_eq!(ask(&known).status(), StatusCode::NOT_MODIFIED, "{known}");
            }
        }
    }
}
