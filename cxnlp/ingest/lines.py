"""A text file as lines of bytes, each decoded by itself, so that bad bytes spoil their row only."""

import codecs
from collections.abc import Iterator
from typing import Final

from cxnlp.ingest.encodings import MARK_ERRORS, check_encoding, detect_encoding, encoding_of_mark
from cxnlp.ingest.sources import CHUNK_BYTES, Source

MOST_LINE_BYTES: Final = 8 << 20


class Text:
    """The text of a source.

    UTF-16 and UTF-32 are turned into UTF-8 on the way, because only there can a line end lie inside another character's bytes.

    Attributes:
        encoding: Of the bytes that `lines` yields.
    """

    def __init__(self, source: Source, encoding: str | None = None) -> None:
        head = source.peek(CHUNK_BYTES)
        if encoding:
            named = check_encoding(encoding)
            marked = encoding_of_mark(head)
            self._outer = marked if marked and marked[:6] == named[:6] else named
        else:
            plain = head.isascii() and b"\x00" not in head
            self._outer = detect_encoding((source.sample_past_ascii() or head) if plain else head)
        self._source = source
        self._is_wide = self._outer.startswith(("utf-16", "utf-32"))
        self.encoding = "utf-8" if self._is_wide else self._outer

    @property
    def broken(self) -> str:
        """Why the text ends too soon, or an empty text."""
        return self._source.broken

    def lines(self) -> Iterator[bytes | None]:
        """Yield each line with its line end; None for one over 8 MB, which is skipped. A last line that a break cut is left out."""
        carry = b""
        skipping = False
        for chunk in self._chunks():
            *whole, carry = _split(carry + chunk)
            for line in whole:
                if skipping or len(line) > MOST_LINE_BYTES:
                    skipping = False
                    yield None
                else:
                    yield line
            if len(carry) > MOST_LINE_BYTES:
                skipping, carry = True, b""
        if skipping:
            yield None
        elif carry and not self._source.broken:
            yield carry

    def decode(self, line: bytes) -> str:
        """Return a line as text; `UNDECODABLE` stands where bytes are not of the encoding."""
        return line.decode(self.encoding, MARK_ERRORS)

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces of no particular length; `UNDECODABLE` stands where bytes are not of the encoding."""
        decoder = codecs.getincrementaldecoder(self.encoding)(MARK_ERRORS)
        for chunk in self._chunks():
            yield decoder.decode(chunk)
        if not self._source.broken:
            yield decoder.decode(b"", final=True)

    def _chunks(self) -> Iterator[bytes]:
        chunks = self._wide_chunks() if self._is_wide else self._source.chunks()
        first = next(chunks, b"")
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from chunks

    def _wide_chunks(self) -> Iterator[bytes]:
        """Yield the chunks in UTF-8; the mark of undecodable bytes is passed on, to be found in its line."""
        decoder = codecs.getincrementaldecoder(self._outer)(MARK_ERRORS)
        for chunk in self._source.chunks():
            yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
        if not self._source.broken:
            yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def _split(data: bytes) -> list[bytes]:
    r"""Return the lines of `data`, the last being what is not complete yet; a final `\r` may be half of a line end."""
    lines = data.splitlines(keepends=True)
    if not lines or lines[-1].endswith(b"\n"):
        lines.append(b"")
    return lines
