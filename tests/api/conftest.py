import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from api_samples import RECORDS, WordHeads

from cxnlp.bootstrap import Service
from cxnlp.pipeline import Pipeline
from cxnlp.service import Enrichment
from cxnlp.settings import Settings

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass
class Server:
    """A running service and the store below it."""

    url: str
    home: Path
    process: subprocess.Popen
    service: Service

    def client(self, **more):
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, **more)

    def enrich(self):
        """Work off the queue here, as a worker would, with heads that read by words."""
        pipeline = Pipeline(self.service.encoder, WordHeads())
        while Enrichment(self.service.store, pipeline).step():
            pass

    def wait_until(self, passes, seconds=180):
        end = time.monotonic() + seconds
        while not passes():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.05)

    def catch_up(self, client):
        """Wait until this server finds all that is analysed."""

        def is_level():
            status = client.get("/v1/status").json()
            return status["indexed"] == status["analyzed"]

        self.wait_until(is_level)

    @property
    def log(self):
        return (self.home / "log").read_text()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def serve(home, host="127.0.0.1", **settings):
    """Run a server as `cxnlp serve` does, without a worker."""
    port = free_port()
    own = {"CXNLP_HOME": str(home), **{f"CXNLP_{name.upper()}": value for name, value in settings.items()}}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CXNLP_")} | own
    command = [sys.executable, "-m", "uvicorn", "api.main:create_app", "--factory", "--host", host, "--port", str(port), "--no-access-log"]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    opened = Service(Settings(home=home, **settings))
    server = Server(f"http://127.0.0.1:{port}", home, process, opened)
    try:
        server.wait_until(lambda: _answers(server))
        yield server
    finally:
        process.terminate()
        process.wait(60)
        opened.store.close()


def _answers(server):
    assert server.process.poll() is None, server.log
    try:
        return httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A server with the six records, analysed and found; tests leave them as they are."""
    with serve(tmp_path_factory.mktemp("shared")) as server, server.client() as client:
        counts = client.post("/v1/feedback", json={"items": RECORDS}).raise_for_status().json()
        assert counts["accepted"] == len(RECORDS)
        server.enrich()
        server.catch_up(client)
        yield server


@pytest.fixture(scope="session")
def other(tmp_path_factory):
    """A server for tests that write."""
    with serve(tmp_path_factory.mktemp("other"), webhook_allow_private="true") as server:
        yield server


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """A server without models, bound to all addresses."""
    models = tmp_path_factory.mktemp("models")
    with serve(tmp_path_factory.mktemp("bare"), host="0.0.0.0", models_dir=str(models)) as server:
        yield server


@pytest.fixture
def client(shared):
    with shared.client() as opened:
        yield opened


@pytest.fixture
def writer(other):
    with other.client() as opened:
        yield opened


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def site(shared):
    """The server whose pages `open_page` opens."""
    return shared


@pytest.fixture
def open_page(browser, site):
    """Return a function that opens the page; at the end, nothing may have gone wrong in it or gone to another host."""
    troubles, contexts = [], []

    def open_(path="/", width=1280, locale="en-GB", ready="#cards article, #notice:not([hidden])"):
        context = browser.new_context(viewport={"width": width, "height": 900}, locale=locale)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
        page.on("request", lambda request: None if request.url.startswith(site.url) else troubles.append(request.url))
        page.goto(site.url + path)
        page.wait_for_selector(ready)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []
