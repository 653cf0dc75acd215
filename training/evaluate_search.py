"""Measure search as a user gets it, through a store of its own and `Retrieval.ask`: by words alone, by meaning alone, by both.

    CXNLP_GOLD=... CXNLP_CORPORA=... python training/evaluate_search.py                        the dev parts
    CXNLP_GOLD=... CXNLP_CORPORA=... python training/evaluate_search.py --split test --markdown docs/search.md
    python training/evaluate_search.py --tasks zh_en,en_zh,lead                                needs no corpora

`--split test` reads the test part of banking77, once, at the end of a piece of work. Of BQ and AFQMC only dev parts are at hand, so these and the
pairs of `training/search/` are halved by a hash: one half is tuned on, the other reported. Intervals are bootstrapped over questions.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from product import estimate
from report import fill
from search_tasks import Asked, Limits, Task, tasks

from cxnlp.bootstrap import Service
from cxnlp.evaluation.scoring import Figure
from cxnlp.service.questions import By, Question
from cxnlp.settings import Settings

K = 10
METHODS: Mapping[By, str] = {"words": "words", "meaning": "vectors", "both": "hybrid"}
_AT_ONCE = 8
_SAVED_AT_ONCE = 1_000

Rankings = Sequence[Sequence[str]]
"""Record ids, best first, of each question."""


def ndcg(found: Sequence[str], answers: Mapping[str, int], k: int = K) -> float:
    """Return the normalised discounted cumulative gain of the first k, in [0, 1].

    Gain is 2^grade - 1, discount log2(rank + 1): K. Järvelin and J. Kekäläinen, TOIS 2002, with the gain of C. Burges et al., ICML 2005.

    Args:
        found: Record ids, best first.
        answers: Grades above 0 of the records that answer, by id; at least one.
        k: How many count.
    """
    discounts = 1 / np.log2(np.arange(k) + 2)
    gains = np.array([2 ** answers.get(i, 0) - 1 for i in found[:k]], float)
    best = np.array(sorted((2**grade - 1 for grade in answers.values()), reverse=True)[:k], float)
    return float(gains @ discounts[: len(gains)]) / float(best @ discounts[: len(best)])


def recall(found: Sequence[str], answers: Mapping[str, int], k: int = K) -> float:
    """Return the share of the answers of the highest grade that are among the first k, of at most k, in [0, 1]."""
    top = {i for i, grade in answers.items() if grade == max(answers.values())}
    return len(top.intersection(found[:k])) / min(len(top), k)


def figures_of(rankings: Mapping[str, Rankings], asked: Sequence[Asked]) -> dict[str, Figure]:
    """Return nDCG@10 and recall@10 of each method, and how much nDCG@10 hybrid has over the better of the other two, with intervals.

    Args:
        rankings: By name of the method, in the order of `asked`.
        asked: The questions.
    """
    found: dict[str, Figure] = {}
    gains: dict[str, np.ndarray] = {}
    for method, of_all in rankings.items():
        for name, measure in (("ndcg", ndcg), ("recall", recall)):
            values = np.array([measure(ids, one.answers) for ids, one in zip(of_all, asked, strict=True)])
            found[f"{method}_{name}"] = _mean(values)
            if name == "ndcg":
                gains[method] = values
    if "hybrid" in gains and len(gains) > 1:
        others = [values for method, values in gains.items() if method != "hybrid"]
        found["hybrid_over_better"] = _mean(gains["hybrid"] - max(others, key=lambda values: float(values.mean())))
    return found


def by_kind(rankings: Mapping[str, Rankings], asked: Sequence[Asked]) -> dict[str, dict[str, tuple[float, int]]]:
    """Return (nDCG@10, number of questions) of each kind of question, by method."""
    return {
        kind: {method: (float(np.mean([ndcg(of_all[i], asked[i].answers) for i in which])), len(which)) for method, of_all in rankings.items()}
        for kind in dict.fromkeys(one.kind for one in asked if one.kind)
        if (which := [i for i, one in enumerate(asked) if one.kind == kind])
    }


def rank(task: Task, methods: Sequence[By]) -> dict[str, Rankings]:
    """Return what a store that holds a task's records answers to each question, by name of the method."""
    with tempfile.TemporaryDirectory() as home:
        service = Service(Settings(home=Path(home)))
        for first in range(0, len(task.records), _SAVED_AT_ONCE):
            service.store.feedback.add(task.records[first : first + _SAVED_AT_ONCE], datetime.now(UTC))
        service.enrichment.drain(lambda done, waiting: None)
        service.retrieval.catch_up()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            found = {METHODS[by]: list(threads.map(lambda one, by=by: _ask(service, one.text, by), task.asked)) for by in methods}
        service.store.close()
    return found


