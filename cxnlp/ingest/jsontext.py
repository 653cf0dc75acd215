"""Records as JSON: one a line, or in one document."""

import json
import re
from collections.abc import Iterator
from typing import Final

import orjson

from cxnlp.errors import InvalidFeedback
from cxnlp.ingest.encodings import UNDECODABLE
from cxnlp.ingest.jsonstream import BREAKS_OFF, MOST_DEPTH, split_records
from cxnlp.ingest.lines import MOST_LINE_BYTES, Text
from cxnlp.ingest.rejects import refuse
from cxnlp.ingest.rows import Rejection, Row

_STRUCTURE: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_REMEDY: Final = 'write one JSON object, such as {"text": "..."}'


def read_json_lines(text: Text, origin: str) -> Iterator[Row | Rejection]:
    """Yield the object on each line, numbered by line; blank lines are passed over."""
    for number, line in enumerate(text.lines(), start=1):
        if line is None:
            yield Rejection(number, "line", "", f"is longer than {MOST_LINE_BYTES >> 20} MB", "split it", origin)
        elif line.strip():
            yield _row(number, line if text.encoding == "utf-8" else text.decode(line), origin)


def read_json(text: Text, origin: str) -> Iterator[Row | Rejection]:
    """Yield the objects of an array, of `{"items": [...]}`, of one object, or of several in a row, numbered in order."""
    number = 0
    for piece in split_records(text.pieces()):
        if piece.problem:
            if not (piece.problem == BREAKS_OFF and text.broken):
                shown = piece.text.replace(UNDECODABLE, "\ufffd")
                yield Rejection(number + 1, "record", shown, piece.problem, "correct it; records before it are kept", origin)
            number += 1
            continue
        row = _row(number + 1, piece.text, origin)
        items = row.values.get("items") if isinstance(row, Row) and "text" not in row.values else None
        for item in [row] if not isinstance(items, list) else [_of_value(number + i, v, origin) for i, v in enumerate(items, start=1)]:
            number += 1
            yield item


def parse_record(line: bytes | str) -> dict[str, object]:
    """Return the object that one line of JSON holds, for files and for NDJSON over HTTP.

    `NaN`, infinities and halves of surrogate pairs are let through, so that the validator can name the field that has them.

    Raises:
        InvalidFeedback: It is no JSON object, not decodable, over 8 MB or nested deeper than 64.
    """
    if len(line) > MOST_LINE_BYTES:
        raise refuse("line", "", f"is longer than {MOST_LINE_BYTES >> 20} MB", "split it")
    if isinstance(line, bytes):
        try:
            decoded = line.decode()
        except UnicodeDecodeError as error:
            remedy = "send UTF-8, or name the encoding, such as --encoding gb18030"
            raise refuse("line", line[:80].decode(errors="replace"), "has bytes that cannot be decoded", remedy) from error
    else:
        decoded = line
        if UNDECODABLE in line:
            raise refuse("line", line[:80].replace(UNDECODABLE, "\ufffd"), "has bytes that cannot be decoded", "correct them, or name the encoding")
    if decoded.count("[") + decoded.count("{") > MOST_DEPTH and _depth(decoded) > MOST_DEPTH:
        raise refuse("line", decoded[:80], f"is nested deeper than {MOST_DEPTH}", "flatten it")
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            value = json.loads(decoded)
        except ValueError as error:
            raise refuse("line", decoded.strip()[:80], "is no JSON", _REMEDY) from error
    if not isinstance(value, dict):
        raise refuse("line", value, "is no JSON object", _REMEDY)
    return value


def _row(number: int, line: bytes | str, origin: str) -> Row | Rejection:
    try:
        return Row(number, parse_record(line), origin)
    except InvalidFeedback as error:
        return Rejection(number, error.field, error.value, error.problem, error.remedy, origin)


def _of_value(number: int, value: object, origin: str) -> Row | Rejection:
    if isinstance(value, dict):
        return Row(number, value, origin)
    return Rejection(number, "record", str(value)[:80], "is no JSON object", _REMEDY, origin)


def _depth(text: str) -> int:
    deepest = depth = 0
    for match in _STRUCTURE.finditer(text):
        mark = match[0]
        depth += 1 if mark in ("[", "{") else -1 if mark in ("]", "}") else 0
        deepest = max(deepest, depth)
    return deepest
