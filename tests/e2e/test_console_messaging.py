#!/usr/bin/env python3
"""The console's messaging side, keys, projects and settings in a browser: what is done there by hand is done at the daemon, and told to the endpoints that
want to know of it."""

import unittest
import urllib.parse

from console import MARKUP, ConsoleCase
from harness import wait_until

PHONE, CUSTOMER, SECRET = "+46700000000", "+46701111111", "s3cret"


def form_of(arrival):
    return dict(urllib.parse.parse_qsl(arrival.body.decode(), keep_blank_values=True))


class Messaging(ConsoleCase):
    options = ("--test-step-ms", "50")

    def setUp(self):
        super().setUp()
        self.pid = self.api.project(f"desk-{self.id().rsplit('_', 1)[-1]}", name="Front desk")
        self.base = f"/v1/projects/{self.pid}"
        self.api.put(f"{self.base}/phones/main", {"name": "Main", "phone_type": "test", "phone_number": PHONE, "country": "SE"}).expect(200)

    def post(self, path, body):
        return self.api.post(f"{self.base}/{path}", body).expect(200).json

    def get(self, path):
        return self.api.get(f"{self.base}/{path}").expect(200).json

    def service(self, name, actions=(), **more):
        body = {"name": name, "service_type": "custom_actions", "config": {"actions": list(actions)}, **more}
        return self.api.put(f"{self.base}/services/{name.lower()}", body).expect(200).json

    def browse(self, part, **more):
        return super().browse("messaging", part=part, pid=self.pid, **more)

    def told(self, hook, event):
        return [form for form in map(form_of, hook.requests) if form["event"] == event]

    def test_hands(self):
        """A message is sent and starred, labelled, given a variable; a contact is made, named, grouped, answered: an endpoint hears of what hands changed."""
        hook = self.receiver()
        self.api.endpoint(self.pid, "told", preset="telerivet", events=["contact_update", "message_metadata"], url=hook.url("/told"), secret=SECRET)
        contact = self.post("contacts", {"phone_number": CUSTOMER, "name": MARKUP})["id"]
        self.post("labels", {"name": "Urgent"})
        self.post("messages/receive", {"from_number": CUSTOMER, "phone_id": "main", "content": f"Are you open? {MARKUP}"})
        self.browse("hands", contact=contact)
        hook.wait_for(lambda: {t["update_type"] for t in self.told(hook, "message_metadata")} >= {"star", "add_label", "set_variable"}, "message_metadata of each kind")
        hook.wait_for(lambda: "Anna Lind" in [t.get("name") for t in self.told(hook, "contact_update")], "contact_update with the new name")
        self.assertEqual(self.get(f"contacts/{contact}")["vars"], {"city": "Umeå", "age": 41})
        self.assertEqual([g["name"] for g in self.get(f"contacts/{contact}/groups")["data"]], ["Good friends"])
        self.assertEqual(self.get("messages?content=Yes,%20until%20five")["data"][0]["to_number"], CUSTOMER)
        self.assertEqual({m["status"] for m in self.get("messages?broadcast_id[exists]=1")["data"]}, {"sent"})

    def test_services(self):
        """The order by drag, by the keyboard and by the buttons holds; rules are edited in place, faults show at their field; a service is run by hand."""
        for priority, name in enumerate(("First", "Second", "Third"), 1):
            self.service(name, [{"type": "send_reply", "content": name}], priority=priority)
        self.service("Always", [{"type": "log_message", "text": f"[[from_number]] wrote {MARKUP}"}], priority=4, apply_mode="always")
        self.post("messages/receive", {"from_number": CUSTOMER, "phone_id": "main", "content": "hello"})
        wait_until(lambda: self.get("service_logs")["data"], "a line in the service log")
        self.browse("services")
        order = [s["name"] for s in self.get("services")["data"]]
        self.assertEqual(order, ["Second", "Third", "Always", "First"])
        actions = self.get("services/second/config")["actions"]
        self.assertEqual(actions, [
            {"type": "send_reply", "content": "Second of all"},
            {"type": "if", "condition": {"all": [{"left": "[[word1]]", "op": "equals", "right": "join"}, {"left": "[[contact.name]]", "op": "exists"}]},
             "then": [{"type": "add_group", "group": "Members"}]}])
        self.assertFalse(self.get("services/third")["active"])
        self.assertEqual([m["content"] for m in self.get("messages?direction=outgoing&content=Second%20of%20all")["data"]], ["Second of all"])

    def test_administration(self):
        """A key is made and used, a link is opened elsewhere and shows its project alone, projects are made, changed, deleted, settings found."""
        self.post("contacts", {"phone_number": CUSTOMER, "name": MARKUP})
        result = self.browse("administration", customer=CUSTOMER)
        key = self.api.with_key(result["key"])
        self.addCleanup(key.close)
        key.get(f"{self.base}/contacts").expect(200)
        key.get("/v1/projects/shop/contacts").expect(404)
        made = self.api.get("/v1/projects/made").expect(200).json
        self.assertEqual((made["name"], made["notify_emails"], made["timezone"]), ("Made here", ["ops@example.org"], "Europe/Stockholm"))
        self.api.get("/v1/projects/gone").expect(404)
        self.api.with_key(result["token"]).get(f"{self.base}/contacts").expect(401)

    def test_look(self):
        """Every page, light, dark and on a phone: none is wider than its window, and what strangers wrote is text."""
        hostile = self.post("contacts", {"phone_number": CUSTOMER, "name": MARKUP, "vars": {"note": MARKUP}})["id"]
        group = self.post("groups", {"name": MARKUP})["id"]
        self.post("labels", {"name": MARKUP})
        self.api.put(f"{self.base}/groups/{group}/contacts/{hostile}", {}).expect(200)
        self.service("Loud", [{"type": "log_message", "text": MARKUP}, {"type": "add_label", "label": MARKUP}, {"type": "send_reply", "content": MARKUP}])
        self.api.post(f"{self.base}/services/loud", {"name": MARKUP}).expect(200)
        message = self.post("messages/receive", {"from_number": CUSTOMER, "phone_id": "main", "content": MARKUP})["id"]
        wait_until(lambda: self.get("service_logs")["data"], "a line in the service log")
        broadcast = self.post("send_broadcast", {"group_id": group, "content": MARKUP, "title": MARKUP})["id"]
        self.browse("look", contact=hostile, message=message, broadcast=broadcast)


if __name__ == "__main__":
    unittest.main()
