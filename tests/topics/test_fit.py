import logging
import warnings
from pathlib import Path

import numpy as np
import pytest

from cxnlp.errors import InvalidInput
from cxnlp.topics.assign import assign
from cxnlp.topics.discovery import dense_size
from cxnlp.topics.fit import FitConfig, fit_topics
from cxnlp.topics.matching import OldTopic, match

from .samples import clusters, texts_of

SIX = clusters(6, 60)


def fit(vectors, texts, **options):
    return fit_topics(vectors, texts, FitConfig(**options))


def purity(assignments, truth):
    found = [np.bincount(truth[assignments == k]).max() for k in range(assignments.max() + 1)]
    return sum(found) / (assignments >= 0).sum()


@pytest.fixture(scope="module")
def six():
    vectors, truth = SIX
    return fit(vectors, texts_of(truth), seed=1)


@pytest.mark.slow
def test_dense_groups_become_topics(six):
    truth = SIX[1]
    assert len(six.labels) == len(six.centroids) == 6
    assert purity(six.assignments, truth) > 0.98
    assert (six.assignments < 0).mean() <= 0.1
    assert (np.diff(np.bincount(six.assignments[six.assignments >= 0])) <= 0).all()
    for k, found in enumerate(six.labels):
        subject = texts_of(truth)[int(np.flatnonzero(six.assignments == k)[0])].split()[0]
        assert subject in found.name
        assert len(set(found.quotes)) == 3
        assert (six.assignments[list(found.quotes)] == k).all()
    assert six.positions.shape == (6, 2)
    assert six.similarities[six.labels[0].quotes[0]] == six.similarities[six.assignments == 0].max()


@pytest.mark.slow
def test_what_a_fit_says_of_its_records_is_what_assign_says(six):
    topics, similarities = assign(SIX[0], six.space, six.centroids, six.threshold)
    np.testing.assert_array_equal(topics, six.assignments)
    np.testing.assert_allclose(similarities, six.similarities, atol=1e-5)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_fit(six):
    again = fit(SIX[0], texts_of(SIX[1]), seed=1)
    np.testing.assert_array_equal(again.assignments, six.assignments)
    assert again.labels == six.labels


@pytest.mark.slow
def test_refits_with_other_seeds_keep_the_ids_of_nine_texts_in_ten(six):
    vectors, truth = SIX
    rows = [str(row) for row in range(len(truth))]
    members = [{rows[i] for i in np.flatnonzero(six.assignments == k)} for k in range(6)]
    before = [OldTopic(f"t-{k + 1}", six.centroids[k], members[k]) for k in range(6)]
    id_of = {row: topic.id for topic in before for row in topic.members}
    for seed in (2, 3):
        refit = fit(vectors, texts_of(truth), seed=seed)
        clusters_now = [{rows[i] for i in np.flatnonzero(refit.assignments == k)} for k in range(len(refit.centroids))]
        ids = match(refit.centroids, clusters_now, before)
        kept = sum(id_of.get(row) == topic_id for topic_id, cluster in zip(ids, clusters_now, strict=True) for row in cluster)
        assert kept >= 0.9 * len(id_of)


@pytest.mark.slow
def test_scattered_records_are_left_out_up_to_the_share_asked_for():
    vectors, truth = SIX
    rng = np.random.default_rng(11)
    scattered = rng.normal(size=(60, 48)) * 0.15 + 0.5
    scattered = (scattered / np.linalg.norm(scattered, axis=1, keepdims=True)).astype(np.float32)
    texts = [*texts_of(truth), *(f"stray {'x' * i}" for i in range(60))]
    found = fit(np.concatenate([vectors, scattered]), texts, outlier_share=0.05)
    left_out = found.assignments < 0
    assert 0.02 <= left_out.mean() <= 0.05
    assert left_out[len(truth) :].sum() > 0.9 * left_out.sum()
    assert (fit(np.concatenate([vectors, scattered]), texts, outlier_share=0.0).assignments >= 0).all()


@pytest.mark.slow
def test_what_no_record_of_the_fit_was_like_has_no_topic_later(six):
    unlike = np.random.default_rng(5).normal(size=(50, 48)).astype(np.float32)
    assert (assign(unlike, six.space, six.centroids, six.threshold)[0] < 0).mean() > 0.9
    everything = fit(SIX[0][:14], texts_of(SIX[1])[:14], outlier_share=0.0)
    assert (assign(unlike, everything.space, everything.centroids, everything.threshold)[0] >= 0).all()


