"""Messages of a client that hold several frames, or none that can be read."""

import struct

from tools import (EPOCH, frame, packed, parts, repeat, text, wide_int, wide_str)

PING = {"id": 8, "ping": {}}


def taken(sent):
    return {"frame": sent}


def error(id=None):
    return {"error": {"id": id}}


def messages():
    pong, wrong = {"pong": {}}, {"id": 9, "weather": {}}
    both = b"".join(packed(one) for one in (PING, wrong, pong))
    many = {"frame": {"ping": {}}}
    return [
        {"name": "several frames", "json": "\n".join(text(one) for one in (PING, pong, PING)),
         "msgpack": b"".join(packed(one) for one in (PING, pong, PING)).hex(),
         "outcome": [taken(PING), taken(pong), taken(PING)]},
        {"name": "a bad frame among good ones", "json": "\n".join(text(one) for one in (PING, wrong, pong)),
         "msgpack": both.hex(), "outcome": [taken(PING), error(9), taken(pong)]},
        {"name": "bad data among good frames",
         "json": text(PING) + '\n{"id":9,"call":{"method":"m","data":1e999}}\n' + text(pong),
         "msgpack": (packed(PING) + b"\x82\xa2id\x09\xa4call\x82\xa6method\xa1m\xa4data\xd4\x01\x00" + packed(pong)).hex(),
         "outcome": [taken(PING), error(9), taken(pong)]},
        {"name": "empty lines", "json": "\r\n\n  " + text(PING) + " \t\r\n \n" + text(pong) + "\n\n",
         "outcome": [taken(PING), taken(pong)]},
        {"name": "nothing", "json": "", "msgpack": "", "outcome": []},
        {"name": "white space", "json": " \r\n\t\n", "outcome": []},
        {"name": "as many frames as there may be", "json": repeat(text({"ping": {}}) + "\n", 1024),
         "msgpack": repeat(packed({"ping": {}}), 1024), "outcome": [repeat(many, 1024)]},
        {"name": "one frame too many", "json": repeat(text({"ping": {}}) + "\n", 1026),
         "msgpack": repeat(packed({"ping": {}}), 1026), "outcome": [repeat(many, 1024), error()]},
        {"name": "a line that is not JSON", "json": "oops\n" + text(PING), "outcome": [error(), taken(PING)]},
        {"name": "what is no map ends a message of MessagePack", "msgpack": (b"\x07" + packed(PING)).hex(),
         "outcome": [error()]},
        {"name": "a frame cut short ends a message of MessagePack", "msgpack": (packed(PING) + packed(PING)[:-1]).hex(),
         "outcome": [taken(PING), error()]},
    ]


def in_both(name, sent, id):
    vector = frame(name, sent)
    del vector["frame"]
    return {**vector, "outcome": [error(id)]}


