"""What the end-to-end tests stand on: the real daemon on a free port and a folder of its own, receivers that keep exactly what arrives,
a client of the HTTP API, and certificates. Nothing here sleeps for a while and hopes: everything waits for a condition, with a deadline
after which the test fails and says what it waited for.

The daemon's path comes in POSTRIDER (meson sets it). To run one test by hand:

    POSTRIDER=build/asan/src/cli/postrider /usr/bin/python3 tests/e2e/test_wiraya.py -v Seed.test_get_url
"""

import contextlib
import gzip
import http.client
import http.server
import json
import os
import random
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PROGRAM = os.environ.get("POSTRIDER") or str(ROOT / "build" / "postrider")
KEY = "e2e-admin-key-0123456789"
PATIENCE = 30  # seconds; for what takes milliseconds on a quiet machine


def wait_until(condition, what, seconds=PATIENCE):
    """Asks until the condition is true and returns what it said. For what can only be asked for; arrivals are waited for without asking."""
    deadline = time.monotonic() + seconds
    between = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        between.wait(0.02)


def free_port():
    """A port that is free now, below the range from which the kernel gives ports to clients: nobody takes it by chance."""
    for _ in range(1000):
        port = random.randrange(12000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


# --- the API ---


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    def expect(self, status):
        if self.status != status:
            raise AssertionError(f"expected {status}, got {self.status}: {self.body[:2000].decode(errors='replace')}")
        return self

    def __repr__(self):
        return f"<{self.status} {self.body[:500]!r}>"


class Api:
    """One connection to the daemon, for one thread. Bodies are objects (sent as JSON), text or bytes (sent as they are)."""

    def __init__(self, port, key=KEY, timeout=PATIENCE):
        self.port, self.key, self.timeout = port, key, timeout
        self.connection = None

    def with_key(self, key):
        return Api(self.port, key, self.timeout)

    def __del__(self):
        self.close()

    def call(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if self.key is not None and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.key}"
        if isinstance(body, str):
            body = body.encode()
        elif body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            with contextlib.suppress(BrokenPipeError):  # answered before all of it was read: too large
                self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def put(self, path, body, **more):
        return self.call("PUT", path, body, **more)

    def patch(self, path, body, **more):
        return self.call("PATCH", path, body, **more)

    def post(self, path, body=None, **more):
        return self.call("POST", path, body, **more)

    def delete(self, path, **more):
        return self.call("DELETE", path, **more)

    # the shortest ways to what nearly every test begins with

    def project(self, pid, **settings):
        self.put(f"/v1/projects/{pid}", {"name": pid, **settings})
        return pid

    def endpoint(self, pid, eid, **settings):
        answer = self.put(f"/v1/projects/{pid}/endpoints/{eid}", settings)
        if answer.status not in (200, 201):
            raise AssertionError(f"endpoint {eid}: {answer}")
        return answer.json

    def events(self, pid, events):
        return self.post(f"/v1/projects/{pid}/events", events).expect(202).json

    def state(self, pid, event_id, endpoint_id):
        """The event's state at one endpoint, None when it is not (yet) there."""
        answer = self.get(f"/v1/projects/{pid}/events/{event_id}")
        if answer.status != 200:
            return None
        for e in answer.json["endpoints"]:
            if e["endpoint_id"] == endpoint_id:
                return e
        return None

    def wait_state(self, pid, event_id, endpoint_id, state, seconds=PATIENCE):
        def there():
            now = self.state(pid, event_id, endpoint_id)
            return now if now and now["state"] == state else None

        return wait_until(there, lambda: f"event {event_id} is {state} at {endpoint_id}, but {self.state(pid, event_id, endpoint_id)}", seconds)

    def attempts(self, pid, **query):
        words = "&".join(f"{k}={v}" for k, v in query.items())
        return self.get(f"/v1/projects/{pid}/attempts?{words}").expect(200).json["data"]

    def wait_attempts(self, pid, count, **query):
        def there():
            found = self.attempts(pid, **query)
            return found if len(found) >= count else None

        return wait_until(there, lambda: f"{count} attempts with {query}, but {self.attempts(pid, **query)}")

    def metrics(self):
        return parse_metrics(self.get("/metrics").expect(200).body.decode())


def parse_metrics(text):
    """{(name, ((label, value), …)): number}, strictly by the format: a line that is none of it fails the test."""
    import re

    sample = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$')
    label = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
    found = {}
    for line in text.splitlines():
        if not line or line.startswith("# HELP ") or line.startswith("# TYPE "):
            continue
        m = sample.match(line)
        if not m:
            raise AssertionError(f"no line of the Prometheus format: {line!r}")
        key = (m[1], tuple(sorted(label.findall(m[2] or ""))))
        if key in found:
            raise AssertionError(f"twice: {line!r}")
        found[key] = float(m[3])
    return found


# --- the daemon ---


class Daemon:
    """`postrider serve`. Restarted on the same folder and port as often as wanted."""

    def __init__(self, *options, folder=None, allow=True, program=PROGRAM):
        self._own = tempfile.TemporaryDirectory(prefix="postrider-e2e-")
        self.folder = Path(folder or self._own.name) / "data"
        self.options = list(options)
        if allow:
            self.options += ["--allow-net", "127.0.0.0/8", "--allow-ports", "1-65535"]
        self.program, self.port, self.process = program, free_port(), None
        self.log_path = Path(self._own.name) / "log"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def api(self, key=KEY):
        return Api(self.port, key)

    def start(self):
        """Returns when it says READY=1 to the one who started it, as it would to systemd."""
        name = f"{self._own.name}/notify"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(name)
            with open(self.log_path, "ab") as log:
                self.process = subprocess.Popen(
                    [self.program, "serve", "--data", str(self.folder), "--listen", f"127.0.0.1:{self.port}", "--admin-key", KEY, *self.options],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "NOTIFY_SOCKET": name})
            self._wait_ready(notify)
        return self

    def _wait_ready(self, notify):
        pidfd = os.pidfd_open(self.process.pid)
        try:
            deadline = time.monotonic() + PATIENCE
            while (left := deadline - time.monotonic()) > 0:
                readable = select.select([notify, pidfd], [], [], left)[0]
                if notify in readable:
                    if "READY=1" in notify.recv(4096).decode().split("\n"):
                        return
                elif pidfd in readable:
                    raise AssertionError(f"serve ended with {self.process.wait()} before it was ready:\n{self.log[-4000:]}")
        finally:
            os.close(pidfd)
        raise AssertionError(f"serve is not ready after {PATIENCE} s:\n{self.log[-4000:]}")

    def kill(self):
        """As a power cut of the process: no last words."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=PATIENCE):
        code = self.process.wait(seconds)
        self.process = None
        return code

    def stop(self):
        """SIGTERM. What ASan or an assertion has to say shows in the exit code."""
        if not self.process:
            return
        self.terminate()
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"serve did not end within {PATIENCE} s of SIGTERM:\n{self.log[-4000:]}") from None
        if code != 0:
            raise AssertionError(f"serve ended with {code}:\n{self.log[-6000:]}")

    def close(self):
        try:
            self.stop()
        finally:
            self._own.cleanup()

    def restart(self):
        self.stop()
        return self.start()


# --- receivers ---


class Arrival:
    def __init__(self, method, target, headers, body, connection):
        self.method, self.target, self.headers, self.body, self.connection = method, target, headers, body, connection
        self.time = time.monotonic()

    @property
    def path(self):
        return self.target.split("?", 1)[0]

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.method} {self.target} {self.body[:300]!r}>"


class Receiver:
    """An HTTP server that keeps every request and answers by script: `answer` is a status, a list of them (the last repeats), or a function of
    the Arrival that returns a status or (status, headers, body). It may block; then the request hangs."""

    def __init__(self, answer=200, tls=None, port=0):
        self.answer = answer
        self.requests = []
        self.changed = threading.Condition()
        self.sockets = set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def exchange(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                arrival = Arrival(self.command, self.path, self.headers, body, self.client_address)
                status, headers, text = receiver._take(arrival)
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = exchange

            def log_message(self, format, *args):
                pass  # what arrives is in `requests`

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

            def process_request(self, request, address):
                with receiver.changed:
                    receiver.sockets.add(request)
                super().process_request(request, address)

            def shutdown_request(self, request):
                with receiver.changed:
                    receiver.sockets.discard(request)
                super().shutdown_request(request)

            def handle_error(self, request, address):
                pass  # the peer went away: the daemon was killed, or refused our certificate

        self.scheme = "https" if tls else "http"
        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def _take(self, arrival):
        with self.changed:
            number = len(self.requests)
            self.requests.append(arrival)
            self.changed.notify_all()
        answer = self.answer
        if callable(answer):
            answer = answer(arrival)
        elif isinstance(answer, list):
            answer = answer[min(number, len(answer) - 1)]
        return (answer, {}, b"") if isinstance(answer, int) else answer

    def url(self, path="/", host="127.0.0.1"):
        return f"{self.scheme}://{host}:{self.port}{path}"

    def at(self, path):
        with self.changed:
            return [r for r in self.requests if path is None or r.path == path]

    def wait(self, count=1, path=None, seconds=PATIENCE):
        """All requests (to this path) once there are `count` of them."""
        with self.changed:
            if not self.changed.wait_for(lambda: len([r for r in self.requests if path is None or r.path == path]) >= count, seconds):
                raise AssertionError(f"{count} requests to {path or 'anywhere'} did not arrive within {seconds} s, only {self.requests[-20:]}")
        return self.at(path)

    def wait_for(self, condition, what, seconds=PATIENCE):
        """Waits for a condition on what has arrived."""
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        with self.changed:
            open_ones = list(self.sockets)
        for s in open_ones:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)


class Gate:
    """A door in a receiver's script: closed, requests hang in it."""

    def __init__(self, status=200):
        self.status, self.door = status, threading.Event()

    def __call__(self, arrival):
        self.door.wait(120)
        return self.status

    def open(self):
        self.door.set()


