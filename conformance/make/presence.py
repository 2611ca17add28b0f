"""Frames of presence, the client's and the server's."""

from tools import DATA, ESCAPES, UNICODE, frame, packed, repeat, text


def connects():
    """What a `connect` says of presence."""
    def connect(name, presence, meaning=None):
        sent = {"id": 1, "connect": {"token": "t", "presence": presence}}
        read = {"id": 1, "connect": {"token": "t", "presence": presence if meaning is None else meaning}}
        return frame(f"presence: {name}", sent, read)
    return [
        connect("invisible from the first moment on", {"status": "invisible"}),
        connect("with words", {"status": "busy", "text": UNICODE}),
        connect("empty", {}),
        frame("presence is null", {"id": 1, "connect": {"token": "t", "presence": None}}, {"id": 1, "connect": {"token": "t"}}),
    ]


def subscribes():
    """What a `subscribe` says of presence."""
    def subscribe(name, body, meaning=None):
        sent = {"id": 2, "subscribe": {"channel": "a:b", **body}}
        return frame(f"presence: {name}", sent, {"id": 2, "subscribe": {"channel": "a:b", **(meaning or body)}})
    return [
        subscribe("told", {"presence": True}),
        subscribe("not told", {"presence": False}),
        subscribe("with info", {"presence": True, "info": DATA}),
        subscribe("info alone", {"info": UNICODE + ESCAPES}),
        frame("presence: null is absent", {"id": 2, "subscribe": {"info": None, "presence": None, "channel": "a:b"}},
              {"id": 2, "subscribe": {"channel": "a:b"}}),
    ]


def client_presence():
    def say(name, body, meaning=None, **ids):
        return frame(name, {**ids, "presence": body}, {**ids, "presence": body if meaning is None else meaning})
    return [
        say("a status", {"status": "away"}, id=6),
        *[say(f"{status}, without an id", {"status": status}) for status in ("online", "busy", "invisible")],
        say("words", {"text": "in a call"}, id=6),
        say("no words", {"text": ""}, id=6),
        say("both", {"text": UNICODE + ESCAPES, "status": "busy"}, id=6),
        say("null is absent", {"status": None, "text": None}, {}, id=6),
        say("unknown fields are ignored", {"until": [1], "status": "away"}, {"status": "away"}, id=6),
    ]


def client_activity():
    return [
        frame("active", {"activity": {"active": True}}),
        frame("not active", {"activity": {"active": False}}),
        frame("the id is not judged here", {"id": 9, "activity": {"active": True}}),
        frame("unknown fields are ignored", {"activity": {"since": 1, "active": True}}, {"activity": {"active": True}}),
    ]


def client_watch(command):
    most = frame("as many as there may be", {"id": 7, command: {"users": []}})
    most["json"] = [most["json"][:-3], repeat('"bob",', 1023), '"bob"]}}']
    most["msgpack"] = [most["msgpack"][:-2], "dc0400", repeat(packed("bob"), 1024)]
    most["frame"][command]["users"] = ["bob"] * 1024
    return [
        frame("one", {"id": 7, command: {"users": ["bob"]}}),
        frame("several", {"id": 7, command: {"users": ["bob", "bob", UNICODE, ESCAPES]}}),
        frame("nobody", {"id": 7, command: {"users": []}}),
        frame("without an id", {command: {"users": ["bob"]}}),
        frame("the names are not judged here", {"id": 7, command: {"users": ["", "u" * 200]}}),
        most,
    ]


def client_members():
    return [
        frame("all", {"id": 8, "members": {"channel": "room:1"}}),
        frame("how many", {"id": 8, "members": {"channel": "room:1", "list": False}}),
        frame("null is absent", {"id": 8, "members": {"list": None, "channel": "room:1"}},
              {"id": 8, "members": {"channel": "room:1"}}),
    ]


def client_info():
    return [
        frame("something", {"id": 8, "info": {"channel": "room:1", "info": DATA}}),
        frame("info comes first", {"info": {"info": {"info": {"data": 1}}, "channel": "room:1"}, "id": 8}),
        frame("nothing", {"id": 8, "info": {"channel": "room:1"}}),
        frame("null is nothing", {"id": 8, "info": {"channel": "room:1", "info": None}},
              {"id": 8, "info": {"channel": "room:1"}}),
    ]


