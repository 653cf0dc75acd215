"""Measure the shipped model as a user gets it, through `cxnlp analyze` and the public pipeline, beside what it is asked to reach.

    CXNLP_GOLD=... CXNLP_CORPORA=... python training/evaluate.py --base-encoder FOLDER --markdown docs/accuracy.md --card
    python training/evaluate.py --write-floors                      the regression set alone; needs no data but its own

The dev parts are read; `--split test` reads the test parts of ChnSentiCorp, eprstmt and banking77, whose targets are stated for them, once, at the
end of a piece of work. banking77 has no dev part: a tenth of its train part, told by a hash, stands in. The base encoder is the one that training
started from, such as models/encoder of an earlier commit:

    git archive 1b25056 models/encoder | tar -x -C /tmp/base

Polarity of two-class sets is the sign of `sentiment`; three classes are `label`. Intervals are bootstrapped over texts.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import airline_reasons
import similarity
import valence
from features import MODELS
from product import Rows, analyze, load, open_service, score_lines, thin
from public_sets import correlation, satisfaction, three_classes, two_classes
from report import blocks, fill, gold_blocks, write_card, write_floors
from thresholds import Threshold, find_thresholds

from cxnlp.encoder import ShippedEncoder
from cxnlp.evaluation.scoring import Figure

THROUGH_ANALYZE = {
    "chnsenticorp": two_classes,
    "eprstmt": two_classes,
    "waimai_10k": two_classes,
    "twitter_airline": three_classes,
    "vader_tweets": correlation,
    "stc3_helpdesk": satisfaction,
}
SIMILAR = {"banking77": similarity.same_intent, "bq": similarity.same_question, "afqmc": similarity.same_question}
SETS = ("gold", *THROUGH_ANALYZE, "airline_reasons", "dimabsa", *SIMILAR)
TESTED = ("chnsenticorp", "eprstmt", "banking77")


class Run:
    """One run: what was measured so far, by name of the set."""

    def __init__(self, *, split: str, limit: int | None, base_encoder: Path | None) -> None:
        self.figures: dict[str, dict[str, Figure]] = {}
        self.base: dict[str, dict[str, Figure]] = {}
        self.splits: dict[str, str] = {}
        self.gold: tuple[Rows, Rows] | None = None
        self.thresholds: list[Threshold] = []
        self._split = split
        self._limit = limit
        self._base_encoder = base_encoder

    def measure(self, name: str) -> None:
        """Measure one set."""
        part = self._split if name in TESTED else "dev"
        self.splits[name] = part
        if name == "airline_reasons":
            self.figures[name] = self._measure_reasons()
        elif name == "dimabsa":
            self.figures[name] = valence.measure({one: load(f"dimabsa_{one}_train", part, self._limit) for one in valence.SETS})
        elif name in SIMILAR:
            self._measure_similarity(name, part)
        else:
            rows = load(name, part, self._limit)
            lines = analyze(rows)
            if name == "gold":
                self.gold, self.thresholds = (rows, lines), find_thresholds(rows, lines)
            self.figures[name] = score_lines(rows, lines) if name == "gold" else THROUGH_ANALYZE[name](rows, lines)

    def _measure_reasons(self) -> dict[str, Figure]:
        rows = thin(airline_reasons.choose(load("twitter_airline", "dev")), self._limit)
        train = thin(airline_reasons.choose(load("twitter_airline", "train")), self._limit and 4 * self._limit)
        return airline_reasons.measure(train, rows, analyze(rows))

    def _measure_similarity(self, name: str, part: str) -> None:
        if name == "banking77" and part == "dev":
            part = self.splits[name] = "tenth of train"
            rows = [row for row in load(name, "train") if similarity.is_held_out(row)]  # thinned, no intent would have ten others
        else:
            rows = load(name, part, self._limit)
        service = open_service()
        self.figures[name] = SIMILAR[name](ShippedEncoder(service.settings.models_dir / "encoder"), rows)
        if self._base_encoder:
            self.base[name] = SIMILAR[name](ShippedEncoder(self._base_encoder), rows)


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("dev", "test"), default="dev", help="test: once, at the end")
    parser.add_argument("--sets", default=",".join(SETS), help="of %(default)s")
    parser.add_argument("--limit", type=int, help="texts a set, for a quick look")
    parser.add_argument("--base-encoder", type=Path, help="folder of the encoder that training started from")
    parser.add_argument("--markdown", type=Path, help="document whose marked places are filled")
    parser.add_argument("--card", action="store_true", help="put the figures into models/heads/card.json")
    parser.add_argument("--json", type=Path, help="write all figures here too")
    parser.add_argument("--write-floors", action="store_true", help="only measure the regression set and write its floors")
    arguments = parser.parse_args()
    if arguments.write_floors:
        print(json.dumps(write_floors(), indent=1))
        return
    run = Run(split=arguments.split, limit=arguments.limit, base_encoder=arguments.base_encoder)
    for name in arguments.sets.split(","):
        if name not in SETS:
            parser.error(f"--sets: {name!r} is none of {', '.join(SETS)}")
        run.measure(name)
        for figure, found in run.figures[name].items():
            of_base = run.base.get(name, {}).get(figure)
            beside = f"   base encoder {of_base.value:.3f}" if of_base else ""
            print(
                f"{name:<16} {run.splits[name]:<5} {figure:<24} {found.value:.3f}  {found.low:.3f} to {found.high:.3f}  n={found.n}{beside}",
                flush=True,
            )
    parts = blocks(run.figures, run.base, run.splits, MODELS)
    if run.gold:
        parts |= gold_blocks(*run.gold, run.thresholds)
    print("\n" + "\n\n".join("\n".join(lines) for lines in parts.values()))
    if arguments.markdown:
        fill(arguments.markdown, parts)
    if arguments.card:
        write_card(MODELS / "heads", run.figures, run.base, run.splits, run.thresholds)
    if arguments.json:
        found = {name: {figure: asdict(f) for figure, f in of_set.items()} for name, of_set in run.figures.items()}
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
