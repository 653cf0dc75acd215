from datetime import timedelta

import pytest

from cxnlp.errors import NotFound

SECRET = "whsec_c2VjcmV0"


def test_webhook_is_kept_as_it_was_made(store):
    made = store.webhooks.create("https://hooks.example/in", ["flag.*", "record.analyzed"], SECRET)
    assert store.webhooks.get(made.id) == made
    assert store.webhooks.list() == [made]
    assert (made.url, made.events, made.secret, made.disabled_at) == ("https://hooks.example/in", ("flag.*", "record.analyzed"), SECRET, None)
    assert SECRET not in repr(made)


def test_patterns_mean_events(store):
    made = store.webhooks.create("https://h/", ["flag.*", "record.analyzed"], SECRET)
    assert [made.wants(type) for type in ("flag.raised", "record.analyzed", "record.updated", "flags.x")] == [True, True, False, False]
    assert store.webhooks.create("https://h/", ["*"], SECRET).wants("anything.at.all")


def test_deleted_and_disabled_webhooks(store):
    first, second = (store.webhooks.create("https://h/", ["*"], SECRET) for _ in range(2))
    store.webhooks.delete(first.id)
    store.webhooks.disable(second.id)
    assert [(w.id, w.disabled_at is not None) for w in store.webhooks.list()] == [(second.id, True)]
    with pytest.raises(NotFound):
        store.webhooks.delete(first.id)
    with pytest.raises(NotFound):
        store.webhooks.get(first.id)


def test_format_language_and_filter_are_kept(store):
    made = store.webhooks.create("https://h/", ["*"], "", "slack", "zh", {"channel": ["chat"]})
    assert store.webhooks.get(made.id) == made
    assert (made.format, made.language, made.filter) == ("slack", "zh", {"channel": ["chat"]})
    plain = store.webhooks.create("https://h/", ["*"], SECRET)
    assert (plain.format, plain.language, plain.filter) == ("standard", "en", {})


def test_replaced_secret_signs_along_for_a_while(store):
    made = store.webhooks.create("https://h/", ["*"], SECRET)
    until = made.created_at + timedelta(hours=24)
    rotated = store.webhooks.rotate(made.id, "whsec_bmV3", until)
    assert rotated.secrets_at(made.created_at) == ("whsec_bmV3", SECRET)
    assert rotated.secrets_at(until) == ("whsec_bmV3",)
    assert "bmV3" not in repr(rotated) and SECRET not in repr(rotated)
    again = store.webhooks.rotate(made.id, "whsec_bGFzdA==", None)
    assert again.secrets_at(made.created_at) == ("whsec_bGFzdA==",)
    with pytest.raises(NotFound):
        store.webhooks.rotate("w-none", SECRET, None)
