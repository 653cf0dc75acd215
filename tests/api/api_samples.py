"""Records that the tests send, and heads that read them by their words."""

from cxnlp.records import Analysis, Observation, Quote, Risk

RECORDS = [
    {
        "source": "t", "external_id": "1", "channel": "ticket", "created_at": "2026-11-02T09:00:00Z",
        "text": "快递太慢了，等了八天，我要去12315投诉。",
        "attributes": {"region": "西南", "resolution": "已补偿运费券"}, "customer": {"id": "c-1", "segment": "vip"},
    },
    {
        "source": "t", "external_id": "2", "channel": "review", "created_at": "2026-11-03T09:00:00Z",
        "text": "The courier was slow again 😡 and rude", "rating": {"scale": "stars", "value": 1}, "customer": {"id": "c-1"},
    },
    {
        "source": "t", "external_id": "3", "channel": "review", "created_at": "2026-11-04T09:00:00Z",
        "text": "Lovely staff, spotless store, will come back",
    },
    {
        "source": "t", "external_id": "4", "channel": "chat", "created_at": "2026-11-05T09:00:00Z",
        "turns": [
            {"speaker": "customer", "text": "My parcel is slow."},
            {"speaker": "agent", "text": "Let me look."},
            {"speaker": "customer", "text": "Thank you."},
        ],
    },
    {"source": "t", "external_id": "5", "channel": "survey", "created_at": "2026-11-06T09:00:00Z", "text": "咖啡豆很香，会回购"},
    {
        "source": "t", "external_id": "6", "created_at": "2026-11-07T09:00:00Z",
        "text": "<script>document.title='hacked'</script> slow & <b>bold</b>",
    },
]  # fmt: skip
_BAD = ("太慢", "slow")


class WordHeads:
    """Reads slowness from words, with exact quotes; everything else is mild praise."""

    def read(self, passages):
        return [self._read(passage) for passage in passages]

    def _read(self, passage):
        found = [
            Quote(word, text.index(word), text.index(word) + len(word), turn)
            for turn, text in passage.feedback.segments()
            for word in _BAD
            if word in text
        ]
        observations = tuple(Observation("delivery", "service", "slow", -0.8, 0.9, quote) for quote in found)
        text = passage.feedback.text
        risks = (Risk("escalation", 0.9, Quote("12315", text.index("12315"), text.index("12315") + 5)),) if "12315" in text else ()
        sentiment, intent = (-0.8, "complaint") if found else (0.5, "praise")
        return Analysis(passage.language, sentiment, 0.9, intent, observations, risks, "words-1")
