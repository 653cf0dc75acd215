"""The command that measures: evaluate."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from cxnlp.cli.options import Channel, Encoding, Format, Map, Sheet, Source, Speaker, open_service, to_defaults, to_options
from cxnlp.cli.progress import show_progress
from cxnlp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cxnlp.bootstrap import Service
    from cxnlp.evaluation.scoring import Figure
    from cxnlp.ingest.rows import Rejection
    from cxnlp.service.evaluation import Judged

_REJECTIONS_SHOWN: Final = 5
_COMPARED: Final = {
    "sentiment_polarity": "polarity",
    "flag_f1": "flag F1",
    "intent_accuracy": "intent",
    "touchpoint_micro_f1": "touchpoint F1",
    "cause_micro_f1": "cause F1",
    "pair_micro_f1": "pair F1",
    "risk_micro_f1": "risk F1",
}


class By(StrEnum):
    """What the figures can be split by."""

    language = "language"
    channel = "channel"
    source = "source"
    kind = "kind"


@dataclass(frozen=True, eq=False)
class _Read:
    """What was judged, with the kinds of each text where it is one of the shipped cases."""

    judged: list[Judged]
    kinds: list[tuple[str, ...]]
    rejections: list[Rejection]


def evaluate(
    file: Annotated[str, typer.Argument(help="Labelled file or folder; - for standard input.")] = "",
    cases: Annotated[bool, typer.Option("--cases", help="Score the regression set that ships with cxnlp instead of a file.")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Also write everything, per label and the rejected rows too, to this file.")] = None,
    by: Annotated[By | None, typer.Option(help="Also split the main figures; by kind only with --cases.")] = None,
    labels: Annotated[bool, typer.Option("--labels", help="Also show precision, recall and F1 of each label.")] = False,
    resamples: Annotated[int, typer.Option(min=0, max=100_000, help="Of the texts, for the 95 % intervals; 0 shows none.")] = 1_000,
    map: Map = None,
    format: Format = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    speaker: Speaker = None,
    source: Source = None,
    channel: Channel = "ticket",
) -> None:
    """Measure how good the model is on labelled texts of your own.

    Each row is a record as `cxnlp analyze` reads it, and says beside it what is right:

    {"text": "等了一个星期还没到", "channel": "review", "sentiment": -0.5, "intent": "complaint",
    "observations": [["delivery", "slow", -0.5]], "risks": []}

    Every label is optional, and one that is left out is not scored: sentiment (-1 to 1) or only label (negative, neutral, positive);
    intent; observations, each a list of touchpoint, cause or "none", and sentiment, or an object with these names; risks; satisfaction.
    CSV and Excel have them as columns: `text,label` with `太慢了,negative` is enough. Lines that `analyze` or `export` wrote, with what is
    wrong in them corrected, can be used as they are. A hundred texts give figures to within about 0.07.
    """
    if bool(file) == cases:
        raise InvalidInput("name one labelled file, or --cases for the shipped regression set; `cxnlp evaluate --help` shows a row")
    if by is By.kind and not cases:
        raise InvalidInput("--by kind needs --cases; a file can be split by language, channel or source")
    service = open_service()
    options = to_options(map, format, encoding, sheet, speaker)
    read = _judge_cases(service) if cases else _judge_file(service, file, options, to_defaults(source, channel))
    if not read.judged:
        raise InvalidInput("no row has a label that can be used; `cxnlp evaluate --help` shows one")
    _report(service, read, by, resamples, json, labels)


def _judge_cases(service: Service) -> _Read:
    from cxnlp.evaluation.cases import load_cases
    from cxnlp.service.evaluation import judge

    shipped = load_cases()
    judged = list(judge(service.pipeline, [(case.feedback, case.labels) for case in shipped]))
    return _Read(judged, [case.kinds for case in shipped], [])


def _judge_file(service: Service, file: str, options: Any, defaults: Mapping[str, str]) -> _Read:
    from cxnlp.service.evaluation import LabelledReading, judge_file

    reading = LabelledReading("-" if file == "-" else Path(file), options, service.taxonomy)
    rejections: list[Rejection] = []
    judged: list[Judged] = []
    with show_progress("evaluating", counted=False) as bar:
        for one in judge_file(service.storeless_intake, service.pipeline, reading, rejections.append, defaults):
            judged.append(one)
            bar.update(reading.progress.bytes_read, reading.progress.bytes_total, len(judged))
    for notice in reading.notices:
        typer.echo(notice, err=True)
    for rejection in rejections[:_REJECTIONS_SHOWN]:
        typer.echo(
            f"{rejection.origin} row {rejection.number}: {rejection.field} {rejection.value!r} {rejection.problem}; {rejection.remedy}", err=True
        )
    if len(rejections) > _REJECTIONS_SHOWN:
        typer.echo(f"and {len(rejections) - _REJECTIONS_SHOWN} more rejected rows; --json OUT lists them all", err=True)
    typer.echo(f"{len(judged)} scored, {len(rejections)} rejected, {reading.n_unlabelled} without a label passed over", err=True)
    return _Read(judged, [], rejections)


def _report(service: Service, read: _Read, by: By | None, n_resamples: int, json: Path | None, labels: bool) -> None:
    from cxnlp.evaluation.breakdown import find_confusions, score_labels

    gold, got = [j.labels for j in read.judged], [j.analysis for j in read.judged]
    figures = _score(service, read.judged, n_resamples)
    groups = {name: (len(judged), _score(service, judged, n_resamples)) for name, judged in _grouped(read, by).items()}
    scores = score_labels(gold, got, service.taxonomy)
    confusions = find_confusions(gold, got)
    if json:
        _write(json, {
            "model": got[0].model,
            "n": len(got),
            "figures": {name: asdict(figure) for name, figure in figures.items()},
            "by": {name: {"n": n, "figures": {k: asdict(v) for k, v in group.items()}} for name, (n, group) in groups.items()},
            "labels": [asdict(s) for s in scores],
            "confusions": [asdict(c) for c in confusions],
            "rejected": [asdict(r) for r in read.rejections],
        })  # fmt: skip
    _show_table((f"{got[0].model} on {len(got):,} texts", "value", "95 % interval", "n"), _figure_rows(figures))
    if by:
        _show_groups(groups, by)
    if labels:
        _show_table(
            ("kind", "label", "precision", "recall", "F1", "support"),
            [(s.kind, s.id, f"{s.precision:.3f}", f"{s.recall:.3f}", f"{s.f1:.3f}", f"{s.support:,}") for s in scores],
        )
    _show_table(("commonest confusions", "right is", "was read as", "texts"), [(c.kind, c.expected, c.got, f"{c.n:,}") for c in confusions])


def _score(service: Service, judged: Sequence[Judged], n_resamples: int) -> dict[str, Figure]:
    from cxnlp.evaluation.scoring import score

    return score(
        [j.labels for j in judged],
        [j.analysis for j in judged],
        n_resamples=n_resamples,
        texts=[j.feedback for j in judged],
        taxonomy=service.taxonomy,
    )


def _grouped(read: _Read, by: By | None) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for i, j in enumerate(read.judged):
        names = {By.language: (j.analysis.language,), By.channel: (j.feedback.channel,), By.source: (j.feedback.source,)}
        for name in read.kinds[i] if by is By.kind else names[by] if by else ():
            groups[name].append(j)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def _figure_rows(figures: Mapping[str, Figure]) -> list[tuple[str, ...]]:
    from cxnlp.evaluation.scoring import TITLES

    return [(title, f"{f.value:.3f}", _interval(f), f"{f.n:,}") for name, title in TITLES.items() if (f := figures.get(name))]


def _interval(figure: Figure) -> str:
    return "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"


def _show_groups(groups: Mapping[str, tuple[int, Mapping[str, Figure]]], by: By) -> None:
    shown = {name: title for name, title in _COMPARED.items() if any(name in group for _, group in groups.values())}
    rows = [(name, f"{n:,}", *(f"{group[figure].value:.3f}" if figure in group else "-" for figure in shown)) for name, (n, group) in groups.items()]
    _show_table((by.value, "n", *shown.values()), rows)


def _show_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose columns are as wide as they must be, so that it reads the same in a file as in a window."""
    from rich.cells import cell_len

    if not rows:
        return
    widths = [max(cell_len(row[i]) for row in (titles, *rows)) for i in range(len(titles))]
    for row in (titles, *rows):
        typer.echo("  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip())
    typer.echo()


def _write(path: Path, report: Mapping[str, Any]) -> None:
    try:
        path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written ({error.strerror})") from error
