import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxnlp.bootstrap import Service
from cxnlp.pipeline import Pipeline, prepare
from cxnlp.records import Feedback, Turn
from cxnlp.settings import Settings
from tests.fakes import HashingEncoder, WordHeads
from tests.service.moments import NOW


def _feedback(text="", turns=(), n=0):
    return Feedback("test", str(n), "chat" if turns else "ticket", NOW, text, tuple(turns))


def _analyze(*items):
    return Pipeline(HashingEncoder(), WordHeads()).analyze(items)


def test_results_come_in_the_order_of_the_records():
    items = [_feedback(f"{'快递太慢了' if n % 2 else '味道很好'}，第{n}次", n=n) for n in range(40)]
    found = _analyze(*items)
    assert [one.feedback for one in found] == items
    assert [one.analysis.label for one in found] == ["negative" if n % 2 else "positive" for n in range(40)]


def test_agents_have_no_clauses_and_no_voice():
    turns = [Turn("agent", "您好，请问有什么可以帮您？"), Turn("customer", "快递太慢了，等了一个星期。"), Turn("agent", "非常抱歉给您添麻烦了")]
    prepared = prepare(_feedback(turns=turns))
    assert {span.turn for span in prepared.spans} == {1}
    ((start, end),) = prepared.document.voiced
    assert prepared.document.text[start:end] == turns[1].text
    assert "非常抱歉" in prepared.document.text


def test_every_clause_stands_in_the_words_of_the_customer():
    text = "<p>Hello,</p>the parcel&nbsp;was <b>late</b>, and the box was broken.<br>Thanks"
    prepared = prepare(_feedback(text))
    assert prepared.spans
    for (start, end), span in zip(prepared.document.clauses, prepared.spans, strict=True):
        assert prepared.document.text[start:end].split()[0] in text[span.start : span.end]


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=300).filter(lambda t: t.strip()))
def test_any_text_is_analysed_and_quoted_exactly(text):
    (found,) = _analyze(_feedback(text))
    assert len(found.vectors.clauses) == len(found.vectors.spans) >= 1
    for observation in found.analysis.observations:
        quote = observation.quote
        assert quote.text.strip() and quote.text == text[quote.start : quote.end]


def test_a_stream_keeps_the_order_and_begins_before_its_input_ends():
    given_out = []

    def items():
        for n in range(1_000):
            given_out.append(n)
            yield _feedback(f"第{n}条", n=n)

    stream = Pipeline(HashingEncoder(), WordHeads()).stream(items())
    first = next(stream)
    assert (first.feedback.external_id, len(given_out)) == ("0", 16)
    assert [one.feedback.external_id for one in stream] == [str(n) for n in range(1, 1_000)]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return Service(Settings(home=tmp_path_factory.mktemp("home"))).pipeline


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "label", "touchpoint"),
    [
        ("快递太慢了，等了一个星期还没到，打电话也没人接", "negative", "delivery"),
        ("客服态度特别好，问题马上就解决了，非常满意！", "positive", "support"),
        ("The app crashes every time I try to log in. Useless.", "negative", "website_app"),
        ("Room was spotless and the staff were lovely, will come again", "positive", "onsite_staff"),
        ("這家餐廳的服務生態度很差，不會再來了", "negative", "onsite_staff"),
        ("多收了我一次钱，到现在都没退款", "negative", "aftersales"),
    ],
)
def test_the_shipped_model_reads_plain_cases(pipeline, text, label, touchpoint):
    (found,) = pipeline.analyze([_feedback(text)])
    assert found.analysis.label == label
    assert touchpoint in {o.touchpoint for o in found.analysis.observations} | ({"aftersales"} if touchpoint == "payment" else set())


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "😡😡😡",
        "!!!",
        "a",
        "'; DROP TABLE feedback; --",
        "<html><body></body></html>",
        "Der Versand war viel zu langsam",
        "x" * 900_000,
        "好" * 30_000,
    ],
)
def test_odd_texts_are_scored(pipeline, text):
    (found,) = pipeline.analyze([_feedback(text)])
    assert -1 <= found.analysis.sentiment <= 1
    for observation in found.analysis.observations:
        assert text[observation.quote.start : observation.quote.end] == observation.quote.text != ""


@pytest.mark.slow
def test_a_conversation_has_a_trajectory_and_a_satisfaction(pipeline):
    turns = [
        Turn("customer", "你们的APP怎么回事，一直闪退，气死我了"),
        Turn("agent", "非常抱歉，请您更新到最新版本"),
        Turn("customer", "更新完好了，谢谢你，很有耐心"),
    ]
    (found,) = pipeline.analyze([_feedback(turns=turns)])
    assert [t.turn for t in found.analysis.trajectory] == [0, 2]
    assert found.analysis.trajectory[0].sentiment < 0 < found.analysis.trajectory[1].sentiment
    assert -1 <= found.analysis.satisfaction <= 1


@pytest.mark.slow
def test_a_touchpoint_of_ones_own_is_found_by_its_description(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(
        "touchpoints:\n  - {id: catering_truck, stage: service, en: Ice cream truck, "
        "about: 'the ice cream truck: ice cream, cones and scoops sold from a van', examples: ['the ice cream truck ran out of cones']}\n"
    )
    service = Service(Settings(home=tmp_path / "home", taxonomy=own))
    found = service.pipeline.analyze([_feedback("The ice cream truck had no cones and the scoops were tiny"), _feedback("登录密码忘了，怎么找回？")])
    assert "catering_truck" in {o.touchpoint for o in found[0].analysis.observations}
    assert "catering_truck" not in {o.touchpoint for o in found[1].analysis.observations}
    assert not next(t for t in service.taxonomy.touchpoints if t.id == "catering_truck").trained
