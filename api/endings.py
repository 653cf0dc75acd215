"""Noticing that the server is asked to stop.

uvicorn ends the application only after all answers are complete, and a stream of events never is; so it has to hear of the signal itself.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def watch_endings(stopping: threading.Event) -> Iterator[None]:
    """Set `stopping` when SIGTERM or SIGINT comes, and pass the signal on to whoever handled it before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def notice(number: int, frame: FrameType | None) -> None:
        stopping.set()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in before:
        signal.signal(number, notice)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
