"""A server that webhooks call."""

import http.server
import threading

DEADLINE = 30


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what it is sent; answers with the next of `statuses`, then 204, or as `answer(content)` says: a status or a body."""

    daemon_threads = True

    def __init__(self, statuses=(), waits_for=None, answer=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received = []
        self.paths = []
        self.statuses = list(statuses)
        self.waits_for = waits_for
        self.answer = answer
        self.url = f"http://127.0.0.1:{self.server_port}/in"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        content = self.rfile.read(int(self.headers["content-length"]))
        self.server.paths.append(self.path)
        self.server.received.append((content, {name.lower(): value for name, value in self.headers.items()}))
        if self.server.waits_for:
            self.server.waits_for.wait(DEADLINE)
        answer = self.server.answer(content) if self.server.answer else None
        status = self.server.statuses.pop(0) if self.server.statuses else 200 if answer else 204
        self.send_response(status if not isinstance(answer, int) else answer)
        body = answer if isinstance(answer, bytes) else b""
        self.send_header("content-length", str(len(body)))
        self.send_header("location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class run_receiver:
    def __init__(self, *args, **options):
        self.server = Receiver(*args, **options)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self.server

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
