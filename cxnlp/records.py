"""The immutable records that every room speaks.

`Feedback` is what came in, `Analysis` what was read from it, `Record` both as the store knows them; `cxnlp.lines` writes them as JSON.

Offsets are in Unicode code points of the text that the record carries, half-open, as Python slices.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
Matrix: TypeAlias = npt.NDArray[np.float32]

CHANNELS: Final = ("ticket", "review", "survey", "social", "chat", "call")
SPEAKERS: Final = ("customer", "agent", "system")
RATING_RANGES: Final[Mapping[str, tuple[float, float]]] = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "stars": (1, 5)}
NEGATIVE_FROM: Final = -0.25
POSITIVE_FROM: Final = 0.25
HISTORICAL_AFTER_SECONDS: Final = 48 * 3600


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of a conversation.

    Attributes:
        speaker: One of `SPEAKERS`.
        text: What was said; may be empty for a system turn.
        at: When, in UTC, or None.
        id: Its key in the system that it comes from, or None; by it a turn that is sent twice is recognised.
    """

    speaker: str
    text: str
    at: datetime | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Rating:
    """A rating that the customer gave, on one of the scales of `RATING_RANGES`."""

    scale: str
    value: float

    @property
    def satisfaction(self) -> float:
        """The rating mapped linearly to [-1, 1]."""
        low, high = RATING_RANGES[self.scale]
        return 2 * (self.value - low) / (high - low) - 1


@dataclass(frozen=True, slots=True)
class Customer:
    """Who said it. `id` is a keyed hash by the time a `Feedback` exists: it joins, and does not identify."""

    id: str | None = None
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """One validated, repaired and masked piece of feedback.

    Attributes:
        source: System it came from, such as `zendesk`.
        external_id: Its key there; (source, external_id) is the identity.
        channel: One of `CHANNELS`.
        created_at: When the customer said it, UTC.
        text: What was said; empty when there are turns.
        turns: The conversation; empty when there is a text.
        updated_at: When the source last changed it, UTC.
        rating: The customer's own rating.
        customer: Who said it, pseudonymous.
        attributes: Further JSON values by name.
        fingerprint: Keyed hash of the content as it was sent, so that better masking never looks like an update.
    """

    source: str
    external_id: str
    channel: str
    created_at: datetime
    text: str = ""
    turns: tuple[Turn, ...] = ()
    updated_at: datetime | None = None
    rating: Rating | None = None
    customer: Customer | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def id(self) -> str:
        """The public id, the same on every machine."""
        return record_id(self.source, self.external_id)

    def segments(self) -> list[tuple[int | None, str]]:
        """Return what the customer said as (turn number or None, text) in order; agents' and systems' turns are left out."""
        if not self.turns:
            return [(None, self.text)]
        return [(i, turn.text) for i, turn in enumerate(self.turns) if turn.speaker == "customer"]


@dataclass(frozen=True, slots=True)
class Quote:
    """The customer's own words: `text[start:end]` of the record's text, or of turn number `turn`."""

    text: str
    start: int
    end: int
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a customer says of one touchpoint.

    Attributes:
        touchpoint: Id of a touchpoint of the taxonomy.
        stage: Id of the journey stage of that touchpoint.
        cause: Id of a cause when negative, else None.
        sentiment: In [-1, 1].
        confidence: Probability of the (touchpoint, cause) pair, in [0, 1].
        quote: Where it was read.
    """

    touchpoint: str
    stage: str
    cause: str | None
    sentiment: float
    confidence: float
    quote: Quote


@dataclass(frozen=True, slots=True)
class Risk:
    """A signal, such as a threat to leave, that raises the level of a flag whatever the sentiment."""

    id: str
    confidence: float
    quote: Quote


@dataclass(frozen=True, slots=True)
class TurnSentiment:
    """Feeling of one customer turn, in [-1, 1]."""

    turn: int
    sentiment: float


@dataclass(frozen=True, slots=True)
class Conversation:
    """How the customer's feeling moved through a conversation; sentiments in [-1, 1], turns by their number.

    Attributes:
        start, lowest, end: Feeling of the first, the lowest and the last customer turn.
        lowest_turn: Which turn is the lowest, the first of equals.
        slope: Change of feeling from one customer turn to the next, by least squares.
        turning_point: Customer turn from which the feeling is another than before, on average by 0.3 or more; None without such.
        recovered: Whether it was negative and, after an agent's turn, ended clearly better and not negative.
        unanswered, n_customer_turns: Whether the customer spoke last, other than to thank or part; how many turns are theirs.
    """

    start: float
    lowest: float
    lowest_turn: int
    end: float
    slope: float
    turning_point: int | None
    recovered: bool
    unanswered: bool
    n_customer_turns: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one pass of the model read from one record.

    Attributes:
        language: `zh`, `en`, `mixed` (both), another ISO 639-1 code, or `und` where there are no words.
        sentiment: The customer's overall feeling, in [-1, 1].
        confidence: Probability of `label`, in [0, 1].
        intent: Id of an intent of the taxonomy.
        observations: What is said of which touchpoint, in the order of the text.
        risks: Risk signals.
        satisfaction: The rating in [-1, 1] that this customer would give the conversation afterwards; None without turns.
        trajectory, conversation: Feeling of each customer turn, and how it moved; empty and None without turns.
        model: Name and version of the model.
    """

    language: str
    sentiment: float
    confidence: float
    intent: str
    observations: tuple[Observation, ...]
    risks: tuple[Risk, ...]
    model: str
    satisfaction: float | None = None
    trajectory: tuple[TurnSentiment, ...] = ()
    conversation: Conversation | None = None

    @property
    def label(self) -> str:
        """`negative` at -0.25 or less, `positive` at 0.25 or more, else `neutral`."""
        return label_of(rounded(self.sentiment))