def invalid():
    """What both codecs can say."""
    publish = {"channel": "a:b", "event": "e"}
    since = {"id": 1, "subscribe": {"channel": "a:b", "since": None}}

    def position(name, value):
        return in_both(f"since: {name}", {**since, "subscribe": {"channel": "a:b", "since": value}}, 1)

    return [
        in_both("no command", {"id": 1}, 1),
        in_both("nothing at all", {}, None),
        in_both("unknown command", {"id": 1, "weather": {}}, 1),
        in_both("a frame of the server", {"id": 1, "published": {}}, 1),
        in_both("upper case", {"id": 1, "PING": {}}, 1),
        in_both("two commands", {"id": 1, "ping": {}, "pong": {}}, 1),
        in_both("two commands with data", {"id": 1, "publish": {**publish, "data": 1}, "call": {"method": "m"}}, 1),
        in_both("command is null", {"id": 1, "ping": None}, 1),
        in_both("command is an array", {"id": 1, "connect": ["t"]}, 1),
        in_both("command is a string", {"id": 1, "connect": "t"}, 1),
        in_both("command is a number", {"id": 1, "ping": 1}, 1),
        in_both("command is true", {"id": 1, "pong": True}, 1),
        in_both("id is a string", {"id": "1", "ping": {}}, None),
        in_both("id is negative", {"id": -1, "ping": {}}, None),
        in_both("id is a float", {"id": 1.5, "ping": {}}, None),
        in_both("id is an object", {"id": {"id": 1}, "ping": {}}, None),
        in_both("connect: no token", {"id": 1, "connect": {}}, 1),
        in_both("connect: token is null", {"id": 1, "connect": {"token": None}}, 1),
        in_both("connect: token is a number", {"id": 1, "connect": {"token": 1}}, 1),
        in_both("connect: device is a number", {"id": 1, "connect": {"token": "t", "device": 1}}, 1),
        in_both("subscribe: no channel", {"id": 1, "subscribe": {}}, 1),
        in_both("subscribe: channel is an array", {"id": 1, "subscribe": {"channel": ["a:b"]}}, 1),
        position("is a string", "17"),
        position("is an array", [EPOCH, 1]),
        position("no epoch", {"offset": 1}),
        position("no offset", {"epoch": EPOCH}),
        position("epoch is a number", {"epoch": 171, "offset": 1}),
        position("epoch too short", {"epoch": EPOCH[1:], "offset": 1}),
        position("epoch too long", {"epoch": EPOCH + "0", "offset": 1}),
        position("epoch not hexadecimal", {"epoch": "g" * 16, "offset": 1}),
        position("epoch with a sign", {"epoch": "+" + EPOCH[1:], "offset": 1}),
        position("offset is negative", {"epoch": EPOCH, "offset": -1}),
        position("offset is a float", {"epoch": EPOCH, "offset": 0.5}),
        position("offset is a string", {"epoch": EPOCH, "offset": "1"}),
        in_both("unsubscribe: no channel", {"id": 1, "unsubscribe": {"stream": 1}}, 1),
        in_both("publish: no channel", {"id": 1, "publish": {"event": "e", "data": 1}}, 1),
        in_both("publish: no event", {"id": 1, "publish": {"channel": "a:b", "data": 1}}, 1),
        in_both("publish: event is null", {"id": 1, "publish": {"channel": "a:b", "event": None}}, 1),
        in_both("publish: key is a number", {"id": 1, "publish": {**publish, "key": 1}}, 1),
        in_both("publish: wait for what", {"id": 1, "publish": {**publish, "wait": "delivered"}}, 1),
        in_both("publish: wait is an object", {"id": 1, "publish": {**publish, "wait": {"stored": None}}}, 1),
        in_both("publish: wait is a number", {"id": 1, "publish": {**publish, "wait": 0}}, 1),
        in_both("publish without an id", {"publish": {"event": "e"}}, None),
        in_both("send: no user", {"id": 1, "send": {"namespace": "n", "event": "e"}}, 1),
        in_both("send: no namespace", {"id": 1, "send": {"user": "u", "event": "e"}}, 1),
        in_both("send: no event", {"id": 1, "send": {"user": "u", "namespace": "n"}}, 1),
        in_both("call: no method", {"id": 1, "call": {"data": {}}}, 1),
        in_both("data nested 65 deep", {"id": 1, "call": {"method": "m", "data": deep(65)}}, 1),
        in_both("data nested 65 deep in objects", {"id": 1, "call": {"method": "m", "data": deep_object(65)}}, 1),
    ]


