"""The turns of a conversation, from what was sent to `Turn`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from cxnlp.errors import InvalidFeedback
from cxnlp.ingest.fields import MOST_TEXT_BYTES, read_name, utf8_bytes
from cxnlp.ingest.rejects import refuse
from cxnlp.ingest.repair import is_blank, repair
from cxnlp.ingest.speakers import speaker_of
from cxnlp.ingest.times import parse_offset, parse_time
from cxnlp.lines import to_iso
from cxnlp.records import SPEAKERS, Turn

MOST_TURNS: Final = 10_000
_REMEDY: Final = 'write {"speaker": "customer|agent|system", "text": "...", "at": "..."}'


@dataclass(frozen=True, slots=True)
class SentTurn:
    """One turn as it was sent: checked, not yet repaired; `at` is a time in UTC or the time since the start."""

    speaker: str
    text: str
    at: datetime | timedelta | None = None
    id: str | None = None

    def content(self) -> list[str | None]:
        """Return what its fingerprint is made of.

        A time since the start stays one, so that it does not depend on when it was received; the id says nothing of the content.
        """
        at = to_iso(self.at) if isinstance(self.at, datetime) else str(self.at) if self.at is not None else None
        return [self.speaker, self.text, at]


def read_turns(value: object, zone: tzinfo) -> tuple[tuple[SentTurn, ...], bool]:
    """Return (the turns, whether a time in them carried no zone).

    Raises:
        InvalidFeedback: It is no list, has more than 10,000 turns or 1,000,000 bytes of text, a turn is malformed, or no customer says anything.
    """
    if not isinstance(value, list | tuple):
        raise refuse("turns", value, "is no list", f"send a list of turns; {_REMEDY}")
    if len(value) > MOST_TURNS:
        raise refuse("turns", value, f"has {len(value)} turns", f"split it into conversations of at most {MOST_TURNS}")
    turns = []
    n_bytes = 0
    any_naive = False
    for i, item in enumerate(value):
        turn, naive = _read_turn(f"turns[{i}]", item, zone)
        n_bytes += utf8_bytes(f"turns[{i}].text", turn.text)
        any_naive |= naive
        turns.append(turn)
    if n_bytes > MOST_TEXT_BYTES:
        raise refuse("turns", value, f"has {n_bytes} bytes of text", f"send at most {MOST_TEXT_BYTES} bytes in all turns together")
    return tuple(turns), any_naive


def repair_turns(sent: tuple[SentTurn, ...], started_at: datetime) -> tuple[Turn, ...]:
    """Return the turns with their texts repaired and times since the start added to `started_at`, in the order they were sent.

    Raises:
        InvalidFeedback: No customer says anything.
    """
    turns = tuple(repair_turn(turn, started_at) for turn in sent)
    if all(is_blank(t.text) for t in turns if t.speaker == "customer"):
        raise refuse("turns", sent, "has no turn in which the customer says something", "send at least one customer's turn with text")
    return turns


def repair_turn(sent: SentTurn, started_at: datetime) -> Turn:
    """Return a turn with its text repaired and a time since the start added to `started_at`."""
    return Turn(sent.speaker, repair(sent.text), started_at + sent.at if isinstance(sent.at, timedelta) else sent.at, sent.id)


def read_added(value: object, zone: tzinfo) -> list[tuple[int | None, SentTurn]]:
    """Return the turns that a conversation goes on with, each with its number in it, from 0, where one was sent.

    Raises:
        InvalidFeedback: It is no list, is empty or too long, or a turn is malformed.
    """
    turns, _ = read_turns(value, zone)
    if not turns:
        raise refuse("turns", value, "is empty", "send the turns that are new")
    assert isinstance(value, list | tuple)
    numbers = [_read_number(f"turns[{i}]", item) for i, item in enumerate(value)]
    return list(zip(numbers, turns, strict=True))


def _read_number(field: str, value: Mapping[str, object]) -> int | None:
    number = value.get("number")
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < MOST_TURNS:
        raise refuse(f"{field}.number", number, "is no number of a turn", f"send a whole number from 0 to {MOST_TURNS - 1}")
    return number


def _read_id(value: object) -> str | None:
    """Return the id of a turn; what cannot be one is left out, since most senders mean nothing by it."""
    try:
        return read_name("id", value)
    except InvalidFeedback:
        return None


def _read_turn(field: str, value: object, zone: tzinfo) -> tuple[SentTurn, bool]:
    if not isinstance(value, Mapping):
        raise refuse(field, value, "is no turn", _REMEDY)
    text = next((value[k] for k in ("text", "content", "message") if value.get(k) is not None), None)
    if not isinstance(text, str):
        raise refuse(f"{field}.text", text, "is missing" if text is None else "is no text", _REMEDY)
    name = value["speaker"] if value.get("speaker") is not None else value.get("role")
    speaker = speaker_of(name) if isinstance(name, str) else None
    if speaker is None:
        raise refuse(f"{field}.speaker", name, "is missing" if name is None else "is no speaker", f"use one of {', '.join(SPEAKERS)}")
    turn_id = _read_id(value.get("id"))
    at = next((value[k] for k in ("at", "time", "timestamp", "created_at") if value.get(k) not in (None, "")), None)
    if at is None:
        return SentTurn(speaker, text, None, turn_id), False
    offset = parse_offset(at)
    if offset is not None:
        return SentTurn(speaker, text, offset, turn_id), False
    said_at, naive = parse_time(f"{field}.at", at, zone)
    return SentTurn(speaker, text, said_at, turn_id), naive
