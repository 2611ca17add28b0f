"""Frames of the client."""

import struct

from tools import (DATA, EPOCH, ESCAPES, NUMBERS, UNICODE, frame, nested, packed, parts, repeat, text, wide_int,
                   wide_map, wide_str)


def client_connect():
    longest = "t" * 8192
    return [
        frame("minimal", {"id": 1, "connect": {"token": "t"}}),
        frame("full", {"id": 1, "connect": {"token": "eyJ.a-b_c.d", "device": "phone-1"}}),
        frame("unicode", {"id": 1, "connect": {"token": "t", "device": UNICODE}}),
        frame("escapes", {"id": 1, "connect": {"token": ESCAPES, "device": "d"}}),
        frame("null is absent", {"id": 1, "connect": {"token": "t", "device": None}}, {"id": 1, "connect": {"token": "t"}}),
        frame("unknown fields are ignored",
              {"later": {"a": [1, {"b": 2}]}, "id": 1, "connect": {"token": "t", "resume": {"x": [None]}, "n": 1}},
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
    meaning = {**body, **changes}
    meaning.setdefault("data", None)
    meaning.setdefault("wait", "accepted")
    ids = {} if id is None else {"id": id}
    return frame(name, {**ids, command: body}, {**ids, command: meaning})


def client_publish():
    base = {"channel": "messaging:lobby", "event": "NEW_MESSAGE"}
    unknown = message("unknown fields are ignored", "publish", 3, base)
    sent = {"publish": {"idempotency_key": "k", **base, "more": [{"data": 1}]}, "x": {"data": 2, "id": 3}, "id": 3}
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
        message("data is null", "publish", 3, {**base, "data": None, "key": None}) | {
            "frame": {"id": 3, "publish": {**base, "data": None, "wait": "accepted"}}},
        message("data is a string", "publish", 3, {**base, "data": UNICODE + ESCAPES}),
        message("data is false", "publish", 3, {**base, "data": False}),
        message("numbers", "publish", 3, {**base, "data": NUMBERS}),
        message("64-bit integers", "publish", 3, {**base, "data": [2**63, 2**64 - 1, -(2**63), 2**53 + 1]}),
        message("many keys", "publish", 3, {**base, "data": {f"key{n}": n for n in range(40)}}),
        message("largest names", "publish", 3, {"channel": "n" * 32 + ":" + "c" * 95, "event": "e" * 64, "key": "k" * 128}),
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
        message("largest names", "send", 4, {"user": "u" * 128, "namespace": "n" * 32, "event": "e" * 64}),
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
        "connect": client_connect(), "subscribe": client_subscribe(), "unsubscribe": client_unsubscribe(),
        "publish": client_publish(), "send": client_send(), "call": client_call(), "ping": client_ping("ping"),
        "pong": client_ping("pong"),
    }
    return [(f"client/{command}.json", about, vectors) for command, vectors in commands.items()]
