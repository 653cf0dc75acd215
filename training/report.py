"""What was measured, into docs/accuracy.md, the card of the heads, and the floors of the regression set."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from product import Rows, labels_of, open_service
from targets import Figures, table
from thresholds import Threshold

from cxnlp.evaluation.breakdown import find_confusions, score_labels
from cxnlp.evaluation.cases import load_cases
from cxnlp.evaluation.floors import PATH, load_floors, set_floors
from cxnlp.evaluation.scoring import TITLES, Figure, score
from cxnlp.lines import analysis_from_line


def blocks(figures: Figures, base: Figures, splits: Mapping[str, str], models: Path) -> dict[str, list[str]]:
    """Return the lines of Markdown that follow from figures alone, by name of their place in the document."""
    found = {"targets": table(figures, base, splits, models)}
    if gold := figures.get("gold"):
        found["gold"] = _figures({title: gold[name] for name, title in TITLES.items() if name in gold})
    details = {f"{name}, {figure.replace('_', ' ')}": f for name in ("airline_reasons", "dimabsa") for figure, f in figures.get(name, {}).items()}
    if details:
        found["details"] = _figures(details)
    return found


def gold_blocks(rows: Rows, lines: Rows, thresholds: Sequence[Threshold]) -> dict[str, list[str]]:
    """Return those that need the texts of the gold set; none of the texts is in them."""
    labels, analyses = labels_of(rows), [analysis_from_line(line) for line in lines]
    uses = [f"| {t.use} | {t.target:.0%} | {_least(t)} | {t.precision:.3f} | {t.recall:.3f} | {t.n:,} |" for t in thresholds]
    confusions = [f"| {c.kind} | {c.expected} | {c.got} | {c.n} |" for c in find_confusions(labels, analyses)]
    tags = [f"| {s.kind} | {s.id} | {s.precision:.2f} | {s.recall:.2f} | {s.f1:.2f} | {s.support} |" for s in score_labels(labels, analyses)]
    return {
        "thresholds": ["| use | precision asked for | `confidence` of at least | precision | recall | outputs |", "|---|---|---|---|---|---|", *uses],
        "confusions": ["| | right is | was read as | texts |", "|---|---|---|---|", *confusions],
        "labels": ["| | label | precision | recall | F1 | texts |", "|---|---|---|---|---|---|", *tags],
    }


def fill(path: Path, parts: Mapping[str, Sequence[str]]) -> None:
    """Put each part between `<!-- name -->` and `<!-- /name -->` in a document; places without a part stay as they are."""
    text = path.read_text(encoding="utf-8")
    for name, lines in parts.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not place.search(text):
            raise SystemExit(f"{path} has no <!-- {name} --> ... <!-- /{name} -->; write them where the figures belong")
        text = place.sub(lambda match, lines=lines: match[1] + "\n".join(lines) + "\n" + match[2], text)
    path.write_text(text, encoding="utf-8")


def write_card(folder: Path, figures: Figures, base: Figures, splits: Mapping[str, str], thresholds: Sequence[Threshold]) -> None:
    """Put the figures into the card of the heads in `folder`; those of other runs that were not measured now stay."""
    path = folder / "card.json"
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    metrics = card.get("metrics", {}) | {"how": f"training/evaluate.py, through `cxnlp analyze`, {datetime.now(UTC):%Y-%m-%d}"}
    metrics |= {f"{name}_{splits[name]}": _entries(of_set) for name, of_set in figures.items()}
    metrics |= {f"{name}_{splits[name]}_base_encoder": _entries(of_set) for name, of_set in base.items()}
    if thresholds:
        metrics["confidence_for_use"] = {
            t.use: {"precision_asked": t.target, "confidence": t.confidence, "recall": round(t.recall, 4)} for t in thresholds
        }
    card["metrics"] = metrics
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_floors() -> dict[str, float]:
    """Measure the regression set, write the floors that CI holds the model to, and return them."""
    cases = load_cases()
    found = open_service().pipeline.analyze([case.feedback for case in cases])
    figures = score([case.labels for case in cases], [one.analysis for one in found], texts=[case.feedback for case in cases])
    floors = set_floors(figures, load_floors())
    PATH.write_text(json.dumps(floors, indent=1) + "\n", encoding="utf-8")
    return floors


def _least(threshold: Threshold) -> str:
    return "not reached" if threshold.confidence is None else f"{threshold.confidence:.2f}"


def _figures(figures: Mapping[str, Figure]) -> list[str]:
    rows = [f"| {what} | {f.value:.3f} | {'-' if f.low is None else f'{f.low:.3f} to {f.high:.3f}'} | {f.n:,} |" for what, f in figures.items()]
    return ["| figure | value | 95 % interval | n |", "|---|---|---|---|", *rows]


def _entries(figures: Mapping[str, Figure]) -> dict[str, dict[str, Any]]:
    return {
        name: {"value": round(f.value, 4), "n": f.n} | ({} if f.low is None or f.high is None else {"low": round(f.low, 4), "high": round(f.high, 4)})
        for name, f in figures.items()
    }
