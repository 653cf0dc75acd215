"""What format a file is in: by its name, or else by its first bytes."""

import re
from pathlib import PurePath
from typing import Final

from cxnlp.errors import InvalidInput
from cxnlp.ingest.encodings import detect_encoding
from cxnlp.ingest.rows import FORMATS
from cxnlp.ingest.transcripts import is_transcript

BINARY: Final = frozenset({"xlsx", "xls", "parquet"})
_SUFFIXES: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".vtt": "vtt",
    ".srt": "srt",
    ".txt": "transcript",
}
_MAGIC: Final = ((b"PAR1", "parquet"), (b"PK\x03\x04", "xlsx"), (b"\xd0\xcf\x11\xe0", "xls"))
_SRT: Final = re.compile(r"\s*(?:\d+\s*\n)?\s*(?:\d+:)?\d{2}:\d{2}[,.]\d{3}\s*-->")


def format_of_name(name: str) -> str | None:
    """Return the format that the ending of `name` tells, `.gz` aside, or None."""
    path = PurePath(name.lower())
    return _SUFFIXES.get((path.with_suffix("") if path.suffix == ".gz" else path).suffix)


def stem_of(name: str) -> str:
    """Return the name without folder and ending: `reviews` for `in/reviews.csv.gz`; the default source of its records."""
    path = PurePath(name)
    path = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return (path.stem if path.suffix.lower() in _SUFFIXES else path.name) or name


def check_format(name: str) -> str:
    """Return `name` if it is one of `FORMATS`.

    Raises:
        InvalidInput: It is not.
    """
    if name not in FORMATS:
        raise InvalidInput(f"format {name[:40]!r} is not known; use one of {', '.join(FORMATS)}")
    return name


def sniff(head: bytes, name: str) -> str:
    """Return the format that the first bytes of a file show; text that is nothing else is taken for CSV.

    Raises:
        InvalidInput: They are neither text nor a known binary format.
    """
    for magic, format in _MAGIC:
        if head.startswith(magic):
            return format
    encoding = detect_encoding(head)
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if text[:4096].count("\ufffd") + sum(c < " " and c not in "\t\r\n\f\x00" for c in text[:4096]) > len(text[:4096]) / 10:
        raise InvalidInput(f"{name} is of no known format; name it with --format: {', '.join(FORMATS)}")
    if text.startswith("{"):
        line = text.split("\n", 1)[0].rstrip()
        return "jsonl" if line.endswith("}") and line.count("{") == line.count("}") else "json"
    if text.startswith("["):
        return "transcript" if is_transcript(text) else "json"
    if text.startswith("WEBVTT"):
        return "vtt"
    return "srt" if _SRT.match(text) else "transcript" if is_transcript(text) else "csv"
