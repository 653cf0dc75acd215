"""The command line: each command parses, calls the service once, and shows what came of it.

files.py      analyze, ingest
evaluating.py evaluate
finding.py    search, similar, show, export, status
grouping.py   duplicates
watching.py   searches
moving.py     alerts
measuring.py  series, breakdown
feeding.py    webhooks, feed
flagging.py   flags
running.py    serve, worker, reindex, doctor
topics.py     topics: fit, list, versions; curating.py: rename, merge, move, undo
learning.py   retrain, models
showing.py    report, topics export
keeping.py    forget, keys
"""

import os
import sys

import typer

from cxnlp import __version__
from cxnlp.cli import (
    evaluating,
    feeding,
    files,
    finding,
    flagging,
    grouping,
    keeping,
    learning,
    measuring,
    moving,
    running,
    showing,
    topics,
    watching,
)
from cxnlp.errors import CxnlpError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Feedback mining for Chinese and English, whole on one machine. Start with `cxnlp analyze FILE`; "
    "keep and search with `cxnlp ingest FILE` and `cxnlp serve`. Data lie in CXNLP_HOME (default ~/.cxnlp).",
)
app.command()(files.analyze)
app.command()(files.ingest)
app.command()(evaluating.evaluate)
app.command()(finding.search)
app.command()(finding.similar)
app.command()(grouping.duplicates)
app.command()(finding.show)
app.command()(finding.export)
app.command()(finding.status)
app.command()(showing.report)
app.add_typer(watching.searches, name="searches")
app.add_typer(moving.alerts, name="alerts")
app.command()(measuring.series)
app.command()(measuring.breakdown)
app.add_typer(feeding.webhooks, name="webhooks")
app.add_typer(feeding.feed, name="feed")
app.add_typer(flagging.flags, name="flags")
app.command()(running.serve)
app.command()(running.worker)
app.command()(running.reindex)
topics.topics.command("export")(showing.export_topics)
app.add_typer(topics.topics, name="topics")
app.command()(learning.retrain)
app.add_typer(learning.models, name="models")
app.command()(running.doctor)
app.command()(keeping.forget)
app.add_typer(keeping.keys, name="keys")


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; an expected error is one line on stderr and exit code 1."""
    try:
        app()
    except CxnlpError as error:
        typer.secho(f"cxnlp: {error}", fg="red", err=True)
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