@dataclass(frozen=True, slots=True)
class Span:
    """Place of a clause: code points start..end of the text, or of turn number `turn`."""

    start: int
    end: int
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of one record.

    Attributes:
        document: (dim,) float32, L2-normalised.
        clauses: (n_clauses, dim) float32, rows L2-normalised.
        spans: Where each clause stands; n_clauses of them.
    """

    document: Vector = field(compare=False, repr=False)
    clauses: Matrix = field(compare=False, repr=False)
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """The topic a record belongs to in the active fit."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Record:
    """A piece of feedback with all that is known of it.

    Attributes:
        feedback: What came in.
        analysis: What the model read, people's corrections applied; None until enriched.
        topic: Its topic in the active fit.
        version: 1 for the first content, one more for each update.
        received_at: When this version arrived, UTC.
        corrected: Names of the fields that a person corrected.
        stale: Names of corrected fields whose content has changed since.
    """

    feedback: Feedback
    analysis: Analysis | None = None
    topic: Topic | None = None
    version: int = 1
    received_at: datetime | None = None
    corrected: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What an in-memory index needs of one analysed record: its document vector and the values that a filter asks for.

    Attributes:
        seq, id: The store's number of the record, which is also its id in FAISS; the public id.
        document: (dim,) float32, L2-normalised.
        created_at, received_at: POSIX seconds.
        choices: Values by those names of `cxnlp.filters.CHOICES` that have one value a record; absent where unknown.
        numbers: Values by the names of `cxnlp.filters.NUMBERS`; `rating` mapped to [-1, 1]; absent where unknown.
        observations: (touchpoint, stage, cause or None) of each observation.
        risks, attributes: Risk ids; attributes with one plain value, as text.
        clauses: (n_clauses, dim) float32, rows L2-normalised.
        copy_key: Alike in records with the same words, see `cxnlp.text.copies`; 0 where there are no words.
        feelings: Sentiment of each observation, in [-1, 1]; of none where it is not known.
        scale: Scale of the rating, one of `RATING_RANGES`; None without a rating.
    """

    seq: int
    id: str
    document: Vector = field(compare=False, repr=False)
    created_at: float
    received_at: float
    choices: Mapping[str, str]
    numbers: Mapping[str, float]
    observations: tuple[tuple[str, str, str | None], ...]
    risks: tuple[str, ...]
    attributes: Mapping[str, str]
    clauses: Matrix | None = field(default=None, compare=False, repr=False)
    copy_key: int = 0
    feelings: tuple[float, ...] = ()
    scale: str | None = None


def record_id(source: str, external_id: str) -> str:
    """Return the public id of the identity (source, external_id): `r-` and 20 hexadecimal digits of its SHA-256."""
    return "r-" + hashlib.sha256(f"{source}\x1f{external_id}".encode()).hexdigest()[:20]


def label_of(sentiment: float) -> str:
    """Return the label of a sentiment in [-1, 1]."""
    return "negative" if sentiment <= NEGATIVE_FROM else "positive" if sentiment >= POSITIVE_FROM else "neutral"


def is_historical(created_at: datetime, received_at: datetime) -> bool:
    """Tell whether a record was more than 48 hours old when it was received."""
    return (received_at - created_at).total_seconds() > HISTORICAL_AFTER_SECONDS


def rounded(value: float) -> float:
    """Return a number as it leaves cxnlp: with four decimals."""
    return round(float(value), 4)
