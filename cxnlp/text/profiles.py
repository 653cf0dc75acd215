"""Small words and letters that tell the languages of the Latin script apart; written for cxnlp."""

from typing import Final

PROFILES: Final = {
    "en": """the and to of is was it in for that my this with on not but have you be are they we very so at had no me good great your from as please
        thanks thank service there were just when would can all if get don never will out up what how has an or do did been any app about more one""",
    "es": """el la los las de que en un una es por con para no se lo muy pero más mi me está fue como todo gracias servicio del al su nos son hay esta
        este cuando ya bien nunca tengo porque gusta nada bueno buena malo mala excelente""",
    "fr": """le la les de des et un une est pas que pour dans je vous nous très mais avec sur ce il elle au du en qui plus ne mon ma merci était
        bien qu cette sont été tout trop bon bonne produit mauvais jamais""",
    "de": """der die das und ist nicht ich ein eine mit zu auf für es war sehr aber auch von den dem wir sie im am bei hat haben nach noch nur kein
        keine wurde gut danke als wie mir mein schlecht leider immer""",
    "it": """il lo la gli le di che un una per non con sono mi ma molto del della nel anche più ho ha questo questa come tutto grazie servizio al
        alla ottimo stato era mio si prodotto buono pessimo spedizione""",
    "pt": """os as de que um uma não para com muito do da no na em por mais mas meu minha foi eu está bom obrigado obrigada são ao você produto já
        nem quando isso tem veio chegou boa ruim""",
    "nl": """de het een en van is niet ik dat op voor met zijn maar er te aan ook wat we bij heb nog naar om wel was mijn goed zeer geen dit werd
        dank hebben worden heel slecht erg""",
    "tr": """ve bir bu çok için değil ama ile da de ne gibi daha en iyi kadar var yok ben sonra olarak hiç her oldu ürün teşekkürler güzel bana mı
        geldi ancak aldım kötü""",
    "ms": """yang dan di ini itu tidak untuk dengan saya ada dari ke sangat sudah tapi bisa juga akan tak lebih pada karena barang baik bagus kami
        dalam belum boleh dah nak sini terima kasih lagi saja banget pengiriman penghantaran""",
    "vi": """và của là không có cho tôi được một rất này với các những đã hàng người như thì nhưng nhân viên giao quá mình bị khi đến lại""",
    "pl": """nie na się jest to że jak ale bardzo po za od dla mnie jestem był była tylko przez już są co mam dziękuję produkt dobry""",
    "sv": """och att det en är på som för med inte jag av den till ett har de om var mycket men så vi kan tack bra från ni mig dålig""",
}
"""Frequent words of each language."""

LETTERS: Final = {
    "es": "ñ¿¡",
    "fr": "çœèêàùîôûë",
    "de": "ßäöü",
    "it": "òìù",
    "pt": "ãõç",
    "tr": "ğışİ",
    "vi": "ăđơư",
    "pl": "łąężźćńś",
    "sv": "åäö",
}
"""Letters that English lacks and the language has."""


def _owners() -> dict[str, tuple[str, ...]]:
    owners: dict[str, tuple[str, ...]] = {}
    for code, words in PROFILES.items():
        for word in dict.fromkeys(words.split()):
            owners[word] = (*owners.get(word, ()), code)
    return owners


OWNERS: Final = _owners()
"""The languages that each word is frequent in."""
