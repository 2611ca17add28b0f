"""Frames of the client."""

import struct

import presence
from tools import (DATA, EPOCH, ESCAPES, NUMBERS, SECRET, SESSION, UNICODE, frame, nested, packed, parts, repeat, text,
                   wide_int, wide_map, wide_str, wide_uint)


def client_connect():
    longest = "t" * 8192
    return [
        frame("minimal", {"id": 1, "connect": {"token": "t"}}),
        frame("full", {"id": 1, "connect": {"token": "eyJ.a-b_c.d", "device": "phone-1"}}),
        frame("unicode", {"id": 1, "connect": {"token": "t", "device": UNICODE}}),
        frame("escapes", {"id": 1, "connect": {"token": ESCAPES, "device": "d"}}),
        frame("null is absent", {"id": 1, "connect": {"token": "t", "device": None}}, {"id": 1, "connect": {"token": "t"}}),
        frame("unknown fields are ignored",
              {"later": {"a": [1, {"b": 2}]}, "id": 1, "connect": {"token": "t", "resumed": {"x": [None]}, "n": 1}},
              {"id": 1, "connect": {"token": "t"}}),
        frame("id comes last", {"connect": {"token": "t"}, "id": 1}, {"id": 1, "connect": {"token": "t"}}),
        {
            "name": "largest token and device",
            "json": ['{"id":1,"connect":{"token":"', repeat("t", 8192), '","device":"', repeat("d", 64), '"}}'],
            "msgpack": parts(packed({"id": 1, "connect": {"token": longest, "device": "d" * 64}})[:23],
                             repeat(b"t", 8192), packed("device"), b"\xd9\x40", repeat(b"d", 64)),
            "frame": {"id": 1, "connect": {"token": repeat("t", 8192), "device": repeat("d", 64)}},
        },
        {
            "name": "longer forms than needed",
            "json": ' {\t"id" : 1 ,\r"connect" : { "token" : "\\u0074" } } ',
            "msgpack": wide_map((wide_str("id"), wide_int(1)),
                                (wide_str("connect"), wide_map((wide_str("token"), wide_str("t"))))).hex(),
            "frame": {"id": 1, "connect": {"token": "t"}},
        },
        *client_connect_since(),
        *client_connect_resume(),
        *presence.connects(),
    ]


def client_connect_since():
    def since(name, epoch, offset):
        return frame(name, {"id": 1, "connect": {"token": "t", "device": "d", "since": {"epoch": epoch, "offset": offset}}})
    return [
        since("since", EPOCH, 40),
        since("since nothing", "f" * 16, 0),
        since("64-bit since", EPOCH, 2**64 - 1),
        frame("since is null", {"id": 1, "connect": {"token": "t", "since": None, "resume": None}},
              {"id": 1, "connect": {"token": "t"}}),
    ]


def client_connect_resume():
    lobby = {"channel": "messaging:lobby", "epoch": EPOCH, "offset": 17}
    inbox = {"inbox": True, "epoch": "f" * 16, "offset": 40}

    def resume(name, positions, meaning=None, **more):
        def connect(these):
            return {"id": 1, "connect": {"token": "t", "resume": {"session": SESSION, "secret": SECRET, **these}}}
        sent = connect({} if positions is ... else {"positions": positions})
        sent["connect"]["resume"].update(more)
        return frame(f"resume: {name}", sent, connect({"positions": positions if meaning is None else meaning}))

    most = resume("as many positions as there may be", [])
    most["json"] = [most["json"][:-4], repeat(text(inbox) + ",", 1023), text(inbox), "]}}}"]
    most["msgpack"] = [most["msgpack"][:-2], "dc0400", repeat(packed(inbox), 1024)]
    most["frame"]["connect"]["resume"]["positions"] = [repeat(inbox, 1024)]
    return [
        resume("no positions", ..., []),
        resume("positions are null", None, []),
        resume("empty positions", []),
        resume("a channel", [lobby]),
        resume("the inbox", [inbox]),
        resume("channels and the inbox", [lobby, inbox, {"channel": "a:b", "epoch": EPOCH, "offset": 0}]),
        resume("64-bit offset", [{**lobby, "offset": 2**64 - 1}, {**inbox, "offset": 2**53 + 1}]),
        resume("the name is not judged here", [{**lobby, "channel": "no channel " + UNICODE}]),
        resume("the epoch comes first", [{"offset": 1, "epoch": EPOCH, "channel": "a:b"}]),
        resume("null is absent", [{"inbox": None, **lobby}, {"channel": None, **inbox}], [lobby, inbox]),
        resume("a channel is not the inbox", [{**lobby, "inbox": False}], [lobby]),
        resume("unknown fields are ignored", [{"stream": [{}], **lobby, "read": None}], [lobby], later={"positions": [1]}),
        most,
        frame("since and resume", {"id": 1, "connect": {
            "resume": {"positions": [lobby], "secret": SECRET, "session": SESSION}, "device": "phone-1",
            "since": {"offset": 40, "epoch": EPOCH}, "token": "t"}}),
    ]


