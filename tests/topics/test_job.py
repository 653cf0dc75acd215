import os
import subprocess
import sys

import numpy as np
import pytest

from cxnlp import jobs
from cxnlp.errors import CxnlpError, InvalidInput
from cxnlp.topics import job
from cxnlp.topics.fit import FitConfig, fit_topics

from .samples import clusters, texts_of

VECTORS, TRUTH = clusters(2, 6)
TEXTS = texts_of(TRUTH)


def test_a_fit_in_another_process_equals_one_in_this(tmp_path):
    dictionary = tmp_path / "words.txt"
    dictionary.write_text("云雀速运 100 n\n", encoding="utf-8")
    config = FitConfig(n_topics=2, user_dictionary=dictionary)
    said = []
    found = job.run_in_subprocess(VECTORS, TEXTS, config, lambda stage, share: said.append(stage), folder=tmp_path)
    here = fit_topics(VECTORS, TEXTS, config)
    np.testing.assert_array_equal(found.assignments, here.assignments)
    np.testing.assert_allclose(found.centroids, here.centroids, atol=1e-6)
    np.testing.assert_array_equal(found.space.origin, here.space.origin)
    assert found.space.axes.shape == (0, 48)
    assert (found.labels, found.threshold) == (here.labels, here.threshold)
    np.testing.assert_array_equal(found.positions, here.positions)
    assert said == ["sample", "discover", "assign", "label", "done"]
    (groups,) = [path for path in tmp_path.iterdir() if path != dictionary]
    assert groups.name.startswith("groups-")


def test_a_refusal_reaches_the_caller_as_what_it_is():
    with pytest.raises(InvalidInput, match="only 12 different texts"):
        job.run_in_subprocess(VECTORS, TEXTS, FitConfig(n_topics=13))


def test_a_process_that_dies_is_told_with_its_last_words(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho out of luck >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(jobs.sys, "executable", str(program))
    with pytest.raises(CxnlpError, match="exit code 3; out of luck"):
        job.run_in_subprocess(VECTORS, TEXTS, FitConfig(), folder=tmp_path)
    assert list(tmp_path.iterdir()) == [program]


_SITE = """
import os, signal, sys
if "cxnlp.topics.job" in sys.orig_argv:
    import cxnlp.topics.fit as fit

    def end(*arguments, **named):
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(fit, os.environ["KILLED_IN"], end)
"""


def test_a_fit_whose_process_is_killed_goes_on_from_what_it_had_found(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(_SITE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("KILLED_IN", "_label")
    with pytest.raises(CxnlpError, match="signal 9"):
        job.run_in_subprocess(VECTORS, TEXTS, FitConfig(n_topics=2), folder=work)
    monkeypatch.setenv("KILLED_IN", "discover")
    with pytest.raises(CxnlpError, match="signal 9"):
        job.run_in_subprocess(VECTORS, TEXTS, FitConfig(n_topics=3), folder=work)
    said = []
    found = job.run_in_subprocess(VECTORS, TEXTS, FitConfig(n_topics=2), lambda stage, share: said.append(stage), folder=work)
    assert said == ["sample", "discover", "resume", "assign", "label", "done"]
    np.testing.assert_array_equal(found.assignments, fit_topics(VECTORS, TEXTS, FitConfig(n_topics=2)).assignments)


def test_a_fit_can_be_cancelled_while_it_runs(tmp_path, monkeypatch):
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(jobs.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[0])
    with pytest.raises(CxnlpError, match="cancelled"):
        job.run_in_subprocess(VECTORS, TEXTS, FitConfig(), is_cancelled=lambda: bool(started), folder=tmp_path)
    assert started[0].poll() is not None
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].pid, 0)
    assert not list(tmp_path.iterdir())


def test_a_caller_that_raises_while_told_of_progress_stops_the_fit(tmp_path):
    def stop(stage, share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.run_in_subprocess(VECTORS, TEXTS, FitConfig(), stop, folder=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux only")
def test_a_fit_that_needs_more_memory_than_allowed_fails_with_the_remedy():
    with pytest.raises(CxnlpError, match=r"lower `sample`|[Mm]emory"):
        job.run_in_subprocess(np.tile(VECTORS, (40_000, 1)), TEXTS * 40_000, FitConfig(), max_memory_gib=0.06)


def test_the_room_imports_no_learning_library():
    code = (
        "import sys, cxnlp.topics.fit, cxnlp.topics.job, cxnlp.topics.matching, cxnlp.topics.assign, cxnlp.topics.labels\n"
        "print(sorted({'torch', 'bertopic', 'sklearn', 'umap', 'hdbscan', 'numba', 'scipy', 'spacy', 'jieba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
