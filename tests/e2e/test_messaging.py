#!/usr/bin/env python3
"""The messaging side as a customer's endpoints see it: what was done by hand is told and what programs did is not, broadcasts and clicks are told, a service
that always runs does, and a conversation goes on where a killed daemon left it."""

import http.client
import unittest
import urllib.parse
from urllib.parse import urlsplit

from harness import Case, Gate, SharedDaemon, wait_until

PHONE, SENDER, SECRET = "+46700000000", "+46701234567", "s3cret"
ANSWER = (200, {"Content-Type": "application/json"}, b'{"messages":[{"content":"At last"}],"variables":{"contact.vars.times":"1"}}')
WEB = {"Postrider-Origin": "web"}


def form_of(arrival):
    return dict(urllib.parse.parse_qsl(arrival.body.decode(), keep_blank_values=True))


def with_phone(api, base):
    api.put(f"{base}/phones/PN1", {"phone_type": "test", "phone_number": PHONE, "country": "SE"}).expect(200)


def outgoing(api, base):
    return api.get(f"{base}/messages?direction=outgoing").expect(200).json["data"]


class Told(SharedDaemon):
    options = ("--test-step-ms", "10")

    def setUp(self):
        super().setUp()
        self.base = f"/v1/projects/{self.pid}"
        with_phone(self.api, self.base)
        self.hook = self.receiver()

    def listen(self, *events):
        self.api.endpoint(self.pid, "all", preset="telerivet", events=list(events), url=self.hook.url("/all"), secret=SECRET)

    def told(self):
        return [form_of(a) for a in self.hook.at("/all")]

    def test_by_hand(self):
        """contact_update and message_metadata: with Telerivet's web application a hand, over its REST API a program. The last change ends the wait."""
        self.listen("contact_update", "message_metadata")
        contact = self.api.post(f"{self.base}/contacts", {"phone_number": SENDER, "name": "Anna"}).expect(200).json["id"]
        self.api.post(f"{self.base}/contacts/{contact}", {"name": "By a program"}).expect(200)
        message = self.api.post(f"{self.base}/messages/send", {"to_number": SENDER, "content": "Hej"}).expect(200).json["id"]
        self.api.post(f"{self.base}/messages/{message}", {"starred": True}).expect(200)
        self.api.post(f"{self.base}/contacts/{contact}", {"name": "By hand"}, headers=WEB).expect(200)
        self.api.post(f"{self.base}/messages/{message}", {"starred": False}, headers=WEB).expect(200)
        self.api.post(f"{self.base}/messages/{message}", {"vars": {"a": "b"}}, headers=WEB).expect(200)
        self.hook.wait(3)
        told = sorted((t["event"], t["update_type"]) for t in self.told())
        self.assertEqual(told, [("contact_update", told[0][1]), ("message_metadata", "set_variable"), ("message_metadata", "unstar")])
        names = [t["name"] for t in self.told() if t["event"] == "contact_update"]
        self.assertEqual(names, ["By hand"])
        self.assertEqual({t["secret"] for t in self.told()}, {SECRET})

    def test_broadcast(self):
        self.listen("send_broadcast", "send_status")
        sent = self.api.post(f"{self.base}/send_broadcast", {"to_numbers": ["+15005550012", SENDER], "content": "Hej alla", "title": "News"}, headers=WEB)
        broadcast = sent.expect(200).json["id"]
        self.hook.wait_for(lambda: len([a for a in self.hook.requests if b"event=send_status" in a.body]) >= 5, "statuses of two messages")
        told = self.told()
        mine = [t for t in told if t["event"] == "send_broadcast"]
        self.assertEqual([t["id"] for t in mine], [broadcast])
        self.assertEqual((mine[0]["title"], mine[0]["content"]), ("News", "Hej alla"))
        self.assertEqual({t["broadcast_id"] for t in told if t["event"] == "send_status"}, {broadcast})
        self.assertEqual(sorted(t["status"] for t in told if t["event"] == "send_status"), ["delivered", "queued", "queued", "sent", "sent"])

    def visit(self, url, method="GET"):
        """Status and Location: nobody is to follow it."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            connection.request(method, parts.path)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("Location")
        finally:
            connection.close()

    def test_click(self):
        self.listen("send_status")
        message = self.api.post(f"{self.base}/messages/send", {"to_number": SENDER, "content": "See https://x.example/a?b=1.", "track_clicks": True})
        message = message.expect(200).json
        short = message["content"].removeprefix("See ").removesuffix(".")
        self.assertTrue(short.startswith(self.served.url + "/s/"), message["content"])
        self.hook.wait(1)  # sent
        self.assertEqual(self.visit(short, "HEAD"), (302, "https://x.example/a?b=1"))
        for _ in range(3):
            self.assertEqual(self.visit(short), (302, "https://x.example/a?b=1"))
        told = [form_of(a) for a in self.hook.wait(2)]
        self.assertNotIn("time_clicked", {name for name, value in told[0].items() if value})
        self.assertEqual((told[1]["event"], told[1]["id"], told[1]["status"]), ("send_status", message["id"], "sent"))
        self.assertGreaterEqual(int(told[1]["time_clicked"]), int(message["time_created"]))
        self.assertEqual(told[1]["short_urls[0][destination_url]"], "https://x.example/a?b=1")
        self.api.delete(f"{self.base}/messages/{message['id']}").expect(200)
        self.assertEqual(self.visit(short)[0], 404)
        self.assertEqual(len(self.told()), 2)

    def test_links_of_a_deleted_project(self):
        sent = self.api.post(f"{self.base}/messages/send", {"to_number": SENDER, "content": "https://x.example/", "track_clicks": True}).expect(200).json
        self.assertEqual(self.visit(sent["content"], "HEAD")[0], 302)
        self.api.delete(self.base).expect(200)
        self.assertEqual(self.visit(sent["content"])[0], 404)

    def test_always(self):
        """The first service handles the message: the next is passed over, but not the one that always runs."""
        for priority, name, more in ((1, "first", {}), (2, "second", {}), (3, "third", {"apply_mode": "always"})):
            config = {"actions": [{"type": "send_reply", "content": name}]}
            self.api.post(f"{self.base}/services", {"name": name, "service_type": "custom_actions", "priority": priority, "config": config, **more}).expect(200)
        self.api.post(f"{self.base}/messages/receive", {"from_number": SENDER, "phone_id": "PN1", "content": "x"}).expect(200)
        wait_until(lambda: len(outgoing(self.api, self.base)) >= 2, lambda: f"two answers: {outgoing(self.api, self.base)}")
        self.assertEqual(sorted(m["content"] for m in outgoing(self.api, self.base)), ["first", "third"])

    def test_not_taken_back(self):
        """What waits for a gateway stays queued whatever is asked; what waits on a paused test phone is cancelled."""
        self.api.put(f"{self.base}/phones/gw", {"phone_type": "http", "send_paused": True, "config": {"url": self.hook.url("/gw")}}).expect(200)
        sent = self.api.post(f"{self.base}/messages/send", {"to_number": SENDER, "content": "x", "route_id": "gw"}).expect(200).json
        refused = self.api.post(f"{self.base}/messages/{sent['id']}/cancel", {}).expect(400)
        self.assertEqual(refused.error["code"], "not_cancellable")
        self.assertEqual(self.api.get(f"{self.base}/messages/{sent['id']}").json["status"], "queued")
        self.api.post(f"{self.base}/phones/PN1", {"send_paused": True}).expect(200)
        sent = self.api.post(f"{self.base}/messages/send", {"to_number": SENDER, "content": "x", "route_id": "PN1"}).expect(200).json
        self.assertEqual(self.api.post(f"{self.base}/messages/{sent['id']}/cancel", {}).expect(200).json["status"], "cancelled")

    def test_not_here(self):
        for method in (self.api.get, self.api.post):
            self.assertEqual(method(f"{self.base}/scheduled").expect(501).error["code"], "not_implemented")


class Restart(Case):
    """A run waits for its service's answer while the daemon goes away: it is asked again, and answers once."""

    def prepare(self, hook):
        served = self.daemon("--test-step-ms", "10")
        api = served.api()
        api.project("p")
        base = "/v1/projects/p"
        with_phone(api, base)
        api.post(f"{base}/services", {"name": "Hook", "service_type": "incoming_message_webhook",
                                      "config": {"url": hook.url(), "secret": SECRET, "retry": {"delays_s": [0.2], "jitter": 0}}}).expect(200)
        message = api.post(f"{base}/messages/receive", {"from_number": SENDER, "phone_id": "PN1", "content": "Hej"}).expect(200).json["id"]
        hook.wait(1)
        api.close()
        return served, base, message

    def check(self, served, hook, base, message):
        """Once, also after one more start; and nobody asks the service again."""
        api = served.api()
        wait_until(lambda: [m for m in outgoing(api, base) if m["status"] == "sent"], lambda: f"the reply is sent: {outgoing(api, base)}")
        asked = len(hook.requests)
        api.close()
        served.restart()
        api = served.api()
        after = api.post(f"{base}/messages/receive", {"from_number": SENDER, "phone_id": "PN1", "content": "again"}).expect(200).json["id"]
        wait_until(lambda: len(outgoing(api, base)) >= 2, "the next message is answered")
        self.assertEqual([m["content"] for m in outgoing(api, base)], ["At last"] * 2)
        self.assertEqual([form_of(a)["id"] for a in hook.requests[asked:]], [after])
        self.assertEqual({form_of(a)["id"] for a in hook.requests[:asked]}, {message})
        self.assertEqual(len({a.body for a in hook.requests[:asked]}), 1)  # byte for byte
        self.assertEqual(api.get(f"{base}/contacts").expect(200).json["data"][0]["vars"]["times"], "1")
        api.close()

    def test_between_two_attempts(self):
        hook = self.receiver(503)
        served, base, message = self.prepare(hook)
        served.stop()
        hook.answer = ANSWER
        served.start()
        self.check(served, hook, base, message)

    def test_killed_while_asking(self):
        gate = Gate()
        self.addCleanup(gate.open)
        hook = self.receiver(gate)
        served, base, message = self.prepare(hook)
        served.kill()
        hook.answer = ANSWER
        served.start()
        self.check(served, hook, base, message)


if __name__ == "__main__":
    unittest.main()
