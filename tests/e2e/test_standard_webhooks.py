#!/usr/bin/env python3
"""Standard Webhooks with a receiver of another author: npm's standardwebhooks checks v1, Node's own crypto checks v1a, on requests as `postrider render` shows them.

The library is installed once, by npm's lock file, into a folder beside the build (or $POSTRIDER_NODE_CACHE)."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ["POSTRIDER"]
PATIENCE = 120
NODE = pathlib.Path(__file__).resolve().parent / "node"
SHARED = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of thirty-two by.").decode()
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
EVENT = {"type": "incoming_message", "id": "evt-1", "time": 1546300800,
         "message": {"id": 7, "from_number": "+46700000001", "content": "Grüße, 世界 \"quoted\" \\ </script>"}}


def installed():
    """The folder with verify.js and its library, installed when the lock file is another than last time."""
    cache = pathlib.Path(os.environ.get("POSTRIDER_NODE_CACHE") or pathlib.Path(PROGRAM).resolve().parent / "node-receivers")
    lock, done = NODE / "package-lock.json", cache / "installed-lock.json"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        cache.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NODE / name, cache / name)
        npm = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=cache, capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        if npm.returncode != 0:
            raise RuntimeError("npm cannot install the receiver's library (it needs the npm registry once):\n" + npm.stderr)
        shutil.copy(lock, done)
    shutil.copy(NODE / "verify.js", cache / "verify.js")
    return cache


def receive(requests):
    """What Node says of each request."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(["node", "verify.js"], cwd=installed(), input=lines, capture_output=True, text=True, timeout=PATIENCE, check=True)
    return done.stdout.splitlines()


def rendered(settings, now=None):
    """Headers and body as they would be sent."""
    with tempfile.TemporaryDirectory() as folder:
        endpoint, event = pathlib.Path(folder, "endpoint.json"), pathlib.Path(folder, "event.json")
        endpoint.write_text(json.dumps({"url": "https://receiver.example/in", "preset": "standard-webhooks", **settings}))
        event.write_text(json.dumps(EVENT, ensure_ascii=False))
        done = subprocess.run([PROGRAM, "render", "--endpoint", endpoint, "--event", event, "--time", str(now or int(time.time()))],
                              capture_output=True, timeout=PATIENCE, check=True)
    head, _, body = done.stdout.partition(b"\n\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\n")[1:])
    return {"headers": headers, "body": body[:int(headers["Content-Length"])].decode()}


class StandardWebhooks(unittest.TestCase):
    def test_library_takes_v1(self):
        request = rendered({"secret": SHARED})
        changed = {**request, "body": request["body"].replace('"id": 7', '"id": 8')}
        self.assertNotEqual(changed["body"], request["body"])
        moved = {**request, "headers": {**request["headers"], "webhook-id": "d0"}}
        old = rendered({"secret": SHARED}, int(time.time()) - 3600)
        says = receive([{"check": "library", "secret": secret, **sent} for secret, sent in
                        [(SHARED, request), (SHARED, changed), (SHARED, moved), (OTHER, request), (SHARED, old)]])
        self.assertEqual(says, ["ok", "No matching signature found", "No matching signature found", "No matching signature found",
                                "Message timestamp too old"])

    def test_node_takes_v1a(self):
        request = rendered({"secret": PRIVATE})
        changed = {**request, "body": request["body"] + " "}
        self.assertTrue(request["headers"]["webhook-signature"].startswith("v1a,"))
        says = receive([{"check": "ed25519", "secret": PUBLIC, **sent} for sent in (request, changed)])
        self.assertEqual(says, ["ok", "none of 1 v1a signatures fits"])

    def test_rotation(self):
        """Old or new, shared or private: whoever knows one of the two is satisfied."""
        shared = rendered({"secret": SHARED, "previous_secret": OTHER})
        mixed = rendered({"secret": PRIVATE, "previous_secret": SHARED})
        says = receive([{"check": "library", "secret": SHARED, **shared}, {"check": "library", "secret": OTHER, **shared},
                        {"check": "library", "secret": SHARED, **mixed}, {"check": "ed25519", "secret": PUBLIC, **mixed}])
        self.assertEqual(says, ["ok"] * 4)


if __name__ == "__main__":
    unittest.main()
