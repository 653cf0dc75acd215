"""A real server in processes of its own, and what it uses."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_STARTING_SECONDS = 300.0


@dataclass(frozen=True)
class Server:
    """A running `cxnlp serve`."""

    port: int
    pid: int

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection that is kept alive."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def get(self, path: str) -> Any:
        """Return the JSON answer to a GET."""
        connection = self.connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} answered {answer.status}: {body[:200]!r}")
        return orjson.loads(body)

    def wait_for(self, name: str, n: int) -> float:
        """Wait until /v1/status says `name` is n; return the seconds that took."""
        start = time.monotonic()
        while time.monotonic() - start < _STARTING_SECONDS:
            if self.get("/v1/status")[name] >= n:
                return time.monotonic() - start
            time.sleep(0.5)
        raise RuntimeError(f"{name} did not reach {n}: {self.get('/v1/status')}")

    def resident(self) -> dict[int, float]:
        """Return the resident megabytes of each of its processes."""
        return {pid: _kilobytes(pid, "VmRSS") / 1024 for pid in _family(self.pid)}


@contextmanager
def serve(home: Path, *options: str, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a server over a data folder until the block ends; `settings` are environment variables."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "cxnlp", "serve", "--port", str(port), *options]
    environment = os.environ | {"CXNLP_HOME": str(home), "CXNLP_LOG_LEVEL": "warning", **(settings or {})}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    server = Server(port, process.pid)
    try:
        _await_start(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=60)


def _await_start(server: Server, process: "subprocess.Popen[bytes]") -> None:
    start = time.monotonic()
    while time.monotonic() - start < _STARTING_SECONDS:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with code {process.returncode}")
        try:
            server.get("/readyz")
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the server did not start")


def _family(pid: int) -> list[int]:
    parents = {int(path.name): _kilobytes(int(path.name), "PPid") for path in Path("/proc").iterdir() if path.name.isdigit()}
    family = [pid]
    for known in family:
        family += [child for child, parent in parents.items() if parent == known]
    return family


def _kilobytes(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
