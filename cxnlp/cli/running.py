"""Commands that run: serve, worker, reindex, topics, doctor."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Annotated

import typer
import uvicorn

from cxnlp.cli.checks import check_all
from cxnlp.cli.options import open_service
from cxnlp.cli.progress import show_progress
from cxnlp.errors import Conflict

topics = typer.Typer(no_args_is_help=True, help="Topics: groups of records that speak of the same.")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; other than loopback needs API keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Also enrich, flag and deliver, in a process of its own.")] = True,
) -> None:
    """Serve the HTTP API and the search page; alone it also enriches, flags and delivers."""
    service = open_service()
    service.store  # noqa: B018  (made or upgraded before two processes open it)
    service.intake  # noqa: B018  (so is the key)
    child = subprocess.Popen([sys.executable, "-m", "cxnlp", "worker", "--parent", str(os.getpid())]) if worker else None
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"cxnlp serves http://{shown}:{port}  (API documentation: http://{shown}:{port}/docs)")
    try:
        uvicorn.run("api.main:create_app", factory=True, host=host, port=port, log_level=service.settings.log_level, access_log=False)
    finally:
        if child:
            child.terminate()
            child.wait(timeout=30)


def worker(
    parent: Annotated[int | None, typer.Option(hidden=True, help="Stop when this process has gone.")] = None,
) -> None:
    """Enrich what waits, raise flags and deliver, until stopped; any number may run beside each other."""
    service = open_service()
    logging.basicConfig(level=service.settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    loops: list[Callable[[threading.Event], None]] = [service.enrichment.run, service.delivery.run]
    threads = [threading.Thread(target=run, args=(stop,), daemon=True) for run in loops]
    for thread in threads:
        thread.start()
    while not stop.wait(1.0):
        if parent and os.getppid() != parent:
            stop.set()
    for thread in threads:
        thread.join(timeout=20)


def reindex() -> None:
    """Build the vectors of the present encoder beside the old ones, then switch; interrupted, it goes on where it was."""
    service = open_service()
    with show_progress("encoding") as bar:
        try:
            generation = service.enrichment.reindex(bar.update)
        except Conflict as error:
            typer.echo(f"{error}")
            return
    typer.echo(f"generation {generation.id} is active")


@topics.command("fit")
def fit_topics(
    seed: Annotated[int, typer.Option(help="Of the random numbers; the same seed gives the same topics.")] = 7,
) -> None:
    """Group every record by its document vector; exported lines then carry their topic."""
    service = open_service()
    with show_progress("fitting", counted=False) as bar:
        report = service.topics.fit(seed, lambda stage, share: bar.update(int(share * 100), 100))
    for topic in report.topics:
        typer.echo(f"{topic.id:<6} {topic.n:>7,}  {topic.label}")
    typer.echo(f"{len(report.topics)} topics over {report.n_records:,} records, {report.outlier_share:.1%} without one")


def doctor() -> None:
    """Check that everything the service needs is there; exit code 1 if something is not."""
    checks = check_all(open_service())
    for check in checks:
        typer.secho(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.finding}", fg=None if check.ok else "red")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)
