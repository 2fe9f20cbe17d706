#!/usr/bin/env python3
"""Standard Webhooks with a receiver of another author: npm's standardwebhooks checks v1, Node's own crypto checks v1a, on requests as `postrider render` shows them
and as the daemon sends them."""

import base64
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

import npm
from harness import SharedDaemon

PROGRAM = os.environ["POSTRIDER"]
PATIENCE = 120
SHARED = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of thirty-two by.").decode()
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
EVENT = {"type": "incoming_message", "id": "evt-1", "time": 1546300800,
         "message": {"id": 7, "from_number": "+46700000001", "content": "Grüße, 世界 \"quoted\" \\ </script>"}}


def receive(requests):
    """What Node says of each request."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(["node", "verify.js"], cwd=npm.installed("verify.js"), input=lines, capture_output=True, text=True, timeout=PATIENCE, check=True)
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


def arrived(request):
    return {"headers": {name.lower(): value for name, value in request.headers.items()}, "body": request.body.decode()}


class OnTheWire(SharedDaemon):
    """What the daemon sends, while secrets change under it."""

    def setUp(self):
        super().setUp()
        self.sink = self.receiver()
        self.number = 0

    def endpoint(self, **settings):
        return self.api.endpoint(self.pid, "hook", preset="standard-webhooks", url=self.sink.url(), events=["incoming_message"], **settings)

    def rotate(self):
        return self.api.post(f"/v1/projects/{self.pid}/endpoints/hook/rotate_secret").expect(200).json

    def sent(self):
        """The next event, as it arrives."""
        self.number += 1
        self.api.events(self.pid, {**EVENT, "id": f"evt-{self.number}"})
        return arrived(self.sink.wait(self.number)[-1])

    def says(self, request, *checks):
        return receive([{"check": "ed25519" if secret.startswith("whpk_") else "library", "secret": secret, **request} for secret in checks])

    def test_a_secret_that_is_made(self):
        secret = self.endpoint()["secret"]
        request = self.sent()
        changed = {**request, "body": request["body"].replace("evt-1", "evt-2")}
        self.assertEqual(self.says(request, secret, OTHER), ["ok", "No matching signature found"])
        self.assertEqual(self.says(changed, secret), ["No matching signature found"])
        self.assertEqual(json.loads(request["body"])["message"]["content"], EVENT["message"]["content"])

    def test_rotation(self):
        self.endpoint(secret=SHARED)
        self.assertEqual(self.says(self.sent(), SHARED), ["ok"])
        second = self.rotate()["secret"]
        self.assertEqual(self.says(self.sent(), SHARED, second), ["ok", "ok"])
        third = self.rotate()["secret"]
        self.assertEqual(self.says(self.sent(), SHARED, second, third), ["No matching signature found", "ok", "ok"])
        self.served.restart()
        self.api.close()
        self.assertEqual(self.says(self.sent(), second, third), ["ok", "ok"])
        self.api.call("PATCH", f"/v1/projects/{self.pid}/endpoints/hook", {"previous_secret": None}).expect(200)
        self.assertEqual(self.says(self.sent(), second, third), ["No matching signature found", "ok"])

    def test_private_keys(self):
        made = self.endpoint(secret=PRIVATE)
        self.assertEqual((made["secret"], made["public_key"]), ("***", PUBLIC))
        request = self.sent()
        self.assertEqual(self.says(request, PUBLIC), ["ok"])
        self.assertEqual(self.says({**request, "body": request["body"] + " "}, PUBLIC), ["none of 1 v1a signatures fits"])
        second = self.rotate()
        self.assertTrue(second["secret"].startswith("whsk_"))
        request = self.sent()
        self.assertEqual(self.says(request, PUBLIC, second["public_key"]), ["ok", "ok"])
        self.assertEqual(self.says({**request, "body": request["body"] + " "}, PUBLIC), ["none of 2 v1a signatures fits"])

    def test_from_shared_to_private(self):
        self.endpoint(secret=SHARED)
        self.sent()
        self.api.call("PATCH", f"/v1/projects/{self.pid}/endpoints/hook", {"secret": PRIVATE, "previous_secret": SHARED}).expect(200)
        self.assertEqual(self.says(self.sent(), SHARED, PUBLIC), ["ok", "ok"])

    def test_a_retry_is_signed_anew(self):
        """The id stays, the time and so the signature do not have to; both attempts are good."""
        self.sink.answer = [500, 200]
        self.endpoint(secret=SHARED, retry={"delays_s": [1]})
        self.api.events(self.pid, EVENT)
        first, second = map(arrived, self.sink.wait(2))
        self.assertEqual(first["headers"]["webhook-id"], second["headers"]["webhook-id"])
        self.assertEqual(self.says(first, SHARED) + self.says(second, SHARED), ["ok", "ok"])
        self.assertLess(int(first["headers"]["webhook-timestamp"]), int(second["headers"]["webhook-timestamp"]) + 1)

    def test_answers(self):
        """410 switches the endpoint off; 429, 502 and 504 slow it down at once, and Retry-After counts."""
        self.sink.answer = lambda arrival: (int(arrival.path[1:]), {"Retry-After": "77"}, b"")
        for status in (410, 429, 502, 504):
            self.api.endpoint(self.pid, f"s{status}", preset="standard-webhooks", url=self.sink.url(f"/{status}"))
        self.api.events(self.pid, {**EVENT, "id": "e1"})
        self.api.wait_attempts(self.pid, 4, event_id="e1")
        shown = {status: self.api.get(f"/v1/projects/{self.pid}/endpoints/s{status}").json for status in (410, 429, 502, 504)}
        self.assertEqual((shown[410]["active"], shown[410]["state"]), (False, "disabled"))
        self.assertRegex(shown[410]["disabled_reason"], "410")
        for status in (429, 502, 504):
            self.assertEqual(shown[status]["state"], "throttled", status)
            self.assertGreater(self.api.state(self.pid, "e1", f"s{status}")["next_attempt_time"], time.time() + 60)


if __name__ == "__main__":
    unittest.main()
