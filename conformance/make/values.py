"""Data, names, patterns, and the bytes of the wire forms."""

import json
import struct

from tools import (DATA, ESCAPES, NUMBERS, UNICODE, nested, packed, parts, repeat, text, wide_int, wide_map, wide_str,
                   wide_uint)


def both_ways():
    values = {
        "null": None, "true": True, "false": False, "empty string": "", "string": "hi", "unicode": UNICODE,
        "escapes": ESCAPES, "empty array": [], "empty object": {}, "numbers": NUMBERS,
        "keys keep their order": {"z": 1, "a": {"y": 1, "b": 2}, "m": []}, "mixed": DATA, "nested 64 deep": nested(64),
        "floats": [0.1, 1 / 3, 123456.789, -0.001],
        "64-bit integers": [2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**53) - 1, -(2**63)],
        "lengths of strings": ["x" * 31, "x" * 32, "x" * 255, "x" * 256],
        "lengths of arrays": [[0] * 15, [0] * 16],
        "lengths of objects": [{f"{n:02}": n for n in range(15)}, {f"{n:02}": n for n in range(16)}],
        "keys of a language": {"__proto__": {"a": 1}, "constructor": 1, "toString": None},
    }
    vectors = [{"name": name, "json": text(value), "msgpack": packed(value).hex()} for name, value in values.items()]
    return vectors + [
        {"name": "string of 65,536", "json": ['"', repeat("x", 65536), '"'],
         "msgpack": parts(b"\xdb\x00\x01\x00\x00", repeat(b"x", 65536))},
        {"name": "array of 65,536", "json": ["[0", repeat(",0", 65535), "]"],
         "msgpack": parts(b"\xdd\x00\x01\x00\x00", repeat(b"\x00", 65536))},
    ]


def to_msgpack():
    def float64(number):
        return (b"\xcb" + struct.pack(">d", number)).hex()

    numbers = ["1.0", "-0", "-0.0", "1e2", "1E+2", "1e-2", "18446744073709551616", "-9223372036854775809", "1e308",
               "5e-324", "1e-400", "2.5e-5", "2.2250738585072011e-308", "9007199254740993.0", "0.1000000000000000055511151231257827"]
    vectors = [{"name": f"float {number}", "json": number, "msgpack": float64(float(number))} for number in numbers]
    return vectors + [
        {"name": "white space", "json": " [ 1 ,\t{ \"a\" :\r\n2 } ] ", "msgpack": packed([1, {"a": 2}]).hex()},
        {"name": "escapes that need not be", "json": '"\\u0041\\/\\u00e9\\ud83d\\uDE00"',
         "msgpack": packed("A/\u00e9\U0001f600").hex()},
        {"name": "nought", "json": "0", "msgpack": "00"},
        {"name": "an escaped nought", "json": '"\\u0000"', "msgpack": "a100"},
    ]


def to_json():
    return [
        {"name": "binary", "msgpack": "c404fffefdfc", "json": '"//79/A=="'},
        {"name": "empty binary", "msgpack": "c400", "json": '""'},
        {"name": "binary inside", "msgpack": b"\x81\xa1a\x92\xc5\x00\x01\x00\xc6\x00\x00\x00\x02\x00\x01".hex(),
         "json": '{"a":["AA==","AAE="]}'},
        {"name": "float of 32 bits", "msgpack": "ca3fc00000", "json": "1.5"},
        {"name": "float of 32 bits that is not short", "msgpack": "ca3dcccccd", "json": "0.10000000149011612"},
        {"name": "whole float", "msgpack": "cb4059000000000000", "json": "100.0"},
        {"name": "longer forms than needed",
         "msgpack": wide_map((wide_str("a"), wide_uint(1)), (wide_str("b"), wide_int(-1)), (wide_str("c"), wide_int(7))).hex(),
         "json": '{"a":1,"b":-1,"c":7}'},
        {"name": "wide array", "msgpack": "dd00000001dc00019101", "json": "[[[1]]]"},
    ]


