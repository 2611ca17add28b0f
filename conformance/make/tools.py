"""How a vector is written down."""

import json
import struct
from pathlib import Path

import msgpack

FOLDER = Path(__file__).parent.parent


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def packed(value):
    return msgpack.packb(value, use_bin_type=True)


def repeat(what, times):
    return {"repeat": what.hex() if isinstance(what, bytes) else what, "times": times}


def parts(*pieces):
    """Pieces of text or bytes, and what `repeat` gives."""
    return [piece.hex() if isinstance(piece, bytes) else piece for piece in pieces]


def write(name, about, vectors):
    names = [vector["name"] for vector in vectors]
    assert len(set(names)) == len(names), f"{name}: a name stands twice"
    body = ",\n".join("    " + json.dumps(vector, ensure_ascii=True) for vector in vectors)
    content = f'{{\n  "about": {json.dumps(about)},\n  "vectors": [\n{body}\n  ]\n}}\n'
    json.loads(content)
    (FOLDER / name).write_text(content, encoding="ascii")


# MessagePack in forms longer than they need to be, which an encoder may choose.

def wide_str(s):
    raw = s.encode()
    return b"\xdb" + struct.pack(">I", len(raw)) + raw


def wide_uint(n):
    return b"\xcf" + struct.pack(">Q", n)


def wide_int(n):
    return b"\xd3" + struct.pack(">q", n)


def wide_map(*entries):
    return b"\xdf" + struct.pack(">I", len(entries)) + b"".join(key + value for key, value in entries)


def frame(name, sent, meaning=None):
    """`sent` as both codecs write it; `meaning` where it is not the same."""
    return {"name": name, "json": text(sent), "msgpack": packed(sent).hex(), "frame": meaning or sent}


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


UNICODE = "zo\u00eb \u4f60\u597d \U0001f600"
ESCAPES = 'a"b\\c/d\b\f\n\r\t\u0001\u007f\u2028'
EPOCH = "00000000000000ab"
SESSION = "000102030405060708090a0b0c0d0e0f"
SECRET = "f0e1d2c3b4a5968778695a4b3c2d1e0f"
NUMBERS = [0, -1, 127, 128, -32, -33, 255, 256, 65535, 65536, 4294967295, 4294967296, -2147483648, -2147483649, 1.5]
DATA = {"z": [1, -1, 1.5, None, True, False, ""], "a": {"text": "hi", "nested": [[[{}]]]}, "": []}
