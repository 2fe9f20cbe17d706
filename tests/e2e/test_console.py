#!/usr/bin/python3
"""The console in a browser: its frame, Overview, Endpoints and one endpoint, against the real daemon. What is measured is printed."""

import threading
import unittest

from console import ConsoleCase, Traffic, a_text
from harness import wait_until

WIRE_MAX_BYTES = 200_000
MANY = 10_000
PROJECTS = 250  # more than a select is good for
FRAME = b"""<!doctype html><title>Customer's own site</title><link rel=icon href="data:,"><h1>Our deliveries</h1>
<iframe title=postrider width=1200 height=760 style="border:1px solid #ccc"></iframe>
<script>document.querySelector("iframe").src = decodeURIComponent(location.search.slice(1))</script>"""


class Frame(ConsoleCase):
    def test_frame(self):
        """Keys right and wrong, every link, the keyboard alone, both themes, a phone; nothing in a name is ever markup."""
        self.stage.busy()
        self.browse("frame")


class Endpoints(ConsoleCase):
    def test_endpoints(self):
        """Numbers, trouble, the table, one endpoint with all that can be done; the daemon away and back."""
        self.stage.busy()
        measured = self.browse("endpoints")
        print(f"first view over the wire: {measured['first_view_bytes']} bytes", flush=True)
        self.assertLess(measured["first_view_bytes"], WIRE_MAX_BYTES)


class Replay(ConsoleCase):
    def test_replay(self):
        """Told apart from the others because there is no trouble beside it: what is new and stuck elsewhere would make it wait."""
        self.api.events("bank", [a_text(n) for n in range(120)])
        wait_until(lambda: len(self.stage.receivers["crm"].at("/hook")) >= 120, "all are delivered once")
        wait_until(lambda: self.api.get("/v1/projects/bank/endpoints/crm").json["pending"] == 0, "and settled")
        self.browse("replay", count=120)
        self.stage.receivers["crm"].wait(240, "/hook")


class Portal(ConsoleCase):
    @classmethod
    def setUpClass(cls):
        cls.outer = cls.shared_receiver((200, {"Content-Type": "text/html"}, FRAME))
        cls.options = ("--portal-frame-ancestors", f"http://127.0.0.1:{cls.outer.port}")
        super().setUpClass()

    def link(self, **asked):
        return self.api.post("/v1/projects/shop/portal_links", {"expires_s": 3600, **asked}).expect(201).json["url"]

    def test_portal(self):
        ended = self.link(write=True)
        self.api.delete("/v1/projects/shop/portal_links").expect(200)
        self.stage.busy()
        self.browse("portal", ended=ended, reading=self.link(write=False), writing=self.link(write=True), outer=f"http://127.0.0.1:{self.outer.port}")


class Many(ConsoleCase):
    def make(self, first, step):
        api = self.served.api()
        url = self.stage.receivers["crm"].url("/many")
        for i in range(first, MANY, step):
            api.put(f"/v1/projects/shop/endpoints/customer-{i:05}", {"name": f"Customer {i}", "url": url, "events": ["send_broadcast"]}).expect(201)

    def test_ten_thousand(self):
        for i in range(PROJECTS):
            self.api.project(f"customer-{i:03}")
        makers = [threading.Thread(target=self.make, args=(k, 4)) for k in range(4)]
        for t in makers:
            t.start()
        for t in makers:
            t.join()
        traffic = Traffic(self.served.api(), "bank", lambda n: [a_text(n)], 0.2)
        self.addCleanup(traffic.close)
        measured = self.browse("many", count=MANY)
        print(f"with {MANY} endpoints: overview usable after {measured['overview_ms']} ms, endpoints after {measured['endpoints_ms']} ms", flush=True)


if __name__ == "__main__":
    unittest.main()
