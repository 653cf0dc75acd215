"""Seconds from the start of the process to the first line of `cxnlp analyze`."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, median, shown
from benchmarks.texts import text_sets

_MOST_SECONDS = 3.0
_PEERS = {
    "importing openvino, tokenizers and numpy": "import openvino, tokenizers, numpy",
    "and compiling the encoder": (
        "from cxnlp.encoder import ShippedEncoder; from cxnlp.settings import Settings\n"
        "list(ShippedEncoder(Settings().models_dir / 'encoder').states(['x']))"
    ),
}


def measure_cold(*, quick: bool) -> list[Figure]:
    """Return the median of several starts."""
    n = 1 if quick else 7
    with tempfile.TemporaryDirectory() as scratch:
        source = text_sets(quick=quick, names=("mixed reviews",))[0].write(Path(scratch) / "in.jsonl")
        environment = os.environ | {"CXNLP_HOME": str(Path(scratch) / "home")}
        firsts, peers = [], {name: list[float]() for name in _PEERS}
        for _ in range(n):
            firsts.append(_seconds_to_first_line(source, environment))
            for name, code in _PEERS.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, "-c", code], check=True, env=environment)
                peers[name].append(time.perf_counter() - start)
    beside = ", ".join(f"{name} {shown(median(values))} s" for name, values in peers.items())
    first = median(firsts)
    return [Figure("cold", f"first line of analyze (median of {n}, slowest {max(firsts):.2f})", first, "s", beside, "< 3 s", first < _MOST_SECONDS)]


def _seconds_to_first_line(source: Path, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "cxnlp", "analyze", str(source), "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - start
        process.kill()
    if not line.startswith(b"{"):
        raise RuntimeError("analyze wrote no line")
    return seconds
