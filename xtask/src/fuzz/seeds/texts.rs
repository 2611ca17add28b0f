//! Seeds that are texts.

pub(super) const REQUESTS: [&str; 6] = [
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: b, a\r\nOrigin: https://app.example\r\n\r\n\u{1}",
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://app.example.evil.example\r\n\r\n",
    "POST /ws HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

pub(super) const ORIGINS: [&str; 5] = [
    "https://app.example, http://localhost:3000\0https://app.example",
    "*\0null",
    "https://app.example\0https://app.example.evil.example",
    "http://[::1]:8080,http://a:1\0http://[::1]:8080",
    "https://App.example\0null",
];

pub(super) const TOKENS: [&str; 4] = [
    "{\"alg\":\"HS256\",\"typ\":\"JWT\"}\0{\"sub\":\"alice\",\"exp\":4000000000,\"subscribe\":[\"*\"],\"publish\":[\"a:b\"]}",
    "{\"alg\":\"none\"}\0{\"sub\":\"alice\",\"exp\":4000000000,\"nbf\":1,\"aud\":[\"a\",\"b\"],\"iss\":\"c\"}",
    "{\"alg\":\"RS256\",\"kid\":\"../a\",\"jku\":\"http://a\",\"crit\":[\"exp\"],\"b64\":false}\0{\"sub\":\"\",\"exp\":-1}",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDAwMDAwMDAwMH0.AAAA",
];

/// An address, an id, a token, with NULs between them.
pub(super) const STREAMS: [&str; 7] = [
    "channel=messaging:a&channel=messaging%3Ab&device=my+phone&token=t%2Bt\0\0",
    "channel=messaging:a\x0000000000000000ab-40,00000000000000cd-18\0Bearer t",
    "last_event_id=00000000000000ab-1&channel=realtime:a\0\0bearer  t ",
    "token=a&token=b\0nonsense,-,00000000000000ab-99999999999999999999\0Basic b25l",
    "channel=a&channel=b&channel=c&channel=d&channel=e&channel=f&channel=g&channel=h&channel=i&channel=j&channel=k&channel=l&\
     channel=m&channel=n&channel=o&channel=p&channel=q",
    "%63hannel=%6dessaging:%61&device=%00%0a&x=%zz\x0000000000000000ab-+1\0Bearer",
    "\0ffffffffffffffff-18446744073709551615, 00000000000000ab-0\0",
];

/// Lines of a header, each behind a digit: `X-Forwarded-For`, `X-Forwarded-Proto`, `Forwarded`, `Via`.
pub(super) const FORWARDED: [&str; 7] = [
    "0203.0.113.1, 10.0.0.1\n1https",
    "2for=192.0.2.43, for=198.51.100.17;by=203.0.113.60;proto=http;host=example.com",
    "2For=\"[2001:db8:cafe::17]:4711\";proto=\"https\"",
    "2for=\"\n2for=\"a\\\", for=127.0.0.1",
    "0unknown, [::1]:80, ::ffff:10.0.0.1\n0127.0.0.1",
    "1https, http\n31.1 proxy",
    "0\",\",,,\n2;;;=",
];

/// A method and an address, a line feed, a body.
pub(super) const CALLS: [&str; 20] = [
    "POST /publish\n{\"channel\":\"messaging:a\",\"event\":\"E\",\"data\":{\"x\":1},\"idempotency_key\":\"k\",\"wait\":\"stored\"}",
    "POST /publish\n{\"channel\":\"realtime:a\",\"event\":\"E\",\"class\":\"ephemeral\",\"key\":null,\"wait\":\"accepted\"}",
    "POST /publish/batch\n{\"publications\":[{\"channel\":\"messaging:a\",\"event\":\"E\"},{\"channel\":\"nowhere:a\",\"event\":\"F\",\"data\":[]}]}",
    "POST /send\n{\"users\":[\"alice\"],\"event\":\"E\",\"data\":\"x\",\"namespace\":\"messaging\",\"idempotency_key\":\"k\"}",
    "POST /send\n{\"users\":[\"alice\",\"bob\",\"alice\"],\"event\":\"E\",\"wait\":\"stored\"}",
    "GET /channels/messaging:a\n",
    "GET /channels/messaging%3Aa/history?limit=2&since_offset=1\n",
    "GET /channels/messaging:a/history?before=3&limit=1000\n",
    "GET /channels/messaging:a/history?since_epoch=00000000000000ab&since_offset=0\n",
    "GET /channels/messaging:a/presence?list=false\n",
    "GET /users/al%69ce\n",
    "POST /users/alice/disconnect\n",
    "GET /users/alice/presence\n",
    "POST /presence\n{\"users\":[\"alice\",\"bob\"]}",
    "GET /sessions/00000000000000000000000000000001\n",
    "POST /sessions/00000000000000000000000000000001/disconnect\n",
    "POST /sessions/00000000000000000000000000000001/subscribe\n{\"channel\":\"messaging:a\"}",
    "POST /sessions/00000000000000000000000000000001/unsubscribe\n{\"channel\":\"messaging:a\"}",
    "GET /stats\n",
    "OPTIONS /publish\n",
];
