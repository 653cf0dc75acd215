"""A worker in a process of its own, started again when it dies."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LONGEST_PAUSE_SECONDS: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_log = logging.getLogger(__name__)


@contextmanager
def keep_worker() -> Iterator[None]:
    """Run `cxnlp worker` beside the block; a worker that ends by itself is replaced, after a pause that doubles while they die young."""
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(stop,), name="keeper")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(stop: threading.Event) -> None:
    pause = 1.0
    while not stop.is_set():
        began = time.monotonic()
        child = subprocess.Popen([sys.executable, "-m", "cxnlp", "worker", "--parent", str(os.getpid())])
        while child.poll() is None and not stop.wait(0.2):
            pass
        if stop.is_set():
            _end(child)
            return
        pause = 1.0 if time.monotonic() - began > _STEADY_SECONDS else min(2 * pause, _LONGEST_PAUSE_SECONDS)
        _log.warning("the worker ended with code %s; another starts in %.0f s", child.returncode, pause)
        stop.wait(pause)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(timeout=30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
