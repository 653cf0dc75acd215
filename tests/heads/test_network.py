import shutil
from pathlib import Path

import numpy as np
import pytest

from cxnlp.errors import ArtefactError
from cxnlp.heads import load_network
from cxnlp.heads.network import soft_maximum, softmax
from cxnlp.taxonomy import load_taxonomy

FOLDER = Path(__file__).resolve().parents[2] / "models" / "heads"


@pytest.fixture(scope="module")
def network():
    return load_network(FOLDER)


def test_texts_are_scored_alike_alone_and_together(network):
    draw = np.random.default_rng(1)
    counts = np.array([1, 3, 2])
    documents, clauses = draw.standard_normal((3, 384), np.float32), draw.standard_normal((6, 384), np.float32)
    together = network.score(documents, clauses, counts)
    alone = network.score(documents[1:2], clauses[1:4], counts[1:2])
    np.testing.assert_allclose(together.sentiment[1], alone.sentiment[0], rtol=1e-4)
    np.testing.assert_allclose(together.pairs[1:4], alone.pairs, rtol=1e-3, atol=1e-4)
    assert together.pairs.shape == (6, 18, 20)
    assert together.sentiment.sum(1) == pytest.approx(1, abs=1e-5)


def test_labels_of_the_network_are_those_of_the_default_taxonomy(network):
    taxonomy, labels = load_taxonomy(), network.card["labels"]
    assert tuple(labels["touchpoints"]) == taxonomy.ids("touchpoints")
    assert tuple(labels["causes"]) == ("none", *taxonomy.ids("causes"))
    assert tuple(labels["intents"]) == taxonomy.ids("intents")
    assert tuple(labels["risks"]) == taxonomy.ids("risks")


def test_the_soft_maximum_is_at_least_the_maximum_and_near_it_when_one_stands_out():
    scores = np.array([[0.0, 1.0], [9.0, 1.0], [-3.0, 4.0]])
    found = soft_maximum(scores, np.array([2, 1]), 2.0)
    assert found[0, 0] == pytest.approx(9, abs=1e-6)
    assert found[0, 1] == pytest.approx(1 + np.log(2) / 2)
    assert found[1].tolist() == [-3.0, 4.0]


def test_softmax_survives_large_logits():
    assert softmax(np.array([[1e4, 0.0]], np.float32)).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("name", ["card.json", "model.safetensors"])
def test_a_damaged_file_is_named(tmp_path, name):
    folder = shutil.copytree(FOLDER, tmp_path / "heads")
    (folder / name).write_bytes(b"{broken")
    with pytest.raises(ArtefactError, match="restore"):
        load_network(folder)
