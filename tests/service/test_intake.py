from zoneinfo import ZoneInfo

import pytest

from cxnlp.errors import InvalidFeedback
from cxnlp.ingest.readers import read
from cxnlp.lines import to_line
from cxnlp.privacy import Masker
from cxnlp.service import Intake, count
from cxnlp.store import open_store


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'cxnlp.db'}")
    yield store
    store.close()


INTAKE = Intake(Masker(), b"key", ZoneInfo("Asia/Shanghai"))


def test_every_row_has_an_outcome_and_the_counts_add_up(store):
    rows = [
        {"external_id": "1", "text": "快递太慢"},
        {"external_id": "1", "text": "快递太慢"},
        {"external_id": "1", "text": "快递终于到了"},
        {"external_id": "2", "text": " "},
        "not an object",
        {"external_id": "3", "text": "ok", "channel": "pigeon"},
    ]
    outcomes = INTAKE.receive(store, rows)
    assert [o.status for o in outcomes] == ["accepted", "duplicate", "updated", "rejected", "rejected", "rejected"]
    assert count(outcomes) == {"accepted": 1, "duplicate": 1, "updated": 1, "rejected": 3}
    assert [o.row for o in outcomes] == [1, 2, 3, 4, 5, 6]
    assert outcomes[5].to_json()["error"]["field"] == "channel"


def test_what_identifies_a_person_is_masked_before_it_is_stored(store):
    row = {
        "external_id": "1",
        "turns": [{"speaker": "customer", "text": "我的手机是13800138000"}, {"speaker": "agent", "text": "好的，邮箱 ann@example.com 对吗"}],
        "attributes": {"note": "回电13800138000", "nested": {"mail": ["ann@example.com"]}},
        "customer": {"id": "ann@example.com"},
    }
    INTAKE.receive(store, [row])
    (record,) = store.feedback.page(_everything()).records
    kept = str(to_line(record))
    assert "13800138000" not in kept and "ann@example.com" not in kept
    assert kept.count("[PHONE]") == 2 and kept.count("[EMAIL]") == 2
    assert record.feedback.customer.id.startswith("c-")


def test_a_rejected_value_is_masked():
    with pytest.raises(InvalidFeedback) as caught:
        INTAKE.parse({"text": "ok", "channel": "call me at 13800138000"})
    assert "13800138000" not in caught.value.value + str(caught.value)


def test_better_masking_is_no_update(store):
    row = {"external_id": "1", "text": "订单号 LM20261013-48211 一直没发货"}
    INTAKE.receive(store, [row])
    stricter = Intake(Masker(mask_orders=True), b"key", ZoneInfo("UTC"))
    assert [o.status for o in stricter.receive(store, [row])] == ["duplicate"]


def test_a_file_is_stored_in_order_and_repeating_it_is_harmless(store, tmp_path):
    path = tmp_path / "survey.csv"
    path.write_text("id,comment\n" + "\n".join(f"{n},第{n}条意见" if n % 100 else f"{n}, " for n in range(1, 1_201)), encoding="utf-8")
    first, second = (list(INTAKE.load(store, INTAKE.read(read(path), {}))) for _ in range(2))
    assert count(first) == {"accepted": 1_188, "duplicate": 0, "updated": 0, "rejected": 12}
    assert count(second) == {"accepted": 0, "duplicate": 1_188, "updated": 0, "rejected": 12}
    assert [o.row for o in first] == list(range(1, 1_201))


def test_a_time_without_zone_is_read_in_the_timezone():
    assert INTAKE.parse({"text": "ok", "created_at": "2026-11-01 09:30"}).created_at.isoformat() == "2026-11-01T01:30:00+00:00"


def _everything():
    from cxnlp.filters import Filter

    return Filter()
