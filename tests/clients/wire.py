"""A client of Tidings over the `websockets` library, as its documentation says to use it."""

import asyncio
import json
import sys

import msgpack
from websockets.asyncio.client import connect

PATIENCE_S = 15

SUBPROTOCOLS = {"json": "tidings.v1.json", "msgpack": "tidings.v1.msgpack"}


def pack(codec, frames):
    """One message that holds `frames`."""
    if codec == "json":
        return "\n".join(json.dumps(frame) for frame in frames)
    return b"".join(msgpack.packb(frame) for frame in frames)


def unpack(codec, message):
    """The frames of a message."""
    if codec == "json":
        assert isinstance(message, str), message
        return [json.loads(line) for line in message.split("\n") if line]
    assert isinstance(message, bytes), message
    unpacker = msgpack.Unpacker()
    unpacker.feed(message)
    return list(unpacker)


class Client:
    """One connection. The library's defaults are left alone: it offers compression and pings by itself."""

    def __init__(self, socket, codec):
        self.socket = socket
        self.codec = codec
        self.unread = []
        self.passed = []
        self.last_id = 0

    @classmethod
    async def open(cls, url, codec):
        socket = await connect(url, subprotocols=[SUBPROTOCOLS[codec]])
        assert socket.subprotocol == SUBPROTOCOLS[codec], socket.subprotocol
        return cls(socket, codec)

    async def send(self, *frames):
        await self.socket.send(pack(self.codec, frames))

    async def arrival(self):
        while not self.unread:
            message = await asyncio.wait_for(self.socket.recv(), PATIENCE_S)
            self.unread = [frame for frame in unpack(self.codec, message) if "ping" not in frame]
        return self.unread.pop(0)

    async def frame(self):
        """The next frame."""
        return self.passed.pop(0) if self.passed else await self.arrival()

    async def answer(self, command, **body):
        """Gives a command and returns the frame that answers it. What comes before stays to be read."""
        self.last_id += 1
        await self.send({"id": self.last_id, command: body})
        while True:
            frame = await self.arrival()
            if frame.get("id") == self.last_id:
                return frame
            self.passed.append(frame)

    async def done(self, command, answer, **body):
        frame = await self.answer(command, **body)
        assert answer in frame, frame
        return frame[answer]

    async def connect(self, token):
        return await self.done("connect", "connected", token=token)

    async def subscribe(self, channel, **since):
        return await self.done("subscribe", "subscribed", channel=channel, **since)

    async def publish(self, channel, data):
        return await self.done("publish", "published", channel=channel, event="E", data=data)

    async def entries(self, count):
        """The next `count` entries, each of which must follow the one before."""
        entries = []
        for _ in range(count):
            frame = await self.frame()
            assert "entry" in frame, frame
            entries.append(frame["entry"])
        offsets = [entry["offset"] for entry in entries]
        assert offsets == list(range(offsets[0], offsets[0] + count)), offsets
        return entries

    async def quiet(self):
        """Makes sure that nothing came that nobody looked at."""
        await self.done("ping", "pong")
        assert not self.passed, self.passed


def main(scenarios):
    """Runs the function of `scenarios` that the command line names, with what standard input tells."""
    _, name, codec = sys.argv
    told = json.loads(sys.stdin.readline())
    asyncio.run(asyncio.wait_for(scenarios[name](told["url"], told["tokens"], codec), 30))
