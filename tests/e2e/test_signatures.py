#!/usr/bin/env python3
"""docs/signatures.md: what it tells receivers to check is right for what postrider renders, and refuses what was changed on the way."""

import base64
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["POSTRIDER"]
PATIENCE = 60
TEXT = (pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "signatures.md").read_text(encoding="utf-8")
EVENT = {"type": "send_status", "id": "evt-1", "time": 1546300800,
         "message": {"id": 7, "message_type": "sms", "status": "delivered", "to_number": "+46700000001", "time_done": 1546300800}}


def example(name):
    """The block of code that follows <!-- check NAME -->."""
    return re.search(rf"<!-- check {name} -->\n```\w+\n(.*?)```", TEXT, re.DOTALL).group(1)


def settings_before(name):
    """The endpoint that stands last before the example."""
    return json.loads(re.findall(r"```json\n(.*?)```", TEXT[:TEXT.index(f"<!-- check {name} -->")], re.DOTALL)[-1])


def render(settings):
    """URL, headers and body as they would be sent."""
    with tempfile.TemporaryDirectory() as folder:
        endpoint, event = pathlib.Path(folder, "endpoint.json"), pathlib.Path(folder, "event.json")
        endpoint.write_text(json.dumps(settings))
        event.write_text(json.dumps(EVENT))
        done = subprocess.run([PROGRAM, "render", "--endpoint", endpoint, "--event", event], capture_output=True, timeout=PATIENCE, check=True)
    head, _, body = done.stdout.partition(b"\n\n")
    first, *lines = head.decode().split("\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return first.split(" ", 1)[1], headers, body[:int(headers["Content-Length"])]


def checker(name):
    scope = {}
    exec(compile(example(name), f"docs/signatures.md: {name}", "exec"), scope)  # pylint: disable=exec-used
    return scope["check"]


class Signatures(unittest.TestCase):
    def holds(self, name, spoil, **more):
        settings = {**settings_before(name), **more}
        url, headers, body = render(settings)
        check = checker(name)
        self.assertTrue(check(url, headers, body, settings["secret"]), name)
        self.assertFalse(check(url, headers, body, "whsec_AAAA"), name)
        changed_url, changed_body = spoil(url, body)
        self.assertNotEqual((url, body), (changed_url, changed_body))
        self.assertFalse(check(changed_url, headers, changed_body, settings["secret"]), name)

    def test_every_kind(self):
        def change_body(url, body):
            return url, body.replace(b"46700000001", b"46700000002")

        self.holds("standard_webhooks", change_body)
        self.holds("twilio", change_body)
        self.holds("twilio", lambda url, body: (url.replace("shop=7", "shop=8"), body))
        self.holds("twilio-json", change_body, preset=None, signature="twilio")
        self.holds("sinch", change_body)
        self.holds("plivo_v2", lambda url, body: (url.replace("/in", "/out"), body))
        self.holds("turbosms", lambda url, body: (url, body.replace(b'"id":"d', b'"id":"e')))

    def test_private_key(self):
        private = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
        public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
        _, headers, body = render({**settings_before("v1a"), "secret": private})
        ask = "const [headers, body, key] = JSON.parse(process.argv[1]);\n" \
              "console.log(check(headers, Buffer.from(body, 'base64'), key));"
        for sent, says in ((body, "true"), (body + b" ", "false")):
            done = subprocess.run(["node", "-e", example("v1a") + ask, json.dumps([headers, base64.b64encode(sent).decode(), public])],
                                  capture_output=True, text=True, timeout=PATIENCE, check=True)
            self.assertEqual(done.stdout.strip(), says)

    def test_every_kind_has_an_example(self):
        kinds = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)[1:]  # the first is the table's title
        self.assertEqual(kinds, ["standard_webhooks", "twilio", "sinch", "plivo_v2"])
        for kind in kinds:
            self.assertIn(f"<!-- check {kind} -->", TEXT)


if __name__ == "__main__":
    unittest.main()