def client_mark(command):
    def mark(name, stream, offset, **ids):
        return frame(name, {**ids, command: {"stream": stream, "offset": offset}})
    return [
        mark("full", 3, 40),
        mark("nothing yet", 3, 0),
        mark("smallest stream", 0, 1),
        mark("largest stream", 2**32 - 1, 2**32),
        mark("64-bit offset", 3, 2**64 - 1),
        mark("the id is not judged here", 3, 40, id=7),
        frame("unknown fields are ignored", {"x": [1], command: {"epoch": EPOCH, "offset": 40, "stream": 3, "more": {"a": []}}},
              {command: {"stream": 3, "offset": 40}}),
        {
            "name": "longer forms than needed",
            "json": f' {{ "{command}" :\t{{ "offset" : 40 , "\\u0073tream":3 }} }} ',
            "msgpack": wide_map((wide_str(command), wide_map((wide_str("offset"), wide_uint(40)),
                                                             (wide_str("stream"), wide_int(3))))).hex(),
            "frame": {command: {"stream": 3, "offset": 40}},
        },
    ]


def client_subscribe():
    since = {"epoch": "ffffffffffffffff", "offset": 0}
    large = {"epoch": EPOCH, "offset": 2**64 - 1}
    return [
        frame("minimal", {"id": 2, "subscribe": {"channel": "messaging:lobby"}}),
        frame("without an id", {"subscribe": {"channel": "messaging:lobby"}}),
        frame("full", {"id": 2, "subscribe": {"channel": "messaging:lobby", "since": {"epoch": EPOCH, "offset": 17}}}),
        frame("since nothing", {"id": 2, "subscribe": {"channel": "a:b", "since": since}}),
        frame("64-bit offset", {"id": 2**64 - 1, "subscribe": {"channel": "a:b", "since": large}}),
        frame("largest channel", {"id": 2, "subscribe": {"channel": "n" * 32 + ":" + "c" * 95}}),
        frame("null is absent", {"id": None, "subscribe": {"channel": "a:b", "since": None}},
              {"subscribe": {"channel": "a:b"}}),
        frame("the name is not judged here", {"id": 2, "subscribe": {"channel": "no channel " + UNICODE}}),
        frame("unknown fields are ignored",
              {"id": 2, "subscribe": {"channel": "a:b", "since": {"offset": 1, "epoch": EPOCH, "more": {}}, "m": []}},
              {"id": 2, "subscribe": {"channel": "a:b", "since": {"epoch": EPOCH, "offset": 1}}}),
        *presence.subscribes(),
    ]


def client_refresh():
    return [
        frame("full", {"id": 9, "refresh": {"token": "eyJhbGciOi.J9.x"}}),
        frame("without an id", {"refresh": {"token": "t"}}),
        frame("the token is not judged here", {"id": 9, "refresh": {"token": ""}}),
        frame("escapes", {"id": 9, "refresh": {"token": ESCAPES}}),
        frame("unknown fields are ignored", {"id": 9, "refresh": {"device": 7, "token": "t", "more": []}, "x": None},
              {"id": 9, "refresh": {"token": "t"}}),
    ]


def client_unsubscribe():
    return [
        frame("minimal", {"id": 3, "unsubscribe": {"channel": "messaging:lobby"}}),
        frame("without an id", {"unsubscribe": {"channel": "messaging:lobby"}}),
        frame("unknown fields are ignored", {"id": 3, "unsubscribe": {"why": "bored", "channel": "a:b"}, "x": 1.5},
              {"id": 3, "unsubscribe": {"channel": "a:b"}}),
    ]


def message(name, command, id, body, **changes):
    """A `publish` or `send`, whose meaning has its defaults filled in."""
    meaning = {field: value for field, value in {**body, **changes}.items() if value is not None}
    meaning.setdefault("data", None)
    meaning.setdefault("wait", "accepted")
    ids = {} if id is None else {"id": id}
    return frame(name, {**ids, command: body}, {**ids, command: meaning})