def refused():
    def bad(name, error, codec, sent):
        return {"name": f"{name} ({codec})", codec: sent, "error": error}

    return [
        bad("nothing", "syntax", "json", ""), bad("nothing", "syntax", "msgpack", ""),
        bad("two values", "syntax", "json", "1 2"), bad("two values", "syntax", "msgpack", "0102"),
        bad("cut short", "syntax", "json", "[1,"), bad("cut short", "syntax", "msgpack", "9201"),
        bad("reserved byte", "syntax", "msgpack", "c1"), bad("bad UTF-8", "syntax", "msgpack", "a1ff"),
        bad("lone surrogate", "syntax", "json", '"\\ud800"'), bad("array of 4 GiB", "syntax", "msgpack", "ddffffffff"),
        bad("65 deep", "depth", "json", text(nested(65))), bad("65 deep", "depth", "msgpack", packed(nested(65)).hex()),
        bad("100,000 deep", "depth", "json", [repeat("[", 100000), repeat("]", 100000)]),
        bad("100,000 deep", "depth", "msgpack", parts(repeat(b"\x91", 100000), b"\xc0")),
        bad("key twice", "duplicate_key", "json", '{"a":1,"a":1}'),
        bad("key twice", "duplicate_key", "msgpack", "82a16101a16101"),
        bad("key twice among many", "duplicate_key", "json", text({f"k{n}": n for n in range(20)})[:-1] + ',"k3":0}'),
        bad("key is a number", "key", "msgpack", "810102"), bad("key is binary", "key", "msgpack", "81c4016102"),
        bad("key of a reader's own", "key", "json", '{"$serde_json::private::RawValue":"[1"}'),
        bad("key of a reader's own", "key", "msgpack", packed({"$serde_json::private::RawValue": "[1"}).hex()),
        bad("key of a reader's own, escaped and inside", "key", "json",
            '[{"a":1,"\\u0024serde_json::private\\u003a:Number":"1"}]'),
        bad("out of range", "number", "json", "1e999"), bad("NaN", "number", "msgpack", "cb7ff8000000000000"),
        bad("infinite", "number", "msgpack", "ca7f800000"),
        bad("extension", "extension", "msgpack", "d40100"), bad("timestamp", "extension", "msgpack", "d6ff00000000"),
    ]


def names():
    def some(kind, valid, texts):
        return [{"name": f"{kind} {'ok' if valid else 'bad'} {n}", "kind": kind, "text": one, "valid": valid}
                for n, one in enumerate(texts)]

    words = ["NEW_MESSAGE", "notification:new", "a", "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", repeat("x", 64)]
    no_words = ["", "a b", 'a"b', "a\\b", "a\nb", "\u0000", "\u007f", "\u00e9", repeat("x", 65)]
    ids = ["alice", ".*", "a|b", "%2e", "*", "a b", " ", "zo\u00eb", "zoe\u0308", "\U0001f600", "x.", '"', "\u202e"]
    no_ids = ["", "a\nb", "a\rb", "a\tb", "\u0000", "\u007f", "\u0085", "\u2028", "\u2029"]
    channels = ["messaging:lobby", "a:b", "a:b:c", "a::", "messaging:..", "messaging:%2e", "messaging:a|b", "n:#>^",
                "messaging:.", "Messaging:Lobby", '!"#$%&\':()+,-./;<=>?@[\\]^_`{|}~',
                [repeat("n", 32), ":", repeat("c", 95)]]
    no_channels = ["", "lobby", ":lobby", "messaging:", ":", "messaging:a b", " a:b", "a:b ", "messaging:*", "*:b",
                   "messaging:caf\u00e9", "a:\r\nb", "a:\u0000", "a:\u007f", "\uff41:b", [repeat("n", 33), ":b"],
                   [repeat("n", 32), ":", repeat("c", 96)], ["a:", repeat("x", 1048576)]]
    return (some("event", True, words) + some("event", False, no_words)
            + some("method", True, words) + some("method", False, no_words)
            + some("user", True, ids + [repeat("u", 128), repeat("\u00e9", 64)])
            + some("user", False, no_ids + [repeat("u", 129), [repeat("\u00e9", 64), "u"]])
            + some("device", True, ids + [repeat("d", 64)]) + some("device", False, no_ids + [repeat("d", 65)])
            + some("channel", True, channels) + some("channel", False, no_channels))


