"""The shipped model on the regression set: quality must not drop unseen."""

from pathlib import Path

import pytest

from cxnlp.bootstrap import Service
from cxnlp.evaluation.cases import load_cases
from cxnlp.evaluation.floors import LOWER_IS_BETTER, find_drops, load_floors
from cxnlp.evaluation.scoring import score
from cxnlp.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    service = Service(Settings(home=tmp_path_factory.mktemp("home")))
    cases = load_cases()
    found = service.pipeline.analyze([case.feedback for case in cases])
    return score([case.labels for case in cases], [one.analysis for one in found], texts=[case.feedback for case in cases])


def test_the_shipped_model_has_not_got_worse(figures):
    drops = find_drops(figures, load_floors())
    assert not drops, "the model is worse on the regression set than when its floors were written:\n" + "\n".join(drops)


def test_every_figure_of_the_set_has_a_floor_that_can_fail(figures):
    floors = load_floors()
    assert set(floors) == set(figures)
    assert all(value < 1 if name in LOWER_IS_BETTER else value > 0 for name, value in floors.items())


def test_quotes_are_exact(figures):
    assert figures["quotes_exact"].value == 1.0


def test_the_floors_ship_with_the_package():
    declared = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert '"evaluation/*.json"' in declared and '"evaluation/*.jsonl"' in declared
