"""Messages of a client that hold several frames, or none that can be read."""

import struct

import history
import presence
from tools import (EPOCH, SECRET, SESSION, frame, packed, parts, repeat, text, wide_int, wide_str, wide_uint)

PING = {"id": 8, "ping": {}}


def taken(sent):
    return {"frame": sent}


def error(id=None):
    return {"error": {"id": id}}


def messages():
    pong, wrong = {"pong": {}}, {"id": 9, "weather": {}}
    wrong_mark = {"ack": {"stream": 3, "offset": -1}}

    def mark(command):
        return {command: {"stream": 3, "offset": 40}}

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
        {"name": "marks among other commands",
         "json": "\n".join(text(one) for one in (mark("ack"), PING, mark("read"), wrong_mark, mark("ack"))),
         "msgpack": b"".join(packed(one) for one in (mark("ack"), PING, mark("read"), wrong_mark, mark("ack"))).hex(),
         "outcome": [taken(mark("ack")), taken(PING), taken(mark("read")), error(), taken(mark("ack"))]},
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
        in_both("refresh: no token", {"id": 1, "refresh": {}}, 1),
        in_both("refresh: the token is a number", {"id": 1, "refresh": {"token": 7}}, 1),
        in_both("refresh: null beside another command is absent, and this one has nothing",
                {"id": 1, "refresh": None}, 1),
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
        *presence.hostile(in_both),
        *history.hostile(in_both),
        in_both("call: no method", {"id": 1, "call": {"data": {}}}, 1),
        in_both("data nested 65 deep", {"id": 1, "call": {"method": "m", "data": deep(65)}}, 1),
        in_both("data nested 65 deep in objects", {"id": 1, "call": {"method": "m", "data": deep_object(65)}}, 1),
        *invalid_narrowing(),
        *invalid_marks(),
        *invalid_resume(),
    ]


def invalid_narrowing():
    bodies = {"publish": {"channel": "a:b", "event": "e"}, "send": {"user": "u", "namespace": "n", "event": "e"}}
    classes = {
        "another class": "durable", "the namespace's own word": "reliable", "latest": "latest", "upper case": "Ephemeral",
        "empty": "", "with a space": "ephemeral ", "a number": 0, "true": True, "an array": ["ephemeral"],
        "an object": {"ephemeral": None},
    }
    keys = {"a number": 1, "a float": 1.5, "false": False, "an array": ["k"], "an object": {"k": "k"}}
    return [in_both(f"{command}: class is {what}", {"id": 1, command: {**body, "class": value}}, 1)
            for command, body in bodies.items() for what, value in classes.items()] + [
            in_both(f"{command}: idempotency key is {what}", {"id": 1, command: {**body, "idempotency_key": value}}, 1)
            for command, body in bodies.items() for what, value in keys.items()]


def invalid_marks():
    bodies = {
        "no stream": {"offset": 1}, "no offset": {"stream": 1}, "nothing": {}, "stream is null": {"stream": None, "offset": 1},
        "offset is null": {"stream": 1, "offset": None}, "stream is a string": {"stream": "1", "offset": 1},
        "stream is a channel": {"stream": "a:b", "offset": 1}, "stream is negative": {"stream": -1, "offset": 1},
        "stream above 32 bits": {"stream": 2**32, "offset": 1}, "stream is a float": {"stream": 1.5, "offset": 1},
        "stream is an array": {"stream": [1], "offset": 1}, "offset is negative": {"stream": 1, "offset": -1},
        "offset is the most negative": {"stream": 1, "offset": -(2**63)}, "offset is a string": {"stream": 1, "offset": "1"},
        "offset is a float": {"stream": 1, "offset": 0.5}, "offset is 2^64": {"stream": 1, "offset": 2.0**64},
        "offset is true": {"stream": 1, "offset": True}, "offset is an object": {"stream": 1, "offset": {"offset": 1}},
        "an array": [1, 1], "a number": 1, "null": None,
    }
    return [in_both(f"{command}: {what}", {"id": 1, command: body}, 1)
            for command in ("ack", "read") for what, body in bodies.items()] + [
        in_both("ack without an id", {"ack": {"stream": 1, "offset": -1}}, None),
        in_both("ack and read", {"ack": {"stream": 1, "offset": 1}, "read": {"stream": 1, "offset": 1}}, None),
    ]


