import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def talk(writer):
    sent = {"source": "live", "external_id": "1", "channel": "chat", "turns": [{"speaker": "customer", "text": "hello, where is my parcel?"}]}
    return writer.post("/v1/feedback", json=sent).raise_for_status().json()["items"][0]["id"]


def test_a_live_conversation_is_sent_turn_by_turn_and_scored_at_each(other, writer, talk):
    other.enrich()
    assert writer.get(f"/v1/feedback/{talk}").json()["label"] != "negative"
    turn = {"id": "m-2", "speaker": "user", "text": "太慢了，给我打 13800138000", "at": "2026-11-01T09:30:00Z"}
    answer = writer.post(f"/v1/feedback/{talk}/turns", json={"turns": [turn]}).json()
    assert answer == {"id": talk, "version": 2, "accepted": 1, "duplicate": 0, "turns": [{"number": 1, "status": "accepted"}]}
    other.enrich()
    line = writer.get(f"/v1/feedback/{talk}").json()
    assert line["label"] == "negative"
    assert line["turns"][1] == {"speaker": "customer", "text": "太慢了，给我打 [PHONE]", "at": "2026-11-01T09:30:00Z", "id": "m-2"}
    again = writer.post(f"/v1/feedback/{talk}/turns", json={"turns": [turn]}).json()
    assert (again["version"], again["accepted"], again["duplicate"]) == (2, 0, 1)


def test_turns_that_cannot_be_added_are_told_why(writer, talk):
    def status(turns, record_id=talk):
        return writer.post(f"/v1/feedback/{record_id}/turns", json={"turns": turns})

    assert status([{"number": 9, "speaker": "customer", "text": "x"}]).status_code == 409
    assert status([{"number": 1, "speaker": "customer", "text": "x"}], "r-none").status_code == 404
    refused = status([{"number": 1, "speaker": "13800138000", "text": "x"}])
    assert refused.status_code == 422
    assert (refused.json()["field"], refused.json()["value"]) == ("turns[0].speaker", "[PHONE]")
