"""The bytes of a file or stream, unpacked if gzipped, in chunks; a break in them ends them instead of raising."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

CHUNK_BYTES: Final = 1 << 18
_GZIP_MAGIC: Final = b"\x1f\x8b"


class Source:
    """Bytes from a binary stream.

    Attributes:
        is_gzip: Whether the stream is compressed.
        broken: Why the bytes end too soon, or an empty text. Everything before the break has been returned by then.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._raw = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
        self.is_gzip = self._raw.peek(2)[:2] == _GZIP_MAGIC
        self._stream = gzip.GzipFile(fileobj=self._raw, mode="rb") if self.is_gzip else self._raw
        self._held = b""
        self._delivered = 0
        self.broken = ""

    @property
    def bytes_read(self) -> int:
        """Bytes of the stream, compressed where it is, that have been taken."""
        return self._raw.tell() if self._raw.seekable() else self._delivered

    def peek(self, n_bytes: int) -> bytes:
        """Return at most the next `n_bytes` without taking them; fewer only at the end."""
        while len(self._held) < n_bytes and (chunk := self._read_chunk()):
            self._held += chunk
        return self._held[:n_bytes]

    def chunks(self) -> Iterator[bytes]:
        """Yield everything that is left, up to the end or the break."""
        while chunk := self._take():
            self._delivered += len(chunk)
            yield chunk

    def sample_past_ascii(self) -> bytes:
        """Return the first chunk behind what is peeked that has a byte over 127; empty if there is none or the stream cannot go back."""
        if self.is_gzip or not self._raw.seekable():
            return b""
        place = self._raw.tell()
        try:
            while (chunk := self._raw.read(CHUNK_BYTES)) and chunk.isascii():
                pass
            return chunk
        finally:
            self._raw.seek(place)

    def _take(self) -> bytes:
        if self._held:
            chunk, self._held = self._held, b""
            return chunk
        return self._read_chunk()

    def _read_chunk(self) -> bytes:
        if self.broken:
            return b""
        try:
            return self._stream.read1(CHUNK_BYTES)
        except EOFError:
            self.broken = "the gzip file is cut off"
        except (gzip.BadGzipFile, zlib.error):
            self.broken = "the gzip file is damaged"
        return b""
