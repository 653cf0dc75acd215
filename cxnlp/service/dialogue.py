"""Live conversations: turns that are added one by one."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from cxnlp.errors import Conflict, NotFound, TooLarge, shorten
from cxnlp.ingest.conversation import MOST_TURNS, SentTurn, read_added, repair_turn
from cxnlp.ingest.fields import MOST_TEXT_BYTES
from cxnlp.ingest.hashing import keyed_hash
from cxnlp.records import Feedback, Turn
from cxnlp.service.intake import Intake
from cxnlp.store import Store

_MOST_TRIES: Final = 20
_FINGERPRINT_BYTES: Final = 16
TurnStatus = Literal["accepted", "duplicate"]


@dataclass(frozen=True, slots=True)
class Added:
    """What became of turns that were sent.

    Attributes:
        record_id: Of the conversation.
        version: Of its content now.
        turns: (number in the conversation from 0, accepted or duplicate) of each, in order.
    """

    record_id: str
    version: int
    turns: tuple[tuple[int, TurnStatus], ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        statuses = [status for _, status in self.turns]
        counts = {status: statuses.count(status) for status in ("accepted", "duplicate")}
        turns = [{"number": number, "status": status} for number, status in self.turns]
        return {"id": self.record_id, "version": self.version, **counts, "turns": turns}


def add_turns(intake: Intake, store: Store, record_id: str, body: Mapping[str, Any]) -> Added:
    """Add turns to a conversation, in one transaction; it is scored anew.

    A turn is known by its id, else by its number; one that is there already with the same words is a duplicate. So a request whose answer was
    lost can simply be sent again. A turn with neither is the next one, however often it is sent.

    Args:
        intake: What masks, and whose key the hashes are made with.
        store: Where the conversation is.
        record_id: Of the conversation.
        body: `{"turns": [{"speaker", "text", "at", "number" or "id"}]}`, or one such turn alone.

    Raises:
        InvalidFeedback: The turns cannot be used; the value is masked.
        NotFound: There is no such record.
        Conflict: It is no conversation, a turn is there already with other words, or one before it is missing.
        TooLarge: The conversation would exceed 10,000 turns or 1,000,000 bytes.
    """
    sent = read_added(body.get("turns", [body]), intake.timezone)
    for _ in range(_MOST_TRIES):
        record = store.feedback.get(record_id)
        if record is None:
            raise NotFound(f"there is no record {shorten(record_id)!r}; send the beginning of the conversation to POST /v1/feedback")
        item = record.feedback
        if not item.turns:
            raise Conflict(f"record {shorten(record_id)!r} has a text and no turns; send conversations with turns to POST /v1/feedback")
        added = [(number, _masked(intake, turn, item.created_at)) for number, turn in sent]
        turns, statuses = merge(item.turns, added)
        if len(turns) == len(item.turns):
            return Added(record_id, record.version, statuses)
        digests = [keyed_hash(intake.key, "turn", turn.content(), _FINGERPRINT_BYTES) for _, turn in sent]
        version = store.feedback.extend(record_id, record.version, _extended(item, turns, digests))
        if version is not None:
            return Added(record_id, version, statuses)
    raise Conflict(f"record {shorten(record_id)!r} is being changed by many at once; send the turns again")


def merge(turns: Sequence[Turn], added: Sequence[tuple[int | None, Turn]]) -> tuple[tuple[Turn, ...], tuple[tuple[int, TurnStatus], ...]]:
    """Return the turns of a conversation with others added, and (number, status) of each of these, in order.

    Args:
        turns: Those that are there.
        added: Number, or None where the id tells or it is the next, and turn.

    Raises:
        Conflict: A turn is there already with other words, or one before it is missing.
        TooLarge: There would be too many turns or too much text.
    """
    merged = list(turns)
    numbers = {turn.id: i for i, turn in reversed(list(enumerate(turns))) if turn.id is not None}
    statuses: list[tuple[int, TurnStatus]] = []
    for number, turn in added:
        at = numbers.get(turn.id) if turn.id is not None else None
        at = at if at is not None else len(merged) if number is None else number
        if at > len(merged):
            raise Conflict(f"turn {at} comes after turn {len(merged)}, which was not sent yet; send the turns in between first, or with it")
        if at == len(merged):
            merged.append(turn)
            if turn.id is not None:
                numbers[turn.id] = at
            statuses.append((at, "accepted"))
        elif (merged[at].speaker, merged[at].text) == (turn.speaker, turn.text):
            statuses.append((at, "duplicate"))
        else:
            raise Conflict(f"turn {at} is there already with other words; number new turns from {len(merged)}, or send the whole record to change it")
    if len(merged) > MOST_TURNS or sum(len(turn.text.encode()) for turn in merged) > MOST_TEXT_BYTES:
        raise TooLarge(f"the conversation would exceed {MOST_TURNS:,} turns or {MOST_TEXT_BYTES:,} bytes; go on in another record")
    return tuple(merged), tuple(statuses)


def _masked(intake: Intake, turn: SentTurn, started_at: datetime) -> Turn:
    repaired = repair_turn(turn, started_at)
    return replace(repaired, text=intake.masker.mask(repaired.text))


def _extended(item: Feedback, turns: tuple[Turn, ...], digests: Sequence[str]) -> Feedback:
    chained = hashlib.blake2b("".join([item.fingerprint, *digests]).encode(), digest_size=_FINGERPRINT_BYTES).hexdigest()
    times = [turn.at for turn in turns[len(item.turns) :] if turn.at]
    said_at = max(times) if times else datetime.now(UTC)
    return replace(item, turns=turns, updated_at=max(said_at, item.updated_at or said_at), fingerprint=chained)
