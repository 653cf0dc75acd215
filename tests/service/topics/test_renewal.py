"""Topics after a reindex, with two encoders whose vectors have nothing in common, not even their length; on both databases."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cxnlp.encoder.windows import States
from cxnlp.errors import Conflict
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.service import Curation, Enrichment, Intake, TopicModel
from cxnlp.service.topics.renewal import renew_topics
from cxnlp.store import open_store
from cxnlp.taxonomy import load_taxonomy
from tests.fakes import WordHeads, hash_of
from tests.service.topics.groupings import ENDINGS, SUBJECTS, add, fit, texts_about, topic_ids, topic_of
from tests.store.conftest import url as url


@pytest.fixture
def store(url):
    opened = open_store(url)
    yield opened
    opened.close()


class OtherEncoder:
    """Shorter vectors, at random again."""

    dim = 48
    id = "hashing-2"
    likeness = (4.0, -2.8)

    def states(self, texts):
        for i, text in enumerate(texts):
            pairs = [text[j : j + 2] for j in range(max(1, len(text)))]
            yield States(i, np.arange(len(pairs), dtype=np.int32), np.stack([_state(pair) for pair in pairs]))


def _state(pair):
    return np.random.default_rng(hash_of(pair) + 1).standard_normal(48, np.float32)


def _new_worker(store):
    return Enrichment(store, Pipeline(OtherEncoder(), WordHeads()))


def _reindex(store):
    return _new_worker(store).reindex(lambda done, total: None)


def _add(store, texts):
    Intake(Masker(), b"key", ZoneInfo("UTC")).receive(store, [{"external_id": text, "text": text} for text in texts])
    _new_worker(store).drain(lambda done, waiting: None)


def test_records_stay_and_new_ones_get_their_topics_at_once(fitted):
    before = topic_ids(fitted)
    kept = fitted.fitted.model(1)
    _reindex(fitted)
    assert topic_ids(fitted) == before
    found = fitted.fitted.model(1)
    assert (found.encoder, found.centroids.shape, found.topic_ids) == ("hashing-2", (3, 48), kept.topic_ids)
    news = [f"{subject}，{ENDINGS[1]}" for subject in SUBJECTS[:3]]
    _add(fitted, [*news, "zqxj wvkp"])
    assert [topic_of(fitted, text) for text in news] == [before[texts_about(subject, 1)[0]] for subject in SUBJECTS[:3]]
    assert topic_of(fitted, "zqxj wvkp") is None


def test_similarities_are_those_in_the_new_vectors(fitted):
    before = fitted.members.standing("documents").similarities
    _reindex(fitted)
    standing, model = fitted.members.standing("documents"), fitted.fitted.model(1)
    assert not np.allclose(standing.similarities, before)
    assert standing.similarities.min() >= model.threshold
    assert fitted.topic_fits.get(1).metrics["mean_similarity"] == pytest.approx(float(standing.similarities.mean()), abs=1e-3)


def test_what_people_made_of_topics_and_the_ids_of_a_refit_stay(fitted):
    curation = Curation(fitted, Masker(), load_taxonomy())
    a, b = (topic_of(fitted, texts_about(subject, 1)[0]) for subject in SUBJECTS[:2])
    curation.change(a, {"names": {"zh": "物流延误"}}, "ann")
    curation.merge([b], a, "ann")
    _reindex(fitted)
    before = topic_ids(fitted)
    report = fit(fitted)
    assert topic_ids(fitted) == before and report.fit.report["kept_share"] == 1.0
    assert fitted.topics.get(a).names == {"zh": "物流延误"} and fitted.topics.get(a).n == 40


def test_records_analysed_between_the_switch_and_the_renewal_get_their_topics(fitted, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("cxnlp.service.enrichment.renew_topics", lambda store: [])
        _reindex(fitted)  # as if it were killed right after the switch
    late = texts_about(SUBJECTS[0], 1, first=30)[0]
    _add(fitted, [late])
    assert topic_of(fitted, late) is None
    with pytest.raises(Conflict, match="nothing to build"):
        _reindex(fitted)
    assert topic_of(fitted, late) == topic_of(fitted, texts_about(SUBJECTS[0], 1)[0])
    assert renew_topics(fitted) == []


def test_topics_of_clauses_are_taken_along_unless_clauses_are_split_in_another_way(fitted, monkeypatch):
    add(fitted, [f"{ending}{SUBJECTS[0]}" for ending in ENDINGS])
    problems = fit(fitted, kind="problems").fit.number
    with monkeypatch.context() as patched:
        patched.setattr("cxnlp.service.enrichment.SPLITTER_VERSION", "another")
        _reindex(fitted)
    assert fitted.fitted.model(1).encoder == "hashing-2" and fitted.fitted.model(problems).encoder == "hashing-1"
    assert fit(fitted, kind="problems").fit.encoder == "hashing-2"


def test_topics_of_clauses_keep_their_members(fitted):
    add(fitted, [f"{ending}{SUBJECTS[0]}" for ending in ENDINGS])
    problems = fit(fitted, kind="problems").fit.number
    before = fitted.members.standing("problems").topic_ids
    _reindex(fitted)
    assert fitted.fitted.model(problems).encoder == "hashing-2"
    assert fitted.members.standing("problems").topic_ids == before and any(before)


def test_an_earlier_version_is_of_the_other_encoder(fitted):
    fit(fitted, seed=8)
    _reindex(fitted)
    with pytest.raises(Conflict, match="another encoder"):
        TopicModel(fitted).versions.activate(1, "ann")
    assert fitted.topic_fits.active("documents").number == 2
