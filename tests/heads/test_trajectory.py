import numpy as np
import pytest

from cxnlp.heads import ShippedHeads
from cxnlp.heads.trajectory import describe_conversation
from cxnlp.pipeline import Pipeline
from cxnlp.records import Feedback, Turn, TurnSentiment
from cxnlp.taxonomy import load_taxonomy
from tests.fakes import HashingEncoder, small_network
from tests.service.moments import NOW


def describe(*feelings):
    """Describe turns given as a feeling for a customer's turn, `a` for an agent's, `s` for a system's."""
    turns = tuple(Turn({"a": "agent", "s": "system"}.get(f, "customer"), "words") for f in feelings)
    felt = tuple(TurnSentiment(i, f) for i, f in enumerate(feelings) if not isinstance(f, str))
    return describe_conversation(turns, felt)


def test_course_of_a_conversation_that_is_saved():
    found = describe(-0.2, "a", -0.8, "a", 0.3, 0.5)
    assert (found.start, found.lowest, found.lowest_turn, found.end) == (-0.2, -0.8, 2, 0.5)
    assert (found.turning_point, found.recovered, found.unanswered, found.n_customer_turns) == (4, True, True, 4)
    assert found.slope == pytest.approx(np.polyfit(range(4), [-0.2, -0.8, 0.3, 0.5], 1)[0])


def test_course_of_a_conversation_that_sours():
    found = describe(0.5, "a", 0.4, "a", -0.6, -0.7, "a", "s")
    assert (found.lowest_turn, found.turning_point, found.recovered, found.unanswered) == (5, 4, False, False)
    assert found.slope < 0


def test_a_feeling_that_recovers_without_anybody_answering_is_no_recovery():
    assert not describe(-0.8, 0.5).recovered
    assert not describe("a", -0.8, 0.5).recovered
    assert describe(-0.8, "a", 0.5).recovered
    assert not describe(-0.8, "a", -0.3).recovered
    assert not describe(-0.1, "a", 0.5).recovered


@pytest.mark.parametrize("feelings", [(-0.5,), (0.1, 0.2), (0.0, 0.2, -0.1, 0.1)])
def test_small_changes_are_no_turning_point(feelings):
    assert describe(*feelings).turning_point is None


def test_the_first_of_equally_low_turns_is_the_lowest_and_one_turn_has_no_slope():
    assert describe(-0.5, "a", -0.5).lowest_turn == 0
    assert describe(-0.5).slope == 0.0


def test_a_conversation_without_a_felt_turn_has_no_course():
    assert describe("a", "s") is None


def read(turns):
    heads = ShippedHeads(small_network(), load_taxonomy())
    return Pipeline(HashingEncoder(), heads).analyze([Feedback("s", "1", "chat", NOW, turns=tuple(turns))])[0].analysis


def test_agents_talk_is_never_the_customers_feeling():
    said = [Turn("customer", "快递太慢了"), Turn("agent", "好的"), Turn("customer", "谢谢，已经收到了")]
    kind = read(said)
    for words in ("terrible, broken, slow, 太差了", "wonderful, perfect, 非常好"):
        other = read([said[0], Turn("agent", words), said[2]])
        assert other.trajectory == kind.trajectory
        assert other.conversation == kind.conversation
        assert (other.sentiment, other.satisfaction, other.observations) == (kind.sentiment, kind.satisfaction, kind.observations)
    assert [point.turn for point in kind.trajectory] == [0, 2]


def test_a_conversation_of_thousands_of_turns_is_read_turn_by_turn():
    turns = [Turn("agent" if i % 2 else "customer", f"第{i}句 of this talk") for i in range(4_000)]
    found = read(turns)
    assert [point.turn for point in found.trajectory] == list(range(0, 4_000, 2))
    assert (found.conversation.n_customer_turns, found.conversation.unanswered) == (2_000, False)
    assert found.conversation.lowest == min(point.sentiment for point in found.trajectory)


@pytest.mark.parametrize("text", ["谢谢", "好的，谢谢，处理得很快", "Great, thank you!", "ok thanks, bye", "感谢您的帮助，再见"])
def test_nobody_waits_for_an_answer_to_thanks(text):
    turns = (Turn("customer", "help"), Turn("agent", "done"), Turn("customer", text))
    assert not describe_conversation(turns, (TurnSentiment(0, -0.5), TurnSentiment(2, 0.4))).unanswered


@pytest.mark.parametrize(
    "text",
    [
        "",
        "还是没到",
        "谢谢，什么时候到？",
        "thanks but it is still broken",
        "谢谢，不过还没收到",
        "Thanks for nothing, I can't log in",
        "thank you " * 9,
    ],
)
def test_thanks_with_a_question_or_an_objection_wait_for_an_answer(text):
    turns = (Turn("agent", "done"), Turn("customer", "help"), Turn("customer", text), Turn("system", "closed"))
    assert describe_conversation(turns, (TurnSentiment(1, -0.5),)).unanswered
