"""Sessions with Python's `websockets`."""

import asyncio

from websockets.exceptions import ConnectionClosed

from wire import Client, PATIENCE_S, main, pack

VALUES = [
    None,
    True,
    {},
    [],
    "",
    "grüße, 世界, 🦀, \u2028, \"quoted\\\"",
    [0, -1, 127, 128, 255, 256, 65536, 2**32, 2**53 + 1, 2**64 - 1, -(2**63)],
    [0.5, -1.25, 0.1, 1e300, 5e-324],
    {"z": 1, "a": {"": [{"k": None}]}, "ключ": "значение"},
    "x" * 30_000,
    list(range(2_000)),
]


async def two(url, tokens, codec):
    alice, bob = await Client.open(url, codec), await Client.open(url, codec)
    assert (await alice.connect(tokens["alice"]))["user"] == "alice"
    await bob.connect(tokens["bob"])
    return alice, bob


async def session(url, tokens, codec):
    """Connect, subscribe, publish, receive, unsubscribe, leave."""
    alice, bob = await two(url, tokens, codec)
    subscribed = await bob.subscribe("messaging:lobby")
    assert (subscribed["offset"], subscribed["recovered"]) == (0, "none"), subscribed
    for n, value in enumerate(VALUES, 1):
        published = await alice.publish("messaging:lobby", value)
        assert published["offset"] == n and published["stream"] == subscribed["stream"], published
    entries = await bob.entries(len(VALUES))
    assert [entry["data"] for entry in entries] == VALUES
    assert {entry["from"] for entry in entries} == {"alice"}
    await bob.done("unsubscribe", "unsubscribed", channel="messaging:lobby")
    await alice.publish("messaging:lobby", "unheard")
    await bob.quiet()
    await bob.socket.close(4321, "bye")
    assert bob.socket.close_code == 4321, bob.socket.close_code


async def codecs(url, tokens, codec):
    """What one codec publishes is heard by the other; binary data becomes base64 in JSON."""
    other = {"json": "msgpack", "msgpack": "json"}[codec]
    alice, bob = await Client.open(url, codec), await Client.open(url, other)
    await alice.connect(tokens["alice"])
    await bob.connect(tokens["bob"])
    await bob.subscribe("messaging:codecs")
    for value in VALUES:
        await alice.publish("messaging:codecs", value)
    assert [entry["data"] for entry in await bob.entries(len(VALUES))] == VALUES
    if codec == "msgpack":
        await alice.publish("messaging:codecs", {"bytes": b"\x00\xff\x10"})
        assert (await bob.entries(1))[0]["data"] == {"bytes": "AP8Q"}


async def resume(url, tokens, codec):
    """What followed a position comes, and nothing else."""
    alice, bob = await two(url, tokens, codec)
    epoch = (await bob.subscribe("messaging:resume"))["epoch"]
    for n in range(1, 11):
        await alice.publish("messaging:resume", n)
    await bob.entries(10)
    bob.socket.transport.abort()
    for n in range(11, 31):
        await alice.publish("messaging:resume", n)
    bob = await Client.open(url, codec)
    await bob.connect(tokens["bob"])
    subscribed = await bob.subscribe("messaging:resume", since={"epoch": epoch, "offset": 10})
    assert subscribed["recovered"] == "complete", subscribed
    await alice.publish("messaging:resume", 31)
    assert [entry["data"] for entry in await bob.entries(21)] == list(range(11, 32))
    await bob.quiet()


async def send(url, tokens, codec):
    """An event for a user comes to both devices of theirs."""
    alice, bob = await two(url, tokens, codec)
    tablet = await Client.open(url, codec)
    inbox = (await tablet.connect(tokens["bob"]))["inbox"]
    sent = await alice.done("send", "sent", user="bob", namespace="realtime", event="hello", data={"n": 1})
    assert sent["sessions"] == 2, sent
    for device in (bob, tablet):
        entry = (await device.entries(1))[0]
        assert (entry["stream"], entry["event"], entry["data"]) == (inbox["stream"], "hello", {"n": 1}), entry


async def frames(url, tokens, codec):
    """Many frames in one message, and one message in many fragments, a ping among them."""
    alice, bob = await two(url, tokens, codec)
    await bob.subscribe("messaging:frames")
    publication = {"channel": "messaging:frames", "event": "E"}
    await alice.send(*({"id": 100 + n, "publish": {**publication, "data": n}} for n in range(200)))
    assert [(await alice.frame())["id"] for _ in range(200)] == list(range(100, 300))
    assert [entry["data"] for entry in await bob.entries(200)] == list(range(200))

    text = "ü🦀" * 1_500
    message = pack(codec, [{"id": 1, "publish": {**publication, "data": text}}])
    pieces = [message[at : at + 100] for at in range(0, len(message), 100)]

    async def slowly():
        for at, piece in enumerate(pieces):
            if at == len(pieces) // 2:
                await asyncio.wait_for(await alice.socket.ping(b"between"), PATIENCE_S)
            yield piece

    await alice.socket.send(slowly())
    assert "published" in await alice.frame()
    assert (await bob.entries(1))[0]["data"] == text


async def pings(url, tokens, codec):
    """The library's pings are answered."""
    alice, _ = await two(url, tokens, codec)
    for payload in (b"", b"x", bytes(125)):
        await asyncio.wait_for(await alice.socket.ping(payload), PATIENCE_S)
    await alice.quiet()


async def refused(url, tokens, codec):
    """A bad token ends the connection for good; a bad command does not end it."""
    alice = await Client.open(url, codec)
    await alice.connect(tokens["alice"])
    assert (await alice.answer("subscribe", channel="nowhere"))["error"]["name"] == "bad_request"
    await alice.quiet()

    mallory = await Client.open(url, codec)
    assert (await mallory.answer("connect", token=tokens["alice"][:-2]))["error"]["code"] == 2001
    close = (await mallory.frame())["close"]
    assert close["code"] == 3500, close
    try:
        await asyncio.wait_for(mallory.socket.recv(), PATIENCE_S)
        raise AssertionError("the connection goes on")
    except ConnectionClosed as closed:
        assert (closed.rcvd.code, closed.rcvd.reason) == (3500, "unauthorized"), closed


if __name__ == "__main__":
    main(globals())
