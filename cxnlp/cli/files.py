"""Commands that read files: analyze, ingest."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
import typer

from cxnlp.bootstrap import Service
from cxnlp.cli.options import Channel, Encoding, Format, Map, Source, open_reading, open_service
from cxnlp.cli.progress import show_progress
from cxnlp.errors import InvalidInput
from cxnlp.ingest.dates import shift_weeks, weeks_to_current
from cxnlp.ingest.loading import Loaded
from cxnlp.ingest.readers import Reading
from cxnlp.ingest.rows import Rejection
from cxnlp.records import Feedback, Record, to_line
from cxnlp.service import Outcome, count


class _Rejects:
    """A rejects file that comes into being with its first row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n = 0
        self._file: BinaryIO | None = None
        path.unlink(missing_ok=True)

    def write(self, outcome: Outcome) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
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
    source: Source = None,
    channel: Channel = "ticket",
) -> None:
    """Score and tag feedback without keeping it: one JSON line a record, in input order.

    Rejected rows go to OUT.rejects.jsonl, each with the reason, and do not stop the others.
    """
    service = open_service()
    reading = open_reading(file, map, format, encoding)
    rejects = _Rejects(Path("stdin.rejects.jsonl") if output == "-" else _rejects_path(Path(output)))
    n = 0
    with ExitStack() as stack:
        stack.callback(rejects.close)
        bar = stack.enter_context(show_progress("analyzing", counted=False))
        out = sys.stdout.buffer if output == "-" else stack.enter_context(_open_output(Path(output)))
        for found in service.pipeline.stream(_accepted(service, reading, rejects, source=source, channel=channel)):
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
    weeks = _weeks_to_shift(service, files, map, format, encoding) if shift_dates else 0
    outcomes: list[str] = []
    for file in files:
        reading = open_reading(file, map, format, encoding)
        name = "stdin" if file == "-" else Path(file).name.split(".")[0] or "folder"
        refused = _Rejects(rejects or service.home / "rejects" / f"{name}.rejects.jsonl")
        outcomes += _ingest_one(service, reading, refused, weeks, source=source, channel=channel)
    totals = count(Outcome(status) for status in outcomes)  # type: ignore[arg-type]
    typer.echo(f"{len(outcomes)} rows: " + ", ".join(f"{n} {status}" for status, n in totals.items()))
    if wait:
        with show_progress("enriching") as bar:
            service.enrichment.drain(lambda done, waiting: bar.update(done, done + waiting))


def _ingest_one(service: Service, reading: Reading, refused: _Rejects, weeks: int, **defaults: Any) -> list[str]:
    statuses: list[str] = []
    overrides = reading.options.overrides

    def change(feedback: Feedback) -> Feedback:
        return shift_weeks(feedback, weeks)

    with ExitStack() as stack:
        stack.callback(refused.close)
        bar = stack.enter_context(show_progress("reading", counted=False))
        items = service.intake.read(reading, overrides, change if weeks else None, **defaults)
        for outcome in service.intake.load(service.store, items):
            statuses.append(outcome.status)
            if outcome.status == "rejected":
                refused.write(outcome)
            bar.update(reading.progress.bytes_read, reading.progress.bytes_total, len(statuses))
    _tell(reading)
    if refused.n:
        typer.echo(f"{refused.n} rows were rejected, see {refused.path}", err=True)
    return statuses


def _weeks_to_shift(service: Service, files: list[str], map: list[str] | None, format: str | None, encoding: str | None) -> int:
    if "-" in files:
        raise InvalidInput("--shift-dates reads the input twice; give it a file")
    readings = [open_reading(file, map, format, encoding) for file in files]
    items = (item for reading in readings for item in service.intake.read(reading, reading.options.overrides))
    now = datetime.now(UTC)
    latest = max((item.feedback.created_at for item in items if isinstance(item, Loaded)), default=now)
    return weeks_to_current(latest, now)


def _accepted(service: Service, reading: Reading, rejects: _Rejects, **defaults: Any) -> Iterator[Feedback]:
    for item in service.storeless_intake.read(reading, reading.options.overrides, **defaults):
        if isinstance(item, Rejection):
            rejects.write(Outcome("rejected", None, item, item.number, item.origin))
        else:
            yield item.feedback


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
