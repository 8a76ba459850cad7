"""Pictures for tests, made of nothing but the standard library."""

import random
import struct
import zlib
from pathlib import Path

from pairsmith.values import Image


def noise(path: Path, width: int, height: int, seed: int = 0) -> Image:
    """Write a PNG of random colours: whoever reads less than all of it, or in another order, notices."""
    draw = random.Random(seed)
    rows = b"".join(b"\0" + draw.randbytes(3 * width) for _ in range(height))
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)  # eight bits, RGB
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks))
    return Image(path=path)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