def invalid_resume():
    def connect(name, **fields):
        return in_both(f"connect: {name}", {"id": 1, "connect": {"token": "t", **fields}}, 1)

    def resume(name, **fields):
        return connect(f"resume: {name}", resume={"session": SESSION, "secret": SECRET, **fields})

    def position(name, value):
        return resume(f"a position {name}", positions=[{"channel": "a:b", **at}, value])

    at = {"epoch": EPOCH, "offset": 1}
    since = {
        "is a string": "40", "is a number": 40, "is true": True, "is an array": [EPOCH, 1], "is empty": {},
        "no epoch": {"offset": 1}, "no offset": {"epoch": EPOCH}, "epoch is a number": {"epoch": 171, "offset": 1},
        "epoch too long": {"epoch": EPOCH + "0", "offset": 1}, "offset is negative": {"epoch": EPOCH, "offset": -1},
        "offset is 2^64": {"epoch": EPOCH, "offset": 2.0**64}, "offset is a string": {"epoch": EPOCH, "offset": "1"},
    }
    ids = {
        "is null": None, "is a number": 1, "is true": True, "is an array": [SESSION], "is empty": "", "too short": SESSION[1:],
        "too long": SESSION + "0", "twice as long": SESSION * 2, "not hexadecimal": "g" * 32, "with a sign": "+" + SESSION[1:],
        "with a prefix": "0x" + SESSION[2:], "with a space": " " + SESSION[1:], "with hyphens": "00010203-0405-0607-0809-0a0b0c0d",
        "of wide digits": "\uff10" * 32, "of 32 bytes in wide digits": "\uff10" * 10 + "00",
    }
    return [connect(f"since: {what}", since=value) for what, value in since.items()] + [
        connect("resume: is true", resume=True),
        connect("resume: is the session", resume=SESSION),
        connect("resume: is an array", resume=[SESSION, SECRET, []]),
        connect("resume: is empty", resume={}),
        connect("resume: no session", resume={"secret": SECRET, "positions": []}),
        connect("resume: no secret", resume={"session": SESSION, "positions": []}),
    ] + [resume(f"{field} {what}", **{field: value}) for field in ("session", "secret") for what, value in ids.items()] + [
        resume("positions are an object", positions={"channel": "a:b", **at}),
        resume("positions are a string", positions="a:b"),
        resume("positions are a number", positions=1),
        resume("positions are true", positions=True),
        resume("positions are channels", positions=["a:b"]),
        position("is null", None),
        position("is a string", "a:b"),
        position("is a number", 1),
        position("is an array", ["a:b", False, EPOCH, 1]),
        position("is an array with a position", [{"channel": "a:b", **at}]),
        position("is empty", {}),
        position("of no stream", at),
        position("of no inbox", {"inbox": False, **at}),
        position("of nulls", {"channel": None, "inbox": None, **at}),
        position("of a channel and the inbox", {"channel": "a:b", "inbox": True, **at}),
        position("of a stream's number", {"stream": 3, **at}),
        position("with channel: a number", {"channel": 1, **at}),
        position("with channel: an array", {"channel": ["a:b"], **at}),
        position("with channel: true", {"channel": True, **at}),
        position("with inbox: a string", {"inbox": "true", **at}),
        position("with inbox: a number", {"inbox": 1, **at}),
        position("with inbox: an object", {"inbox": at}),
        position("with no epoch", {"inbox": True, "offset": 1}),
        position("with no offset", {"channel": "a:b", "epoch": EPOCH}),
        position("with epoch: null", {"inbox": True, "epoch": None, "offset": 1}),
        position("with epoch: a number", {"inbox": True, "epoch": 171, "offset": 1}),
        position("with epoch: too short", {"inbox": True, "epoch": EPOCH[1:], "offset": 1}),
        position("with epoch: too long", {"inbox": True, "epoch": EPOCH + "0", "offset": 1}),
        position("with epoch: not hexadecimal", {"inbox": True, "epoch": "g" * 16, "offset": 1}),
        position("with offset: null", {"inbox": True, "epoch": EPOCH, "offset": None}),
        position("with offset: negative", {"inbox": True, "epoch": EPOCH, "offset": -1}),
        position("with offset: the most negative", {"channel": "a:b", "epoch": EPOCH, "offset": -(2**63)}),
        position("with offset: a float", {"inbox": True, "epoch": EPOCH, "offset": 1.5}),
        position("with offset: 2^64", {"channel": "a:b", "epoch": EPOCH, "offset": 2.0**64}),
        position("with offset: a string", {"inbox": True, "epoch": EPOCH, "offset": "1"}),
        too_many_positions(),
    ]