def patterns():
    yes = [("messaging:*", "messaging:lobby"), ("*", ""), ("*", "a:b"), ("**", "a"), ("", ""), ("a", "a"), ("a*b*c", "abc"),
           ("a*b*c", "aXbbXcc"), ("*:b", "a:b:b"), ("*a", "aaa"), ("a*", "a"), ("*ab", "aab"), ("a.*", "a.b"), ("zo\u00eb*", "zo\u00ebs"),
           ("[a]", "[a]"), ("\\*", "\\x")]
    no = [("messaging:*", "messaging"), ("messaging:*", "Messaging:lobby"), ("messaging:lobby", "messaging:lobby."), ("", "a"),
          (".*", "a"), ("a|b", "a"), ("?", "a"), ("[a]", "a"), ("^a", "a"), ("a$", "a"), (">", "a"), ("#", "a"), ("%2e", "."),
          ("a*b", "ac"), ("*a", "ab"), ("a*b*c", "acb"), ("zo\u00eb", "zoe\u0308"), ("a", "A"), ("a*a", "a")]
    cases = [(pattern, one, True) for pattern, one in yes] + [(pattern, one, False) for pattern, one in no]
    slow = {"name": "many stars", "pattern": [repeat("*a", 60), "*b"], "text": repeat("a", 128), "covers": False}
    return [{"name": f"{pattern} over {one}", "pattern": pattern, "text": one, "covers": covers}
            for pattern, one, covers in cases] + [slow]


def header(first, length):
    if length < 126:
        return bytes([first, length])
    if length < 65536:
        return bytes([first, 126]) + struct.pack(">H", length)
    return bytes([first, 127]) + struct.pack(">Q", length)


def entry_of(fill):
    return {"entry": {"stream": 1, "offset": 2, "event": "e", "data": fill, "from": "u", "at": 3}}


def placeless(fill):
    """An entry that has no place in its stream."""
    return {"entry": {"stream": 1, "event": "e", "data": fill, "from": "u", "at": 3}}


def sized(form, length):
    """An entry whose frame is exactly `length` bytes long."""
    encode = (lambda value: text(value).encode()) if form == "websocket-json" else packed
    first = 0x81 if form == "websocket-json" else 0x82
    count = next(n for n in range(length) if len(encode(entry_of("x" * n))) == length)
    before, after = encode(entry_of("x" * count)).split(b"x" * count)
    return {"name": f"{length} bytes ({form})", "form": form, "frame": entry_of(repeat("x", count)),
            "bytes": parts(header(first, length) + before, repeat(b"x", count), after)}


def plain(name, form, sent):
    body = text(sent).encode() if form != "websocket-msgpack" else packed(sent)
    if form == "json-lines":
        return {"name": f"{name} ({form})", "form": form, "frame": sent, "bytes": (body + b"\n").hex()}
    if form == "sse":
        retry = sent.get("close", {}).get("retry_after_ms")
        out = b":\n\n" if "ping" in sent else b"data: " + body + b"\n\n"
        out = (b"" if retry is None else b"retry: %d\n" % retry) + out
        return {"name": f"{name} ({form})", "form": form, "frame": sent, "bytes": out.hex()}
    first = 0x81 if form == "websocket-json" else 0x82
    out = header(first, len(body)) + body
    if "ping" in sent:
        out = b"\x89\x00" + out
    if "close" in sent:
        reason = sent["close"]["reason"].encode()[:123].decode(errors="ignore").encode()
        out += header(0x88, 2 + len(reason)) + struct.pack(">H", sent["close"]["code"]) + reason
    return {"name": f"{name} ({form})", "form": form, "frame": sent, "bytes": out.hex()}


def wire():
    forms = ["websocket-json", "websocket-msgpack", "json-lines", "sse"]
    frames = {
        "ping": {"ping": {}}, "pong": {"id": 8, "pong": {}}, "entry": entry_of({"text": "hi"}),
        "entry without a place": placeless({"text": "typing"}),
        "close": {"close": {"code": 3001, "reason": "shutdown", "retry_after_ms": 4200}},
        "close of a replaced connection": {"close": {"code": 3505, "reason": "replaced"}},
        "close with a long reason": {"close": {"code": 4000, "reason": "\u20ac" * 50}},
        "close without a reason": {"close": {"code": 4999, "reason": ""}},
    }
    sizes = [124, 125, 126, 127, 65534, 65535, 65536, 65537]
    return ([sized(form, length) for form in forms[:2] for length in sizes]
            + [plain(name, form, sent) for name, sent in frames.items() for form in forms])


def files():
    return [
        ("data/both-ways.json", "A value in each codec: each becomes the other.", both_ways()),
        ("data/to-msgpack.json", "JSON, and the MessagePack that it becomes.", to_msgpack()),
        ("data/to-json.json", "MessagePack, and the JSON that it becomes, by value.", to_json()),
        ("data/refused.json", "Data that is refused, and the rule it breaks.", refused()),
        ("names.json", "What may be a name.", names()),
        ("patterns.json", "Whether a pattern of rights covers a name.", patterns()),
        ("wire.json", "Frames as they leave, header included.", wire()),
    ]
