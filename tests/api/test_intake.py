import gzip
import json
import socket

import httpx
import orjson
import pytest

pytestmark = pytest.mark.slow
COUNTS = ("accepted", "duplicate", "updated", "rejected")


@pytest.fixture
def other(bare):
    """Nothing here needs a model, and what is sent need not be analysed."""
    return bare


@pytest.fixture(scope="module")
def key(bare):
    return bare.service.store.keys.create("intake", "admin")[1]


@pytest.fixture
def writer(bare, key):
    with bare.client(headers={"x-api-key": key}) as opened:
        yield opened


def post(client, body):
    return client.post("/v1/feedback", content=body if isinstance(body, bytes) else json.dumps(body).encode())


def test_one_record_is_accepted_repeated_and_updated(writer, other):
    record = {"source": "one", "external_id": "1", "text": "hello"}
    first = post(writer, record).json()
    assert [first[name] for name in COUNTS] == [1, 0, 0, 0]
    assert first["items"][0]["status"] == "accepted"
    assert post(writer, record).json()["duplicate"] == 1
    assert post(writer, record | {"text": "changed"}).json()["updated"] == 1
    found = writer.get(f"/v1/feedback/{first['items'][0]['id']}?history=true").json()
    assert (found["text"], found["version"], [past["text"] for past in found["history"]]) == ("changed", 2, ["hello"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "  "}, "text"),
        ({"text": "x", "channel": "fax"}, "channel"),
        ({"text": 5}, "text"),
        ({"text": "x", "created_at": "1899-01-01"}, "created_at"),
        (b'{"text": "x", "rating": {"scale": "nps", "value": NaN}}', "rating"),
        (b'{"text": "\\ud800 alone"}', "text"),
        (b'{"text": "nul \\u0000"}', "text"),
        (b'{"text": "cut', "body"),
        (b"\xff\xfe\xfa", "body"),
        (b'["text"]', "body"),
        ({"turns": [{"speaker": "customer", "text": "x"}] * 10_001}, "turns"),
        ({"text": "x" * 1_100_000}, "text"),
        ({"items": 3}, "items"),
    ],
)
def test_a_record_that_cannot_be_used_is_a_422_that_says_why(writer, body, field):
    answer = post(writer, body)
    found = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert found["field"].startswith(field)
    assert found["problem"]
    assert found["remedy"]
    assert "value" in found


def test_the_value_of_a_problem_is_masked(writer, other):
    found = post(writer, {"text": "x", "channel": "call 13800138000"}).json()
    assert "[PHONE]" in found["value"]
    assert "13800138000" not in json.dumps(found) + other.log


def test_a_list_is_answered_row_by_row(writer):
    rows = [{"source": "list", "external_id": str(i), "text": f"text {i}"} for i in range(3)]
    found = post(writer, {"items": [*rows, rows[0], {"text": ""}, "no object", None]}).json()
    assert [found[name] for name in COUNTS] == [3, 1, 0, 3]
    assert [item["status"] for item in found["items"]] == ["accepted"] * 3 + ["duplicate"] + ["rejected"] * 3
    assert [item["row"] for item in found["items"]] == list(range(1, 8))
    assert found["items"][4]["error"]["field"] == "text"
    assert found["items"][4]["error"]["remedy"]
    assert post(writer, {"items": []}).json() == {"accepted": 0, "duplicate": 0, "updated": 0, "rejected": 0, "items": []}


def test_a_list_holds_up_to_1000(writer):
    rows = [{"source": "many", "external_id": str(i), "text": f"text {i}"} for i in range(1_001)]
    assert post(writer, {"items": rows}).status_code == 413
    assert post(writer, {"items": rows[:1_000]}).json()["accepted"] == 1_000


