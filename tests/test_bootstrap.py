import multiprocessing
import stat

import orjson
import pytest

from cxnlp.bootstrap import Service
from cxnlp.errors import ArtefactError, InvalidInput, StoreError
from cxnlp.settings import Settings


def _read_key(home, start, found):
    start.wait()
    found.put(Service(Settings(home=home)).intake.key)


def test_processes_that_begin_at_once_agree_on_one_key(tmp_path):
    context = multiprocessing.get_context("spawn")
    start, found = context.Event(), context.Queue()
    processes = [context.Process(target=_read_key, args=(tmp_path / "home", start, found)) for _ in range(2)]
    for process in processes:
        process.start()
    start.set()
    keys = {found.get(timeout=30) for _ in processes}
    for process in processes:
        process.join(10)
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["secret"]


def test_the_key_is_for_its_owner_only(tmp_path):
    service = Service(Settings(home=tmp_path / "home"))
    key = service.intake.key
    assert stat.S_IMODE((tmp_path / "home" / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert Service(Settings(home=tmp_path / "home")).intake.key == key


def test_a_key_that_is_set_is_taken_and_not_written(tmp_path):
    assert Service(Settings(home=tmp_path / "home", secret="shared")).intake.key == b"shared"
    assert not (tmp_path / "home" / "secret").exists()


def test_a_damaged_key_is_told_and_not_replaced(tmp_path):
    (tmp_path / "secret").write_text("not hexadecimal")
    with pytest.raises(StoreError, match="restore it"):
        Service(Settings(home=tmp_path)).intake  # noqa: B018
    assert (tmp_path / "secret").read_text() == "not hexadecimal"


def test_receiving_without_a_store_makes_no_home_and_uses_the_key_there_is(tmp_path):
    first, second = (Service(Settings(home=tmp_path / "home")).storeless_intake.key for _ in range(2))
    assert first != second
    assert not (tmp_path / "home").exists()
    kept = Service(Settings(home=tmp_path / "home")).intake.key
    assert Service(Settings(home=tmp_path / "home")).storeless_intake.key == kept


def test_an_unknown_zone_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="Asia/Shanghai"):
        Service(Settings(home=tmp_path, timezone="Mars/Olympus")).intake  # noqa: B018


def test_a_database_url_is_taken_as_it_is(tmp_path):
    service = Service(Settings(home=tmp_path / "home", database_url=f"sqlite:///{tmp_path / 'other.db'}"))
    assert service.store.feedback.statistics().records == 0
    service.store.close()
    assert (tmp_path / "other.db").exists()
    assert not (tmp_path / "home").exists()


@pytest.mark.slow
def test_heads_of_another_encoder_are_refused_with_what_to_do(tmp_path):
    shipped = Settings().models_dir / "heads"
    (tmp_path / "model.safetensors").symlink_to(shipped / "model.safetensors")
    card = orjson.loads((shipped / "card.json").read_bytes()) | {"encoder_id": "another"}
    (tmp_path / "card.json").write_bytes(orjson.dumps(card))
    with pytest.raises(ArtefactError, match="CXNLP_HEADS"):
        Service(Settings(home=tmp_path / "home", heads=tmp_path)).pipeline  # noqa: B018


def test_missing_heads_are_told_by_their_folder(tmp_path):
    with pytest.raises(ArtefactError, match="nowhere"):
        Service(Settings(home=tmp_path / "home", heads=tmp_path / "nowhere")).pipeline  # noqa: B018
