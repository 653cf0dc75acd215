import numpy as np
import pytest

from cxnlp.heads import Network
from cxnlp.heads.decoding import Passage, ShippedHeads, agreeing, choose, quote
from cxnlp.records import Feedback, Span, Turn
from cxnlp.taxonomy import load_taxonomy
from tests.fakes import DIM, small_network
from tests.service.moments import NOW

THRESHOLDS = {"pair": 0.3, "touchpoint": -0.3, "only": -1.5}


def test_pairs_over_the_threshold_are_chosen():
    of_pair = np.array([[0.5, -3.0], [-3.0, 0.4]])
    assert choose(of_pair, np.array([-9.0, -9.0]), THRESHOLDS).tolist() == [[True, False], [False, True]]


def test_a_sure_touchpoint_gets_its_likeliest_pair():
    of_pair = np.array([[-0.5, -0.2], [-3.0, -3.0]])
    assert choose(of_pair, np.array([1.0, -9.0]), THRESHOLDS).tolist() == [[False, True], [False, False]]


def test_the_likeliest_pair_stands_in_where_nothing_is_sure():
    of_pair = np.array([[-2.0, -1.0], [-3.0, -3.0]])
    assert choose(of_pair, np.array([-9.0, -9.0]), THRESHOLDS).tolist() == [[False, True], [False, False]]


def test_nothing_is_chosen_where_all_is_unlikely():
    assert not choose(np.full((2, 2), -4.0), np.full(2, -4.0), THRESHOLDS).any()


@pytest.mark.parametrize(
    ("cause", "feeling", "expected"),
    [(0, -0.25, 2), (0, -0.2, 0), (0, 0.9, 0), (1, 0.25, 0), (1, 0.2, 1), (1, -0.9, 1)],
)
def test_only_what_is_negative_has_a_cause_and_all_of_it_has(cause, feeling, expected):
    assert agreeing(cause, feeling, np.array([3.0, -2.0, -1.0])) == expected


def test_each_risk_has_its_own_limit():
    network, vector = small_network(), np.ones(DIM, np.float32)
    passage = Passage(Feedback("s", "1", "ticket", NOW, "快递太慢"), "zh", vector, vector[None], (Span(0, 4),))
    limits = {name: 99.0 for name in network.card["labels"]["risks"]} | {"churn": -99.0}
    card = dict(network.card) | {"thresholds": dict(network.card["thresholds"]) | {"risks": limits}}
    (found,) = ShippedHeads(Network(network.weights, card), load_taxonomy()).read([passage])
    assert [risk.id for risk in found.risks] == ["churn"]


def test_observations_agree_with_their_feeling_and_none_is_there_twice():
    network, draw = small_network(), np.random.default_rng(5)
    card = dict(network.card) | {"thresholds": dict(network.card["thresholds"]) | {"pair": -9.0}}
    passages = [
        Passage(Feedback("s", str(i), "ticket", NOW, "快递太慢。客服好"), "zh", *vectors, (Span(0, 4), Span(5, 8)))
        for i in range(20)
        for vectors in [(draw.standard_normal(DIM).astype(np.float32), draw.standard_normal((2, DIM)).astype(np.float32))]
    ]
    for analysis in ShippedHeads(Network(network.weights, card), load_taxonomy()).read(passages):
        pairs = [(one.touchpoint, one.cause) for one in analysis.observations]
        assert len(set(pairs)) == len(pairs) > 0
        assert all((one.cause is not None) == (one.sentiment <= -0.25) for one in analysis.observations)


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("很慢。真的", (0, 2), "很慢"),
        ("电话[PHONE]没人接", (3, 10), "[PHONE]没"),
        ("好👩‍👩‍👧差", (1, 2), "👩‍👩‍👧"),
    ],
)
def test_quotes_are_exact_and_cut_neither_placeholders_nor_graphemes(text, span, expected):
    feedback = Feedback("s", "1", "ticket", NOW, text)
    found = quote(Passage(feedback, "zh", np.zeros(2), np.zeros((1, 2)), (Span(*span),)), 0)
    assert found.text == expected == text[found.start : found.end]


def test_a_quote_of_a_conversation_names_its_turn():
    turns = (Turn("agent", "您好"), Turn("customer", "等了三天还没人理我"))
    feedback = Feedback("s", "1", "chat", NOW, turns=turns)
    found = quote(Passage(feedback, "zh", np.zeros(2), np.zeros((1, 2)), (Span(0, 4, 1),)), 0)
    assert (found.turn, found.text) == (1, "等了三天")


def test_a_temperature_moves_the_confidence_and_nothing_else():
    network = small_network()
    vector = np.random.default_rng(3).standard_normal(DIM).astype(np.float32)
    passage = Passage(Feedback("s", "1", "ticket", NOW, "快递太慢"), "zh", vector, vector[None], (Span(0, 4),))
    (plain,) = ShippedHeads(network, load_taxonomy()).read([passage])
    card = dict(network.card) | {"calibration": {"sentiment": 2.0}}
    (calibrated,) = ShippedHeads(Network(network.weights, card), load_taxonomy()).read([passage])
    assert 1 / 3 < calibrated.confidence < plain.confidence
    assert (calibrated.sentiment, calibrated.label, calibrated.intent) == (plain.sentiment, plain.label, plain.intent)