# --- certificates ---


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Certificate:
    """A key and a certificate made for this test, self-signed or signed by another one."""

    def __init__(self, folder, name, host=None, issuer=None, days=1, ca=False):
        self.cert, self.key = Path(folder) / f"{name}.pem", Path(folder) / f"{name}.key"
        request = Path(folder) / f"{name}.csr"
        extensions = Path(folder) / f"{name}.ext"
        lines = [f"basicConstraints=critical,CA:{'TRUE' if ca else 'FALSE'}"]
        if host:
            kind = "IP" if host.replace(".", "").isdigit() else "DNS"
            lines.append(f"subjectAltName={kind}:{host}")
        extensions.write_text("\n".join(lines) + "\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                "-keyout", str(self.key), "-out", str(request))
        signed = ["-CA", str(issuer.cert), "-CAkey", str(issuer.key), "-CAcreateserial"] if issuer else ["-signkey", str(self.key)]
        openssl("x509", "-req", "-in", str(request), *signed, "-days", str(days), "-extfile", str(extensions), "-out", str(self.cert))

    @property
    def pem(self):
        return self.cert.read_text()

    @property
    def key_pem(self):
        return self.key.read_text()

    @property
    def pin(self):
        """SHA-256 of the DER SubjectPublicKeyInfo, as tls.verify takes it."""
        import hashlib

        public = subprocess.run(["openssl", "x509", "-in", str(self.cert), "-noout", "-pubkey"], check=True, capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True, capture_output=True).stdout
        return "pin:" + hashlib.sha256(der).hexdigest()

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context


# --- commands ---


def postrider(*words, input=None, env=None, timeout=PATIENCE):
    """Runs a command to its end: .returncode, .stdout, .stderr as text."""
    return subprocess.run([PROGRAM, *map(str, words)], input=input, capture_output=True, text=True, timeout=timeout, env={**os.environ, **(env or {})})


class Running:
    """A command that goes on, `listen` or `tail`: its lines, as they come."""

    def __init__(self, *words, env=None, cwd=None, stdin=subprocess.DEVNULL):
        """Words of a command of ours, or one text for a shell. With a PIPE as stdin its input never ends."""
        command = ["bash", "-c", "exec " + words[0]] if cwd else [PROGRAM, *map(str, words)]
        self.process = subprocess.Popen(command, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env={**os.environ, **(env or {})})
        self.lines, self.changed, self.ended = [], threading.Condition(), False
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_line(self, wanted, seconds=PATIENCE):
        """The first line that holds the text (or matches the compiled pattern)."""
        found = (lambda line: wanted.search(line)) if hasattr(wanted, "search") else (lambda line: wanted in line)
        with self.changed:
            self.changed.wait_for(lambda: self.ended or any(found(line) for line in self.lines), seconds)
            for line in self.lines:
                if found(line):
                    return line
        raise AssertionError(f"no line with {wanted!r} within {seconds} s in:\n" + "\n".join(self.lines))

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("did not end:\n" + "\n".join(self.lines)) from None
        self.thread.join(PATIENCE)
        self.process.stdout.close()
        if self.process.stdin:
            self.process.stdin.close()
        return code

    def text(self):
        with self.changed:
            return "\n".join(self.lines)


# --- test cases ---


class Case(unittest.TestCase):
    """With a daemon, or receivers, for one test."""

    maxDiff = None

    def folder(self):
        made = tempfile.mkdtemp(prefix="postrider-e2e-")
        self.addCleanup(shutil.rmtree, made, True)
        return Path(made)

    def daemon(self, *options, **more):
        made = Daemon(*options, **more)
        self.addCleanup(made.close)
        return made.start()

    def receiver(self, answer=200, tls=None, port=0):
        made = Receiver(answer, tls, port)
        self.addCleanup(made.close)
        return made

    def running(self, *words, **more):
        made = Running(*words, **more)
        self.addCleanup(made.stop)
        return made


class SharedDaemon(Case):
    """One daemon for all tests of the class; each test has a project of its own, named after it."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.served = Daemon(*cls.options)
        cls.addClassCleanup(cls.served.close)
        cls.served.start()

    @classmethod
    def shared_receiver(cls, answer=200, tls=None):
        made = Receiver(answer, tls)
        cls.addClassCleanup(made.close)
        return made

    @classmethod
    def shared_folder(cls):
        made = tempfile.mkdtemp(prefix="postrider-e2e-")
        cls.addClassCleanup(shutil.rmtree, made, True)
        return Path(made)

    def setUp(self):
        self.api = self.served.api()
        self.addCleanup(self.api.close)
        self.pid = self.id().rsplit(".", 1)[1].removeprefix("test_")
        self.api.project(self.pid, organization_id="77")


def sms(id, status="delivered", **message):
    """A send_status event of one SMS."""
    return {"type": "send_status", "message": {"id": str(id), "direction": "outgoing", "message_type": "sms", "status": status, **message}}


def gzipped(body):
    return gzip.compress(body if isinstance(body, bytes) else body.encode())
