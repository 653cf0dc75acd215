import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from cxnlp import cli
from cxnlp.bootstrap import Service
from cxnlp.pipeline import Pipeline
from tests.fakes import HashingEncoder, WordHeads

TEXTS = (
    {"id": "1", "text": "快递太慢了，一个星期还没到", "channel": "review", "created_at": "2026-10-01T08:00:00Z", "customer": {"id": "小王"}},
    {"id": "2", "text": "The parcel was slow and nobody answered", "created_at": "2026-10-05T08:00:00Z", "attributes": {"region": "north"}},
    {"id": "3", "text": "Lovely shop, will come again", "created_at": "2026-10-06T08:00:00Z", "attributes": {"region": "south"}},
    {"id": "4", "text": "=SUM(1,1) 包装完好，很满意", "created_at": "2026-10-07T08:00:00Z", "rating": {"scale": "stars", "value": 5}},
)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def run(*arguments, home, stdin=b"", **settings):
    """Run a command as `cxnlp` does, in this process: with its home, its streams and its exit code."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    own = {"CXNLP_HOME": str(home), **{f"CXNLP_{name.upper()}": str(value) for name, value in settings.items()}}
    saved = dict(os.environ), sys.argv, sys.stdin
    os.environ.update(own)
    sys.argv, sys.stdin = ["cxnlp", *map(str, arguments)], io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    code = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            try:
                cli.main()
            except SystemExit as end:
                code = end.code or 0
            out.flush()
            err.flush()
    finally:
        os.environ.clear()
        os.environ.update(saved[0])
        sys.argv, sys.stdin = saved[1:]
    return Done(code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fakes(monkeypatch):
    """Words and hashes in place of the shipped models, so that a command takes milliseconds."""
    encoder = HashingEncoder()
    monkeypatch.setattr(Service, "encoder", property(lambda _: encoder))
    for name in ("pipeline", "active_pipeline"):
        monkeypatch.setattr(Service, name, property(lambda _: Pipeline(encoder, WordHeads())))


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def kept(home, fakes, tmp_path):
    """A home that holds `TEXTS`, analysed."""
    done = run("ingest", write_lines(tmp_path / "shop.jsonl", TEXTS), home=home)
    assert done.code == 0, done.err
    return home
