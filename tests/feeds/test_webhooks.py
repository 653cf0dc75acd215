import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from cxnlp.errors import InvalidInput
from cxnlp.feeds.webhooks import TYPES, backoff_seconds, check_events, make_message, make_secret, sign, types_of
from cxnlp.lines import to_line
from cxnlp.records import Feedback, Record

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_secrets_differ_and_have_the_form_of_the_scheme():
    secret = make_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret != make_secret()


def test_receiver_can_verify_what_was_signed_and_nothing_else():
    secret = make_secret()
    content, headers = sign([secret], "evt_1", {"type": "flag.raised", "data": {"text": "等了一周"}}, datetime.now(UTC))
    assert Webhook(secret).verify(content, headers)["data"] == {"text": "等了一周"}
    assert headers["webhook-id"] == "evt_1"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(content.replace(b"raised", b"passed"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(make_secret()).verify(content, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(content, headers | {"webhook-id": "evt_2"})


def test_signature_is_that_of_the_specification():
    content, headers = sign(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_1", {"test": 2432232314}, NOW + timedelta(seconds=0.7))
    assert (content, headers["webhook-timestamp"]) == (b'{"test":2432232314}', str(int(NOW.timestamp())))
    expected = Webhook("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").sign("msg_1", NOW, content.decode())
    assert headers["webhook-signature"] == expected
    assert expected.startswith("v1,")


def test_message_of_a_flag_holds_flag_record_and_number():
    record = Record(Feedback("shop", "1", "ticket", NOW, "坏了"))
    message = make_message(7, "flag.raised", NOW, {"id": "f-1", "level": 2}, record)
    assert json.loads(json.dumps(message.body)) == {
        "type": "flag.raised",
        "timestamp": "2026-11-20T12:00:00Z",
        "data": {"flag": {"id": "f-1", "level": 2}, "record": to_line(record), "seq": 7},
    }


def test_message_of_a_record_holds_what_the_log_says():
    body = make_message(8, "record.deleted", NOW, {}, "r-1").body
    assert body["data"] == {"record": {"id": "r-1"}, "seq": 8}
    assert make_message(9, "record.updated", NOW, {"version": 2}, "r-1").body["data"]["version"] == 2


def test_patterns_mean_events():
    assert types_of(["flag.raised"]) == ("flag.raised",)
    assert types_of(["record.*", "record.deleted"]) == tuple(name for name in TYPES if name.startswith("record."))
    assert types_of(["*"]) == TYPES
    assert check_events(["flag.*", "flag.*"]) == ("flag.*",)


@pytest.mark.parametrize("patterns", [[], "flag.*", ["flag.rais"], ["flag.*", "*.raised"], ["moon.*"], [""]])
def test_unknown_patterns_are_refused_with_what_is_known(patterns):
    with pytest.raises(InvalidInput, match=r"flag\.raised"):
        check_events(patterns)


def test_waits_grow_to_a_day_with_full_jitter_and_end():
    longest = [backoff_seconds(n, 1.0) for n in range(1, 10)]
    assert longest == [5, 30, 120, 600, 3600, 14400, 43200, 86400, None]
    assert backoff_seconds(3, 0.0) == 0
    assert backoff_seconds(3, 0.25) == 30