@pytest.mark.slow
def test_topics_found_on_a_sample_cover_all_records():
    vectors, truth = SIX
    found = fit(vectors, texts_of(truth), sample=150)
    assert len(found.assignments) == len(truth)
    assert purity(found.assignments, truth) > 0.98
    assert (found.assignments < 0).mean() <= 0.1


@pytest.mark.slow
def test_a_number_of_topics_can_be_asked_for():
    vectors, truth = SIX
    found = fit(vectors, texts_of(truth), n_topics=4)
    assert len(found.labels) == 4
    assert (found.assignments < 0).mean() <= 0.1


@pytest.mark.slow
def test_identical_texts_share_a_topic_whatever_their_vectors():
    vectors, truth = SIX
    texts = texts_of(truth)
    for row in range(0, 60, 2):
        texts[row] = "Where is my REFUND? " if row % 4 else "where is my refund?"
    found = fit(vectors, texts)
    assert len(set(found.assignments[0:60:2])) == 1
    assert len(set(found.similarities[0:60:2])) == 1


@pytest.mark.slow
@pytest.mark.parametrize("n", [15, 20, 40])
def test_small_corpora_are_fitted(n):
    vectors, truth = clusters(2, n - n // 2)
    found = fit(vectors[:n], texts_of(truth[:n]))
    assert found.assignments.shape == (n,)
    assert 1 <= len(found.labels) <= n // 3
    assert all(label.name for label in found.labels)


@pytest.mark.slow
def test_texts_without_words_are_fitted():
    vectors, truth = clusters(3, 10)
    found = fit(vectors, ["!" * (row + 1) for row in range(len(truth))])
    assert all(label.name for label in found.labels)


@pytest.mark.slow
def test_the_libraries_neither_warn_nor_talk_nor_change_what_is_logged(capfd, caplog):
    vectors, truth = clusters(2, 10)
    filters = list(warnings.filters)
    fit(vectors, texts_of(truth))
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert warnings.filters == filters
    assert logging.root.manager.disable == logging.NOTSET


def test_fewer_than_fifteen_texts_are_split_without_a_density():
    vectors, truth = clusters(2, 7)
    found = fit(vectors, texts_of(truth), n_topics=2)
    assert purity(found.assignments, truth) == 1
    assert len(found.labels) == 2


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_few_texts_are_one_topic_or_two(n):
    vectors, truth = clusters(1, n)
    found = fit(vectors, texts_of(truth))
    assert (found.assignments >= 0).all()
    assert len(found.labels) == 1
    assert found.labels[0].name.startswith("refund delayed")


def test_a_thousand_copies_are_one_topic():
    vectors = np.repeat(clusters(1, 1)[0], 1000, axis=0)
    found = fit(vectors, ["快递延误"] * 1000)
    assert found.assignments.tolist() == [0] * 1000
    assert found.labels[0].name == "快递 延误"


def test_progress_ends_at_one():
    vectors, truth = clusters(2, 5)
    said = []
    fit_topics(vectors, texts_of(truth), FitConfig(), lambda stage, share: said.append((stage, share)))
    assert [stage for stage, _ in said] == ["sample", "discover", "assign", "label", "done"]
    assert [share for _, share in said] == sorted(share for _, share in said)
    assert said[-1][1] == 1


@pytest.mark.parametrize(
    ("vectors", "texts", "config", "message"),
    [
        (np.zeros((0, 4), np.float32), [], FitConfig(), "no records"),
        (np.ones((3, 4), np.float32), ["a", "b"], FitConfig(), "one vector a text"),
        (np.full((2, 4), np.nan, np.float32), ["a", "b"], FitConfig(), "NaN"),
        (np.ones((2, 4), np.float32), ["a", "b"], FitConfig(user_dictionary=Path("no/such/file")), "does not exist"),
        (np.ones((3, 4), np.float32), ["a", "b", "A"], FitConfig(n_topics=3), "only 2 different texts"),
    ],
)
def test_input_that_cannot_be_fitted_is_refused(vectors, texts, config, message):
    with pytest.raises(InvalidInput, match=message):
        fit_topics(vectors, texts, config)


@pytest.mark.parametrize(
    "options",
    [{"n_topics": 0}, {"min_topic_size": 1}, {"sample": 10}, {"outlier_share": 1.5}, {"outlier_share": -0.1}, {"outlier_share": float("nan")}],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InvalidInput, match=next(iter(options))):
        FitConfig(**options)


def test_what_counts_as_dense_grows_with_the_corpus():
    sizes = [dense_size(n) for n in (15, 40, 865, 10_000, 50_000)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 5
    assert sizes[-1] == 31
