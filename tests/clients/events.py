"""Server-sent events with Python's `httpx` and `httpx-sse`."""

import json
import sys

import httpx
from httpx_sse import connect_sse

TIMEOUT_S = 15


def entries(client, url, params, headers, count):
    """The next entries of a stream, and the last id of it."""
    found, last = [], ""
    with connect_sse(client, "GET", url, params=params, headers=headers) as source:
        source.response.raise_for_status()
        for event in source.iter_sse():
            assert event.event == "message", event
            last = event.id or last
            frame = json.loads(event.data) if event.data else {}
            if "subscribed" in frame:
                yield frame["subscribed"]
            if "entry" in frame:
                found.append(frame["entry"]["data"])
            if len(found) == count:
                break
    yield found, last


def main():
    told = json.loads(sys.stdin.readline())
    url, tokens = told["url"], told["tokens"]
    params = [("channel", "messaging:a"), ("channel", "messaging:b")]
    headers = {"Authorization": f"Bearer {tokens['alice']}"}
    with httpx.Client(timeout=TIMEOUT_S) as client:
        # A session of its own publishes: it connects, and sends by POST.
        open_frame = json.dumps({"id": 1, "connect": {"token": tokens["bob"]}})
        up = {"Accept": "text/event-stream", "Content-Type": "application/json"}
        with connect_sse(client, "POST", url, content=open_frame, headers=up) as bob:
            bobs = bob.iter_sse()
            connected = json.loads(next(bobs).data)["connected"]
            secrets = {"Tidings-Session": connected["session"], "Tidings-Secret": connected["secret"]}

            def publish(channel, *data):
                frames = [{"publish": {"channel": channel, "event": "E", "data": one}} for one in data]
                content = "\n".join(json.dumps(frame) for frame in frames)
                answer = client.post(url, content=content, headers={**secrets, "Content-Type": "application/json"})
                assert (answer.status_code, answer.content) == (202, b""), answer

            stream = entries(client, url, params, headers, 4)
            assert next(stream)["channel"] == "messaging:a"
            assert next(stream)["channel"] == "messaging:b"
            publish("messaging:a", 1, "gr\u00fc\u00dfe\n\r\u2028", {"k": [None, 0.5]})
            publish("messaging:b", 4)
            found, last = next(stream)
            assert sorted(map(str, found)) == sorted(map(str, [1, "gr\u00fc\u00dfe\n\r\u2028", {"k": [None, 0.5]}, 4])), found
            assert last.count(",") == 2, last

            publish("messaging:a", 5)
            publish("messaging:b", 6)
            back = {**headers, "Last-Event-ID": last}
            *joined, (found, _) = entries(client, url, params, back, 2)
            assert [one["recovered"] for one in joined] == ["complete", "complete"], joined
            assert found == [5, 6], found

            wrong = client.get(url, params=[("token", "wrong")])
            assert (wrong.status_code, wrong.json()["error"]) == (401, "unauthorized"), wrong
            secrets["Tidings-Secret"] = "0" * 32
            refused = client.post(url, content="{}", headers={**secrets, "Content-Type": "application/json"})
            assert refused.status_code == 403, refused


main()
