import signal
import subprocess
import sys

from cxnlp.store import open_store

ADD = """
import sys
sys.path.insert(0, sys.argv[2])
from datetime import timedelta
from store.samples import NOW, make_feedback
from cxnlp.store import open_store
store = open_store(sys.argv[1])
n = 0
while True:
    receipts = store.feedback.add([make_feedback(i, "x" * 500) for i in range(n, n + 20)], NOW)
    print(*(receipt.id for receipt in receipts), flush=True)
    n += 20
"""


def test_kill_in_mid_stream_loses_nothing_acknowledged(url, request):
    tests = str(request.config.rootpath / "tests")
    acknowledged = set()
    for n_batches in (1, 7, 12):
        process = subprocess.Popen([sys.executable, "-c", ADD, url, tests], stdout=subprocess.PIPE, text=True)
        for _ in range(n_batches):
            acknowledged |= set(process.stdout.readline().split())
        process.send_signal(signal.SIGKILL)
        # What was printed before the kill counts as acknowledged too, except a line cut short.
        for line in process.stdout:
            acknowledged |= set(line.split()) if line.endswith("\n") else set()
        process.wait()
        process.stdout.close()
        store = open_store(url)
        assert set(store.feedback.get_many(sorted(acknowledged))) == acknowledged
        counted = store.feedback.statistics()
        assert counted.records == counted.pending == len(store.events.read(0, 100_000, ["record.received"]))
        assert counted.records % 20 == 0
        store.close()
    assert len(acknowledged) >= 240