def hostile(in_both):
    """What a server must refuse; `in_both` as in hostile.py."""
    def bad(name, body):
        return in_both(name, {"id": 6, **body}, 6)
    return [
        bad("presence: no such status", {"presence": {"status": "offline"}}),
        bad("presence: status is a number", {"presence": {"status": 1}}),
        bad("presence: text is an object", {"presence": {"text": {}}}),
        bad("activity: nothing", {"activity": {}}),
        bad("activity: not a boolean", {"activity": {"active": 1}}),
        bad("watch: no users", {"watch": {}}),
        bad("watch: users is a text", {"watch": {"users": "bob"}}),
        bad("watch: a user is a number", {"watch": {"users": [1]}}),
        bad("watch: more users than there may be", {"watch": {"users": ["b"] * 1025}}),
        bad("members: no channel", {"members": {"list": True}}),
        bad("subscribe: presence is a text", {"subscribe": {"channel": "a:b", "presence": "yes"}}),
    ]


def server_status(command, **ids):
    def told(name, **body):
        return frame(name, {**ids, command: {"user": "bob", **body}})
    at = 1790000000000
    return [
        told("online", status="online", since=at, reason="connected"),
        told("offline", status="offline", since=at, reason="lost", last_seen=at - 15000),
        told("nothing is known", status="offline", reason="never"),
        told("with words", status="busy", since=at, reason="set", text=UNICODE + ESCAPES),
        told("invisible", status="invisible", since=at, reason="set"),
        told("unknown", status="unknown", since=at, reason="ended"),
        *[told(f"{status} because of {reason}", status=status, since=1, reason=reason)
          for status, reason in (("idle", "idle"), ("online", "active"), ("away", "device"), ("offline", "left"))],
    ]


def member(user, at=1790000000000, **more):
    return {"user": user, **({"info": more["info"]} if "info" in more else {}), "at": at,
            **({"reason": more["reason"]} if "reason" in more else {})}


# Keys in the order of the alphabet, which is how some readers write them again.
INFO = {"a": [1, -1, 1.5, None, True, ""], "b": {"text": "hi"}}


def server_members():
    def told(name, members, count=None, complete=True, **ids):
        count = len(members) if count is None else count
        return frame(name, {**ids, "members": {"channel": "room:1", "count": count, "complete": complete, "members": members}})
    return [
        told("nobody", []),
        told("some", [member("alice", info=INFO), member(UNICODE, at=0)], id=8),
        told("a few of many", [member("alice")], 70000, False),
        told("how many", [], 3, False, id=8),
        told("sixteen", [member(f"user-{n}", info=n) for n in range(16)]),
    ]


def server_changed(change, **more):
    return [
        frame("one", {change: {"channel": "room:1", "count": 2, "members": [member("alice", **more)]}}),
        frame("several", {change: {"channel": 'a:"b', "count": 0, "members": [
            member("alice", **more), member(ESCAPES.replace("\n", ""), **{**more, "info": [None, {"x": 1.5}]})]}}),
    ]


def client_files():
    about = "A frame of a client in each codec, and what it says: `frame`, defaults filled in, unknown fields left out."
    commands = {
        "presence": client_presence(), "activity": client_activity(), "watch": client_watch("watch"),
        "unwatch": client_watch("unwatch"), "members": client_members(), "info": client_info(),
    }
    return [(f"client/{command}.json", about, vectors) for command, vectors in commands.items()]


def server_files():
    about = "A frame of the server in each codec, byte for byte, and what it says."
    frames = {
        "presence": server_status("presence", id=6), "status": server_status("status"),
        "watching": [frame("all", {"id": 7, "watching": {"watched": 2}}),
                     frame("not all", {"id": 7, "watching": {"watched": 300, "refused": ["bob", UNICODE]}}),
                     frame("of a resumed session", {"watching": {"watched": 0, "refused": ["bob"]}})],
        "unwatched": [frame("some are left", {"id": 7, "unwatched": {"watched": 1}}),
                      frame("without an id", {"unwatched": {"watched": 0}})],
        "info": [frame("full", {"id": 8, "info": {"channel": "room:1"}})],
        "members": server_members(), "joined": server_changed("joined", reason="connected"),
        "left": server_changed("left", reason="lost"), "updated": server_changed("updated"),
    }
    return [(f"server/{name}.json", about, vectors) for name, vectors in frames.items()]


def files():
    return client_files() + server_files()
