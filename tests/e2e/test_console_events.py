"""The console's pages of a message's life, search, dead letters and the template editor, walked by a browser: what is found, shown, sent again and
tried out there is checked at the receivers."""

import base64
import re
import unittest

from console import MARKUP, ConsoleCase
from harness import ROOT, Receiver, sms

EVIL = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
EVIL_ID = "<img/src=x/onerror=document.title='run'>"  # an id is visible ASCII without blanks
TEMPLATE = '{"id":{ID},"to":"{RECIPIENT}","status":"{STATUS}","text":"{CONTENT}"}'


class Events(ConsoleCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.twice = Receiver(cls.first_bad)
        cls.later = Receiver([500, 500, 200])
        cls.tried = Receiver(200)
        for one in (cls.twice, cls.later, cls.tried):
            cls.addClassCleanup(one.close)
        api = cls.served.api()
        api.project("post", name="Post & sons")
        push = {"preset": "wiraya-push", "body": TEMPLATE}
        api.endpoint("post", "twice", **push, url=cls.twice.url("/twice"), retry={"delays_s": [1], "jitter": 0}, headers={"X-Evil": "<script>1</script>"})
        api.endpoint("post", "later", **push, url=cls.later.url("/later"), retry={"max_attempts": 1}, statuses=["failed"])
        api.endpoint("post", "tried", **push, url=cls.tried.url("/tried"), active=True, statuses=["cancelled"])
        api.events("post", [
            {**sms("m-7001", to_number="46710007001", from_number="ACME", content=f"Parcel {EVIL}"), "id": "e-first"},
            {**sms("m-7002", status="failed", to_number="46710007002", content=MARKUP), "id": "e-dead"},
            {**sms("m-7004", status="failed", to_number="46710007004"), "id": "e-dead-2"},
            {**sms(f"m-{EVIL_ID}", to_number="46710007009"), "id": f"e-{EVIL_ID}"}])
        api.wait_state("post", "e-first", "twice", "delivered")
        for id in ("e-dead", "e-dead-2"):
            api.wait_state("post", id, "later", "failed")

    @classmethod
    def first_bad(cls, arrival):
        again = arrival.headers.get("webhook-attempt") != "1"
        headers = {"Content-Type": "text/html", "X-Answer": "<b>bold</b>"}
        return (200, headers, b"\xff\x00bin") if again or b"7001" not in arrival.body else (503, headers, f"<h1>down</h1>{EVIL}".encode())

    def test_walk(self):
        binary = self.api.attempts("post", event_id="e-first", outcome="ok")[0]["response"]
        self.assertEqual(base64.b64decode(binary["body_base64"]), b"\xff\x00bin")
        link = self.api.post("/v1/projects/post/portal_links", {"write": False}).expect(201).json
        told = self.browse("events", project="post", evil_id=f"e-{EVIL_ID}", token=link["token"])
        self.assertEqual(self.api.state("post", "e-dead", "later")["state"], "delivered")
        self.api.wait_state("post", "e-dead-2", "later", "delivered")
        self.assertEqual(len(self.later.at("/later")), 4, "each dead letter went out a second time, and none more often")
        real = [one for one in self.tried.at("/tried") if b"for-real" in one.body]
        self.assertEqual(len(real), 1, "sent for real, once")
        self.assertEqual(real[0].json["real"], "for-real")
        saved = self.api.get("/v1/projects/post/endpoints/tried").json
        self.assertEqual(saved["headers"]["X-Saved"], "{ID}")
        self.assertEqual(saved["statuses"], ["cancelled"], "what the editor did not touch stayed")
        self.assertLess(told["render_ms"], 2000)


class Placeholders(unittest.TestCase):
    def test_the_list_is_that_of_the_documentation(self):
        table = (ROOT / "docs/wiraya.md").read_text().split("## Metrics")[1].split("\\*")[0]
        cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
        documented = {name for cell in cells for name in re.findall(r"`\{(\w+)\}`", cell)} - {"99"}
        shown = re.findall(r"^  \['(\w+)', ", (ROOT / "console/lib-placeholders.js").read_text(), re.MULTILINE)
        self.assertEqual(set(shown), documented)

    def test_every_pipe_is_there(self):
        table = (ROOT / "docs/presets.md").read_text().split("<!-- pipes -->")[1].split("\n\n")[0]
        cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
        documented = {name for cell in cells for name in re.findall(r"`(\w+)", cell)}
        shown = {name for name in re.findall(r"^  \['\|(\w+)", (ROOT / "console/lib-placeholders.js").read_text(), re.MULTILINE)}
        self.assertEqual(shown, documented)


if __name__ == "__main__":
    unittest.main(verbosity=2)
