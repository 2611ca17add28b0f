use std::{io, time::Duration};

use tokio::time::{Instant, advance};

use super::{Complaints, FULL, is_one_connections};

#[test]
fn the_refusal_is_a_whole_answer() {
    let answer = std::str::from_utf8(FULL).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503 "));
    assert!(head.contains("\r\nRetry-After: 5\r\n"));
    assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
    assert!(head.lines().all(|line| line.trim() == line));
}

#[test]
fn only_errors_of_one_peer_are_passed_over() {
    assert!(is_one_connections(&io::ErrorKind::ConnectionAborted.into()));
    let too_many_open_files = io::Error::from_raw_os_error(24);
    assert!(!is_one_connections(&too_many_open_files));
}

#[tokio::test(start_paused = true)]
async fn complains_at_most_once_a_second() {
    let mut complaints = Complaints::default();
    let error = io::Error::from_raw_os_error(24);
    complaints.complain(&error);
    let first = complaints.last;
    assert_eq!(first, Some(Instant::now()));
    advance(Duration::from_millis(900)).await;
    complaints.complain(&error);
    assert_eq!(complaints.last, first);
    advance(Duration::from_millis(100)).await;
    complaints.complain(&error);
    assert_eq!(complaints.last, Some(Instant::now()));
}
