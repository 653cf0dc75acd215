"""What search is asked and what answers: questions of one intent, judged pairs of questions, complaints in two languages, and those over data/."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from product import Rows, load, thin
from similarity import is_held_out

from cxnlp.ingest.loading import Loaded
from cxnlp.ingest.readers import read
from cxnlp.ingest.rows import ReadOptions
from cxnlp.records import Feedback, record_id
from cxnlp.service.intake import Intake

ROOT = Path(__file__).resolve().parent.parent
JUDGED = ROOT / "training" / "search"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """One question and the grades, 1 or 2, of the records that answer it, by record id."""

    text: str
    answers: Mapping[str, int]
    kind: str = ""


@dataclass(frozen=True)
class Task:
    """A collection and what is asked of it."""

    title: str
    records: tuple[Feedback, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Limits:
    """Most questions of a task, and most records that are searched."""

    n_asked: int = 500
    n_records: int = 3_000


def tasks(split: str, limits: Limits, intake: Intake) -> dict[str, Callable[[], Task]]:
    """Return what makes each task, by name.

    Args:
        split: `dev` to tune on, `test` to report.
        limits: Of the public sets.
        intake: Reads `data/`.
    """
    return {
        "banking77": partial(_same_intent, split, limits),
        "bq": partial(_same_question, "bq", split, limits),
        "afqmc": partial(_same_question, "afqmc", split, limits),
        "zh_en": partial(_across, "zh", "en", split),
        "en_zh": partial(_across, "en", "zh", split),
        "lead": partial(_of_leads, intake),
    }


def read_judged(name: str) -> list[dict[str, Any]]:
    """Return the rows of `pairs` or `queries`."""
    return [json.loads(line) for line in (JUDGED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def is_of(split: str, key: str) -> bool:
    """Tell whether something belongs to the half that is tuned on (`dev`) or to the one that is reported (`test`), by a hash."""
    return (hashlib.sha256(key.encode()).digest()[0] % 2 == 0) == (split == "dev")


def _same_intent(split: str, limits: Limits) -> Task:
    """Questions of the bank's test part against its train part; to tune, a tenth of the train part against the rest."""
    train = load("banking77", "train")
    asked = load("banking77", "test") if split == "test" else [row for row in train if is_held_out(row)]
    searched = thin([row for row in train if not is_held_out(row)], limits.n_records)
    ids: dict[str, list[str]] = defaultdict(list)
    for row in searched:
        ids[row["labels"]["intent"]].append(record_id("corpus", row["id"]))
    questions = [Asked(row["text"], dict.fromkeys(ids[row["labels"]["intent"]], 1)) for row in thin(asked, limits.n_asked)]
    return Task("banking77, same intent", _records((row["id"], row["text"]) for row in searched), tuple(questions))


def _same_question(name: str, split: str, limits: Limits) -> Task:
    """First texts of judged pairs against all second texts, each text once; who is judged the same answers.

    A first text that is itself somebody's second text is not asked for, since it would find itself.
    """
    rows: Rows = load(name, "dev")
    seconds = {row["text2"] for row in rows}
    same: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["same"] and row["text"] not in seconds and is_of(split, row["text"]):
            same[row["text"]].add(row["text2"])
    first = sorted(same)[:: max(1, -(-len(same) // limits.n_asked))]
    wanted = {text for one in first for text in same[one]}
    others = sorted(seconds - wanted)
    room = max(1, limits.n_records - len(wanted))
    searched = sorted(wanted.union(others[:: max(1, -(-len(others) // room))]))
    questions = [Asked(one, {record_id("corpus", _key(text)): 1 for text in same[one]}) for one in first]
    return Task(f"{name.upper()}, the question judged the same", _records((_key(text), text) for text in searched), tuple(questions))


def _across(asked: str, searched: str, split: str) -> Task:
    """Half of the complaints in one language against all in the other."""
    pairs = read_judged("pairs")
    questions = [Asked(pair[asked], {record_id("corpus", pair["id"]): 1}) for pair in pairs if is_of(split, pair["id"])]
    names = {"zh": "Chinese", "en": "English"}
    title = f"complaints, {names[asked]} asked, {names[searched]} found"
    return Task(title, _records((pair["id"], pair[searched]) for pair in pairs), tuple(questions))


def _of_leads(intake: Intake) -> Task:
    """The judged questions over `data/`; the same in both splits, since nothing is tuned on them."""
    items = intake.read(read(ROOT / "data", ReadOptions()), {})
    records = tuple(item.feedback for item in items if isinstance(item, Loaded))
    questions = []
    for row in read_judged("queries"):
        answers = {record_id(*name.split("/")): grade for name, grade in row["answers"].items()}
        questions.append(Asked(row["text"], answers, row["kind"]))
    return Task("questions of a support lead over data/", records, tuple(questions))


def _records(texts: Iterable[tuple[str, str]]) -> tuple[Feedback, ...]:
    return tuple(Feedback("corpus", key, "ticket", _NOW, text, fingerprint=key) for key, text in texts)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
