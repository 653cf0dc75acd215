"""Run the parts by name and print their figures as a Markdown table.

python -m benchmarks                     everything; half an hour on two cores
python -m benchmarks analyze cold        some parts
python -m benchmarks --quick             a smoke run: proves that the parts run, its figures mean nothing
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import orjson

from benchmarks.analyze import measure_analyze
from benchmarks.bench_index import measure_index
from benchmarks.bulk import measure_bulk
from benchmarks.cold import measure_cold
from benchmarks.dashboards import measure_dashboards
from benchmarks.doorstep import measure_doorstep
from benchmarks.figures import Figure, describe_machine, to_table
from benchmarks.limit import measure_limit
from benchmarks.precision import measure_precision
from benchmarks.serving import measure_serving
from benchmarks.stages import measure_stages
from benchmarks.topics import measure_topics

_PARTS: dict[str, Callable[..., list[Figure]]] = {
    "analyze": measure_analyze,
    "stages": measure_stages,
    "precision": measure_precision,
    "limit": measure_limit,
    "cold": measure_cold,
    "bulk": measure_bulk,
    "doorstep": measure_doorstep,
    "index": measure_index,
    "dashboards": measure_dashboards,
    "topics": measure_topics,
}
_SERVING = ("latency", "memory")


def main() -> None:
    """Parse the names, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join((*_PARTS, *_SERVING))}; all by default")
    parser.add_argument("--quick", action="store_true", help="a smoke run")
    parser.add_argument("--home", type=Path, help="data folder in which the store of latency and memory is kept for the next run")
    parser.add_argument("--save", type=Path, metavar="FILE", help="also write the figures as JSON")
    arguments = parser.parse_args()
    names = arguments.names or [*_PARTS, *_SERVING]
    if unknown := set(names) - {*_PARTS, *_SERVING}:
        parser.error(f"unknown part {', '.join(sorted(unknown))}")
    machine = describe_machine()
    print(machine, flush=True)
    figures: list[Figure] = []
    for name in [name for name in _PARTS if name in names]:
        figures += _timed(name, lambda name=name: _PARTS[name](quick=arguments.quick))  # type: ignore[misc]
    if serving := [name for name in _SERVING if name in names]:
        figures += _timed(", ".join(serving), lambda: measure_serving(quick=arguments.quick, names=serving, home=arguments.home))
    print(f"\n{machine}\n\n{to_table(figures)}")
    if arguments.save:
        arguments.save.write_bytes(orjson.dumps({"machine": machine, "figures": [asdict(f) for f in figures]}, option=orjson.OPT_INDENT_2))


def _timed(name: str, measure: Callable[[], list[Figure]]) -> list[Figure]:
    print(f"{name} ...", flush=True)
    start = time.perf_counter()
    figures = measure()
    for f in figures:
        print(f"  {f.name}: {f.value:.4g} {f.unit}  [{f.beside}]", flush=True)
    print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return figures


if __name__ == "__main__":
    main()
