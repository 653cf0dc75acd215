"""What the model is asked to reach, beside what others reach: one row a figure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cxnlp.evaluation.scoring import Figure

Figures = Mapping[str, Mapping[str, Figure]]
LEAST_SAVING = 0.15
MOST_MEGABYTES = 60


@dataclass(frozen=True)
class Target:
    """One row of the table.

    Attributes:
        what: For people.
        set: Name of the set.
        figure: Name of the figure of that set.
        target: To be reached, from below; from above where `at_most`.
        reference: What others reach, or two readings of the same texts.
        at_most: Whether lower is better.
    """

    what: str
    set: str
    figure: str
    target: float
    reference: str
    at_most: bool = False


TARGETS = (
    Target("ChnSentiCorp: accuracy of two classes", "chnsenticorp", "accuracy", 0.954, "BERT-base 0.943, ERNIE 1.0 0.954 (110M, test)"),
    Target("eprstmt: accuracy of two classes", "eprstmt", "accuracy", 0.93, "-"),
    Target("waimai_10k (noisy labels): accuracy of two classes", "waimai_10k", "accuracy", 0.925, "linear probe 0.91"),
    Target("Twitter US airline: accuracy of three classes", "twitter_airline", "accuracy", 0.862, "RoBERTa 0.862"),
    Target("Twitter US airline: macro-F1 of three classes", "twitter_airline", "macro_f1", 0.820, "RoBERTa 0.820"),
    Target("airline, reason for a complaint: macro-F1, a head on vectors and words", "airline_reasons", "head_macro_f1", 0.75, "none published"),
    Target("airline, reason for a complaint: macro-F1, regression on the output", "airline_reasons", "regression_macro_f1", 0.75, "none published"),
    Target("airline, reason for a complaint: macro-F1, fixed table", "airline_reasons", "table_macro_f1", 0.75, "none published"),
    Target("VADER tweets: Pearson's r with the mean of 20 people", "vader_tweets", "pearson", 0.85, "-"),
    Target("DimABSA, five sets: Pearson's r of the valence of given terms", "dimabsa", "pearson", 0.85, "-"),
    Target("STC-3 helpdesk: Pearson's r of satisfaction, 19 people", "stc3_helpdesk", "pearson", 0.80, "ridge on frozen vectors 0.73"),
    Target("gold: negative, neutral or positive, accuracy", "gold", "sentiment_polarity", 0.93, "two readings 0.986"),
    Target("gold: flag at -0.3, F1", "gold", "flag_f1", 0.95, "two readings 0.997"),
    Target("gold: sentiment, mean absolute error", "gold", "sentiment_mae", 0.15, "two readings 0.045", at_most=True),
    Target("gold: intent, accuracy", "gold", "intent_accuracy", 0.94, "two readings 0.984"),
    Target("gold: touchpoint, micro-F1", "gold", "touchpoint_micro_f1", 0.90, "two readings 0.951"),
    Target("gold: stage, micro-F1", "gold", "stage_micro_f1", 0.93, "two readings 0.963"),
    Target("gold: cause, micro-F1", "gold", "cause_micro_f1", 0.83, "two readings 0.914"),
    Target("gold: (touchpoint, cause) pair, micro-F1", "gold", "pair_micro_f1", 0.76, "two readings 0.902"),
    Target("gold: risks, micro-F1", "gold", "risk_micro_f1", 0.82, "two readings 0.903"),
    Target("gold: sign of the sentiment of observations", "gold", "observation_sign", 0.95, "two readings 0.976"),
    Target("gold: exact quotes", "gold", "quotes_exact", 1.0, "-"),
    Target("gold: expected calibration error of confidence", "gold", "calibration_error", 0.05, "-", at_most=True),
)
SIMILARITIES = (
    ("banking77: same intent, precision@10", "banking77", "precision_at_10"),
    ("BQ: same question, area under ROC", "bq", "auc"),
    ("AFQMC: same question, area under ROC", "afqmc", "auc"),
)


def table(figures: Figures, base: Figures, splits: Mapping[str, str], models: Path) -> list[str]:
    """Return the lines of the table in Markdown; a target whose set was not measured says so.

    Args:
        figures: By name of the set, then of the figure.
        base: The same of the base encoder, for similarity.
        splits: Which part each set was measured on.
        models: Folder of the shipped models.
    """
    lines = ["| what | part | n | reference | target | measured | 95 % interval | |", "|---|---|---|---|---|---|---|---|"]
    for t in TARGETS:
        sign = "at most " if t.at_most else ""
        lines.append(_row(t.what, splits.get(t.set, "-"), figures.get(t.set, {}).get(t.figure), t.reference, f"{sign}{t.target:g}", _gap(t)))
    for what, name, figure in SIMILARITIES:
        of_base = base.get(name, {}).get(figure)
        # 15 % fewer errors than the base encoder
        least = 1 - (1 - LEAST_SAVING) * (1 - of_base.value) if of_base else None
        gap = _gap(Target(what, name, figure, least, "")) if least is not None else (0.0, False)
        shown = f"base encoder {_number(of_base.value)}" if of_base else "base encoder, not measured"
        lines.append(_row(what, splits.get(name, "-"), figures.get(name, {}).get(figure), shown, "-" if least is None else _number(least), gap))
    megabytes = sum(path.stat().st_size for path in models.rglob("*") if path.is_file()) / 1e6
    verdict = "holds" if megabytes <= MOST_MEGABYTES else f"falls short by {megabytes - MOST_MEGABYTES:.1f}"
    return [*lines, f"| size of `models/`, MB | - | - | 118 (int8, vocabulary uncut) | at most {MOST_MEGABYTES} | {megabytes:.1f} | - | {verdict} |"]


def _gap(target: Target) -> tuple[float, bool]:
    return target.target, target.at_most


def _row(what: str, split: str, figure: Figure | None, reference: str, target: str, bound: tuple[float, bool]) -> str:
    if figure is None:
        return f"| {what} | {split} | - | {reference} | {target} | not measured | - | - |"
    short = round(figure.value - bound[0] if bound[1] else bound[0] - figure.value, 4)
    verdict = "-" if target == "-" else f"falls short by {short:.3f}" if short > 0 else "holds"
    interval = "-" if figure.low is None or figure.high is None else f"{_number(figure.low)} to {_number(figure.high)}"
    return f"| {what} | {split} | {figure.n:,} | {reference} | {target} | {_number(figure.value)} | {interval} | {verdict} |"


def _number(value: float) -> str:
    return f"{value:.3f}"
