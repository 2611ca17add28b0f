use super::{BINARY, Head, TEXT, accept_of, close_of, push_client_frame, push_server_head, unmask};

#[test]
fn a_head_cut_at_any_byte_is_not_yet_a_head() {
    for payload_bytes in [0, 1, 125, 126, 127, 128, 65_535, 65_536, 1 << 20] {
        let mut server = Vec::new();
        push_server_head(&mut server, TEXT, payload_bytes);
        let mut client = Vec::new();
        push_client_frame(&mut client, BINARY, &vec![7; payload_bytes]);
        client.truncate(server.len() + 4);
        for (whole, masked) in [(server, false), (client, true)] {
            for cut in 0..whole.len() {
                assert_eq!(Head::parse(&whole[..cut]).unwrap(), None, "{payload_bytes} cut at {cut}");
            }
            let head = Head::parse(&whole).unwrap().unwrap();
            assert_eq!(head.payload_bytes, payload_bytes);
            assert_eq!(head.head_bytes, whole.len());
            assert_eq!(head.mask.is_some(), masked);
            assert!(head.fin);
        }
    }
}

#[test]
fn an_absurd_length_is_an_error() {
    let mut bytes = vec![0x82, 127];
    bytes.extend_from_slice(&u64::MAX.to_be_bytes());
    assert!(Head::parse(&bytes).is_err());
}

#[test]
fn unmasking_twice_gives_back_what_was() {
    let key = [1, 2, 3, 250];
    for length in 0..40 {
        let plain: Vec<u8> = (0..length).collect();
        let mut bytes = plain.clone();
        unmask(&mut bytes, key);
        for (at, byte) in bytes.iter().enumerate() {
            assert_eq!(*byte, plain[at] ^ key[at % 4]);
        }
        unmask(&mut bytes, key);
        assert_eq!(bytes, plain);
    }
}

#[test]
fn the_accept_is_that_of_the_rfc() {
    assert_eq!(accept_of(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn a_close_without_a_code_is_1005() {
    assert_eq!(close_of(b""), (1005, String::new()));
    assert_eq!(close_of(&[0x0b, 0xba, b's']), (3002, "s".to_owned()));
}
