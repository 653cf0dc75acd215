"""Commands that run: serve, worker, reindex, doctor."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated, Final

import typer

from cxnlp.cli.checks import check_all
from cxnlp.cli.options import open_service
from cxnlp.cli.progress import show_progress
from cxnlp.cli.supervision import keep_worker
from cxnlp.errors import Conflict

_PRUNE_SECONDS: Final = 3600.0


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; other than loopback needs API keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Also enrich, flag and deliver, in a process of its own.")] = True,
) -> None:
    """Serve the HTTP API and the search page; alone it also enriches, flags and delivers."""
    import uvicorn  # other commands should not wait for it

    service = open_service()
    service.store  # noqa: B018  (made or upgraded before two processes open it)
    service.intake  # noqa: B018  (so is the key)
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"cxnlp serves http://{shown}:{port}  (API documentation: http://{shown}:{port}/docs)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises the signal again when it is done; the worker must end first
    with keep_worker() if worker else nullcontext():
        uvicorn.run("api.main:create_app", factory=True, host=host, port=port, log_level=service.settings.log_level, access_log=False)


def worker(
    parent: Annotated[int | None, typer.Option(hidden=True, help="Stop when this process has gone.")] = None,
) -> None:
    """Enrich what waits, raise flags, match saved searches, look for what moves, and deliver, until stopped; any number may run beside each other."""
    service = open_service()
    logging.basicConfig(level=service.settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("faiss").setLevel(logging.WARNING)  # it tells at each start which of its builds it loads
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    parts = (service.enrichment, service.saved, service.emergence, service.delivery, service.alerts)
    loops: list[Callable[[threading.Event], None]] = [part.run for part in parts]
    threads = [threading.Thread(target=run, args=(stop,), daemon=True) for run in loops]
    for thread in threads:
        thread.start()
    pruned_at = float("-inf")
    while not stop.wait(1.0) and all(thread.is_alive() for thread in threads):
        if parent and os.getppid() != parent:
            break
        if time.monotonic() - pruned_at > _PRUNE_SECONDS:
            service.store.events.prune()
            pruned_at = time.monotonic()
    died = not all(thread.is_alive() for thread in threads) and not stop.is_set()
    stop.set()
    for thread in threads:
        thread.join(timeout=20)
    if died:
        raise typer.Exit(1)


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


def doctor() -> None:
    """Check that everything the service needs is there; exit code 1 if something is not."""
    checks = check_all(open_service())
    for check in checks:
        typer.secho(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.finding}", fg=None if check.ok else "red")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)
