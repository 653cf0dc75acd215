"""Languages of records and clauses."""

import pytest

from cxnlp.text.language import detect, detect_clause


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("物流太慢了，等了一个星期", "zh"),
        ("這間餐廳的服務很好", "zh"),
        ("iPhone 15 Pro Max 很好用", "zh"),
        ("#烤包子#还行，@某某客服 快回复", "zh"),
        ("The parcel never arrived and nobody answers", "en"),
        ("great", "en"),
        ("I bought 茅台 and it was great", "en"),
        ("Two words that should die this year: Sexting. Die die die", "en"),
        ("we're going back", "en"),
        ("店员态度很好，but the delivery was so late, I want my money back", "mixed"),
        ("登录不了，the login page always shows an error", "mixed"),
        ("とても良いです", "ja"),
        ("商品の質が悪い", "ja"),
        ("배송이 너무 느려요", "ko"),
        ("очень хорошо", "ru"),
        ("дуже добре, мені сподобалось", "uk"),
        ("ดีมาก", "th"),
        ("خدمة سيئة جدا", "ar"),
        ("Muy bueno, el servicio fue excelente", "es"),
        ("Très bon produit, je recommande", "fr"),
        ("Sehr gut, aber zu teuer", "de"),
        ("Ottimo prodotto, spedizione veloce", "it"),
        ("Produto muito bom, chegou rápido", "pt"),
        ("Barang bagus, pengiriman cepat banget", "id"),
        ("Barang bagus tapi penghantaran lambat, nak refund", "ms"),
        ("Giao hàng quá chậm", "vi"),
        ("Heel goed product, snel geleverd", "nl"),
        ("Ürün çok güzel teşekkürler", "tr"),
        ("😀!!!", "und"),
        ("10086", "und"),
        ("[PHONE] [EMAIL]", "und"),
        ("https://a.example/great", "und"),
        ("", "und"),
    ],
)
def test_the_language_of_a_record(text, expected):
    assert detect(text) == expected


@pytest.mark.parametrize(
    ("clause", "record", "expected"),
    [
        ("Produto bom", "en", "en"),
        ("very nice", "es", "es"),
        ("nice", "mixed", "en"),
        ("态度很好", "mixed", "zh"),
        ("态度很好", "en", "zh"),
        ("😀", "zh", "zh"),
        ("the delivery was very late and nobody called", "es", "en"),
    ],
)
def test_a_short_clause_is_in_the_language_of_its_record(clause, record, expected):
    assert detect_clause(clause, record) == expected


@pytest.mark.parametrize("unit", ["a", "a.", "@", "好a ", "の", "я", "[", "http://"])
def test_long_texts_of_anything_have_a_language(unit):
    assert detect(unit * 300_000)
