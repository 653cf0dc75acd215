"""Progress bars on stderr, and nothing where stderr is no terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


class RateColumn(TextColumn):
    """Records a second since the start."""

    def __init__(self) -> None:
        super().__init__("{task.fields[rate]}")


class Bar:
    """One bar; `update` may be called as often as one likes."""

    def __init__(self, progress: Progress, unit: str) -> None:
        self._progress = progress
        self._unit = unit
        self._task = progress.add_task("", total=None, rate="")

    def update(self, done: int, total: int | None, n_records: int | None = None) -> None:
        """Show that `done` of `total` is behind, which was `n_records` records."""
        task = self._progress.tasks[0]
        n = done if n_records is None else n_records
        rate = f"{n / task.elapsed:,.0f} {self._unit}/s" if task.elapsed else ""
        self._progress.update(self._task, completed=done, total=total, rate=rate)


@contextmanager
def show_progress(title: str, unit: str = "records", *, counted: bool = True) -> Iterator[Bar]:
    """Show a bar while the block runs.

    Args:
        title: What goes on.
        unit: Of the rate.
        counted: Whether done and total are numbers worth reading, such as records, and not bytes.
    """
    columns = [
        TextColumn(f"{title:<10}"),
        BarColumn(),
        MofNCompleteColumn() if counted else TaskProgressColumn(),
        RateColumn(),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        yield Bar(progress, unit)