def client_publish():
    base = {"channel": "messaging:lobby", "event": "NEW_MESSAGE"}
    unknown = message("unknown fields are ignored", "publish", 3, base)
    sent = {"publish": {"priority": "k", **base, "more": [{"data": 1}]}, "x": {"data": 2, "id": 3}, "id": 3}
    unknown |= {"json": text(sent), "msgpack": packed(sent).hex()}
    long = {"name": "long data", "json": ['{"id":3,"publish":{"channel":"a:b","event":"e","data":"', repeat("x", 70000), '"}}'],
            "msgpack": parts(packed({"id": 3, "publish": {"channel": "a:b", "event": "e", "data": 0}})[:-1],
                             b"\xdb" + struct.pack(">I", 70000), repeat(b"x", 70000)),
            "frame": {"id": 3, "publish": {"channel": "a:b", "event": "e", "data": repeat("x", 70000), "wait": "accepted"}}}
    return [
        message("minimal", "publish", None, base),
        message("with an id", "publish", 3, base),
        message("full", "publish", 3, {**base, "data": DATA, "key": "k", "wait": "stored"}),
        message("accepted", "publish", 3, {**base, "data": 0, "wait": "accepted"}),
        message("data before the names", "publish", 3, {"data": {"data": {"data": 1}}, **base}),
        message("data is null", "publish", 3, {**base, "data": None, "key": None}),
        message("null is absent", "publish", 3, {**base, "idempotency_key": None, "class": None, "wait": None}),
        message("idempotency key", "publish", 3, {**base, "data": 1, "idempotency_key": "018f-6b1e"}),
        message("idempotency key of Unicode and escapes", "publish", 3, {**base, "idempotency_key": UNICODE + ESCAPES}),
        message("the idempotency key is not judged here", "publish", 3, {**base, "idempotency_key": ""}),
        message("narrowed", "publish", None, {**base, "event": "TYPING", "class": "ephemeral"}),
        message("all at once", "publish", 3, {"wait": "stored", "class": "ephemeral", "idempotency_key": "i", "key": "k",
                                              "data": {"class": "durable", "wait": 0}, **base}),
        message("data is a string", "publish", 3, {**base, "data": UNICODE + ESCAPES}),
        message("data is false", "publish", 3, {**base, "data": False}),
        message("numbers", "publish", 3, {**base, "data": NUMBERS}),
        message("64-bit integers", "publish", 3, {**base, "data": [2**63, 2**64 - 1, -(2**63), 2**53 + 1]}),
        message("many keys", "publish", 3, {**base, "data": {f"key{n}": n for n in range(40)}}),
        message("largest names", "publish", 3, {"channel": "n" * 32 + ":" + "c" * 95, "event": "e" * 64, "key": "k" * 128,
                                              "idempotency_key": "i" * 128}),
        message("nested 64 deep", "publish", 3, {**base, "data": nested(64)}),
        unknown,
        long,
    ]


def client_send():
    base = {"user": "bob", "namespace": "realtime", "event": "message:new"}
    return [
        message("minimal", "send", None, base),
        message("full", "send", 4, {**base, "data": DATA, "wait": "stored"}),
        message("unicode", "send", 4, {**base, "user": UNICODE, "data": {UNICODE: ESCAPES}}),
        message("largest names", "send", 4, {"user": "u" * 128, "namespace": "n" * 32, "event": "e" * 64,
                                           "idempotency_key": "i" * 128}),
        message("null is absent", "send", 4, {**base, "idempotency_key": None, "class": None, "wait": None, "data": None}),
        message("idempotency key", "send", 4, {**base, "idempotency_key": "018f-6b1e", "wait": "stored"}),
        message("narrowed", "send", None, {**base, "data": {"class": "durable"}, "class": "ephemeral"}),
    ]


def call(name, id, body):
    ids = {} if id is None else {"id": id}
    return frame(name, {**ids, "call": body}, {**ids, "call": {"data": None, **body}})


def client_call():
    return [
        call("minimal", 5, {"method": "time"}),
        call("full", 5, {"method": "notification:get_unread_count", "data": DATA}),
        call("without an id is not judged here", None, {"method": "time"}),
        call("largest method", 5, {"method": "m" * 64, "data": []}),
    ]


def client_ping(command):
    return [
        frame("minimal", {command: {}}),
        frame("with an id", {"id": 8, command: {}}),
        frame("id nought", {"id": 0, command: {}}),
        frame("unknown fields are ignored", {"id": 8, command: {"at": 1}, "x": None}, {"id": 8, command: {}}),
    ]


def files():
    about = "A frame of a client in each codec, and what it says: `frame`, defaults filled in, unknown fields left out."
    commands = {
        "connect": client_connect(), "refresh": client_refresh(), "subscribe": client_subscribe(), "unsubscribe": client_unsubscribe(),
        "publish": client_publish(), "send": client_send(), "call": client_call(), "ack": client_mark("ack"),
        "read": client_mark("read"), "ping": client_ping("ping"),
        "pong": client_ping("pong"),
    }
    return [(f"client/{command}.json", about, vectors) for command, vectors in commands.items()]
