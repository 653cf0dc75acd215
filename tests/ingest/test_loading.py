import gzip
import json
from datetime import UTC, datetime

import pytest

from cxnlp.errors import InvalidInput
from cxnlp.ingest.loading import Loaded, load
from cxnlp.ingest.readers import read
from cxnlp.ingest.rows import ReadOptions, Rejection
from cxnlp.ingest.validation import Defaults

DEFAULTS = Defaults(source="", received_at=datetime(2026, 11, 20, tzinfo=UTC), key=b"k")


def load_all(path, **overrides):
    reading = read(path, ReadOptions(overrides=overrides))
    return list(load(reading, DEFAULTS, overrides)), reading.notices


def test_a_table_becomes_records_and_rejections_that_add_up(tmp_path):
    path = tmp_path / "shop reviews.csv"
    path.write_text(
        "编号,内容,时间,评分,门店\n1,很好,2026-11-01 09:30,5,一店\n2,,2026-11-01,4,一店\n3,差,1950-01-01,1,二店\n4,差,2026-11-02,9,二店\n5,差\n",
        encoding="gb18030",
    )
    items, notices = load_all(path)
    assert [(i.number, i.field) for i in items if isinstance(i, Rejection)] == [(2, "text"), (3, "created_at"), (4, "rating.value"), (5, "line")]
    (loaded,) = (i for i in items if isinstance(i, Loaded))
    assert (loaded.number, loaded.origin) == (1, "shop reviews.csv")
    assert (loaded.feedback.source, loaded.feedback.external_id, loaded.feedback.attributes) == ("shop reviews", "1", {"门店": "一店"})
    assert all(i.remedy and i.problem and i.origin == "shop reviews.csv" for i in items if isinstance(i, Rejection))
    assert "内容  ->  text" in notices[0] and "without a zone" in notices[1] and len(notices) == 2


def test_json_lines_are_records_or_rejected_by_row(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    lines = [{"text": "a"}, {"shop": "b"}, {"conversation": [{"role": "user", "content": "c"}]}, {"text": 5}, {"text": "a"}]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    items, _ = load_all(path)
    assert [i.number for i in items if isinstance(i, Rejection)] == [2, 4]
    records = [i.feedback for i in items if isinstance(i, Loaded)]
    assert [(r.source, r.channel) for r in records] == [("a", "ticket"), ("a", "chat"), ("a", "ticket")]
    assert len({r.external_id for r in records}) == 3


def test_a_table_without_text_is_an_error_unless_it_is_mapped(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("q1,nr\nlate,1\n")
    with pytest.raises(InvalidInput, match="--map text=COLUMN"):
        load_all(path)
    items, _ = load_all(path, text="q1")
    assert items[0].feedback.text == "late"


def test_each_file_of_a_folder_has_its_own_source_columns_and_occurrences(tmp_path):
    (tmp_path / "a.csv").write_text("text\ngood\n")
    (tmp_path / "b.csv").write_text("shop\nx\ny\n")
    (tmp_path / "c.jsonl").write_text('{"text": "good"}\n')
    items, _ = load_all(tmp_path)
    assert [i.feedback.source for i in items if isinstance(i, Loaded)] == ["a", "c"]
    rejected = [i for i in items if isinstance(i, Rejection)]
    assert [(i.origin, i.number) for i in rejected] == [("b.csv", 0)] and "--map" in rejected[0].problem


def test_reading_again_gives_the_same_records(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\ngood\nbad\ngood\n")
    first, second = (load_all(path)[0] for _ in range(2))
    assert [i.feedback for i in first] == [i.feedback for i in second]
    assert len({i.feedback.id for i in first}) == 3
