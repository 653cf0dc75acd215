"""The labels of one labelled row: a row in the record format that also says what the right answer is.

    {"text": "等了一个星期还没到", "channel": "review", "sentiment": -0.5, "intent": "complaint",
     "observations": [["delivery", "slow", -0.5]], "risks": []}

Every label is optional; one that is left out is not scored.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cxnlp.errors import InvalidFeedback
from cxnlp.records import label_of
from cxnlp.taxonomy import NO_CAUSE, Taxonomy

FIELDS: Final = ("sentiment", "label", "intent", "observations", "risks", "satisfaction")
POLARITIES: Final = ("negative", "neutral", "positive")
_OBSERVATION_REMEDY: Final = 'write [["delivery", "slow", -0.5]] or [{"touchpoint": "delivery", "cause": "slow", "sentiment": -0.5}]'


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known to be right of one text; None where nobody said.

    Attributes:
        sentiment: The customer's overall feeling, in [-1, 1].
        intent: Id of an intent.
        observations: (touchpoint id, cause id or `none`, sentiment in [-1, 1]) of each.
        risks: Ids of risks; empty where there are none.
        satisfaction: The rating in [-1, 1] that this customer would give the conversation.
        label: `negative`, `neutral` or `positive`, where only that is known and no sentiment.
    """

    sentiment: float | None
    intent: str | None
    observations: tuple[tuple[str, str, float], ...] | None
    risks: tuple[str, ...] | None
    satisfaction: float | None = None
    label: str | None = None

    @property
    def polarity(self) -> str | None:
        """The label, or the one that follows from the sentiment."""
        return self.label or (None if self.sentiment is None else label_of(self.sentiment))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to score."""
        return all(getattr(self, name) is None for name in FIELDS)


def read_labels(values: Mapping[str, object], taxonomy: Taxonomy) -> Labels:
    """Return the labels of a row; texts, as tables have them, are read as what they spell.

    Args:
        values: The row; other names than `FIELDS` are passed over. An absent, null or empty value is no label; that there is no risk or
            observation is said by `[]` or `none`.
        taxonomy: Whose ids are known.

    Raises:
        InvalidFeedback: A label cannot be used; the error names it, its value and the remedy.
    """
    given = {name: value for name in FIELDS if not _is_missing(value := values.get(name))}
    labels = Labels(
        sentiment=_read_number("sentiment", given["sentiment"]) if "sentiment" in given else None,
        intent=_read_id("intent", given["intent"], taxonomy.ids("intents")) if "intent" in given else None,
        observations=_read_observations(given["observations"], taxonomy) if "observations" in given else None,
        risks=_read_risks(given["risks"], taxonomy.ids("risks")) if "risks" in given else None,
        satisfaction=_read_number("satisfaction", given["satisfaction"]) if "satisfaction" in given else None,
        label=_read_id("label", given["label"], POLARITIES) if "label" in given else None,
    )
    if labels.label and labels.sentiment is not None and labels.label != label_of(labels.sentiment):
        raise InvalidFeedback("label", labels.label, f"contradicts the sentiment {labels.sentiment:g}", "correct one, or leave one out")
    return labels


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and math.isnan(value))


def _read_number(field: str, value: object) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not -1 <= number <= 1:
        raise InvalidFeedback(field, value, "is no number from -1 to 1", "write -1 (very negative) to 1 (very positive), or leave it out")
    return number


def _read_id(field: str, value: object, known: Sequence[str]) -> str:
    name = value.strip() if isinstance(value, str) else value
    if name not in known:
        raise InvalidFeedback(field, value, "is not known", f"write one of {', '.join(known)}, or leave it out")
    return str(name)


def _read_list(field: str, value: object, remedy: str) -> Sequence[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise InvalidFeedback(field, value, "is not JSON", remedy) from None
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise InvalidFeedback(field, value, "is no list", remedy)
    return value


def _read_risks(value: object, known: Sequence[str]) -> tuple[str, ...]:
    if isinstance(value, str) and not value.lstrip().startswith("["):
        value = [] if value.strip() == NO_CAUSE else [part.strip() for part in value.replace(",", "|").split("|") if part.strip()]
    entries = _read_list("risks", value, 'write ["churn"], or [] for none')
    ids = [entry.get("id") if isinstance(entry, Mapping) else entry for entry in entries]
    return tuple(_read_id(f"risks[{i}]", name, known) for i, name in enumerate(ids))


def _read_observations(value: object, taxonomy: Taxonomy) -> tuple[tuple[str, str, float], ...]:
    if isinstance(value, str) and value.strip() == NO_CAUSE:
        value = []
    entries = _read_list("observations", value, _OBSERVATION_REMEDY)
    return tuple(_read_observation(f"observations[{i}]", entry, taxonomy) for i, entry in enumerate(entries))


def _read_observation(field: str, entry: object, taxonomy: Taxonomy) -> tuple[str, str, float]:
    if isinstance(entry, Mapping):
        parts: Sequence[Any] = [entry.get("touchpoint"), entry.get("cause"), entry.get("sentiment")]
    elif isinstance(entry, Sequence) and not isinstance(entry, str | bytes) and len(entry) == 3:
        parts = entry
    else:
        raise InvalidFeedback(field, entry, "is no observation", _OBSERVATION_REMEDY)
    touchpoint = _read_id(f"{field}.touchpoint", parts[0], taxonomy.ids("touchpoints"))
    cause = _read_id(f"{field}.cause", parts[1] or NO_CAUSE, (NO_CAUSE, *taxonomy.ids("causes")))
    sentiment = _read_number(f"{field}.sentiment", parts[2])
    if cause != NO_CAUSE and sentiment >= 0:
        raise InvalidFeedback(f"{field}.cause", cause, "stands at an observation that is not negative", f"write {NO_CAUSE}, or a sentiment below 0")
    if cause == NO_CAUSE and sentiment < 0:
        raise InvalidFeedback(f"{field}.cause", parts[1], "is missing at a negative observation", "write a cause; `other` where no reason is given")
    return touchpoint, cause, sentiment
