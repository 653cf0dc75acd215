import pytest
from api_samples import RECORDS

from cxnlp import __version__

pytestmark = pytest.mark.slow


def test_status_counts_what_became_of_the_records(client):
    status = client.get("/v1/status").json()
    assert status["records"] == status["analyzed"] == status["indexed"] == len(RECORDS)
    assert (status["pending"], status["failed"], status["version"]) == (0, 0, __version__)
    assert status["model"]


def test_taxonomy_and_cards_are_shown(client):
    taxonomy = client.get("/v1/taxonomy").json()
    assert {"stages", "touchpoints", "causes", "intents", "risks"} <= taxonomy.keys()
    assert {"id", "zh", "en", "stage"} <= taxonomy["touchpoints"][0].keys()
    assert client.get("/v1/status").json()["model"] in [card["name"] for card in client.get("/v1/models").json()["models"]]
    assert client.get("/v1/topics").json() == {"items": []}