def table(figures: Mapping[str, Mapping[str, Figure]], titles: Mapping[str, str], sizes: Mapping[str, int]) -> list[str]:
    """Return the lines of Markdown of all tasks."""
    lines = [
        "| task | records | questions | | words | vectors | hybrid | hybrid over the better |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, of_task in figures.items():
        n = next(iter(of_task.values())).n
        over = of_task.get("hybrid_over_better")
        difference = "" if over is None else f"{over.value:+.3f} ({over.low:+.3f} to {over.high:+.3f})"
        cells = [" | ".join(_cell(of_task.get(f"{method}_{measure}")) for method in METHODS.values()) for measure in ("ndcg", "recall")]
        lines.append(f"| {titles[name]} | {sizes[name]:,} | {n} | nDCG@10 | {cells[0]} | {difference} |")
        lines.append(f"| | | | recall@10 | {cells[1]} | |")
    return lines


def kinds_table(kinds: Mapping[str, Mapping[str, tuple[float, int]]]) -> list[str]:
    """Return the lines of Markdown of the kinds of questions."""
    rows = [
        f"| {kind} | {next(iter(of_kind.values()))[1]} | " + " | ".join(f"{value:.3f}" for value, _ in of_kind.values()) + " |"
        for kind, of_kind in kinds.items()
    ]
    methods = list(next(iter(kinds.values())))
    return [f"| kind | questions | {' | '.join(methods)} |", "|---" * (2 + len(methods)) + "|", *rows]


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("dev", "test"), default="dev", help="test: once, at the end")
    parser.add_argument("--tasks", default="banking77,bq,afqmc,zh_en,en_zh,lead", help="of %(default)s")
    parser.add_argument("--methods", default="words,meaning,both", help="of %(default)s")
    parser.add_argument("--limit", type=int, default=Limits.n_asked, help="questions a public set; six records are searched for each")
    parser.add_argument("--markdown", type=Path, help="document whose marked places are filled")
    parser.add_argument("--json", type=Path, help="write all figures here too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        intake = Service(Settings(home=Path(home))).storeless_intake
        makers = tasks(arguments.split, Limits(arguments.limit, 6 * arguments.limit), intake)
        made = {name: makers[name]() for name in arguments.tasks.split(",")}
    found: dict[str, dict[str, Figure]] = {}
    kinds: dict[str, dict[str, tuple[float, int]]] = {}
    for name, task in made.items():
        began = time.monotonic()
        rankings = rank(task, arguments.methods.split(","))
        found[name] = figures_of(rankings, task.asked)
        kinds |= by_kind(rankings, task.asked)
        print(f"{name}: {', '.join(f'{f} {v.value:.3f}' for f, v in found[name].items())}; {time.monotonic() - began:.0f} s", flush=True)
    parts = {"search": table(found, {n: t.title for n, t in made.items()}, {n: len(t.records) for n, t in made.items()})}
    parts["search"] += ["", f"Parts `{arguments.split}`, at most {arguments.limit} questions a public set."]
    if kinds:
        parts["kinds"] = kinds_table(kinds)
    print("\n" + "\n\n".join("\n".join(lines) for lines in parts.values()))
    if arguments.markdown:
        fill(arguments.markdown, parts)
    if arguments.json:
        of_all = {name: {figure: asdict(value) for figure, value in of_task.items()} for name, of_task in found.items()}
        arguments.json.write_text(json.dumps({"split": arguments.split, "figures": of_all, "kinds": kinds}, indent=1) + "\n", encoding="utf-8")


def _ask(service: Service, text: str, by: By) -> list[str]:
    return [hit.record.feedback.id for hit in service.retrieval.ask(Question(text=text, k=K, by=by)).hits]


def _mean(values: np.ndarray) -> Figure:
    return estimate(len(values), lambda chosen: float(values[chosen].mean()))


def _cell(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


if __name__ == "__main__":
    main()
