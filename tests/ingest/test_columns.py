import pytest

from cxnlp.errors import InvalidInput
from cxnlp.ingest.columns import complete_record, guess, parse_overrides


def mapped(columns, values, **overrides):
    return guess(columns, overrides).apply(dict(zip(columns, values, strict=True)))


@pytest.mark.parametrize(
    "name", ["text", "Comment", "review", "content", "body", "评论", "内容", "反馈", "描述", "Review Text", "reviewText", "評論"]
)
def test_the_text_is_found_by_its_name(name):
    assert mapped([name], ["late"]) == {"text": "late"}


@pytest.mark.parametrize(
    ("name", "value", "record"),
    [
        ("id", 1, {"external_id": 1}),
        ("Ticket ID", "T1", {"external_id": "T1"}),
        ("编号", "7", {"external_id": "7"}),
        ("createdAt", "2026-11-01", {"created_at": "2026-11-01"}),
        ("date", "2026-11-01", {"created_at": "2026-11-01"}),
        ("Submitted", "2026-11-01", {"created_at": "2026-11-01"}),
        ("时间", "2026-11-01", {"created_at": "2026-11-01"}),
        ("日期", "2026-11-01", {"created_at": "2026-11-01"}),
        ("updated_at", "2026-11-01", {"updated_at": "2026-11-01"}),
        ("rating", "4", {"rating": {"scale": "stars", "value": "4"}}),
        ("评分(1-5)", "4", {"rating": {"scale": "stars", "value": "4"}}),
        ("score", "4", {"rating": {"scale": "stars", "value": "4"}}),
        ("NPS", 9, {"rating": {"scale": "nps", "value": 9}}),
        ("csat", 4, {"rating": {"scale": "csat", "value": 4}}),
        ("满意度", 4, {"rating": {"scale": "csat", "value": 4}}),
        ("ces", 6, {"rating": {"scale": "ces", "value": 6}}),
        ("渠道", "chat", {"channel": "chat"}),
        ("customer_id", "c", {"customer": {"id": "c"}}),
        ("customer.id", "c", {"customer": {"id": "c"}}),
        ("user", "c", {"customer": {"id": "c"}}),
        ("客户", "c", {"customer": {"id": "c"}}),
        ("segment", "vip", {"customer": {"segment": "vip"}}),
        ("source", "shop", {"source": "shop"}),
        ("product", "lamp", {"attributes": {"product": "lamp"}}),
        ("attributes.product", "lamp", {"attributes": {"product": "lamp"}}),
        ("attributes", '{"product": "lamp"}', {"attributes": {"product": "lamp"}}),
        ("店铺", "一号", {"attributes": {"店铺": "一号"}}),
        ("empty", "", {}),
        ("none", None, {}),
        ("nan", float("nan"), {}),
    ],
)
def test_other_fields_are_found_by_their_names(name, value, record):
    assert mapped(["text", name], ["late", value]) == {"text": "late"} | record


def test_a_title_stands_before_the_text():
    assert mapped(["标题", "内容"], ["差", "等了很久"]) == {"text": "差\n等了很久"}
    assert mapped(["Subject", "Body"], ["", "late"]) == {"text": "late"}
    assert mapped(["Subject", "Body"], ["late", ""]) == {"text": "late"}


def test_one_of_several_scales_is_the_rating():
    assert mapped(["text", "nps", "csat"], ["x", "", 4]) == {"text": "x", "rating": {"scale": "csat", "value": 4}}
    assert mapped(["text", "nps", "csat"], ["x", 9, 4]) == {"text": "x", "rating": {"scale": "nps", "value": 9}, "attributes": {"csat": 4}}
    assert mapped(["text", "rating", "rating_scale"], ["x", 9, "nps"])["rating"] == {"scale": "nps", "value": 9}


