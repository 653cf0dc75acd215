"""Commands that read files: analyze, ingest."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
import typer

from cxnlp.bootstrap import Service
from cxnlp.cli.options import Channel, Encoding, Format, Map, Sheet, Source, Speaker, open_reading, open_service, to_defaults, to_options
from cxnlp.cli.progress import show_progress
from cxnlp.errors import InvalidInput
from cxnlp.ingest.dates import shift_weeks, weeks_to_current
from cxnlp.ingest.formats import stem_of
from cxnlp.ingest.loading import Loaded
from cxnlp.ingest.readers import Reading
from cxnlp.ingest.rows import ReadOptions, Rejection
from cxnlp.lines import to_line
from cxnlp.records import Feedback, Record
from cxnlp.service import Outcome, count


class _Rejects:
    """A rejects file that comes into being with its first row; one of an earlier run is replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n = 0
        self._file: BinaryIO | None = None
        path.unlink(missing_ok=True)

    def write(self, outcome: Outcome) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _open_output(self.path)
        self.n += 1
        self._file.write(orjson.dumps(outcome.to_json(), option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        if self._file:
            self._file.close()


def analyze(
    file: Annotated[str, typer.Argument(help="File or folder; - for standard input.")],
    output: Annotated[str, typer.Option("--output", "-o", help="JSONL file to write; - for standard output.")] = "-",
    map: Map = None,
    format: Format = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    speaker: Speaker = None,
    source: Source = None,
    channel: Channel = "ticket",
) -> None:
    """Score and tag feedback without keeping it: one JSON line a record, in input order.

    Rejected rows go to OUT.rejects.jsonl, each with the reason, and do not stop the others. With -o - they go to FILE.rejects.jsonl in the
    present folder.
    """
    service = open_service()
    reading = open_reading(file, to_options(map, format, encoding, sheet, speaker))
    rejects_path = Path(f"{_stem(file)}.rejects.jsonl") if output == "-" else _rejects_path(Path(output))
    _refuse_own_input([file], [Path(output), rejects_path])
    rejects = _Rejects(rejects_path)
    accepted = _accepted(service, reading, rejects, to_defaults(source, channel))
    n = 0
    with ExitStack() as stack:
        stack.callback(rejects.close)
        bar = stack.enter_context(show_progress("analyzing", counted=False))
        results = service.pipeline.stream(accepted)
        first = list(islice(results, 1))  # a file that cannot be read at all leaves an earlier output as it is
        out = sys.stdout.buffer if output == "-" else stack.enter_context(_open_output(Path(output)))
        for found in chain(first, results):
            out.write(orjson.dumps(to_line(Record(found.feedback, found.analysis)), option=orjson.OPT_APPEND_NEWLINE))
            out.flush()
            n += 1
            bar.update(reading.progress.bytes_read, reading.progress.bytes_total, n)
    _tell(reading)
    typer.echo(f"{n} analyzed, {rejects.n} rejected{f', see {rejects.path}' if rejects.n else ''}", err=True)


def ingest(
    files: Annotated[list[str], typer.Argument(help="Files or folders; - for standard input.")],
    map: Map = None,
    format: Format = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    speaker: Speaker = None,
    source: Source = None,
    channel: Channel = "ticket",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Return when the records are enriched, or as soon as they are kept.")] = True,
    rejects: Annotated[Path | None, typer.Option(help="File for rejected rows; default is rejects/NAME.rejects.jsonl in CXNLP_HOME.")] = None,
    shift_dates: Annotated[
        bool, typer.Option("--shift-dates", help="Move all dates by whole weeks so that the newest week is the current one.")
    ] = False,
) -> None:
    """Keep feedback: validated, masked, stored, then scored, tagged and searchable.

    Sending the same file again is harmless, so an interrupted run is resumed by repeating it.
    """
    service = open_service()
    options = to_options(map, format, encoding, sheet, speaker)
    defaults = to_defaults(source, channel)
    readings = [open_reading(file, options) for file in files]
    weeks = _weeks_to_shift(service, files, options) if shift_dates else 0
    paths = [rejects or service.home / "rejects" / f"{_stem(file)}.rejects.jsonl" for file in files]
    _refuse_own_input(files, paths)
    refused = {path: _Rejects(path) for path in paths}
    statuses: Counter[str] = Counter()
    with ExitStack() as stack:
        for one in refused.values():
            stack.callback(one.close)
        for path, reading in zip(paths, readings, strict=True):
            statuses.update(_ingest_one(service, reading, refused[path], weeks, defaults))
            _tell(reading)
    typer.echo(f"{statuses.total()} rows: " + ", ".join(f"{statuses[status]} {status}" for status in count(())))  # the four, in order
    for one in refused.values():
        if one.n:
            typer.echo(f"{one.n} rejected, see {one.path}", err=True)
    if wait:
        with show_progress("enriching") as bar:
            service.enrichment.drain(lambda done, waiting: bar.update(done, done + waiting))


def _ingest_one(service: Service, reading: Reading, refused: _Rejects, weeks: int, defaults: Mapping[str, str]) -> Iterator[str]:
    """Yield the status of each row once it is durable."""

    def change(feedback: Feedback) -> Feedback:
        return shift_weeks(feedback, weeks)

    with show_progress("reading", counted=False) as bar:
        items = service.intake.read(reading, reading.options.overrides, change if weeks else None, **defaults)
        for n, outcome in enumerate(service.intake.load(service.store, items), 1):
            if outcome.status == "rejected":
                refused.write(outcome)
            bar.update(reading.progress.bytes_read, reading.progress.bytes_total, n)
            yield outcome.status


def _weeks_to_shift(service: Service, files: list[str], options: ReadOptions) -> int:
    if "-" in files:
        raise InvalidInput("--shift-dates reads the input twice; give it a file")
    items = (item for file in files for item in service.intake.read(open_reading(file, options), options.overrides))
    now = datetime.now(UTC)
    latest = max((item.feedback.created_at for item in items if isinstance(item, Loaded)), default=now)
    return weeks_to_current(latest, now)


def _accepted(service: Service, reading: Reading, rejects: _Rejects, defaults: Mapping[str, str]) -> Iterator[Feedback]:
    for item in service.storeless_intake.read(reading, reading.options.overrides, None, **defaults):
        if isinstance(item, Rejection):
            rejects.write(Outcome("rejected", None, item, item.number, item.origin))
        else:
            yield item.feedback


def _refuse_own_input(files: Iterable[str], outputs: Iterable[Path]) -> None:
    """Refuse to write to a file that is read, or that lies in a folder that is read."""
    inputs = {Path(file).resolve() for file in files if file != "-"}
    for path in outputs:
        if path.exists() and inputs & {path.resolve(), *path.resolve().parents}:
            raise InvalidInput(f"{path} is part of what is read; name another file to write, or move it away")


def _stem(file: str) -> str:
    return "stdin" if file == "-" else stem_of(Path(file).resolve().name) or "folder"


def _rejects_path(output: Path) -> Path:
    return output.with_name(f"{output.name.removesuffix('.jsonl')}.rejects.jsonl")


def _open_output(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written ({error.strerror})") from error


def _tell(reading: Reading) -> None:
    for notice in reading.notices:
        typer.echo(notice, err=True)
