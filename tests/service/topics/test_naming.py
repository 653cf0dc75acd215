"""Names from an OpenAI-compatible endpoint: a real HTTP server on loopback that answers as it is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cxnlp.bootstrap import Service
from cxnlp.errors import InvalidInput
from cxnlp.filters import parse_filter
from cxnlp.privacy import Masker
from cxnlp.service import Curation, TopicModel
from cxnlp.service.topics.model import FitRequest
from cxnlp.service.topics.naming import Naming
from cxnlp.settings import Settings
from cxnlp.taxonomy import load_taxonomy
from cxnlp.topics.naming import NameEndpoint, parse_endpoint
from tests.service.topics.groupings import SUBJECTS, add, fit, texts_about

CHINESE, COUPONS, ENGLISH = SUBJECTS[:3]
SIGNING_IN = "cannot sign in again"
WORDS = ("today", "morning", "lunch", "friends", "cinema", "office", "train", "garden", "summer", "winter", "family", "monday", "bus", "tea", "home")


class Endpoint:
    """Keeps what it was asked, and answers by `answer(words)`: a text, or a status."""

    def __init__(self):
        self.asked = []
        self.answer = lambda said: json.dumps({code: {"zh": "物流延误", "en": "Good coffee"}[code] for code in said["languages"]}, ensure_ascii=False)
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                endpoint.asked.append((self.path, dict(self.headers), body))
                answer = endpoint.answer(json.loads(json.loads(body)["messages"][1]["content"]))
                status, content = (answer, "no") if isinstance(answer, int) else (200, answer)
                sent = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def said(self):
        return [json.loads(json.loads(body)["messages"][1]["content"]) for _, _, body in self.asked]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture
def filled(store, tell):
    """Two subjects in each language: what only sets the languages apart is taken out of the vectors."""
    tell(CHINESE, COUPONS, ENGLISH, SIGNING_IN)
    for subject in (CHINESE, COUPONS):
        add(store, [f"{text} 电话 13812345678 邮箱 li.lei@example.com" for text in texts_about(subject, 15)], customer={"id": "c-77"})
    for subject in (ENGLISH, SIGNING_IN):
        add(store, [f"{subject}, {word}" for word in WORDS])
    return store


def _fit(store, url, **request):
    naming = Naming(NameEndpoint(url, "small", "sk-secret", timeout_seconds=20, pause_seconds=0), Masker())
    return TopicModel(store, naming=naming).run(FitRequest(outlier_share=0.0, **request), "ann", lambda stage, share: None)


def test_topics_get_names_in_the_language_of_their_texts(filled, endpoint):
    report = _fit(filled, endpoint.url)
    assert {topic.label for topic in report.topics} == {"物流延误", "Good coffee"}
    names = report.fit.metrics["names"]
    assert names == {"model": "small", "named": sorted(topic.id for topic in report.topics), "failed": 0}
    path, headers, body = endpoint.asked[0]
    assert path == "/v1/chat/completions" and headers["Authorization"] == "Bearer sk-secret" and json.loads(body)["model"] == "small"
    assert sorted(tuple(said["languages"]) for said in endpoint.said()) == [("en",), ("en",), ("zh",), ("zh",)]


def test_only_masked_words_and_quotes_are_sent(filled, endpoint):
    _fit(filled, endpoint.url)
    for (_, _, body), said in zip(endpoint.asked, endpoint.said(), strict=True):
        assert set(json.loads(body)) == {"model", "messages"} and set(said) == {"words", "quotes", "languages"}
        assert said["words"] and 1 <= len(said["quotes"]) <= 3
        for secret in ("13812345678", "li.lei", "c-77", "r-", "desk"):
            assert secret not in body
    assert any("[PHONE]" in quote for said in endpoint.said() for quote in said["quotes"])


def test_what_people_call_a_topic_goes_before_a_name_that_was_given(filled, endpoint):
    of = _fit(filled, endpoint.url).topics[0].id
    Curation(filled, Masker(), load_taxonomy()).change(of, {"names": {"zh": "人起的名字", "en": "By people"}}, "ann")
    endpoint.answer = lambda said: '{"zh": "别的名字", "en": "Another"}'
    _fit(filled, endpoint.url)
    assert filled.topics.get(of).names == {"zh": "人起的名字", "en": "By people"}
    record = next(record for record in filled.feedback.iterate(parse_filter({"topic": of})))
    assert record.topic.label in ("人起的名字", "By people")


def test_a_topic_that_stays_keeps_its_name_and_is_not_asked_for_again(filled, endpoint):
    before = {topic.id: topic.label for topic in _fit(filled, endpoint.url).topics}
    n_asked = len(endpoint.asked)
    report = _fit(filled, endpoint.url, seed=8)
    assert {topic.id: topic.label for topic in report.topics} == before and len(endpoint.asked) == n_asked
    assert set(report.fit.metrics["names"]["named"]) == set(before)


ANSWERS = (
    401,
    500,
    "Sure! I cannot help with that.",
    '{"zh": "", "en": ""}',
    '{"zh": "<long>", "en": "' + "very " * 30 + '"}',
    '{"zh": "Late", "en": "物流延误"}',
    '{"zh": "电话 [PHONE]", "en": "Call [PHONE]"}',
    "[]",
    '{"zh": "\\u202e物流", "en": "\\u202eabc"}',
)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_no_name_leaves_the_automatic_one_and_is_told(filled, endpoint, answer):
    automatic = {topic.id: topic.label for topic in fit(filled).topics}
    endpoint.answer = lambda said: answer
    report = _fit(filled, endpoint.url)
    names = report.fit.metrics["names"]
    assert report.fit.is_active and names["failed"] == len(report.topics) == 4 and names["named"] == []
    assert names["problem"].startswith("the endpoint of names")
    assert len(endpoint.asked) == (6 if answer == 500 else 3)
    assert {topic.id: topic.label for topic in report.topics} == automatic and "sk-secret" not in str(names)


def test_after_three_failures_in_a_row_no_more_is_asked(store, tell, endpoint):
    subjects = ("甲快递慢", "乙客服差", "丙价格贵", "丁质量坏", "戊包装破")
    for subject in subjects:
        add(store, texts_about(subject, 6))
    tell(*subjects)
    endpoint.answer = lambda said: 401
    report = _fit(store, endpoint.url)
    assert len(report.topics) == 5 and len(endpoint.asked) == 3 and report.fit.metrics["names"]["failed"] == 5


def test_an_endpoint_that_is_away_leaves_the_automatic_names(filled):
    report = _fit(filled, "http://127.0.0.1:9/v1")
    assert "did not answer (ConnectError)" in report.fit.metrics["names"]["problem"] and report.fit.is_active


def test_the_settings_ask_nobody_by_default_and_never_show_the_key(tmp_path):
    plain = Service(Settings(home=tmp_path))
    assert plain.topics.naming is None
    settings = Settings(home=tmp_path, topic_names_url="http://u:pw@127.0.0.1/v1", topic_names_model="small", topic_names_key="sk-secret")
    asked = Service(settings)
    assert asked.topics.naming.endpoint.model == "small"
    assert "sk-secret" not in repr(settings) + repr(asked.topics.naming) and "u:pw" not in repr(settings)
    for wrong in ({"topic_names_url": "http://a.example/v1"}, {"topic_names_url": "file:///etc", "topic_names_model": "m"}):
        with pytest.raises(InvalidInput, match="CXNLP_TOPIC_NAMES_MODEL"):
            _ = Service(Settings(home=tmp_path, **wrong)).topics
    with pytest.raises(InvalidInput, match="CXNLP_TOPIC_NAMES_KEY"):
        parse_endpoint("http://127.0.0.1/v1", "small", "sk-\u79d8\u5bc6")
    for service in (plain, asked):
        service.store.close()
