from datetime import UTC, datetime

import orjson
import pytest

from cxnlp.errors import InvalidInput
from cxnlp.feeds.kafka import KafkaTopic, content_of, key_of, read_options
from cxnlp.feeds.webhooks import make_message
from cxnlp.records import Feedback, Record

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def message(text="slow"):
    return make_message(7, "record.analyzed", NOW, {}, Record(Feedback("shop", "1", "ticket", NOW, text)))


def test_message_is_json_under_the_key_of_its_record():
    made = message()
    assert orjson.loads(content_of(made)) == orjson.loads(orjson.dumps(made.body))
    assert key_of(made) == Feedback("shop", "1", "ticket", NOW, "x").id.encode()
    assert key_of(make_message(8, "record.deleted", NOW, {}, "r-1")) == b"r-1"
    assert key_of(make_message(9, "alert.opened", NOW, {"id": "a-1"}, None)) is None


def test_what_is_too_long_for_a_broker_comes_without_its_record():
    made = message("慢" * 400_000)
    data = orjson.loads(content_of(made))["data"]
    assert data == {"record": {"id": key_of(made).decode()}, "left_out": ["record"], "seq": 7}


def test_settings_are_read_from_a_file(tmp_path):
    path = tmp_path / "client.properties"
    path.write_text("# ours\nsecurity.protocol=SASL_SSL\n\nsasl.password = a=b\n", encoding="utf-8")
    assert read_options(path) == {"security.protocol": "SASL_SSL", "sasl.password": "a=b"}
    path.write_text("sasl.password secret\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="setting 1 has no =") as told:
        read_options(path)
    assert "secret" not in str(told.value)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_options(tmp_path / "none")


def test_setting_that_nobody_knows_is_told():
    pytest.importorskip("confluent_kafka")
    with pytest.raises(InvalidInput, match="colour"):
        KafkaTopic("127.0.0.1:1", "t", {"colour": "red"})
