import csv
import io
import json

import pyarrow.parquet as pq
import pytest
from api_samples import RECORDS

pytestmark = pytest.mark.slow


def test_records_are_copied_in_parts_as_they_are_shown(client):
    copied, after, more = [], None, "true"
    while more == "true":
        answer = client.get("/v1/export", params={"limit": 4} | ({"after": after} if after else {})).raise_for_status()
        copied += [json.loads(line) for line in answer.text.splitlines()]
        after, more = answer.headers["cxnlp-next-after"], answer.headers["cxnlp-more"]
    copied = {line["id"]: line for line in copied}  # what was analysed after the first reading began comes twice
    assert len(copied) == len(RECORDS)
    for record_id, line in copied.items():
        assert line == client.get(f"/v1/feedback/{record_id}").json()


def test_changes_and_deletions_follow(other, writer):
    after = _end(writer)
    record_id = writer.post("/v1/feedback", json={"source": "e", "external_id": "1", "text": "=1+1 slow"}).json()["items"][0]["id"]
    other.enrich()
    answer = writer.get("/v1/export", params={"after": after, "format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="cxnlp.csv"'
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))}  # those that other tests left waiting, too
    assert (rows[record_id]["text"], rows[record_id]["label"], rows[record_id]["deleted"]) == ("'=1+1 slow", "negative", "False")
    after = answer.headers["cxnlp-next-after"]
    writer.delete(f"/v1/feedback/{record_id}").raise_for_status()
    assert writer.get("/v1/export", params={"after": after}).json() == {"id": record_id, "deleted": True}
    table = pq.read_table(io.BytesIO(writer.get("/v1/export", params={"after": after, "format": "parquet"}).content))
    assert [(row["id"], row["deleted"], row["text"]) for row in table.to_pylist()] == [(record_id, True, None)]


def test_what_cannot_be_answered_is_a_422(client):
    for parameters in ({"format": "xlsx"}, {"after": "soon"}, {"limit": 0}, {"after": "999999"}):
        assert client.get("/v1/export", params=parameters).status_code == 422, parameters


def _end(client):
    after = None
    while True:
        answer = client.get("/v1/export", params={"after": after} if after else {})
        after = answer.headers["cxnlp-next-after"]
        if answer.headers["cxnlp-more"] == "false":
            return after