def too_many_positions():
    one = {"inbox": True, "epoch": EPOCH, "offset": 1}
    sent = {"id": 1, "connect": {"token": "t", "resume": {"session": SESSION, "secret": SECRET, "positions": []}}}
    return {"name": "connect: resume: one position too many",
            "json": [text(sent)[:-4], repeat(text(one) + ",", 1024), text(one), "]}}}"],
            "msgpack": parts(packed(sent)[:-1], b"\xdc\x04\x01", repeat(packed(one), 1025)), "outcome": [error(1)]}


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

    def resume(name, sent, id=1):
        pieces = sent if isinstance(sent, list) else [sent]
        body = f'{{"id":1,"connect":{{"token":"t","resume":{{"session":"{SESSION}"'
        return bad(f"resume: {name}", [body, *pieces, "}}}"], id)

    secret, at = f',"secret":"{SECRET}"', f'"epoch":"{EPOCH}"'

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
        *[bad(f"{command}: {what}", f'{{"id":1,"{command}":{{{body}}}}}', 1) for command in ("ack", "read")
          for what, body in {
              "offset above 64 bits": '"stream":1,"offset":18446744073709551616',
              "offset far above 64 bits": '"stream":1,"offset":' + "9" * 400,
              "offset out of range": '"stream":1,"offset":1e999', "offset with an exponent": '"stream":1,"offset":1e0',
              "offset with a fraction": '"stream":1,"offset":1.0', "offset is minus nought": '"stream":1,"offset":-0',
              "stream above 32 bits": '"stream":4294967296,"offset":1', "stream with a fraction": '"stream":1.0,"offset":1',
              "offset twice": '"stream":1,"offset":1,"offset":2', "stream twice by an escape": '"stream":1,"offset":1,"stre\\u0061m":1',
          }.items()],
        bad("ack: offset with a leading nought", '{"id":1,"ack":{"stream":1,"offset":01}}'),
        bad("connect: since: offset above 64 bits",
            f'{{"id":1,"connect":{{"token":"t","since":{{{at},"offset":18446744073709551616}}}}}}', 1),
        bad("connect: since twice", '{"id":1,"connect":{"token":"t","since":null,"since":null}}', 1),
        bad("connect: resume twice", '{"id":1,"connect":{"token":"t","resume":null,"resume":null}}', 1),
        bad("publish: class twice", '{"id":1,"publish":{"channel":"a:b","event":"e","class":null,"class":"ephemeral"}}', 1),
        bad("publish: idempotency key twice",
            '{"id":1,"publish":{"channel":"a:b","event":"e","idempotency_key":"a","idempotency_key":"b"}}', 1),
        bad("publish: lone surrogate in the idempotency key",
            '{"id":1,"publish":{"channel":"a:b","event":"e","idempotency_key":"\\ud800"}}', 1),
        resume("secret twice", secret + secret),
        resume("secret with a lone surrogate", ',"secret":"\\ud800' + "0" * 29 + '"'),
        resume("positions twice", secret + ',"positions":[],"positions":[]'),
        resume("a position's channel twice", secret + f',"positions":[{{"channel":"a:b","channel":"a:b",{at},"offset":1}}]'),
        resume("a position's inbox twice", secret + f',"positions":[{{"inbox":true,"inbox":true,{at},"offset":1}}]'),
        resume("a position's offset above 64 bits", secret + f',"positions":[{{"inbox":true,{at},"offset":18446744073709551616}}]'),
        resume("a position's offset is minus nought", secret + f',"positions":[{{"inbox":true,{at},"offset":-0}}]'),
        resume("a position's offset with an exponent", secret + f',"positions":[{{"inbox":true,{at},"offset":1e2}}]'),
        resume("positions without end", [secret, ',"positions":[', repeat("{},", 100000)], None),
        resume("positions nested 100,000 deep", [secret, ',"positions":', repeat("[", 100000), repeat("]", 100000)]),
        resume("100,000 positions", [secret, ',"positions":[', repeat(f'{{"inbox":true,{at},"offset":1}},', 99999),
                                     f'{{"inbox":true,{at},"offset":1}}]']),
        resume("a secret of 100,000 digits", [',"secret":"', repeat("0", 100000), '"']),
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

    def resume(name, *pieces, id=1):
        """`pieces` is what follows the session, as one field."""
        body = b"\x82\xa2id\x01\xa7connect\x82\xa5token\xa1t\xa6resume\x83\xa7session" + packed(SESSION)
        return bad(f"resume: {name}", body, *pieces, id=id)

    def position(name, *pieces, id=1):
        """`pieces` is a position, the only one."""
        return resume(f"a position: {name}", secret + b"\xa9positions\x91", *pieces, id=id)

    secret, epoch = packed("secret") + packed(SECRET), packed("epoch") + packed(EPOCH)
    not_offsets = {
        "negative in 64 bits": wide_int(-1), "2^64": b"\xcb" + struct.pack(">d", 2.0**64),
        "a whole float": b"\xcb" + struct.pack(">d", 1.0), "a float of 32 bits": b"\xca" + struct.pack(">f", 1.0),
        "NaN": b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "infinite": b"\xca\x7f\x80\x00\x00",
        "an extension": b"\xd4\x00\x01", "binary": b"\xc4\x01\x01", "a timestamp": b"\xd6\xff\x00\x00\x00\x00",
    }
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
        *[bad(f"{command}: offset is {what}", b"\x82\xa2id\x01" + packed(command) + b"\x82\xa6stream\x01\xa6offset" + sent, id=1)
          for command in ("ack", "read") for what, sent in not_offsets.items()],
        bad("ack: stream above 32 bits", b"\x82\xa2id\x01\xa3ack\x82\xa6stream" + wide_uint(2**32) + b"\xa6offset\x01", id=1),
        bad("ack: a key is a number", b"\x82\xa2id\x01\xa3ack\x82\x00\x01\x01\x01", id=1),
        bad("ack: a key is binary", b"\x82\xa2id\x01\xa3ack\x82\xc4\x06stream\x01\xa6offset\x01", id=1),
        bad("ack: offset twice", b"\x82\xa2id\x01\xa3ack\x83\xa6stream\x01\xa6offset\x01\xa6offset\x01", id=1),
        bad("ack: truncated", b"\x81\xa3ack\x82\xa6stream\x01\xa6offset\xcf\x00"),
        bad("publish: class is binary", b"\x82\xa2id\x01\xa7publish\x83\xa7channel\xa3a:b\xa5event\xa1e\xa5class\xc4\x09ephemeral", id=1),
        bad("publish: idempotency key is binary",
            b"\x82\xa2id\x01\xa7publish\x83\xa7channel\xa3a:b\xa5event\xa1e\xafidempotency_key\xc4\x01k", id=1),
        bad("publish: idempotency key is bad UTF-8",
            b"\x82\xa2id\x01\xa7publish\x83\xa7channel\xa3a:b\xa5event\xa1e\xafidempotency_key\xa1\xff", id=1),
        bad("publish: an idempotency key of 4 GiB",
            b"\x82\xa2id\x01\xa7publish\x83\xa7channel\xa3a:b\xa5event\xa1e\xafidempotency_key\xdb" + four_gib + b"k"),
        resume("secret is binary", b"\xa6secret\xc4\x10" + bytes.fromhex(SECRET) + b"\xa9positions\x90"),
        resume("secret is binary digits", b"\xa6secret\xc4\x20" + SECRET.encode() + b"\xa9positions\x90"),
        resume("secret is raw bytes in a string", b"\xa6secret\xb0" + bytes(range(16)) + b"\xa9positions\x90"),
        resume("secret is an integer", b"\xa6secret" + b"\xcf" + four_gib * 2 + b"\xa9positions\x90"),
        resume("secret of 4 GiB", b"\xa6secret\xdb" + four_gib + SECRET.encode(), id=None),
        resume("secret twice", secret + secret),
        resume("a key is a number", secret + b"\x02\x90"),
        resume("positions are a map", secret + b"\xa9positions\x81\x00\x80"),
        resume("positions are binary", secret + b"\xa9positions\xc4\x01\x80"),
        resume("positions of 4 GiB", secret + b"\xa9positions\xdd" + four_gib, id=None),
        resume("positions of 4 GiB, begun", secret + b"\xa9positions\xdd" + four_gib, repeat(b"\x80", 1000), id=None),
        resume("positions nested 100,000 deep", secret + b"\xa9positions", repeat(b"\x91", 100000), b"\xc0"),
        resume("100,000 positions", secret + b"\xa9positions\xdd" + struct.pack(">I", 100000),
               repeat(packed({"inbox": True, "epoch": EPOCH, "offset": 1}), 100000)),
        position("a map of 4 GiB", b"\xdf" + four_gib, id=None),
        position("a key is a number", b"\x84\xa5inbox\xc3" + epoch + b"\xa6offset\x01\x00\x01"),
        position("inbox is binary", b"\x83\xa5inbox\xc4\x01\x01" + epoch + b"\xa6offset\x01"),
        position("channel is binary", b"\x83\xa7channel\xc4\x03a:b" + epoch + b"\xa6offset\x01"),
        position("channel is bad UTF-8", b"\x83\xa7channel\xa3a:\xff" + epoch + b"\xa6offset\x01"),
        position("epoch is binary", b"\x83\xa5inbox\xc3\xa5epoch\xc4\x08\x00\x00\x00\x00\x00\x00\x00\xab\xa6offset\x01"),
        position("epoch twice", b"\x84\xa5inbox\xc3" + epoch + epoch + b"\xa6offset\x01"),
        *[position(f"offset is {what}", b"\x83\xa5inbox\xc3" + epoch + b"\xa6offset" + sent) for what, sent in not_offsets.items()],
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
