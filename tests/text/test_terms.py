"""Terms of full text."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cxnlp.text.terms import LONGEST, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("快递太慢了，服務態度惡劣！", ["快递", "太慢", "慢", "服务", "态度恶劣", "态度", "恶劣"]),
        ("The deliveries WERE returned, the courier’s late", ["deliveri", "return", "courier", "late"]),
        ("型号X-200B坏了", ["型号", "x-200b", "x200b", "200b", "200", "坏"]),
        ("pure3 S3 iPhone15Pro的屏幕", ["pure3", "pure", "3", "s3", "iphone15pro", "iphon", "15", "pro", "屏幕"]),
        ("wi-fi slow/late, AT&T's C++ 50% 1,299", ["wi-fi", "wifi", "wi", "fi", "slow/late", "slow", "late", "at&t", "c++", "50%", "1,299"]),
        ("v2.1 ABC_12", ["v2.1", "2.1", "abc_12", "abc12", "abc", "12"]),
        ("<p>退款&nbsp;<b>refund</b></p> https://a.example/x1", ["退款", "refund"]),
        ("call [PHONE] 배송 café", ["call", "배송", "café"]),
        ("我们的 the 😀！", []),
        ("", []),
    ],
)
def test_terms_of_both_languages(text, expected):
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("said", "sought"),
    [
        ("我的ｐｕｒｅ３屏幕碎了", "pure3"),
        ("the pure3 cracked", "Pure 3"),
        ("型号X-200B坏了", "X200B"),
        ("型号X-200B坏了", "200b"),
        ("换了COVID-19试剂", "covid"),
        ("they keep refunding me", "refunds"),
        ("售后服务中心没人", "服务"),
        ("服務態度很差", "态度"),
        ("物流很慢", "慢"),
        ("cafe\u0301", "caf\u00e9"),
    ],
)
def test_what_is_sought_otherwise_is_found(said, sought):
    assert set(terms(sought)) & set(terms(said))


def test_a_code_is_whole_in_what_stands_around_it():
    for text in ("X-200B", "型号X-200B坏了", "(X-200B)", "x-200b,", "[PHONE]X-200B"):
        assert [term for term in terms(text) if term in ("x-200b", "x200b", "200b")] == ["x-200b", "x200b", "200b"]


def test_terms_are_short_and_without_white_space():
    found = terms("字" * 50 + " abcdefghij" * 3 + " " + "abcdefghij" * 50 + "-" + "abc1" * 50 + " a\u3000b\u00a0c\u2003d")
    assert found
    assert all(0 < len(term) <= LONGEST and len(term.split()) == 1 for term in found)


def test_threads_share_the_stemmer():
    texts = [f"{stem}ing refunds deliveries batteries {n}" for n, stem in enumerate(["charg", "deliver", "return", "arriv"] * 50)]
    expected = [terms(text) for text in texts]
    from cxnlp.text.terms import _forms

    _forms.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(terms, texts)) == expected
