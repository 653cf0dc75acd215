import numpy as np

from cxnlp.topics.assign import assign
from cxnlp.topics.space import Space

PLAIN = Space(np.zeros(3, np.float32), np.zeros((0, 3), np.float32))
CENTROIDS = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


def test_a_record_gets_its_nearest_topic_and_the_cosine_to_it():
    documents = np.array([[0.8, 0.6, 0], [0.6, 0.8, 0]], np.float32)
    topics, similarities = assign(documents, PLAIN, CENTROIDS, 0.5)
    assert topics.tolist() == [0, 1]
    np.testing.assert_allclose(similarities, [0.8, 0.8], rtol=1e-6)


def test_a_record_far_from_all_topics_gets_none_and_still_its_cosine():
    topics, similarities = assign(np.array([[0.28, 0, 0.96], [0, 0, -1]], np.float32), PLAIN, CENTROIDS, 0.3)
    assert topics.tolist() == [-1, -1]
    np.testing.assert_allclose(similarities, [0.28, 0], atol=1e-6)


def test_a_record_exactly_at_the_threshold_belongs():
    assert assign(CENTROIDS[:1], PLAIN, CENTROIDS, 1.0)[0].tolist() == [0]


def test_without_topics_every_record_has_none():
    topics, similarities = assign(CENTROIDS, PLAIN, np.zeros((0, 3), np.float32), -1.0)
    assert topics.tolist() == [-1, -1]
    assert similarities.tolist() == [0, 0]


def test_no_records_give_no_topics():
    assert assign(np.zeros((0, 3), np.float32), PLAIN, CENTROIDS, 0.0)[0].shape == (0,)


def test_blocks_join_seamlessly():
    rng = np.random.default_rng(3)
    documents = rng.normal(size=(70_000, 3)).astype(np.float32)
    topics, _ = assign(documents, PLAIN, CENTROIDS, -1.0)
    assert (topics == (documents[:, 1] > documents[:, 0])).all()


def test_documents_are_placed_before_they_are_compared():
    space = Space(np.array([10, 0, 0], np.float32), np.array([[0, 0, 1]], np.float32))
    topics, similarities = assign(np.array([[10, 2, 50]], np.float32), space, CENTROIDS, 0.9)
    assert topics.tolist() == [1]
    assert similarities[0] == 1
