"""Learning on a small network with random weights, in this process and in one of its own."""

from dataclasses import replace

import numpy as np
import pytest

from cxnlp.errors import CxnlpError
from cxnlp.heads.examples import Examples, RefitConfig, gather
from cxnlp.heads.job import refit_in_subprocess
from cxnlp.heads.network import Network, read_network, soft_maximum
from cxnlp.records import Vectors

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
from cxnlp.heads.retraining import refit  # noqa: E402
from cxnlp.heads.trainable import Heads, Known, LabelSet, batch_of, gold_loss, take_targets, to_targets  # noqa: E402

DIM = 12
NAMES = {
    "touchpoints": ["store", "delivery", "product"],
    "causes": ["none", "slow", "defect"],
    "intents": ["complaint", "praise"],
    "risks": ["churn"],
}
CARD = {"name": "tiny", "config": {"sharpness": 2.0}, "labels": NAMES}
LABELS = LabelSet(**{name: tuple(ids) for name, ids in NAMES.items()})
CONFIG = RefitConfig(n_steps=80, learning_rate=5e-3)


def make_network(seed=1):
    torch.manual_seed(seed)
    weights = {k: v.numpy().copy() for k, v in Heads(DIM, LABELS, 16, 0.0, 2.0).state_dict().items()}
    return Network(weights | {"satisfaction.weight": np.ones(4 * DIM, np.float32)}, CARD)


def make_vectors(n, seed, shift=0.0):
    draw = np.random.default_rng(seed)
    made = []
    for i in range(n):
        rows = draw.standard_normal((1 + i % 3 + 1, DIM), np.float32)
        rows[:, 0] += np.float32(shift)
        made.append(Vectors(rows[0], rows[1:]))
    return made


def row(**labels):
    return {"sentiment": None, "intent": None, "observations": None, "risks": None} | labels


OTHERS = gather(make_vectors(80, 5), DIM)
# What is corrected lies to one side of everything else.
ODD = row(sentiment=-1.0, intent="praise", observations=[["product", "defect", -1.0]], risks=["churn"])
CORRECTED = gather(make_vectors(24, 6, 4.0), DIM, [ODD] * 24)


def score(network, examples):
    return network.score(examples.documents, examples.clauses, examples.counts)


def test_the_network_in_torch_scores_as_the_one_in_numpy():
    network = make_network()
    model = Heads(DIM, LABELS, 16, 0.3, 2.0).eval()
    model.load_state_dict(model.state_dict() | {k: torch.from_numpy(v) for k, v in network.weights.items() if not k.startswith("satis")})
    batch = batch_of(*(torch.from_numpy(x) for x in (OTHERS.documents, OTHERS.clauses)), OTHERS.counts, np.arange(80))
    with torch.no_grad():
        out = model(batch)
    scores = score(network, OTHERS)
    np.testing.assert_allclose(out["sentiment"].softmax(1), scores.sentiment, atol=1e-5)
    np.testing.assert_allclose(out["risk"], soft_maximum(scores.risk, OTHERS.counts, 2.0), atol=1e-4)
    pairs = soft_maximum(scores.pairs, OTHERS.counts, 2.0) + scores.presence[:, :, None]
    np.testing.assert_allclose(out["pair"].reshape(pairs.shape), pairs, atol=1e-4)


def test_what_people_said_is_learnt_and_the_rest_is_kept():
    start = make_network()
    new = Network(refit(start.weights, CARD, CORRECTED, OTHERS, CONFIG), CARD)
    unseen = gather(make_vectors(30, 7, 4.0), DIM)
    assert (score(new, unseen).intent.argmax(1) == 1).mean() > 0.9
    assert (score(new, unseen).sentiment.argmax(1) == 0).mean() > 0.9
    assert (soft_maximum(score(new, unseen).risk, unseen.counts, 2.0) > 0).mean() > 0.9
    other = gather(make_vectors(200, 8), DIM)
    drift = np.abs(score(new, other).intent - score(start, other).intent).mean()
    assert drift < 0.15
    free = Network(refit(start.weights, CARD, CORRECTED, OTHERS, replace(CONFIG, keep=0.0, pull=0.0)), CARD)
    assert np.abs(score(free, other).intent - score(start, other).intent).mean() > 2 * drift


