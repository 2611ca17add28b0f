"""Frames of the server."""

from tools import DATA, EPOCH, ESCAPES, NUMBERS, SECRET, SESSION, UNICODE, frame, nested, packed, text


def carried(name, frame_, path, data):
    """A frame that carries data: also the data alone, in each codec."""
    return {**frame(name, frame_), "data": {"json": text(data), "msgpack": packed(data).hex()}, "path": path}


def server_connected():
    inbox = {"stream": 3, "epoch": EPOCH, "offset": 40, "delivered": 40, "read": 38, "recovered": "none"}
    behind = {**inbox, "delivered": 17, "read": 0, "recovered": "complete"}
    full = {
        "session": SESSION, "secret": SECRET, "resumed": False, "resume_ms": 120000, "user": "alice", "inbox": inbox,
        "ping_ms": 25000,
        "limits": {"message_bytes_max": 65536, "subscriptions_max": 256, "messages_per_minute": 200},
    }
    large = {**full, "session": "f" * 32, "secret": "0" * 32, "resume_ms": 2**53 - 1, "user": UNICODE, "ping_ms": 2**32,
             "inbox": {"stream": 2**32 - 1, "epoch": "f" * 16, "offset": 2**53 - 1, "delivered": 2**53 - 2,
                       "read": 2**53 - 3, "recovered": "gap"}}
    # It stands before the user.
    ending = {}
    for field, value in full.items():
        if field == "user":
            ending["expires_in_ms"] = 3600000
        ending[field] = value
    return [
        frame("full", {"id": 1, "connected": full}),
        frame("without an id", {"connected": {**full, "user": ESCAPES.replace("\n", "")}}),
        frame("large", {"id": 2**53 - 1, "connected": large}),
        frame("resumed", {"id": 1, "connected": {**full, "resumed": True, "inbox": behind}}),
        frame("entries wait in the inbox", {"id": 1, "connected": {**full, "inbox": behind}}),
        frame("a gap in the inbox", {"id": 1, "connected": {**full, "inbox": {**behind, "recovered": "gap"}}}),
        frame("nothing can be resumed", {"id": 1, "connected": {**full, "resume_ms": 0}}),
        frame("the token ends", {"id": 1, "connected": ending}),
    ]


def server_subscribed():
    def body(**changes):
        return {"channel": "messaging:lobby", "stream": 12, "epoch": EPOCH, "offset": 17, "recovered": "none", **changes}
    return [
        frame("from now on", {"id": 2, "subscribed": body()}),
        frame("complete", {"id": 2, "subscribed": body(recovered="complete", offset=2**32)}),
        frame("gap", {"id": 2, "subscribed": body(recovered="gap", channel='a:"b\\c')}),
        frame("without an id", {"subscribed": body(offset=0)}),
    ]


def server_entry():
    def entry(name, data, **changes):
        body = {"stream": 12, "offset": 18, "event": "NEW_MESSAGE", "data": data, "from": "alice", "at": 1790000000000}
        body.update(changes)
        body = {key: value for key, value in body.items() if value is not ...}
        return carried(name, {"entry": body}, ["entry", "data"], data)
    longest = {"stream": 2**32 - 1, "offset": 2**53 - 1, "event": "e" * 64, "from": "u" * 128}
    return [
        entry("full", DATA),
        entry("of the host", {"text": "hi"}, **{"from": ...}),
        entry("null", None),
        entry("unicode", {UNICODE: UNICODE}, **{"from": UNICODE}),
        entry("escapes", ESCAPES, **{"from": 'a"b\\c'}),
        entry("without a place", {"text": "typing"}, offset=...),
        entry("without a place, of the host", 0, offset=..., **{"from": ...}),
        entry("smallest", 0, stream=0, offset=1, at=0, event="e", **{"from": "u"}),
        entry("largest names", [], **longest),
        entry("numbers", NUMBERS),
        entry("sixteen keys", {f"key{n}": n for n in range(16)}),
        entry("nested 64 deep", nested(64)),
    ]


