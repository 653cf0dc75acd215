import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


PARTS = ["analyze", "stages", "precision", "limit", "cold", "bulk", "doorstep", "index", "dashboards", "latency", "memory"]


@pytest.mark.slow
@pytest.mark.parametrize("parts", [PARTS, pytest.param(["topics"], marks=pytest.mark.long)], ids=["all but topics", "topics"])
def test_parts_run_and_report(tmp_path, parts):
    saved = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--save", str(saved), *parts]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CXNLP_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(saved.read_text(encoding="utf-8"))["figures"]
    assert {f["part"] for f in figures} == set(parts)
    assert all(f["value"] > 0 for f in figures)
    assert f"| {figures[0]['part']} | {figures[0]['name']} |" in done.stdout


def test_an_unknown_part_is_refused():
    done = subprocess.run([sys.executable, "-m", "benchmarks", "speed"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, "unknown part speed" in done.stderr) == (2, True)


def test_peers_answer_the_same_questions_in_one_run():
    command = [sys.executable, "-m", "benchmarks.peers", "--records", "3000", "--queries", "5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cells = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    recall = {(name, share): float(found) for name, _, _, share, _, _, _, found in cells}
    assert min(found for (name, _), found in recall.items() if name in ("own", "flat")) >= 0.97
    assert recall["hnsw", "1 %"] < recall["own", "1 %"], "what a filter after the search loses"
