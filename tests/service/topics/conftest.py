import pytest

from cxnlp.store import open_store
from tests.service.topics.groupings import SUBJECTS, add, fit, texts_about, told_subjects


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'cxnlp.db'}")
    yield store
    store.close()


@pytest.fixture
def tell(monkeypatch):
    return told_subjects(monkeypatch)


@pytest.fixture
def fitted(store, tell):
    for subject in SUBJECTS[:3]:
        add(store, texts_about(subject, 20))
    fit(store)
    return store
