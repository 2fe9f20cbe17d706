"""What the tests of the console stand on: a daemon with endpoints that do well and badly and traffic that goes on, and a browser (Debian's chromium,
driven by playwright-core) that walks through it by a script of node/console/.

To look at it by hand, with the files of console/ read anew at each request:

    POSTRIDER=build/asan/src/cli/postrider /usr/bin/python3 tests/e2e/console.py
"""

import contextlib
import json
import os
import subprocess
import tempfile
import threading

import npm
from harness import KEY, ROOT, Daemon, Receiver, SharedDaemon, sms

MARKUP = '<img src=x onerror="document.title=\'broken in\'"><b>bold</b>'
PATIENCE = 150  # seconds, for a whole walk


def browse(script, given, timeout=PATIENCE):
    """Runs node/console/SCRIPT.mjs and returns what it measured. Its screenshots go to $SCREENSHOTS, or nowhere."""
    folder = npm.installed("console")
    with tempfile.TemporaryDirectory(prefix="postrider-shots-") as nowhere:
        shots = os.environ.get("SCREENSHOTS") or nowhere
        os.makedirs(shots, exist_ok=True)
        done = subprocess.run(["node", f"console/{script}.mjs"], cwd=folder, input=json.dumps(given), capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, "SCREENSHOTS": shots}, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{script}.mjs failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


class Traffic:
    """Events into a project at a steady pace, until it is closed."""

    def __init__(self, api, pid, events, pause=0.05):
        """events(n) makes the n-th batch."""
        self.api, self.pid, self.events, self.pause = api, pid, events, pause
        self.ending = threading.Event()
        self.sent = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ending.wait(self.pause):
            with contextlib.suppress(OSError):  # the daemon is restarted
                self.api.events(self.pid, self.events(self.sent))
                self.sent += 1

    def close(self):
        self.ending.set()
        self.thread.join(10)


def a_text(n):
    """The n-th event of the stage's traffic: now and then a message comes in, mostly the state of one that was sent changes."""
    if n % 5 == 0:
        return {"type": "incoming_message", "message": {"id": f"in{n}", "direction": "incoming", "message_type": "sms", "from_number": "46701234567",
                                                        "to_number": "46710000123", "content": f"Is order {n} on its way? {MARKUP}"}}
    return sms(f"m{n}", status="delivered", to_number=f"4670{n % 10000000:07}", from_number="46710000123", content="Your order is on its way")


class Stage:
    """Projects shop and bank of the organization acme. crm does well, slow takes its time (and only what comes in, or it would fall behind), broken answers 503 and sorry 400, picky was switched off; audit is the
    organization's. One name and one project are markup."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.api = daemon.api()
        self.open = threading.Event()
        self.receivers = {
            "crm": Receiver(200), "slow": Receiver(self._slow), "broken": Receiver((503, {"Content-Type": "text/html"}, b"<h1>down</h1><script>alert(1)</script>")),
            "sorry": Receiver(400), "audit": Receiver(200)}
        self.traffic = []
        self._projects()
        self._endpoints()

    def _slow(self, _):
        self.open.wait(0.3)  # an answer that takes a while; at once when the stage is taken down
        return 200

    def _projects(self):
        self.api.project("shop", name="Shop", organization_id="acme")
        self.api.project("bank", name=MARKUP, organization_id="acme")
        self.key = self.api.post("/v1/projects/shop/keys", {"name": "web"}).expect(201).json["key"]

    def _endpoints(self):
        url = {name: made.url("/hook") for name, made in self.receivers.items()}
        put = self.api.endpoint
        put("shop", "crm", name="Customer relations", preset="standard-webhooks", url=url["crm"])
        put("shop", "slow", name=MARKUP, url=url["slow"], concurrency=2, events=["incoming_message"])
        put("shop", "broken", name="Old billing", url=url["broken"], retry={"delays_s": [1, 5, 60, 3600]})
        put("shop", "sorry", url=url["sorry"])
        put("bank", "crm", url=url["crm"])
        put("bank", "picky", name="Switched off", url=url["crm"], active=False)
        self.api.put("/v1/organizations/acme/endpoints/audit", {"name": "Audit", "url": url["audit"]}).expect(201)

    def busy(self, pause=0.25):
        """Traffic from now on."""
        self.traffic += [Traffic(self.daemon.api(), "shop", lambda n: [a_text(n * 5 + i) for i in range(5)], pause),
                         Traffic(self.daemon.api(), "bank", lambda n: [a_text(n)], pause * 2)]
        return self

    def close(self):
        for one in self.traffic:
            one.close()
        self.open.set()
        for made in self.receivers.values():
            made.close()

    @property
    def given(self):
        return {"url": self.daemon.url, "key": KEY, "project_key": self.key, "markup": MARKUP, "receiver": self.receivers["crm"].url("/new")}


class ConsoleCase(SharedDaemon):
    """One daemon and stage for all tests of the class. The console is the one in the binary, compressed as it goes over the wire."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stage = Stage(cls.served)
        cls.addClassCleanup(cls.stage.close)

    def setUp(self):
        self.api = self.served.api()
        self.addCleanup(self.api.close)

    def browse(self, script, **more):
        return browse(script, {**self.stage.given, **more})


def main():
    daemon = Daemon("--console-dir", str(ROOT / "console"))
    daemon.start()
    stage = Stage(daemon).busy()
    print(f"{daemon.url}  admin key {KEY}  key of shop {stage.key}\nEnter ends it.", flush=True)
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        input()
    stage.close()
    daemon.close()


if __name__ == "__main__":
    main()
