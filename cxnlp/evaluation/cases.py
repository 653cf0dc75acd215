"""The regression set: texts written for this project, labelled by the guideline, that the model must not get worse at."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cxnlp.evaluation.labelled import Labels, read_labels
from cxnlp.records import Feedback, Turn
from cxnlp.taxonomy import Taxonomy, load_taxonomy

PATH: Final = Path(__file__).with_name("cases.jsonl")
KINDS: Final = (
    *("plain", "negation", "irony", "mixed", "comparison", "code-switching", "dialect", "typos", "emoji", "traditional", "numbers", "risk"),
    "conversation",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One text of the regression set.

    Attributes:
        feedback: The record.
        labels: What is right, by the labelling guideline.
        kinds: What makes it hard, of `KINDS`.
    """

    feedback: Feedback
    labels: Labels
    kinds: tuple[str, ...]


def load_cases() -> list[Case]:
    """Return the regression set, in the order of the file."""
    taxonomy = load_taxonomy()
    return [_read(json.loads(line), taxonomy) for line in PATH.read_text(encoding="utf-8").splitlines()]


def _read(row: dict[str, Any], taxonomy: Taxonomy) -> Case:
    turns = tuple(Turn(turn["speaker"], turn["text"]) for turn in row.get("turns", ()))
    feedback = Feedback("cases", row["id"], row["channel"], datetime(2026, 1, 1, tzinfo=UTC), row.get("text", ""), turns)
    return Case(feedback, read_labels(row, taxonomy), tuple(row["kinds"]))
