"""What a client asks of a stream's past, and what it is told."""

from tools import EPOCH, ESCAPES, UNICODE, frame

LOBBY = "messaging:lobby"
POSITION = {"epoch": EPOCH, "offset": 17}


def client_history():
    def history(name, body, meaning=None):
        return frame(name, {"id": 5, "history": body}, {"id": 5, "history": body if meaning is None else meaning})
    return [
        history("the newest of a channel", {"channel": LOBBY}),
        history("the newest of the inbox", {"inbox": True}),
        history("what followed a position", {"channel": LOBBY, "since": POSITION}),
        history("what stands before a position", {"channel": LOBBY, "before": POSITION, "limit": 20}),
        history("of the inbox", {"inbox": True, "since": {"epoch": "f" * 16, "offset": 0}, "limit": 1}),
        history("64-bit numbers", {"channel": LOBBY, "since": {**POSITION, "offset": 2**64 - 1}, "limit": 2**64 - 1}),
        history("the limit is not judged here", {"channel": LOBBY, "limit": 0}),
        history("the name is not judged here", {"channel": "no channel " + UNICODE}),
        history("null is absent", {"limit": None, "channel": LOBBY, "inbox": None, "since": None, "before": POSITION},
                {"channel": LOBBY, "before": POSITION}),
        history("a channel is not the inbox", {"channel": LOBBY, "inbox": False}, {"channel": LOBBY}),
        history("unknown fields are ignored", {"until": [1], "channel": LOBBY, "since": {"at": 1, **POSITION}},
                {"channel": LOBBY, "since": POSITION}),
        frame("without an id is not judged here", {"history": {"channel": LOBBY}}),
    ]


def hostile(in_both):
    """What a server must refuse; `in_both` as in hostile.py."""
    def bad(name, body):
        return in_both(f"history: {name}", {"id": 5, "history": body}, 5)
    return [
        bad("of nothing", {}),
        bad("of nothing, with a limit", {"limit": 10}),
        bad("of no inbox", {"inbox": False}),
        bad("of a channel and the inbox", {"channel": LOBBY, "inbox": True}),
        bad("since and before", {"channel": LOBBY, "since": POSITION, "before": POSITION}),
        bad("since is an offset", {"channel": LOBBY, "since": 17}),
        bad("before has no epoch", {"channel": LOBBY, "before": {"offset": 17}}),
        bad("the channel is a number", {"channel": 1}),
        bad("inbox is a text", {"inbox": "yes"}),
        bad("the limit is negative", {"channel": LOBBY, "limit": -1}),
        bad("the limit is a text", {"channel": LOBBY, "limit": "10"}),
        bad("an array", [LOBBY]),
    ]


# Keys in the order of the alphabet, which is how some readers write them again.
DATA = {"a": [1, -1, 1.5, None, True, ""], "b": {"text": "hi"}}


def entry(offset, data, **more):
    body = {"offset": offset, "event": "NEW_MESSAGE", "data": data, "from": "alice", "at": 1790000000000, **more}
    return {key: value for key, value in body.items() if value is not ...}


def server_history():
    def told(name, entries, gaps=None, more=False, known=True, **where):
        position = {"epoch": EPOCH, "offset": 40} if known else {}
        body = {**({"inbox": True} if "inbox" in where else {"channel": LOBBY}), **position,
                "first": where.get("first", 1), "from": where.get("begin", 18), "to": where.get("end", 40), "entries": entries,
                **({"gaps": gaps} if gaps else {}), "more": more}
        return frame(name, {"id": 5, "history": body})
    reasons = [{"from": 3, "to": 6, "reason": "expired"}, {"from": 1, "to": 6, "reason": "epoch"},
               {"from": 7, "to": 6, "reason": "future"}, {"from": 20, "to": 2**53 - 1, "reason": "lost"}]
    return [
        told("one entry", [entry(18, DATA)], end=18, more=True),
        told("nothing", [], begin=41),
        told("nothing is known", [], known=False, begin=1, end=0),
        told("nothing is known, and something was", [], gaps=[{"from": 1, "to": 0, "reason": "epoch"}], known=False,
             begin=1, end=0),
        told("of the inbox", [entry(39, {"text": UNICODE}), entry(40, None, **{"from": ...})], inbox=True, first=39, begin=39),
        told("gaps", [entry(7, 0)], gaps=reasons, first=7, begin=7),
        told("sixteen entries", [entry(offset, offset, event="E", at=0, **{"from": UNICODE}) for offset in range(1, 17)],
             begin=1, end=16),
        told("large", [entry(2**53 - 1, ESCAPES, at=2**53 - 1, event="e" * 64, **{"from": "u" * 128})], first=2**32,
             begin=2**32, end=2**53 - 1),
    ]


def files():
    client = "A frame of a client in each codec, and what it says: `frame`, defaults filled in, unknown fields left out."
    server = "A frame of the server in each codec, byte for byte, and what it says."
    return [("client/history.json", client, client_history()), ("server/history.json", server, server_history())]
