"""Writes the vectors of this folder, all but codes.json and limits.json.

Needs Python 3.9 and msgpack (`pip install msgpack`). The bytes come from Python's own json and msgpack, or are spelled
out here by hand; nothing of Tidings takes part, so the vectors can show that Tidings is wrong.

    python3 conformance/make
"""

import client
import history
import hostile
import presence
import server
import tools
import values

made = client.files() + server.files() + hostile.files() + presence.files() + history.files() + values.files()
for name, about, vectors in made:
    tools.write(name, about, vectors)
