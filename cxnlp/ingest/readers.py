"""Files, folders and streams of every known format, read row by row in flat memory."""

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Literal, Self

from cxnlp.errors import InvalidInput
from cxnlp.ingest.delimited import read_delimited
from cxnlp.ingest.encodings import UNDECODABLE
from cxnlp.ingest.formats import BINARY, check_format, format_of_name, sniff
from cxnlp.ingest.jsontext import read_json, read_json_lines
from cxnlp.ingest.lines import Text
from cxnlp.ingest.rows import WHOLE_FILE, Progress, ReadOptions, Rejection, Row
from cxnlp.ingest.sources import CHUNK_BYTES, Source
from cxnlp.ingest.transcripts import read_transcript

_STDIN: Final = "stdin"


class Reading:
    """An iterator over `Row | Rejection` that knows how far it is.

    Attributes:
        notices: What the user should know, such as files passed over; grows while reading.
        is_folder: Whether a folder is read.
        options: What the user said about the files.
    """

    def __init__(self, path: Path | Literal["-"], options: ReadOptions, stream: BinaryIO | None) -> None:
        self.notices: list[str] = []
        self.options = options
        self._rows = 0
        self._behind = 0
        self._size = 0
        self._share = 0.0
        self._source: Source | None = None
        self._name = options.name or (_STDIN if path == "-" else Path(path).name)
        self.is_folder = path != "-" and stream is None and Path(path).is_dir()
        if path == "-" or stream is not None:
            self._total: int | None = None
            self._items = self._read_stream(stream or sys.stdin.buffer, self._name, options.format)
        else:
            files = self._files(Path(path))
            self._total = sum(file.stat().st_size for file in files)
            self._items = self._read_files(Path(path), files)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Row | Rejection:
        item = next(self._items)
        self._rows += 1
        return item

    @property
    def progress(self) -> Progress:
        """How far the reading is."""
        present = self._source.bytes_read if self._source else int(self._share * self._size)
        return Progress(self._name, self._rows, self._behind + present, self._total)

    def _set_share(self, share: float) -> None:
        self._share = share

    def _files(self, path: Path) -> list[Path]:
        if not path.exists():
            raise InvalidInput(f"{path} does not exist; check the name")
        if not self.is_folder:
            return [path]
        found = sorted(file for file in path.rglob("*") if file.is_file() and not any(p.startswith(".") for p in file.relative_to(path).parts))
        known = [file for file in found if format_of_name(file.name)]
        unknown = [file.relative_to(path).as_posix() for file in found if not format_of_name(file.name)]
        if unknown:
            self.notices.append(f"{path.name}: passed over, since their format is not known: {', '.join(unknown)}")
        if not known:
            raise InvalidInput(f"{path} holds no file of a known format; name one")
        return known

    def _read_files(self, root: Path, files: list[Path]) -> Iterator[Row | Rejection]:
        for file in files:
            self._name = file.relative_to(root).as_posix() if self.is_folder else self.options.name or file.name
            try:
                with file.open("rb") as stream:
                    yield from self._read_stream(stream, self._name, self.options.format or format_of_name(self._name))
            except (InvalidInput, OSError) as error:
                problem = str(error) if isinstance(error, InvalidInput) else f"{file.name} cannot be read: {error.strerror}"
                if not self.is_folder:
                    raise InvalidInput(problem) from error
                yield Rejection(WHOLE_FILE, "file", self._name, problem, "correct or remove the file", self._name)
            self._behind += file.stat().st_size
            self._source, self._size = None, 0

    def _read_stream(self, stream: BinaryIO, name: str, format: str | None) -> Iterator[Row | Rejection]:
        self._source = source = Source(stream)
        head = source.peek(CHUNK_BYTES)
        if head.strip() or source.broken or len(head) == CHUNK_BYTES:
            format = check_format(format) if format else format_of_name(name) or sniff(head, name)
            n_items = 0
            for item in self._read_format(source, stream, name, format):
                n_items += 1
                yield item
            if source.broken:
                yield Rejection(WHOLE_FILE, "file", name, f"{source.broken}; the rows before the break are kept", "copy it again", name)
            elif n_items == 0:
                yield Rejection(WHOLE_FILE, "file", name, "holds no records", "check that it is the right file", name)
        else:
            yield Rejection(WHOLE_FILE, "file", name, "is empty", "check that it is the right file", name)

    def _read_format(self, source: Source, stream: BinaryIO, name: str, format: str) -> Iterator[Row | Rejection]:
        options = self.options
        if format in BINARY:
            return self._read_binary(source, stream, name, format)
        text = Text(source, options.encoding)
        if format in ("csv", "tsv"):
            return read_delimited(text, name, options.delimiter or ("\t" if format == "tsv" else None), options.overrides)
        if format == "jsonl":
            return read_json_lines(text, name)
        if format == "json":
            return read_json(text, name)
        return _read_plain(text, name) if format == "lines" else read_transcript(text, name, format, options.speakers)

    def _read_binary(self, source: Source, stream: BinaryIO, name: str, format: str) -> Iterator[Row | Rejection]:
        """Read a format that needs to go back and forth, from a copy where the stream cannot."""
        from cxnlp.ingest.tables import read_parquet, read_sheet  # pyarrow takes long to import, and text needs none

        if source.is_gzip:
            raise InvalidInput(f"{name}: {format} files are compressed in themselves; unpack it with gunzip")
        with tempfile.TemporaryFile() as copy:
            if not stream.seekable():
                for chunk in source.chunks():
                    copy.write(chunk)
                stream = copy
            self._source, self._size = None, stream.seek(0, io.SEEK_END)
            stream.seek(0)
            if format == "parquet":
                yield from read_parquet(stream, name, self.options.overrides, self._set_share)
            else:
                yield from read_sheet(stream, name, self.options, self.notices.append, self._set_share)


def read(path: Path | Literal["-"], options: ReadOptions | None = None, stream: BinaryIO | None = None) -> Reading:
    """Return an iterator over the rows and rejections of a file, of a folder's known files in order of name, or of a stream.

    Args:
        path: A file or folder; `-` for standard input.
        options: What need not be guessed.
        stream: Read instead of `path`, such as an upload; `options.name` should name it.

    Raises:
        InvalidInput: There is no such file, or, while iterating, a file as a whole cannot be used; in a folder that is a rejection instead.
    """
    return Reading(path, options or ReadOptions(), stream)


def _read_plain(text: Text, origin: str) -> Iterator[Row | Rejection]:
    """Yield each line that is not blank as one text."""
    for number, line in enumerate(text.lines(), start=1):
        if line is None:
            yield Rejection(number, "line", "", "is longer than 8 MB", "split it", origin)
            continue
        shown = text.decode(line).strip()
        if UNDECODABLE in shown:
            shown = shown.replace(UNDECODABLE, "\ufffd")[:80]
            yield Rejection(number, "line", shown, "has bytes that cannot be decoded", "correct them, or name the encoding", origin)
        elif shown:
            yield Row(number, {"text": shown}, origin)
