"""Learning from corrections with the shipped encoder and heads: what is learnt, what is kept, and who decides."""

from itertools import islice
from pathlib import Path

import pytest

from cxnlp.bootstrap import Service
from cxnlp.errors import Conflict, InvalidInput
from cxnlp.ingest.readers import read
from cxnlp.service import Comparison
from cxnlp.service.comparison import Agreement, is_held_out
from cxnlp.service.correction import correct
from cxnlp.service.retraining import LEAST_CORRECTED
from cxnlp.settings import Settings
from tests.service.renewals import RENEWALS

pytestmark = pytest.mark.slow
DATA = Path(__file__).resolve().parents[2] / "data"
N_CORRECTED = 48
N_OTHERS = 300


def _open(home):
    return Service(Settings(home=home))


def _ingest(service, texts):
    return [o.id for o in service.intake.receive(service.store, [{"source": "desk", "external_id": text, "text": text} for text in texts])]


def _correct(service, record_id):
    text = service.store.feedback.get(record_id).feedback.text
    labels = {"sentiment": -0.5, "intent": "complaint", "risks": [{"id": "churn", "quote": {"text": text}}]}
    correct(service.store, service.taxonomy, record_id, labels, "ann")


def _quiet(stage, share):
    pass


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """A service with sample feedback, 48 consistent corrections, and one retrain that was left to decide."""
    service = _open(tmp_path_factory.mktemp("home"))
    others = islice(service.intake.read(read(DATA / "reviews.jsonl"), {}), N_OTHERS)
    assert len(list(service.intake.load(service.store, others))) > 100
    ids = _ingest(service, RENEWALS[:N_CORRECTED])
    service.enrichment.drain(lambda done, waiting: None)
    for record_id in ids:
        _correct(service, record_id)
    said = []
    report = service.retraining.run("ann", "better", lambda stage, share: said.append((stage, share)))
    yield service, ids, report, said
    service.store.close()


def _reads_as_told(analyzed):
    return [one.analysis.intent == "complaint" and "churn" in {r.id for r in one.analysis.risks} for one in analyzed]


def test_similar_records_are_read_as_people_said_and_the_rest_as_before(learnt):
    service, _, report, _ = learnt
    similar = [service.storeless_intake.parse({"text": text}) for text in RENEWALS[N_CORRECTED:]]
    before, after = (_reads_as_told(pipeline.analyze(similar)) for pipeline in (service.pipeline, service.active_pipeline))
    assert sum(after) >= 0.75 * len(similar) > 0.5 * len(similar) > sum(before)
    (old, new), (was, now) = report.comparison.corrections, report.comparison.cases
    assert new.all > old.all + 0.1
    assert now.n >= 120
    assert now.all >= was.all - 0.01


def test_the_version_is_kept_named_and_active(learnt):
    service, ids, report, said = learnt
    n_held = sum(is_held_out(i) for i in ids)
    assert (report.is_activated, report.version.n_corrections) == (True, N_CORRECTED - n_held)
    assert report.comparison.corrections[0].n == n_held > 0
    assert report.version.id == f"{service.versions.root}+1" == service.versions.active().id
    assert report.version.metrics["cases"]["own"] == report.comparison.cases[1].to_json()
    (one,) = service.active_pipeline.analyze([service.storeless_intake.parse({"text": "快递太慢了"})])
    assert one.analysis.model == report.version.id
    assert [share for _, share in said] == sorted(share for _, share in said)
    assert service.store.retrains.list()[-1].version_id == report.version.id


def test_comparing_again_gives_the_same_figures(learnt):
    service, _, report, _ = learnt
    found = service.retraining.compare(report.comparison.a, report.comparison.b)
    assert found.is_better
    assert found.corrections == report.comparison.corrections
    assert found.cases == report.comparison.cases


def test_stored_records_are_read_anew_and_rolled_back(learnt):
    service, _, report, _ = learnt
    other = next(r for r in service.store.feedback.get_many(service.store.vectors.sample(1, 3)).values())
    assert other.analysis.model == service.versions.root
    n = service.store.feedback.statistics().analyzed
    assert service.reanalyze(lambda done, total: None) == n
    assert service.store.feedback.get(other.feedback.id).analysis.model == report.version.id
    assert service.versions.rollback("ann").id == service.versions.root
    assert service.reanalyze(lambda done, total: None) == n
    back = service.store.feedback.get(other.feedback.id).analysis
    assert (back.model, back.intent) == (service.versions.root, other.analysis.intent)
    assert back.sentiment == pytest.approx(other.analysis.sentiment, abs=0.01)
    service.versions.activate(report.version.id, "ann")


def test_stopped_or_refused_everything_stays_as_it_was(learnt):
    service, _, report, _ = learnt

    def stop(stage, share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        service.retraining.run("ann", "always", stop)
    assert service.store.retrains.list()[0].state == "failed"
    held = service.store.retrains.begin("bob")
    with pytest.raises(Conflict, match="begun by 'bob'"):
        service.retraining.run("ann", "always", _quiet)
    with pytest.raises(Conflict, match="begun by 'bob'"):
        service.retraining.start("ann", "always")
    service.store.retrains.end(held.id, "failed", "made for this test")
    assert service.versions.active().id == report.version.id
    assert len(service.versions.list()) == 2


def test_too_few_corrections_are_told_with_what_to_do(tmp_path):
    service = _open(tmp_path)
    for record_id in _ingest(service, RENEWALS[: LEAST_CORRECTED - 1]):
        _correct(service, record_id)
    service.enrichment.drain(lambda done, waiting: None)
    with pytest.raises(InvalidInput, match=r"19 records are corrected, and at least 20 are needed .*correct more"):
        service.retraining.run("ann", "better", _quiet)
    assert service.store.retrains.list() == []
    service.store.close()


@pytest.mark.parametrize(
    ("corrections", "cases", "is_better"),
    [((0.5, 0.6), (0.7, 0.69), True), ((0.5, 0.6), (0.7, 0.689), False), ((0.5, 0.5), (0.7, 0.8), False), ((None, None), (0.7, 0.7), False)],
)
def test_better_means_more_of_the_corrections_and_no_less_of_the_cases(corrections, cases, is_better):
    found = Comparison("a", "b", *(tuple(Agreement(9, value, {}) for value in pair) for pair in (corrections, cases)))
    assert found.is_better is is_better
