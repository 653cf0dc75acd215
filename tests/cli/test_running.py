import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from cxnlp.encoder import ShippedEncoder
from cxnlp.index import Origin, read_snapshot

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.slow


def _serve(home, port):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CXNLP_")} | {"CXNLP_HOME": str(home)}
    command = [sys.executable, "-m", "cxnlp", "serve", "--port", str(port)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def _wait(passes, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := passes():
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError("it did not happen")


def _worker_of(parent):
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    rows = [line.split(None, 2) for line in listed]
    return next((int(pid) for pid, ppid, args in rows if int(ppid) == parent and " worker " in f"{args} "), None)


@pytest.fixture
def port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_killed_in_the_middle_nothing_acknowledged_is_lost_and_enrichment_resumes(tmp_path, port):
    url = f"http://127.0.0.1:{port}"
    server = _serve(tmp_path, port)
    try:
        _wait(lambda: httpx.get(f"{url}/healthz", trust_env=False).is_success)
        wanted = {"name": "slow", "text": "快递太慢了，等了三天"}
        assert httpx.post(f"{url}/v1/searches", json=wanted, timeout=60, trust_env=False).status_code == 200
        rows = "\n".join(json.dumps({"external_id": str(n), "text": f"快递太慢了，等了{n}天"}, ensure_ascii=False) for n in range(300))
        answer = httpx.post(f"{url}/v1/feedback/bulk", content=rows.encode(), timeout=60, trust_env=False)
        assert json.loads(answer.text.splitlines()[-1])["summary"]["accepted"] == 300
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    again = _serve(tmp_path, port)
    try:
        status = _wait(lambda: (s := httpx.get(f"{url}/v1/status", trust_env=False).json())["analyzed"] == 300 and s, seconds=180)
        assert (status["records"], status["failed"]) == (300, 0)
        _wait(lambda: httpx.get(f"{url}/v1/searches", trust_env=False).json()["items"][0]["matches"] == 300)
        _wait(lambda: httpx.get(f"{url}/v1/status", trust_env=False).json()["indexed"] == 300)
    finally:
        again.terminate()
        again.wait(60)
    encoder = ShippedEncoder(ROOT / "models" / "encoder")
    (snapshot,) = read_snapshot(tmp_path / "index", Origin(encoder.id, 1, encoder.dim))
    assert snapshot.parts.columns.live.n_alive == 300, "the next start need not read the store"


def test_a_worker_that_dies_is_replaced_and_stops_with_the_server(tmp_path, port):
    server = _serve(tmp_path, port)
    try:
        first = _wait(lambda: _worker_of(server.pid))
        os.kill(first, signal.SIGKILL)
        second = _wait(lambda: (pid := _worker_of(server.pid)) != first and pid)
    finally:
        server.terminate()
        assert server.wait(60) == 0
    _wait(lambda: not os.path.exists(f"/proc/{second}"), seconds=30)