def deep(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def deep_object(depth):
    value = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def json_only():
    def bad(name, sent, id=None):
        return {"name": name, "json": sent, "outcome": [error(id)]}

    def data(name, sent, id=1):
        pieces = sent if isinstance(sent, list) else [sent]
        return bad(f"data: {name}", ['{"id":1,"call":{"method":"m","data":', *pieces, "}}"], id)

    def raw(name, sent, id=None):
        return {"name": name, "json_hex": sent.hex(), "outcome": [error(id)]}

    return [
        bad("not JSON", "hello"),
        bad("truncated", '{"id":1,"ping":{}'),
        bad("truncated in a string", '{"id":1,"connect":{"token":"t'),
        bad("trailing", '{"id":1,"ping":{}}x'),
        bad("two on one line", '{"id":1,"ping":{}}{"id":2,"ping":{}}'),
        bad("trailing comma", '{"id":1,"ping":{},}'),
        bad("single quotes", "{'id':1,'ping':{}}"),
        bad("a comment", '{"id":1,/**/"ping":{}}'),
        bad("byte order mark", "\ufeff" + text(PING)),
        bad("an array of frames", '[{"id":1,"ping":{}}]'),
        bad("an array in a frame's place", '[1,{"token":"t"},null,null,null,null,null,null,null]'),
        bad("a string", '"ping"'),
        bad("null", "null"),
        bad("id twice", '{"id":1,"id":1,"ping":{}}'),
        bad("command twice", '{"id":1,"ping":{},"ping":{}}', 1),
        bad("field twice", '{"id":1,"connect":{"token":"a","token":"b"}}', 1),
        bad("data twice", '{"id":1,"call":{"method":"m","data":1,"data":2}}', 1),
        bad("key twice by an escape", '{"id":1,"call":{"method":"m","data":1,"d\\u0061ta":2}}', 1),
        bad("id above 64 bits", '{"id":18446744073709551616,"ping":{}}'),
        bad("id out of range", '{"id":1e999,"ping":{}}'),
        bad("id with an exponent", '{"id":1e0,"ping":{}}'),
        bad("id is minus nought", '{"id":-0,"ping":{}}'),
        bad("lone surrogate in a name", '{"id":1,"connect":{"token":"\\ud800"}}', 1),
        bad("control character in a name", '{"id":1,"connect":{"token":"a\tb"}}'),
        bad("brackets without end", repeat("[", 100000)),
        bad("objects without end", repeat('{"id":', 100000)),
        bad("deep where a string belongs", ['{"id":1,"connect":{"token":', repeat("[", 100000), repeat("]", 100000), "}}"], 1),
        raw("bad UTF-8 in a name", b'{"id":1,"connect":{"token":"\xff"}}'),
        raw("bad UTF-8 in an unknown field", b'{"id":1,"ping":{},"x":"\xc0\xaf"}'),
        raw("a surrogate in UTF-8", b'{"id":1,"call":{"method":"m","data":"\xed\xa0\x80"}}'),
        raw("truncated UTF-8", b'{"id":1,"call":{"method":"m","data":"\xe2\x82"}}'),
        data("missing", "", None),
        data("not a value", "undefined", None),
        data("out of range", "1e999"),
        data("out of range, negative, inside", '[{"a":-1e999}]'),
        data("NaN", "NaN", None),
        data("Infinity", "[Infinity]", None),
        data("leading nought", "01", None),
        data("plus", "+1", None),
        data("hexadecimal", "0x10", None),
        data("key twice", '{"a":1,"b":2,"a":3}'),
        data("key twice by an escape", '{"a":1,"\\u0061":2}'),
        data("key twice, deep", '[[{"x":{"a":1,"a":1}}]]'),
        data("key without quotes", "{a:1}", None),
        data("key is a number", "{1:2}", None),
        data("lone leading surrogate", '"\\ud83d"'),
        data("lone trailing surrogate", '"\\ude00"'),
        data("bad escape", '"\\x41"', None),
        data("nested 100,000 deep", [repeat("[", 100000), repeat("]", 100000)]),
        data("nested 100,000 deep and open", repeat("[", 100000), None),
        data("nested 100,000 objects deep", [repeat('{"a":', 100000), "1", repeat("}", 100000)]),
    ]


def msgpack_only():
    def bad(name, *pieces, id=None):
        return {"name": name, "msgpack": parts(*pieces), "outcome": [error(id)]}

    def data(name, *pieces, id=1):
        return bad(f"data: {name}", b"\x82\xa2id\x01\xa4call\x82\xa6method\xa1m\xa4data", *pieces, id=id)

    ping = b"\xa4ping\x80"
    four_gib = b"\xff\xff\xff\xff"
    return [
        bad("the reserved byte", b"\xc1"),
        bad("nil", b"\xc0"),
        bad("an array in a frame's place", b"\x99\x01\x81\xa5token\xa1t" + b"\xc0" * 7),
        bad("an array of frames", b"\x91" + packed(PING)),
        bad("JSON in a binary message", text(PING).encode()),
        bad("truncated", packed(PING)[:-1]),
        bad("truncated in a string", b"\x82\xa2id\x01\xa7connect\x81\xa5token\xa9eyJ"),
        bad("a map that is not there", b"\x82\xa2id\x01"),
        bad("id twice", b"\x83\xa2id\x01\xa2id\x01" + ping),
        bad("command twice", b"\x83\xa2id\x01" + ping + ping, id=1),
        bad("field twice", b"\x82\xa2id\x01\xa7connect\x82\xa5token\xa1a\xa5token\xa1b", id=1),
        bad("data twice", b"\x82\xa2id\x01\xa4call\x83\xa6method\xa1m\xa4data\x01\xa4data\x02", id=1),
        bad("a key is a number", b"\x82\x00\x01" + ping),
        bad("a key of a command is a number", b"\x82\xa2id\x01\xa7connect\x81\x00\xa1t", id=1),
        bad("a key of a position is a number", b"\x82\xa2id\x01\xa9subscribe\x82\xa7channel\xa3a:b\xa5since\x82\x00\xb0"
            + EPOCH.encode() + b"\x01\x01", id=1),
        bad("a key is binary", b"\x82\xc4\x02id\x01" + ping),
        bad("a key is bad UTF-8", b"\x82\xa2id\x01\xa4p\xffng\x80", id=1),
        bad("a key is an array", b"\x83\xa2id\x01\x91\x01\x01" + ping, id=1),
        bad("a string is binary", b"\x82\xa2id\x01\xa7connect\x81\xa5token\xc4\x01t", id=1),
        bad("a string is bad UTF-8", b"\x82\xa2id\x01\xa7connect\x81\xa5token\xa1\xff", id=1),
        bad("id is negative in 64 bits", b"\x82\xa2id" + wide_int(-1) + ping),
        bad("id is NaN", b"\x82\xa2id\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00" + ping),
        bad("id is an extension", b"\x82\xa2id\xd4\x00\x01" + ping),
        bad("arrays without end", repeat(b"\x91", 100000)),
        bad("maps without end", repeat(b"\x81\xa2id", 100000)),
        bad("deep where a string belongs", b"\x82\xa2id\x01\xa7connect\x81\xa5token", repeat(b"\x91", 100000), b"\xc0", id=1),
        bad("deep in an unknown field", b"\x82" + ping + b"\xa1x", repeat(b"\x91", 100000), b"\xc0"),
        bad("a map of 4 GiB", b"\xdf" + four_gib),
        bad("a map of 4 GiB, begun", b"\xdf" + four_gib + b"\xa2id\x01" + ping),
        bad("a key of 4 GiB", b"\x82\xdb" + four_gib + b"id"),
        bad("a string of 4 GiB", b"\x82\xa2id\x01\xa7connect\x81\xa5token\xdb" + four_gib + b"t"),
        bad("an unknown array of 4 GiB", b"\x82" + ping + b"\xa1x\xdd" + four_gib),
        bad("arrays of 4 GiB in one another", b"\x82" + ping + b"\xa1x", repeat(b"\xdd" + four_gib, 10000)),
        data("missing", id=None),
        data("truncated", b"\xa3hi", id=None),
        data("the reserved byte", b"\xc1", id=None),
        data("NaN", b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
        data("infinite", b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"),
        data("infinite, negative, inside", b"\x91\x81\xa1a\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"),
        data("NaN in 32 bits", b"\xca\x7f\xc0\x00\x00"),
        data("infinite in 32 bits", b"\xca\x7f\x80\x00\x00"),
        data("an extension of 1 byte", b"\xd4\x01\x00"),
        data("a timestamp", b"\xd6\xff\x00\x00\x00\x00"),
        data("an extension of 3 bytes", b"\xc7\x03\x01abc"),
        data("an extension of 4 GiB", b"\xc9" + four_gib + b"\x01", id=None),
        data("key twice", b"\x82\xa1a\x01\xa1a\x02"),
        data("key twice in two forms", b"\x82\xa1a\x01" + wide_str("a") + b"\x02"),
        data("key is a number", b"\x81\x01\x02"),
        data("key is binary", b"\x81\xc4\x01a\x02"),
        data("key is nil", b"\x81\xc0\x02"),
        data("bad UTF-8", b"\xa1\xff"),
        data("bad UTF-8 in a key", b"\x81\xa1\xff\x01"),
        data("a surrogate in UTF-8", b"\xa3\xed\xa0\x80"),
        data("nested 100,000 deep", repeat(b"\x91", 100000), b"\xc0"),
        data("nested 100,000 deep and open", repeat(b"\x91", 100000), id=None),
        data("nested 100,000 maps deep", repeat(b"\x81\xa1a", 100000), b"\xc0"),
        data("a string of 4 GiB", b"\xdb" + four_gib + b"x", id=None),
        data("binary of 4 GiB", b"\xc6" + four_gib + b"x", id=None),
        data("an array of 4 GiB", b"\xdd" + four_gib, id=None),
        data("a map of 4 GiB", b"\xdf" + four_gib, id=None),
    ]


def files():
    about = "A message of a client and what becomes of it: `outcome`, a frame or an error for each part."
    return [
        ("client/messages.json", about, messages()),
        ("client/invalid.json", about, invalid()),
        ("client/invalid-json.json", about, json_only()),
        ("client/invalid-msgpack.json", about, msgpack_only()),
    ]
