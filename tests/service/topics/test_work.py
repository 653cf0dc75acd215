"""Fits whose whole process is killed with SIGKILL, in the midst of a real fit."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cxnlp.filters import parse_filter
from cxnlp.service import TopicModel
from cxnlp.service.topics.model import FitRequest
from cxnlp.service.topics.work import EXCHANGE
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
        print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
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
    """Return the process of a fit that was killed with its caller in this stage."""
    arguments = [f"sqlite:///{tmp_path / 'cxnlp.db'}", str(tmp_path / "work"), stage]
    done = subprocess.run([sys.executable, "-c", _KILLED, *arguments], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert store.topic_fits.get(1).state == "interrupted"
    return int(done.stdout.split()[0])


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


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


def test_a_fit_whose_records_changed_since_the_kill_begins_anew_with_all(filled, tmp_path):
    _kill_a_fit(filled, tmp_path, "label")
    (gone, *_) = [record.feedback.id for record in filled.feedback.iterate(parse_filter({}))]
    filled.feedback.forget([gone])
    add(filled, texts_about(SUBJECTS[1], 1, first=9), "late-")
    found, said = _fit(filled, tmp_path)
    assert "resume" not in said and "resumes" not in found.metrics and found.counts["items"] == 24


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_process_of_a_fit_ends_with_its_caller_and_leaves_no_vectors_to_the_next(filled, tmp_path):
    pid = _kill_a_fit(filled, tmp_path, "sample")
    for _ in range(600):
        if not _is_alive(pid):
            break
        time.sleep(0.1)
    assert not _is_alive(pid)
    left = [path.name for path in (tmp_path / "work").glob(f"*/{EXCHANGE}*")]
    assert left
    found, said = _fit(filled, tmp_path)
    assert "resume" not in said and found.state == "done"


def test_a_fit_that_a_person_cancelled_leaves_nothing(filled, tmp_path):
    def cancel(stage, share):
        if stage == "assign":
            assert list((tmp_path / "work").glob("*/groups-*.npy"))
            filled.topic_fits.cancel(1, "bob")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TopicModel(filled, home=tmp_path / "work").run(FitRequest(n_topics=2), "ann", cancel)
    assert list((tmp_path / "work").iterdir()) == []


def test_what_a_day_old_fit_left_is_removed(filled, tell, tmp_path):
    old = tmp_path / "work" / "0123"
    old.mkdir(parents=True)
    np.save(old / "groups-1.npy", np.zeros(3))
    os.utime(old, (0, 0))
    _fit(filled, tmp_path)
    assert list((tmp_path / "work").iterdir()) == []
