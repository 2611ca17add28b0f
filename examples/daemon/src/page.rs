//! The page at `/`: what this is, where everything is, and what to type.

use crate::welcome::Place;
use bytes::Bytes;

const HTML: &str = include_str!("page/page.html");
const CSS: &str = include_str!("page/page.css");

/// What a browser may do with the page: nothing but show it with its own style.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page with the address filled in.
pub(crate) fn html(place: Place) -> Bytes {
    let (http, ws) = place.schemes();
    HTML.replace("{http}", http).replace("{ws}", ws).replace("{address}", &escape(&place.address.to_string())).into()
}

/// Its style.
pub(crate) const fn css() -> Bytes {
    Bytes::from_static(CSS.as_bytes())
}

/// A text as it may stand between tags and in quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{Place, escape, html};

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
    }

    #[test]
    fn the_page_brings_no_script_and_no_style_of_its_own() {
        let page = String::from_utf8(html(Place { address: ([127, 0, 0, 1], 8080).into(), is_secure: false }).to_vec())
            .unwrap();
        assert!(page.contains("ws://127.0.0.1:8080/ws"));
        assert!(!page.contains('{') || !page.contains("{address}"));
        for word in ["<script", "style=", "<style", " on", "http-equiv"] {
            assert!(!page.contains(&format!("{word}=")) && !page.contains(&format!("{word}>")), "{word}");
        }
    }
}
