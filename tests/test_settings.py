from pathlib import Path

import pytest
from pydantic import ValidationError

from cxnlp.errors import InvalidInput
from cxnlp.settings import Settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CXNLP_{name.upper()}", raising=False)


def test_every_setting_has_a_default_and_a_description():
    settings = Settings()
    assert settings.home == Path("~/.cxnlp") and settings.auth == "auto" and settings.timezone == "UTC"
    assert (settings.models_dir / "heads" / "card.json").exists()
    assert all(field.description for field in Settings.model_fields.values())


def test_settings_are_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("CXNLP_HOME", "/srv/cxnlp")
    monkeypatch.setenv("CXNLP_THREADS", "3")
    monkeypatch.setenv("CXNLP_WEBHOOK_ALLOW_PRIVATE", "true")
    settings = Settings()
    assert (settings.home, settings.threads, settings.webhook_allow_private) == (Path("/srv/cxnlp"), 3, True)


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        Settings().auth = "required"


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    for name in ("HEADS", "SECRET", "DATABASE_URL", "AUTH"):
        monkeypatch.setenv(f"CXNLP_{name}", "")
    settings = Settings()
    assert (settings.heads, settings.secret, settings.database_url, settings.auth) == (None, None, None, "auto")


def test_a_mistyped_variable_is_refused(monkeypatch):
    monkeypatch.setenv("CXNLP_AUHT", "required")
    with pytest.raises(InvalidInput, match=r"CXNLP_AUHT.*CXNLP_AUTH"):
        Settings()


@pytest.mark.parametrize("name", ["CXNLP_CORPORA", "CXNLP_GOLD", "CXNLP_TEST_POSTGRES"])
def test_variables_of_training_and_tests_are_let_be(monkeypatch, name):
    monkeypatch.setenv(name, "x")
    Settings()


@pytest.mark.parametrize(("name", "value"), [("THREADS", "many"), ("THREADS", "-1"), ("AUTH", "never"), ("PRECISION", "f64"), ("MASK_ORDERS", "si")])
def test_a_value_that_cannot_be_used_is_told_by_name(monkeypatch, name, value):
    monkeypatch.setenv(f"CXNLP_{name}", value)
    with pytest.raises(InvalidInput, match=f"CXNLP_{name}"):
        Settings()
