//! Addresses: segments and queries, decoded once.

use super::problem::Problem;
use percent_encoding::percent_decode_str;

/// The parts of a path, each decoded once: `%2F` is a character of a name and no end of one.
pub(super) fn segments(path: &str) -> Result<Vec<String>, Problem> {
    path.split('/').map(decode).collect()
}

fn decode(text: &str) -> Result<String, Problem> {
    let escapes = text.match_indices('%').map(|(at, _)| text.as_bytes().get(at + 1..at + 3));
    let are_whole =
        escapes.into_iter().all(|digits| digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    if !are_whole {
        return Err(Problem::bad("in an address % is written as %25"));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| Problem::bad("an address is UTF-8, escaped byte by byte"))
}

/// The fields of a query, each at most once and known.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query whose fields are among `known`.
    pub(super) fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !known.contains(&name.as_str()) {
                let told = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Problem::bad(format!("unknown field {name:?} in the query; there are: {told}")));
            }
            if fields.iter().any(|(before, _)| *before == name) {
                return Err(Problem::bad(format!("the field {name:?} stands in the query twice")));
            }
            fields.push((name, value));
        }
        Ok(Self(fields))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// A whole number from `least` to `most`.
    pub(super) fn number(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && (least..=most).contains(number));
        number.map(Some).ok_or_else(|| Problem::bad(format!("{name} is a whole number from {least} to {most}")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Query, segments};

    #[test]
    fn names_are_decoded_once_and_are_literal() {
        let parts = segments("users/a%2Fb/%2525/..%2f/%C3%AB/+").unwrap();
        assert_eq!(parts, ["users", "a/b", "%25", "../", "ë", "+"]);
        for bad in ["%", "%2", "%zz", "a%", "%c3", "%ff%fe"] {
            assert!(segments(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queries_hold_what_is_known_once() {
        let known = ["limit", "since"];
        let query = Query::read(Some("limit=5&since=a%3Ab"), &known).unwrap();
        assert_eq!((query.number("limit", 1, 10).unwrap(), query.text("since")), (Some(5), Some("a:b")));
        assert_eq!(query.number("other", 1, 10).unwrap(), None);
        for bad in ["limits=5", "limit=5&limit=5", "limit=%", "=", "key=secret"] {
            assert!(Query::read(Some(bad), &known).is_err(), "{bad}");
        }
        for bad in ["", "0", "11", "-1", "+5", "5.0", " 5", "99999999999999999999999"] {
            let query = Query(vec![("limit".into(), bad.into())]);
            assert!(query.number("limit", 1, 10).is_err(), "{bad}");
        }
    }
}