def test_bulk_answers_each_line_and_sums_up(writer):
    lines = [orjson.dumps({"source": "bulk", "external_id": str(i), "text": f"text {i}"}) for i in range(700)]
    lines[3:3] = [b"", b"{broken", b"[1]", b'{"text": "call 13800138000", "channel": "fax 13800138000"}', b'{"text": "' + b"y" * (9 << 20) + b'"}']
    found = [json.loads(line) for line in writer.post("/v1/feedback/bulk", content=b"\n".join(lines)).text.splitlines()]
    *rows, last = found
    assert last == {"summary": {"accepted": 700, "duplicate": 0, "updated": 0, "rejected": 4}}
    assert len(rows) == 704
    assert [row["row"] for row in rows] == [1, 2, 3, *range(5, 706)]
    rejected = [row for row in rows if row["status"] == "rejected"]
    assert [row["row"] for row in rejected] == [5, 6, 7, 8]
    assert all(row["error"]["remedy"] for row in rejected)
    assert "13800138000" not in json.dumps(rejected)


def test_bulk_answers_while_it_reads(other, key):
    """A sender who waits for the answer to a line before sending the next one must not wait for ever."""
    head = f"POST /v1/feedback/bulk HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answered = []
    with socket.create_connection(("127.0.0.1", int(other.url.rsplit(":", 1)[1])), timeout=60) as connection:
        connection.sendall(head.encode())
        stream = connection.makefile("rb")
        for i in range(3):
            line = orjson.dumps({"source": "slow", "external_id": str(i), "text": "x"}) + b"\n"
            connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            while b"accepted" not in (part := stream.readline()):
                assert part
            answered.append(part)
        connection.sendall(b"0\r\n\r\n")
        rest = stream.read()
    assert len(answered) == 3
    assert b'{"summary":{"accepted":3,"duplicate":0,"updated":0,"rejected":0}}' in rest


def test_rows_without_an_id_are_told_apart_across_batches(writer):
    line = orjson.dumps({"source": "same", "text": "the very same"}) + b"\n"
    summary = json.loads(writer.post("/v1/feedback/bulk", content=line * 600).text.splitlines()[-1])["summary"]
    assert summary["accepted"] == 600
    again = json.loads(writer.post("/v1/feedback/bulk", content=line * 600).text.splitlines()[-1])["summary"]
    assert again["duplicate"] == 600


def test_bulk_of_nothing_is_a_summary(writer):
    assert json.loads(writer.post("/v1/feedback/bulk", content=b"").text) == {"summary": dict.fromkeys(COUNTS, 0)}


def test_a_file_is_read_by_its_columns(writer):
    table = "id,review,stars,date\n1,很好用,5,2026-11-01\n2,,1,2026-11-02\n3,坏了 13800138000,9,2026-11-02\n"
    found = writer.post("/v1/feedback/upload", files={"file": ("shop.csv", table.encode("gb18030"))}).json()
    assert [found[name] for name in COUNTS] == [1, 0, 0, 2]
    assert [r["row"] for r in found["rejections"]] == [2, 3]
    assert "review" in found["notices"][0]
    assert "13800138000" not in json.dumps(found)
    listed = writer.get("/v1/feedback", params={"source": "shop"}).json()["items"]
    assert [(line["external_id"], line["text"], line["rating"]["value"]) for line in listed] == [("1", "很好用", 5)]


def test_columns_can_be_named_and_files_packed(writer):
    packed = gzip.compress(b"a,b\nhello there,u-1\n")
    found = writer.post("/v1/feedback/upload", params={"map": ["text=a", "external_id=b"]}, files={"file": ("odd.csv.gz", packed)}).json()
    assert found["accepted"] == 1
    assert writer.get("/v1/feedback", params={"source": "odd"}).json()["items"][0]["external_id"] == "u-1"


@pytest.mark.parametrize("files", [{"file": ("x.csv", b"a,b\n1,2\n")}, {"file": ("empty.parquet", b"PAR1")}])
def test_a_file_that_cannot_be_used_says_why(writer, files):
    answer = writer.post("/v1/feedback/upload", files=files)
    assert answer.status_code == 422 or answer.json()["rejections"], answer.text
    assert answer.status_code == 422 or answer.json()["rejected"] == 1


def test_a_missing_file_is_a_problem(writer):
    answer = writer.post("/v1/feedback/upload")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_what_is_sent_is_not_in_the_log(writer, other):
    with pytest.raises(httpx.HTTPStatusError):
        post(writer, {"text": "my very own words", "channel": "my very own channel"}).raise_for_status()
    assert "very own" not in other.log
