import io
import tracemalloc

import pytest

from cxnlp.ingest.readers import read
from cxnlp.ingest.rows import ReadOptions, Rejection

STREAM_BYTES = 50 << 20


class Endless(io.RawIOBase):
    """`head`, then `block` again and again up to 50 MB, then `tail`, made while it is read."""

    def __init__(self, head, block, tail=b"", n_bytes=STREAM_BYTES):
        self._head, self._block, self._tail = head, block * max(1, (1 << 16) // len(block)), tail
        self._left = n_bytes
        self._held = head

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._held:
            self._held = self._block if self._left > 0 else self._tail
            self._left -= len(self._block)
            if self._held is self._tail:
                self._tail = b""
        part, self._held = self._held[: len(buffer)], self._held[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def peak_of(stream, format):
    tracemalloc.start()
    n_rows = n_rejections = 0
    try:
        for item in read("-", ReadOptions(format=format), stream):
            if isinstance(item, Rejection):
                n_rejections += 1
            else:
                n_rows += 1
        return n_rows, n_rejections, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("head", "block", "tail", "format", "most_mb"),
    [
        (b"id,text\n", b"1," + b"a fine day " * 1000 + b"\n", b"", "csv", 8),
        (b"", b'{"text": "' + b"a fine day " * 1000 + b'"}\n', b"", "jsonl", 8),
        (b"[", b'{"text": "' + b"a fine day " * 1000 + b'"},', b"{}]", "json", 8),
    ],
)
def test_memory_stays_flat_over_fifty_megabytes(head, block, tail, format, most_mb):
    n_rows, n_rejections, peak = peak_of(Endless(head, block, tail), format)
    assert n_rows > 4_000 and n_rejections == 0
    assert peak < most_mb << 20


@pytest.mark.parametrize(
    ("head", "block", "format", "n_mb"),
    [
        (b"text\n", b"x", "csv", 12),
        (b'text\n"open ', b"many words ", "csv", 12),
        (b"", b"[", "jsonl", 12),
        (b"[", b"[", "json", 12),
        (b'[{"text": "', b"x", "json", 12),
    ],
)
def test_memory_stays_flat_under_a_bomb(head, block, format, n_mb):
    n_rows, n_rejections, peak = peak_of(Endless(head, block, n_bytes=n_mb << 20), format)
    assert (n_rows, n_rejections) == (0, 1)
    assert peak < 40 << 20
