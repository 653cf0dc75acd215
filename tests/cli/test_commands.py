"""What holds for every command, settings, doctor, and the shipped models behind a few commands."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import typer

from cxnlp import __version__
from cxnlp.cli import app
from cxnlp.settings import Settings
from tests.cli.conftest import read_lines, run, write_lines

REAL = (
    {"id": "zh", "text": "快递太慢了，等了一个星期还没到，要求退款！", "channel": "review"},
    {"id": "en", "text": "Great service, I will definitely buy here again."},
    {"id": "de", "text": "Die Lieferung kam drei Wochen zu spät."},
    {
        "id": "chat",
        "channel": "chat",
        "turns": [
            {"speaker": "customer", "text": "My refund is still missing, this is ridiculous"},
            {"speaker": "agent", "text": "It is on its way."},
            {"speaker": "customer", "text": "Wonderful, thank you so much"},
        ],
    },
)


def _commands(command, path=()):
    yield path, command
    for name, sub in getattr(command, "commands", {}).items():
        yield from _commands(sub, (*path, name))


COMMANDS = [pytest.param(path, command, id=" ".join(path) or "cxnlp") for path, command in _commands(typer.main.get_command(app))]


@pytest.mark.parametrize(("path", "command"), COMMANDS)
def test_help_says_what_a_command_does(path, command, home):
    done = run(*path, "--help", home=home)
    assert done.code == 0
    first = (command.help or "").split(".")[0].split("\n")[0]
    assert len(first) > 15
    assert first.split()[0] in done.out
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    assert all(option.help for option in options if not option.hidden)


def test_every_command_of_the_contract_is_there():
    names = {" ".join(p.values[0]) for p in COMMANDS}
    assert names >= {"analyze", "ingest", "search", "similar", "show", "export", "serve", "worker", "reindex", "forget", "doctor", "status"}
    assert names >= {"keys create", "keys list", "keys revoke", "topics fit"}


def test_the_version_is_printed(home):
    assert run("--version", home=home).out.strip() == __version__


def test_an_unknown_setting_is_refused_by_name(home):
    done = run("status", home=home, hoem="x")
    assert done.code == 1 and "CXNLP_HOEM" in done.err and "CXNLP_HOME" in done.err


def test_a_setting_of_the_wrong_kind_is_named_without_its_value(home):
    done = run("status", home=home, threads="s3cret")
    assert done.code == 1 and "CXNLP_THREADS" in done.err
    assert "s3cret" not in done.err and "Traceback" not in done.err


def test_a_home_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("status", home=tmp_path / "file" / "home")
    assert done.code == 1 and "set CXNLP_HOME" in done.err


def test_doctor_names_a_damaged_model_and_goes_on(home, models):
    path = models / "heads" / "model.safetensors"
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    done = run("doctor", home=home, models_dir=models)
    assert done.code == 1
    assert "FAIL  models" in done.out and str(path) in done.out and "restore it" in done.out
    assert "ok    store" in done.out and "ok    queue" in done.out


@pytest.mark.parametrize("content", [b"{", b"{}", None], ids=["broken", "empty", "missing"])
def test_doctor_survives_a_card_that_cannot_be_read(home, models, content):
    card = models / "encoder" / "card.json"
    if content is None:
        card.unlink()
    else:
        card.write_bytes(content)
    done = run("doctor", home=home, models_dir=models)
    assert done.code == 1 and "FAIL  models" in done.out and "FAIL  encoder" in done.out and "Traceback" not in done.err


@pytest.fixture
def models(tmp_path):
    """A copy of the shipped models that may be damaged; the encoder's weights are only linked."""
    shipped, copy = Settings().models_dir, tmp_path / "models"
    shutil.copytree(shipped / "heads", copy / "heads")
    (copy / "encoder").mkdir()
    for file in (shipped / "encoder").iterdir():
        if file.name == "card.json":
            shutil.copy(file, copy / "encoder")
        else:
            (copy / "encoder" / file.name).symlink_to(file)
    return copy


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A folder with a home of records that the shipped models analysed."""
    folder = tmp_path_factory.mktemp("real")
    done = run("ingest", write_lines(folder / "real.jsonl", REAL), home=folder / "home")
    assert done.code == 0, done.err
    return folder


@pytest.mark.slow
def test_the_shipped_models_read_both_languages(real):
    run("export", "-o", real / "out.jsonl", home=real / "home")
    zh, en, other, chat = read_lines(real / "out.jsonl")
    assert (zh["language"], zh["label"], zh["intent"]) == ("zh", "negative", "complaint")
    assert ("delivery", "slow") in {(o["touchpoint"], o["cause"]) for o in zh["observations"]}
    for observation in zh["observations"]:
        quote = observation["quote"]
        assert zh["text"][quote["start"] : quote["end"]] == quote["text"] != ""
    assert (en["language"], en["label"]) == ("en", "positive")
    assert other["language"] == "de"
    assert [point["turn"] for point in chat["trajectory"]] == [0, 2] and -1 <= chat["satisfaction"] <= 1


@pytest.mark.slow
def test_search_crosses_languages(real):
    hits = run("search", "delivery took far too long", "-k", "4", "--json", home=real / "home").lines
    assert {hit["record"]["external_id"] for hit in hits[:2]} == {"zh", "de"}


@pytest.mark.slow
def test_doctor_finds_nothing_wrong_here(real):
    done = run("doctor", home=real / "home")
    assert done.code == 0, done.out
    assert [line[:4] for line in done.out.splitlines()] == ["ok  "] * 8


@pytest.mark.slow
def test_doctor_tells_of_vectors_that_another_encoder_made(real):
    home = shutil.copytree(real / "home", real / "before")
    with closing(sqlite3.connect(home / "cxnlp.db")) as connection, connection:
        connection.execute("UPDATE generations SET encoder = 'an-earlier-one'")
    done = run("doctor", home=home)
    assert done.code == 1 and "FAIL  vectors" in done.out and "cxnlp reindex" in done.out and done.out.count("FAIL") == 1
    assert "cxnlp reindex" in run("search", "slow delivery", home=home).err


@pytest.mark.slow
def test_the_command_itself_works_through_a_pipe(tmp_path):
    command = [Path(sys.executable).with_name("cxnlp"), "analyze", "-"]
    environment = {"PATH": "/usr/bin:/bin", "CXNLP_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, input=b'{"text": "broken"}\n', capture_output=True, env=environment, cwd=tmp_path, check=True)
    assert done.stdout.count(b"\n") == 1 and b'"text":"broken"' in done.stdout
    assert done.stderr.decode().strip() == "1 analyzed, 0 rejected"