def test_fields_that_nobody_corrected_stay_as_they_were():
    start = make_network()
    only_risk = gather(make_vectors(24, 6, 4.0), DIM, [row(risks=["churn"])] * 24)
    new = Network(refit(start.weights, CARD, only_risk, OTHERS, CONFIG), CARD)
    unseen = gather(make_vectors(40, 7, 4.0), DIM)
    before, after = score(start, unseen), score(new, unseen)
    assert (soft_maximum(after.risk, unseen.counts, 2.0) > 0).mean() > 0.9
    np.testing.assert_allclose(after.sentiment, before.sentiment, atol=0.1)
    np.testing.assert_allclose(after.intent, before.intent, atol=0.1)


def test_a_label_that_part_of_the_texts_has_weighs_as_much_less():
    torch.manual_seed(3)
    model = Heads(DIM, LABELS, 16, 0.0, 2.0).eval()
    batch = batch_of(*(torch.from_numpy(x) for x in (CORRECTED.documents, CORRECTED.clauses)), CORRECTED.counts, np.arange(24))
    y = to_targets([ODD] * 24, LABELS)
    everything, first = torch.arange(24), torch.arange(6)
    nobody = torch.arange(0)
    with torch.no_grad():
        out = model(batch)
        assert gold_loss(out, y) == gold_loss(out, y, Known(everything, everything, everything, everything))
        assert gold_loss(out, y, Known(nobody, nobody, nobody, nobody)) == 0
        part = {name: value[:6] for name, value in out.items()}
        alone = gold_loss(part, take_targets(y, first), Known(..., nobody, nobody, nobody))
        assert gold_loss(out, y, Known(first, nobody, nobody, nobody)) == pytest.approx(float(alone) / 4, rel=1e-5)


def test_a_process_of_its_own_gives_the_same_and_tells_of_progress():
    start, said = make_network(), []
    found = refit_in_subprocess(start, CORRECTED, OTHERS, CONFIG, lambda stage, share: said.append((stage, share)))
    here = refit(start.weights, CARD, CORRECTED, OTHERS, CONFIG)
    assert found.keys() == start.weights.keys() == here.keys()
    for name in here:
        np.testing.assert_allclose(found[name], here[name], rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(found["satisfaction.weight"], start.weights["satisfaction.weight"])
    assert said[0] == ("start", 0.0) and {stage for stage, _ in said[1:]} == {"fit"}
    assert [share for _, share in said] == sorted(share for _, share in said)


def test_it_can_be_cancelled():
    with pytest.raises(CxnlpError, match="active version stays"):
        refit_in_subprocess(make_network(), CORRECTED, OTHERS, CONFIG, is_cancelled=lambda: True)


def test_without_other_records_it_learns_all_the_same():
    nothing = gather([], DIM)
    assert isinstance(nothing, Examples) and nothing.documents.shape == (0, DIM)
    new = Network(refit(make_network().weights, CARD, CORRECTED, nothing, CONFIG), CARD)
    assert (score(new, CORRECTED).intent.argmax(1) == 1).mean() > 0.9


def test_a_record_with_thousands_of_clauses_is_cut():
    long = Vectors(np.zeros(DIM, np.float32), np.zeros((3_000, DIM), np.float32))
    assert gather([long, *make_vectors(1, 1)], DIM).counts.tolist() == [128, 1]


def test_weights_come_back_from_bytes():
    network = make_network()
    back = read_network(CARD, network.to_bytes())
    for name, value in network.weights.items():
        np.testing.assert_array_equal(back.weights[name], value)
