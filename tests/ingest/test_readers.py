import gzip
import io
import json
import zipfile
from datetime import UTC, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxnlp.errors import InvalidInput
from cxnlp.ingest.readers import read
from cxnlp.ingest.rows import ReadOptions, Rejection, Row

SIMPLIFIED = "编号,内容\n1,快递太慢了，等了一个星期还没到\n2,客服态度很好，谢谢\n"
TRADITIONAL = "編號,內容\n1,快遞太慢了，等了一個星期還沒到\n2,客服態度很好，謝謝你們\n"


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows_of(path, **options):
    items = list(read(path, ReadOptions(**options)))
    return [i for i in items if isinstance(i, Row)], [i for i in items if isinstance(i, Rejection)]


def texts(path, **options):
    rows, rejections = rows_of(path, **options)
    assert rejections == []
    return [row.values["text"] for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiters_are_found_out(tmp_path, delimiter):
    path = write(
        tmp_path, "a.csv", delimiter.join(["id", "text"]) + "\n" + delimiter.join(["1", '"a, b; c| d"']) + "\n" + delimiter.join(["2", "e"]) + "\n"
    )
    rows, rejections = rows_of(path)
    assert rejections == []
    assert rows == [
        Row(1, {"id": "1", "text": "a, b; c| d"}, "a.csv", ("id", "text")),
        Row(2, {"id": "2", "text": "e"}, "a.csv", ("id", "text")),
    ]


def test_csv_of_one_column_keeps_its_commas_and_quoted_line_ends(tmp_path):
    assert texts(write(tmp_path, "a.csv", 'text\r\nslow, rude\r\n"two\r\nlines, ""quoted"""\r\n\r\nlast')) == [
        "slow, rude",
        'two\r\nlines, "quoted"',
        "last",
    ]


def test_csv_says_its_delimiter_itself_or_is_told(tmp_path):
    assert texts(write(tmp_path, "a.csv", "sep=;\nid;text\n1;a,b\n")) == ["a,b"]
    assert texts(write(tmp_path, "b.csv", "id:text\n1:a\n"), delimiter=":") == ["a"]
    assert texts(write(tmp_path, "c.tsv", "id\ttext\n1\ta,b\n")) == ["a,b"]


def test_ragged_rows_and_nuls_are_rejected_one_by_one(tmp_path):
    rows, rejections = rows_of(write(tmp_path, "a.csv", "id,text\n1,a\n2\n3,b,c\n4,x\x00y\n5,d\n"))
    assert [(r.number, r.values["text"]) for r in rows] == [(1, "a"), (5, "d")]
    assert [(r.number, r.field) for r in rejections] == [(2, "line"), (3, "line"), (4, "text")]
    assert "NUL" in rejections[2].problem and "\x00" not in rejections[2].value


@pytest.mark.parametrize("tail", ["\n", "", '\n9,"closed"\n'])
def test_a_quote_that_is_never_closed_spoils_its_row_only(tmp_path, tail):
    rows, rejections = rows_of(write(tmp_path, "a.csv", 'id,text\n1,a\n2,"open\n3,b\n4,c' + tail))
    if "closed" in tail:
        assert len(rows) + len(rejections) >= 2 and rows[0].values["text"] == "a"
    else:
        assert [r.values["text"] for r in rows] == ["a", "b", "c"]
        assert [(r.number, r.value) for r in rejections] == [(2, '2,"open')]


def test_a_quote_open_over_eight_megabytes_spoils_its_row_only(tmp_path):
    line = "7," + "x" * 1000 + "\n"
    rows, rejections = rows_of(write(tmp_path, "a.csv", 'id,text\n1,"open\n' + line * 9000))
    assert (len(rows), len(rejections)) == (9000, 1)


def test_a_csv_line_over_eight_megabytes_is_rejected(tmp_path):
    rows, rejections = rows_of(write(tmp_path, "a.csv", "id,text\n1,a\n2," + "x" * (9 << 20) + "\n3,b\n"))
    assert [r.number for r in rows] == [1, 3]
    assert [r.number for r in rejections] == [2] and "8 MB" in rejections[0].problem


def test_a_repeated_column_is_an_error_unless_it_is_chosen(tmp_path):
    path = write(tmp_path, "a.csv", "text,note,note\na,b,c\n")
    with pytest.raises(InvalidInput, match=r"'note'.*--map"):
        list(read(path))
    rows, _ = rows_of(path, overrides={"attributes.n": "note.2"})
    assert rows[0].values == {"text": "a", "note": "b", "note.2": "c"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_encodings_of_simplified_chinese_are_detected(tmp_path, encoding, name):
    content = SIMPLIFIED.encode(encoding)
    rows, rejections = rows_of(write(tmp_path, name, gzip.compress(content) if name.endswith("gz") else content))
    assert rejections == []
    assert [r.values["内容"] for r in rows] == ["快递太慢了，等了一个星期还没到", "客服态度很好，谢谢"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "big5", "gb18030"])
def test_encodings_of_traditional_chinese_are_detected(tmp_path, encoding):
    rows, rejections = rows_of(write(tmp_path, "a.csv", TRADITIONAL.encode(encoding)))
    assert rejections == []
    assert [r.values["內容"] for r in rows] == ["快遞太慢了，等了一個星期還沒到", "客服態度很好，謝謝你們"]


def test_an_encoding_behind_much_ascii_is_found(tmp_path):
    content = b"id,text\n" + b"1,fine\n" * 50_000 + "2,快递太慢了，我等了一个星期\n".encode("gb18030")
    assert texts(write(tmp_path, "a.csv", content))[-1] == "快递太慢了，我等了一个星期"


def test_an_encoding_can_be_named(tmp_path):
    path = write(tmp_path, "a.csv", "id,text\n1,café\n".encode("cp1252"))
    assert texts(path, encoding="cp1252") == ["café"]
    assert [r.number for r in rows_of(path)[1]] == [1]
    with pytest.raises(InvalidInput, match="not known"):
        list(read(path, ReadOptions(encoding="klingon")))
    assert texts(write(tmp_path, "b.csv", "text\n好\n".encode("utf-16-be")), encoding="utf-16-be") == ["好"]


@pytest.mark.parametrize(("name", "form"), [("a.csv", "{}\n"), ("a.jsonl", '{{"text": "{}"}}\n')])
@pytest.mark.parametrize(("encoding", "bad"), [("utf-8", b"\xff\xfe"), ("gb18030", b"\xff"), ("utf-16-le", b"\x00\xd8")])
def test_undecodable_bytes_spoil_their_row_only(tmp_path, name, form, encoding, bad):
    lines = [form.format(t).encode(encoding) for t in ("快递太慢了，我等了很久", "X", "客服很好")]
    lines[1] = lines[1].replace("X".encode(encoding), bad)
    head = "text\n".encode(encoding) if name == "a.csv" else b""
    rows, rejections = rows_of(write(tmp_path, name, head + b"".join(lines)))
    assert [r.values["text"] for r in rows] == ["快递太慢了，我等了很久", "客服很好"]
    assert [r.number for r in rejections] == [2] and "decoded" in rejections[0].problem
    rejections[0].value.encode()


def test_an_odd_byte_at_the_end_of_utf_16_spoils_the_last_row(tmp_path):
    rows, rejections = rows_of(write(tmp_path, "a.csv", "text\n好\n坏".encode("utf-16") + b"\x00"))
    assert [r.values["text"] for r in rows] == ["好"]
    assert len(rejections) == 1


@pytest.mark.parametrize("line", ['{"text": "a"', "[1, 2]", '"text"', "nonsense", "{'text': 'a'}"])
def test_a_malformed_json_line_is_rejected_with_its_number(tmp_path, line):
    rows, rejections = rows_of(write(tmp_path, "a.jsonl", f'{{"text": "a"}}\n\n{line}\n{{"text": "b"}}\n'))
    assert [(r.number, r.values) for r in rows] == [(1, {"text": "a"}), (4, {"text": "b"})]
    assert [r.number for r in rejections] == [3] and rejections[0].remedy


def test_nan_and_surrogates_are_left_to_the_validator(tmp_path):
    rows, rejections = rows_of(write(tmp_path, "a.jsonl", '{"text": "a", "n": NaN}\n{"text": "\\ud800"}\n'))
    assert rejections == [] and rows[1].values == {"text": "\ud800"}


@pytest.mark.parametrize(
    "bomb",
    ["[" * 100_000, '{"a":' * 100_000, '{"text": "a", "b": ' + "[" * 65 + "]" * 65 + "}", '{"text": "' + "x" * (9 << 20) + '"}'],
    ids=["brackets", "braces", "closed", "long"],
)
def test_json_bombs_are_rejected(tmp_path, bomb):
    rows, rejections = rows_of(write(tmp_path, "a.jsonl", f'{{"text": "a"}}\n{bomb}\n{{"text": "b"}}\n'))
    assert ([r.number for r in rows], [r.number for r in rejections]) == ([1, 3], [2])
    rows, rejections = rows_of(write(tmp_path, "a.json", f'[{{"text": "a"}},{bomb},{{"text": "b"}}]'))
    assert rows[0].values == {"text": "a"}
    assert len(rejections) == 1 and ("deeper" in rejections[0].problem or "8 MB" in rejections[0].problem)
    assert len(rows) == (1 if bomb.count("}") + bomb.count("]") == 0 else 2)


@pytest.mark.parametrize(
    "content",
    [
        '[{"text": "a, ]}"}, {"text": "b\\"[", "x": [{}]}]',
        '  [\n{"text": "a, ]}"}\n,\n{"text": "b\\"[", "x": [{}]}\n]\n',
        '{"items": [{"text": "a, ]}"}, {"text": "b\\"[", "x": [{}]}], "next": null}',
        '{"count": 2, "items": [{"text": "a, ]}"}, {"text": "b\\"[", "x": [{}]}]}',
        '{"text": "a, ]}"}\n{"text": "b\\"[", "x": [{}]}',
    ],
)
def test_json_documents_of_every_shape_are_read(tmp_path, content):
    rows, rejections = rows_of(write(tmp_path, "a.json", content))
    assert rejections == []
    assert [(r.number, r.values) for r in rows] == [(1, {"text": "a, ]}"}), (2, {"text": 'b"[', "x": [{}]})]
    assert texts(write(tmp_path, "b.json", '{"text": "one"}')) == ["one"]


def test_json_strings_survive_any_cut_of_the_file(tmp_path):
    sent = [{"text": '\\"\\\\ {[' * n, "n": n} for n in range(300)]
    path = write(tmp_path, "a.json", json.dumps(sent, indent=1).encode("utf-16"))
    assert [r.values for r in rows_of(path)[0]] == sent


def test_a_bad_record_within_an_array_is_rejected_alone(tmp_path):
    rows, rejections = rows_of(write(tmp_path, "a.json", b'[{"text": "a"}, {"text": nope}, 7, {"text": "\xff"}, {"text": "b"}]'), encoding="utf-8")
    assert ([r.number for r in rows], [r.number for r in rejections]) == ([1, 5], [2, 3, 4])
    rows, rejections = rows_of(write(tmp_path, "b.json", '[{"text": "a"}, {"text": "b'))
    assert ([r.number for r in rows], [r.number for r in rejections]) == ([1], [2]) and "breaks off" in rejections[0].problem


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.json.gz"])
def test_rows_before_the_break_of_a_gzip_are_kept(tmp_path, name):
    records = [{"text": f"record {i} {(i * 2654435761) % 2**32}"} for i in range(8_000)]
    content = {
        "a.csv.gz": "text\n" + "".join(r["text"] + "\n" for r in records),
        "a.jsonl.gz": "".join(json.dumps(r) + "\n" for r in records),
        "a.json.gz": json.dumps(records),
    }[name]
    packed = gzip.compress(content.encode())
    assert len(rows_of(write(tmp_path, name, packed))[0]) == 8_000
    rows, rejections = rows_of(write(tmp_path, name, packed[: len(packed) // 2]))
    assert 2_000 < len(rows) < 6_000
    assert [r.values for r in rows] == records[: len(rows)]
    assert len(rejections) == 1 and "cut off" in rejections[0].problem and "before the break are kept" in rejections[0].problem
    rows, rejections = rows_of(write(tmp_path, name, packed[:-6] + b"??????"))
    assert len(rows) >= 7_999 and len(rejections) == 1 and "damaged" in rejections[0].problem


def save_workbook(path, *sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, lines in sheets:
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


def test_excel_rows_keep_numbers_and_times(tmp_path):
    at = datetime(2026, 11, 1, 9, 30)
    lines = [["编号", "内容", "时间", "评分"], [4711, "很好", at, 4.5], [None] * 4, [4712, "差\n评", at, None]]
    path = save_workbook(tmp_path / "a.xlsx", ("empty", []), ("data", lines), ("more", [["x"]]))
    reading = read(path)
    rows = list(reading)
    assert [r.values for r in rows] == [
        {"编号": 4711, "内容": "很好", "时间": at, "评分": 4.5},
        {"编号": 4712, "内容": "差\n评", "时间": at, "评分": ""},
    ]
    assert [r.number for r in rows] == [1, 2]
    assert "'data'" in reading.notices[0] and "more" in reading.notices[0]
    assert rows_of(path, sheet="more")[1][0].problem == "holds no records"
    with pytest.raises(InvalidInput, match="no sheet"):
        list(read(path, ReadOptions(sheet="none")))


def test_a_broken_or_exploding_workbook_is_an_error(tmp_path, monkeypatch):
    good = save_workbook(tmp_path / "a.xlsx", ("data", [["text"], ["x" * 1000]])).read_bytes()
    with pytest.raises(InvalidInput, match="cut off"):
        list(read(write(tmp_path, "b.xlsx", good[: len(good) // 2])))
    with pytest.raises(InvalidInput, match="gunzip"):
        list(read(write(tmp_path, "c.xlsx", gzip.compress(good))))
    bomb = tmp_path / "d.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 2_000_000)
    monkeypatch.setattr("cxnlp.ingest.tables._MOST_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(InvalidInput, match="unpacks to"):
        list(read(bomb))


def parquet_table(n):
    return pa.table(
        {
            "text": pa.array([f"text {i} {(i * 2654435761) % 2**32}" for i in range(n)]),
            "at": pa.array([1_793_525_400_000_000_001 + i for i in range(n)], pa.timestamp("ns", "UTC")),
            "kind": pa.array(["a", "b"] * (n // 2)).dictionary_encode(),
            "turns": pa.array([[{"speaker": "customer", "text": "x"}]] * n),
            "score": pa.array([None, 4] * (n // 2), pa.int64()),
        }
    )


def test_parquet_rows_come_with_python_values(tmp_path):
    pq.write_table(parquet_table(5000), tmp_path / "a.parquet", row_group_size=1000)
    rows, rejections = rows_of(tmp_path / "a.parquet")
    assert rejections == [] and [r.number for r in rows] == list(range(1, 5001))
    assert {k: v for k, v in rows[1].values.items() if k not in ("at", "text")} == {
        "kind": "b",
        "turns": [{"speaker": "customer", "text": "x"}],
        "score": 4,
    }
    assert rows[0].values["at"] == datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


def test_rows_of_undamaged_parquet_groups_are_kept(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(parquet_table(4000), path, row_group_size=1000, write_page_checksum=False)
    chunk = pq.ParquetFile(path).metadata.row_group(2).column(0)
    data = bytearray(path.read_bytes())
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    rows, rejections = rows_of(write(tmp_path, "b.parquet", bytes(data)))
    assert [r.number for r in rows] == [*range(1, 2001), *range(3001, 4001)]
    assert len(rejections) == 1 and "damaged: rows 2001 to 3000" in rejections[0].problem


def test_parquet_without_its_end_is_one_rejection(tmp_path):
    pq.write_table(parquet_table(100), tmp_path / "a.parquet")
    rows, rejections = rows_of(write(tmp_path, "b.parquet", (tmp_path / "a.parquet").read_bytes()[:-100]))
    assert rows == [] and len(rejections) == 1 and "cut off" in rejections[0].problem


def test_parquet_text_that_is_no_utf_8_spoils_its_row_only(tmp_path):
    bad = pa.array([b"good", b"\xff\xfe", b"fine"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": bad}), tmp_path / "a.parquet")
    rows, rejections = rows_of(tmp_path / "a.parquet")
    assert [r.values["text"] for r in rows] == ["good", "fine"]
    assert [(r.number, r.field) for r in rejections] == [(2, "text")]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.txt", "a.vtt", "a.csv.gz"])
@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_an_empty_file_is_one_rejection(tmp_path, name, content):
    rows, rejections = rows_of(write(tmp_path, name, gzip.compress(content) if name.endswith(".gz") else content))
    assert rows == [] and len(rejections) == 1
    assert (rejections[0].field, rejections[0].number) == ("file", 0) and "empty" in rejections[0].problem


@pytest.mark.parametrize(("name", "content"), [("a.csv", "text\n"), ("a.json", "[]")])
def test_a_file_without_records_is_one_rejection(tmp_path, name, content):
    rows, rejections = rows_of(write(tmp_path, name, content))
    assert rows == [] and [r.problem for r in rejections] == ["holds no records"]


def test_a_folder_is_read_in_order_and_says_what_it_passes_over(tmp_path):
    write(tmp_path, "b.jsonl", '{"text": "b"}\n')
    write(tmp_path, "a.csv", "text\na\n")
    write(tmp_path, "README.md", "# no")
    write(tmp_path, ".hidden.csv", "text\nno\n")
    write(tmp_path, "broken.csv", "note,note\n1,2\n")
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub", "c.json", '{"text": "c"}')
    reading = read(tmp_path)
    items = list(reading)
    assert [(i.origin, i.values["text"]) for i in items if isinstance(i, Row)] == [("a.csv", "a"), ("b.jsonl", "b"), ("sub/c.json", "c")]
    assert [(i.origin, i.field) for i in items if isinstance(i, Rejection)] == [("broken.csv", "file")]
    assert "README.md" in reading.notices[0] and "hidden" not in reading.notices[0]
    progress = reading.progress
    assert progress.rows == 4 and progress.bytes_read == progress.bytes_total > 0


def test_what_cannot_be_opened_is_an_error(tmp_path):
    with pytest.raises(InvalidInput, match="does not exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(InvalidInput, match="no file of a known format"):
        read(tmp_path)
    with pytest.raises(InvalidInput, match="not known"):
        list(read(write(tmp_path, "a.csv", "text\na\n"), ReadOptions(format="doc")))
    with pytest.raises(InvalidInput, match="no known format"):
        list(read(write(tmp_path, "a.bin", bytes(range(1, 32)) * 50)))


class Pipe(io.RawIOBase):
    """Bytes that come a few at a time and cannot be gone back in, as from a pipe."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        part = self._data.read(min(len(buffer), 1000))
        buffer[: len(part)] = part
        return len(part)


def as_xlsx(tmp_path):
    return save_workbook(tmp_path / "x.xlsx", ("data", [["text", "n"], ["good", 1], ["bad", 2]])).read_bytes()


def as_parquet(tmp_path):
    pq.write_table(pa.table({"text": ["good", "bad"]}), tmp_path / "x.parquet")
    return (tmp_path / "x.parquet").read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        lambda _: b"id,text\n1,good\n2,bad\n",
        lambda _: b"id\ttext\n1\tgood\n2\tbad\n",
        lambda _: b'{"text": "good"}\n{"text": "bad"}\n',
        lambda _: b'[{"text": "good"},\n {"text": "bad"}]',
        lambda _: b'{\n "items": [{"text": "good"}, {"text": "bad"}]}',
        lambda _: gzip.compress(b'{"text": "good"}\n{"text": "bad"}\n'),
        lambda _: "id,text\n1,good\n2,bad\n".encode("utf-16"),
        as_xlsx,
        as_parquet,
    ],
)
@pytest.mark.parametrize("kind", [Pipe, io.BytesIO])
def test_a_stream_is_known_by_its_first_bytes(tmp_path, content, kind):
    reading = read("-", stream=kind(content(tmp_path)))
    rows = list(reading)
    assert [(r.values["text"], r.origin) for r in rows] == [("good", "stdin"), ("bad", "stdin")]
    assert reading.progress.bytes_total is None and reading.progress.rows == 2


def test_standard_input_is_read(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\nb\n")))
    assert [r.values["text"] for r in read("-", ReadOptions(format="lines"))] == ["a", "b"]


def test_a_named_stream_is_read_by_its_name():
    rows = list(read("-", ReadOptions(name="up.jsonl"), io.BytesIO(b'{"text": "a"}\n')))
    assert [(r.origin, r.values) for r in rows] == [("up.jsonl", {"text": "a"})]


def test_progress_grows_with_the_file(tmp_path):
    path = write(tmp_path, "a.csv", "text\n" + "a long enough line\n" * 100_000)
    reading = read(path)
    seen = []
    for item in reading:
        if item.number % 20_000 == 0:
            seen.append(reading.progress.bytes_read)
    assert seen == sorted(set(seen)) and seen[-1] == path.stat().st_size == reading.progress.bytes_total
