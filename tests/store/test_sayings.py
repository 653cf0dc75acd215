"""What customers said, by page and by number."""

from cxnlp.filters import Filter, parse_filter
from tests.store.samples import NOW, make_feedback, make_full


def _add(store, *items):
    store.feedback.add(items, NOW)


def test_pages_go_back_from_what_was_received_last(store):
    _add(store, *(make_feedback(n, f"text {n}") for n in range(1, 6)))
    first = store.sayings.page(Filter(), None, 2)
    assert [saying.text for saying in first] == ["text 5", "text 4"]
    second = store.sayings.page(Filter(), first[-1].seq, 10)
    assert [saying.text for saying in second] == ["text 3", "text 2", "text 1"]
    assert store.sayings.page(Filter(), second[-1].seq, 10) == []
    assert second[-1].created_at == make_feedback(1).created_at.timestamp()


def test_of_a_conversation_only_the_customer_is_read(store):
    _add(store, make_full())
    (saying,) = store.sayings.page(Filter(), None, 10)
    assert (saying.text, saying.channel) == ("你好，我要退款\nI will leave you", "chat")


def test_a_filter_narrows_pages(store):
    _add(store, make_feedback(1), make_feedback(2, channel="review"), make_feedback(3))
    assert [s.channel for s in store.sayings.page(parse_filter({"channel": "review"}), None, 10)] == ["review"]
    assert store.sayings.page(parse_filter({"label": "negative"}), None, 10) == []  # none is analysed yet


def test_numbers_lead_to_sayings_and_ids_and_those_forgotten_are_absent(store):
    _add(store, make_feedback(1, "one"), make_feedback(2, "two"))
    seqs = [saying.seq for saying in store.sayings.page(Filter(), None, 10)]
    assert [store.sayings.of(seqs)[seq].text for seq in seqs] == ["two", "one"]
    store.feedback.forget([make_feedback(2).id])
    assert list(store.sayings.of(seqs)) == [seqs[1]]
    assert store.sayings.ids(seqs) == {seqs[1]: make_feedback(1).id}