def test_conversations_in_cells_become_turns():
    assert mapped(["conversation"], ["Agent: hi\nCustomer: late"])["conversation"] == [
        {"speaker": "agent", "text": "hi"},
        {"speaker": "customer", "text": "late"},
    ]
    assert mapped(["turns"], ['[{"role": "user", "text": "x"}]'])["turns"] == [{"role": "user", "text": "x"}]
    assert mapped(["turns"], [[{"role": "user", "text": "x"}]])["turns"] == [{"role": "user", "text": "x"}]
    assert mapped(["对话"], ["nothing"])["conversation"] == "nothing"


def test_a_plain_name_counts_only_where_no_other_says_more():
    assert mapped(["id", "ticket_id", "text", "date", "created_at"], [1, 2, "x", "a", "b"]) == {
        "external_id": 2,
        "created_at": "b",
        "text": "x",
        "attributes": {"id": 1, "date": "a"},
    }


@pytest.mark.parametrize(
    "columns", [["text", "comment"], ["review", "内容"], ["text", "date", "time"], ["text", "rating", "stars"], ["text", "nps", "NPS score"]]
)
def test_two_columns_for_one_field_are_an_error_that_tells_how_to_choose(columns):
    with pytest.raises(InvalidInput, match=r"both mean .*--map"):
        guess(columns)


def test_an_override_chooses_and_leaves_the_others_as_attributes():
    assert mapped(["text", "comment"], ["a", "b"], text="comment") == {"text": "b", "attributes": {"text": "a"}}
    assert mapped(["text", "rating", "stars"], ["a", 1, 2], rating="stars") == {
        "text": "a",
        "rating": {"scale": "stars", "value": 2},
        "attributes": {"rating": 1},
    }
    assert mapped(["q7", "x"], ["a", "b"], **parse_overrides(["text=q7", "attributes.shop=x"])) == {"text": "a", "attributes": {"shop": "b"}}


def test_a_missing_text_column_is_an_error_that_tells_the_remedy():
    with pytest.raises(InvalidInput, match=r"reviews.csv: no column holds the text.*--map text=COLUMN.*: id, date"):
        guess(["id", "date"], {}, "reviews.csv")


def test_overrides_are_checked():
    assert parse_overrides(["text=review", "id = nr", "nps=q1"]) == {"text": "review", "external_id": "nr", "rating.nps": "q1"}
    for pairs in (["text"], ["text="], ["colour=x"], ["attributes.=x"]):
        with pytest.raises(InvalidInput, match="FIELD=COLUMN"):
            parse_overrides(pairs)
    with pytest.raises(InvalidInput, match="two columns for text"):
        parse_overrides(["text=a", "text=b"])
    with pytest.raises(InvalidInput, match="no column 'review'"):
        guess(["text"], {"text": "review"})


def test_the_mapping_prints_as_a_table():
    assert str(guess(["review", "shop"])) == "review  ->  text\nshop    ->  attributes.shop"


def test_a_record_in_the_record_format_maps_to_itself():
    record = {"text": "a", "review": "b", "title": "t", "platform": "ios", "rating": {"scale": "nps", "value": 3}, "customer": {"id": "c"}, "id": 4}
    assert complete_record(record) == record


def test_a_loose_json_record_is_completed():
    assert complete_record({"review_id": "r", "user_id": "u", "stars": 4.0, "text": "good", "date": "2026-11-01", "useful": 1}) == {
        "external_id": "r",
        "customer": {"id": "u"},
        "rating": {"scale": "stars", "value": 4.0},
        "text": "good",
        "created_at": "2026-11-01",
        "useful": 1,
    }
    assert complete_record({"comment": "good", "评分": 5}) == {"text": "good", "rating": {"scale": "stars", "value": 5}}
    assert complete_record({"text": "good", "rating": 5})["rating"] == {"scale": "stars", "value": 5}
    assert complete_record({"text": "a", "review": "b"}, {"text": "review"}) == {"text": "b", "attributes": {"text": "a"}}
    with pytest.raises(InvalidInput, match="no column holds the text"):
        complete_record({"shop": "a"})
