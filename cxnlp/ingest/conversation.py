"""The turns of a conversation, from what was sent to `Turn`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from cxnlp.ingest.fields import MOST_TEXT_BYTES, utf8_bytes
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

    def content(self) -> list[str | None]:
        """Return what its fingerprint is made of; a time since the start stays one, so that it does not depend on when it was received."""
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
    turns = tuple(Turn(t.speaker, repair(t.text), started_at + t.at if isinstance(t.at, timedelta) else t.at) for t in sent)
    if all(is_blank(t.text) for t in turns if t.speaker == "customer"):
        raise refuse("turns", sent, "has no turn in which the customer says something", "send at least one customer's turn with text")
    return turns


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
    at = next((value[k] for k in ("at", "time", "timestamp", "created_at") if value.get(k) not in (None, "")), None)
    if at is None:
        return SentTurn(speaker, text), False
    offset = parse_offset(at)
    if offset is not None:
        return SentTurn(speaker, text, offset), False
    said_at, naive = parse_time(f"{field}.at", at, zone)
    return SentTurn(speaker, text, said_at), naive
