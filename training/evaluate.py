"""Measure the shipped model as a user gets it, through `cxnlp analyze`, and print docs/accuracy.md's table.

    python training/evaluate.py [--split dev] [--sets gold,chnsenticorp,...]      (needs $CXNLP_GOLD with score.py, $CXNLP_CORPORA)

Parts named test are for the end of a piece of work, once. Polarity of two-class sets is the sign of `sentiment`; three classes are `label`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from features import read_rows

Rows = Sequence[dict[str, Any]]


def analyze(rows: Rows) -> list[dict[str, Any]]:
    """Return the output lines of `cxnlp analyze` for corpus rows, in order."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
        with source.open("w", encoding="utf-8") as lines:
            for row in rows:
                said = {"turns": row["turns"]} if row.get("turns") else {"text": row["text"]}
                lines.write(json.dumps({"external_id": row["id"], "channel": row["channel"], **said}, ensure_ascii=False) + "\n")
        environment = os.environ | {"CXNLP_HOME": folder}
        subprocess.run([Path(sys.executable).with_name("cxnlp"), "analyze", str(source), "-o", str(out)], check=True, env=environment)
        found = {line["external_id"]: line for line in read_rows(out)}
    missing = [row["id"] for row in rows if row["id"] not in found]
    if missing:
        raise SystemExit(f"{len(missing)} rows are missing in the output, such as {missing[:3]}")
    return [found[row["id"]] for row in rows]


def two_classes(rows: Rows, out: Rows) -> dict[str, float]:
    """Return the accuracy of the sign of `sentiment`."""
    return {"accuracy": float(np.mean([(o["sentiment"] > 0) == (r["sentiment"] > 0) for r, o in zip(rows, out, strict=True)]))}


def three_classes(rows: Rows, out: Rows) -> dict[str, float]:
    """Return accuracy and macro-F1 of `label`."""
    names = np.array(["negative", "neutral", "positive"])
    gold = np.array([names[int(np.sign(r["sentiment"])) + 1] for r in rows])
    got = np.array([o["label"] for o in out])
    f1 = [2 * np.sum((gold == n) & (got == n)) / max(1, np.sum(gold == n) + np.sum(got == n)) for n in names]
    return {"accuracy": float(np.mean(gold == got)), "macro_f1": float(np.mean(f1))}


def correlation(rows: Rows, out: Rows) -> dict[str, float]:
    """Return Pearson's r of `sentiment` with the mean human rating."""
    return {"pearson": float(np.corrcoef([r["sentiment"] for r in rows], [o["sentiment"] for o in out])[0, 1])}


def satisfaction(rows: Rows, out: Rows) -> dict[str, float]:
    """Return Pearson's r of `satisfaction` with the mean of 19 people."""
    return {"pearson": float(np.corrcoef([r["labels"]["satisfaction"] for r in rows], [o["satisfaction"] for o in out])[0, 1])}


def gold(rows: Rows, out: Rows) -> dict[str, float]:
    """Return the figures of the gold set's own scorer."""
    sys.path.insert(0, os.environ["CXNLP_GOLD"])
    from score import score  # type: ignore[import-not-found]

    return dict(score(list(rows), list(out)))


SETS: dict[str, Callable[[Rows, Rows], dict[str, float]]] = {
    "gold": gold,
    "chnsenticorp": two_classes,
    "eprstmt": two_classes,
    "waimai_10k": two_classes,
    "twitter_airline": three_classes,
    "vader_tweets": correlation,
    "stc3_helpdesk": satisfaction,
}


def load(name: str, split: str) -> Rows:
    """Return the rows of one part."""
    if name == "gold":
        return list(read_rows(Path(os.environ["CXNLP_GOLD"]) / f"{split}.jsonl"))
    return [row for row in read_rows(Path(os.environ["CXNLP_CORPORA"]) / f"{name}.jsonl.gz") if row["split"] == split]


def main() -> None:
    """Print one line a set and figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", default="dev")
    parser.add_argument("--sets", default=",".join(SETS))
    arguments = parser.parse_args()
    print("| set | split | n | figure | value |\n|---|---|---|---|---|")
    for name in arguments.sets.split(","):
        rows = load(name, arguments.split)
        if not rows:
            continue
        for figure, value in SETS[name](rows, analyze(rows)).items():
            if isinstance(value, float):
                print(f"| {name} | {arguments.split} | {len(rows)} | {figure} | {value:.3f} |", flush=True)


if __name__ == "__main__":
    main()