def server_frames():
    published = {"stream": 12, "epoch": EPOCH, "offset": 18, "level": "accepted"}
    error = {"code": 2003, "name": "forbidden", "message": "you have no right to do this", "retry": False}
    busy = {"code": 2011, "name": "busy", "message": "as much waits for the disk as may", "retry": True,
            "retry_after_ms": 50}
    unavailable = {"code": 2008, "name": "unavailable", "message": "the disk failed", "retry": True}
    limited = {"code": 2006, "name": "rate_limited", "message": "wait\n", "retry": True, "retry_after_ms": 300}
    return {
        "connected": server_connected(),
        "subscribed": server_subscribed(),
        "unsubscribed": [frame("full", {"id": 3, "unsubscribed": {"channel": "messaging:lobby"}}),
                         frame("without an id", {"unsubscribed": {"channel": "a:b"}}),
                         frame("not asked for", {"unsubscribed": {"channel": "a:b", "reason": "forbidden"}})],
        "refreshed": [frame("full", {"id": 9, "refreshed": {"expires_in_ms": 3600000}}),
                      frame("without an end", {"id": 9, "refreshed": {}}),
                      frame("without an id", {"refreshed": {"expires_in_ms": 1}})],
        "expiring": [frame("full", {"expiring": {"in_ms": 60000}}), frame("now", {"expiring": {"in_ms": 0}})],
        "published": [frame("full", {"id": 3, "published": published}),
                      frame("first", {"id": 0, "published": {**published, "offset": 1}}),
                      frame("stored", {"id": 3, "published": {**published, "level": "stored"}})],
        "sent": [frame("to nobody", {"id": 4, "sent": {"sessions": 0, "level": "accepted"}}),
                 frame("to many", {"id": 4, "sent": {"sessions": 300, "level": "accepted"}}),
                 frame("stored for a user who is away", {"id": 4, "sent": {"sessions": 0, "level": "stored"}}),
                 frame("stored", {"id": 4, "sent": {"sessions": 2, "level": "stored"}})],
        "result": [carried("full", {"id": 5, "result": DATA}, ["result"], DATA),
                   carried("null", {"id": 5, "result": None}, ["result"], None),
                   carried("64-bit id", {"id": 2**64 - 1, "result": "ok"}, ["result"], "ok")],
        "pong": [frame("full", {"id": 8, "pong": {}}), frame("without an id", {"pong": {}})],
        "ping": [frame("full", {"ping": {}})],
        "gap": [frame(reason, {"gap": {"stream": 12, "from": 19, "to": to, "reason": reason}})
                for reason, to in [("expired", 40), ("epoch", 18), ("future", 18), ("lost", 19)]],
        "error": [frame("with an id", {"id": 3, "error": error}), frame("without an id", {"error": error}),
                  frame("retry", {"id": 3, "error": limited}), frame("busy", {"id": 3, "error": busy}),
                  frame("unavailable", {"id": 3, "error": unavailable})],
        "close": [frame("come back", {"close": {"code": 3001, "reason": "shutdown", "retry_after_ms": 4200}}),
                  frame("do not", {"close": {"code": 3500, "reason": "unauthorized"}}),
                  frame("replaced", {"close": {"code": 3505, "reason": "replaced"}}),
                  frame("of the host", {"close": {"code": 4000, "reason": "see " + UNICODE}})],
        "entry": server_entry(),
    }


def server_later():
    """What a client of today must live with."""
    gap = {"stream": 1, "from": 2, "to": 3, "reason": "expired"}
    return [
        {**frame("unknown fields in the body", {"gap": {"severity": {"a": [1]}, **gap}}), "frame": {"gap": gap}},
        {**frame("unknown fields beside it", {"trace": [{}], "gap": gap, "at": 1.5}), "frame": {"gap": gap}},
        {**frame("an unknown frame", {"weather": {"sun": True}}), "frame": None},
        {**frame("an unknown frame with data", {"weather": {"data": DATA}}), "frame": None},
    ]


def files():
    about = "A frame of the server in each codec, byte for byte, and what it says."
    later = "Frames of a later server; `frame` is what a client of today takes from them, null for nothing."
    frames = [(f"server/{name}.json", about, vectors) for name, vectors in server_frames().items()]
    return frames + [("server/later.json", later, server_later())]
