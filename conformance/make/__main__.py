"""Writes the vectors of this folder, all but codes.json and limits.json.

Needs Python 3.9 and msgpack (`pip install msgpack`). The bytes come from Python's own json and msgpack, or are spelled
out here by hand; nothing of Tidings takes part, so the vectors can show that Tidings is wrong.

    python3 conformance/make
"""

import client
import hostile
import presence
import server
import tools
import values

for name, about, vectors in client.files() + server.files() + hostile.files() + presence.files() + values.files():
    tools.write(name, about, vectors)
