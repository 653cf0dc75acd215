"""Fits whose whole process is killed with SIGKILL, in the midst of a real fit."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cxnlp.service import TopicModel
from cxnlp.service.topics.model import FitRequest
from tests.service.topics.groupings import SUBJECTS, add, texts_about, topic_ids

_KILLED = """
import os, signal, sys
from pathlib import Path
from cxnlp.service import TopicModel
from cxnlp.service.topics.model import FitRequest
from cxnlp.store import open_store
from cxnlp.store.topics import fits

fits.LEASE_SECONDS = -1.0  # gives way at once


def tell(stage, share):
    if stage == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)


TopicModel(open_store(sys.argv[1]), home=Path(sys.argv[2])).run(FitRequest(n_topics=2), "ann", tell)
"""


@pytest.fixture
def filled(store):
    # Fewer than 15 different texts are split by k-means, which takes no layout and so no time.
    for subject in SUBJECTS[:2]:
        add(store, texts_about(subject, 6) * 2)
    return store


def _kill_a_fit(store, tmp_path, stage):
    """Kill a fit with its caller in this stage."""
    arguments = [f"sqlite:///{tmp_path / 'cxnlp.db'}", str(tmp_path / "work"), stage]
    done = subprocess.run([sys.executable, "-c", _KILLED, *arguments], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert store.topic_fits.get(1).state == "interrupted"


def _fit(store, tmp_path):
    said = []
    report = TopicModel(store, home=tmp_path / "work").run(FitRequest(n_topics=2), "ann", lambda stage, share: said.append(stage))
    assert list((tmp_path / "work").iterdir()) == []
    return report.fit, said


def test_a_fit_goes_on_after_a_kill_and_also_covers_what_came_since(filled, tmp_path):
    _kill_a_fit(filled, tmp_path, "label")
    add(filled, texts_about(SUBJECTS[0], 1, first=9), "late-")
    found, said = _fit(filled, tmp_path)
    assert "resume" in said and found.metrics["resumes"] == 1
    assert found.counts["items"] == 24 and found.is_active
    of = topic_ids(filled)
    assert of[texts_about(SUBJECTS[0], 1, first=9)[0]] == of[texts_about(SUBJECTS[0], 1)[0]]
    assert "resumes" not in _fit(filled, tmp_path)[0].metrics
