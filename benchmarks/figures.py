"""What a part reports, and the machine it was measured on."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

FLAGS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside a limit or peer of the same run.

    Attributes:
        part: Name of the part that measured it.
        name: What was measured.
        value: How much.
        unit: Of the value.
        beside: The named limit or peer, with its own number.
        target: What it should be, or empty.
        holds: Whether the target is met; None without one.
    """

    part: str
    name: str
    value: float
    unit: str
    beside: str = ""
    target: str = ""
    holds: bool | None = None


def to_table(figures: Iterable[Figure]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| part | figure | measured | beside, in the same run | target | |", "|---|---|---|---|---|---|"]
    for f in figures:
        verdict = "" if f.holds is None else "holds" if f.holds else "**falls short**"
        lines.append(f"| {f.part} | {f.name} | {shown(f.value)} {f.unit} | {f.beside} | {f.target} | {verdict} |")
    return "\n".join(lines)


def shown(value: float) -> str:
    """Return a number with three figures, or all of its whole part."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return float(np.median(values))


def describe_machine() -> str:
    """Return processor, the instructions that matter to the encoder, cores, load and versions."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split(":", 1) for line in info.split("\n\n")[0].splitlines() if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set(named.get("flags", "").split())
    has = " ".join(f"{flag}:{'yes' if flag in flags else 'no'}" for flag in FLAGS)
    versions = ", ".join(f"{name} {version(name)}" for name in ("openvino", "numpy", "faiss-cpu", "sqlalchemy"))
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return (
        f"{named.get('model name', platform.processor())}, {os.cpu_count()} cores, {has}; load {load}; Python {platform.python_version()}, {versions}"
    )
