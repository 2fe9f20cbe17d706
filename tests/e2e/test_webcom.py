#!/usr/bin/env python3
"""Webcom's status webhook, sent by the real daemon: a receiver in PHP takes the document with SimpleXML and acknowledges half of it; answers of every kind are
judged, and the log of attempts says for each item what became of it and for a worthless answer what was expected and what came."""

import json
import re
import unittest
import xml.etree.ElementTree as ElementTree

from harness import ROOT, Gate, SharedDaemon, sms
from php import Php

# As in docs/webcom.md, but it takes only every second message.
HALF = """<?php
require 'note.php';
$document = simplexml_load_string(file_get_contents('php://input'));
if ($document === false || $document->getName() !== 'response') {
    http_response_code(400);
    exit;
}
header('Content-Type: text/xml; charset=utf-8');
echo "<response>\\n";
$seen = [];
foreach ($document->state as $state) {
    $seen[] = ['text' => (string) $state, 'attributes' => array_map('strval', iterator_to_array($state->attributes()))];
    if ((int) $state['id_sms'] % 2 === 0)
        echo '<id_sms>', htmlspecialchars((string) $state['id_sms']), "</id_sms>\\n";
}
echo "</response>\\n";
note(['type' => $_SERVER['CONTENT_TYPE'], 'states' => $seen]);
"""
SOON = {"delays_s": [0.05], "max_attempts": 5}


def ids(note):
    return [int(state["attributes"]["id_sms"]) for state in note["states"]]


class FiveAttempts(SharedDaemon):
    """Five attempts in all, counted for each message."""

    def half(self):
        made = Php(self.folder(), HALF)
        self.addCleanup(made.close)
        return made

    def test_half_is_taken(self):
        php = self.half()
        self.api.endpoint(self.pid, "w", preset="webcom-status", url=php.url(), retry=SOON, batch={"max_items": 10, "max_wait_ms": 60000})
        self.api.events(self.pid, [{**sms(i, time_done=1547125204), "id": f"e{i}"} for i in range(1, 11)])
        notes = php.wait(5)
        self.api.wait_state(self.pid, "e9", "w", "failed")
        self.assertEqual([ids(note) for note in notes], [list(range(1, 11))] + [[1, 3, 5, 7, 9]] * 4)
        self.assertEqual(notes[0]["type"], "text/xml; charset=utf-8")
        self.assertEqual(notes[0]["states"][0], {"text": "deliver", "attributes": {"id_sms": "1", "time": "2019-01-10 13:00:04", "sms": "deliver"}})
        self.assertEqual([self.api.state(self.pid, f"e{i}", "w")["state"] for i in range(1, 11)], ["failed", "delivered"] * 5)
        self.assertEqual([self.api.state(self.pid, f"e{i}", "w")["attempts"] for i in (1, 2)], [5, 1])
        log = self.api.attempts(self.pid, endpoint_id="w")[::-1]
        self.assertEqual([(a["attempt"], a["outcome"], a["code"]) for a in log], [(n, "retry", 200) for n in (1, 2, 3, 4)] + [(5, "failed", 200)])
        self.assertEqual([(item["message_id"], item["acked"]) for item in log[0]["items"]], [(str(i), i % 2 == 0) for i in range(1, 11)])
        self.assertEqual([(item["message_id"], item["acked"]) for item in log[4]["items"]], [(str(i), False) for i in (1, 3, 5, 7, 9)])
        self.assertRegex(log[0]["reason"], "5 of 10 ids")
        self.assertIn("<id_sms>2</id_sms>", log[0]["response"]["body"])
        self.assertEqual(len(php.notes), 5)

    def test_dead_letters_are_sent_once_more_when_asked(self):
        php = self.half()
        self.api.endpoint(self.pid, "w", preset="webcom-status", url=php.url(), retry={**SOON, "max_attempts": 1}, batch={"max_wait_ms": 0})
        self.api.events(self.pid, {**sms(1), "id": "e1"})
        self.api.wait_state(self.pid, "e1", "w", "failed")
        self.api.post(f"/v1/projects/{self.pid}/endpoints/w/replay", {"outcome": "failed"}).expect(202)
        self.assertEqual([ids(note) for note in php.wait(2)], [[1], [1]])

    def test_each_status_is_counted_by_itself(self):
        """A newer status takes the place of the one that waits, and begins at one (X3, X5)."""
        php = self.half()
        self.api.endpoint(self.pid, "w", preset="webcom-status", url=php.url(), batch={"max_wait_ms": 0},
                          retry={"delays_s": [600], "max_attempts": 5})
        self.api.events(self.pid, {**sms(1, "sent"), "id": "e1"})
        php.wait(1)
        self.api.wait_attempts(self.pid, 1, event_id="e1")
        self.api.events(self.pid, {**sms(1, "delivered"), "id": "e2"})
        self.assertEqual([note["states"][0]["text"] for note in php.wait(2)], ["send", "deliver"])
        newer = self.api.wait_attempts(self.pid, 1, event_id="e2")
        self.assertEqual((newer[0]["attempt"], newer[0]["outcome"]), (1, "retry"))
        older = self.api.attempts(self.pid, event_id="e1")
        self.assertEqual([a["code"] for a in older], ["superseded", 200])
        self.assertEqual(self.api.state(self.pid, "e1", "w")["state"], "superseded")
        self.assertEqual(self.api.state(self.pid, "e2", "w")["state"], "pending")

    def test_nothing_follows_a_final_status(self):
        """X12; what is not acknowledged is not final."""
        php = self.half()
        self.api.endpoint(self.pid, "w", preset="webcom-status", url=php.url(), batch={"max_wait_ms": 0}, retry=SOON)
        self.api.events(self.pid, [{**sms(2, "read"), "id": "e1"}, {**sms(3, "read"), "id": "e2"}])
        self.api.wait_state(self.pid, "e1", "w", "delivered")
        self.api.wait_state(self.pid, "e2", "w", "failed")
        count = len(php.notes)
        self.api.events(self.pid, [{**sms(2, "delivered"), "id": "e3"}, {**sms(3, "delivered"), "id": "e4"}])
        self.api.wait_state(self.pid, "e4", "w", "failed")
        log = self.api.wait_attempts(self.pid, 1, event_id="e3")
        self.assertEqual([(a["code"], a["attempt"], a["request"]) for a in log], [("final", 0, None)])
        self.assertRegex(log[0]["reason"], "final status")
        self.assertEqual([ids(note) for note in php.notes[count:]], [[3]] * 5)
        self.assertIn("final status", self.served.log)


def document(*acked):
    return "<response>" + "".join(f"<id_sms>{i}</id_sms>" for i in acked) + "</response>"


def answered(status, body, **headers):
    return status, {"Content-Type": "text/xml", **headers}, body if isinstance(body, bytes) else body.encode()


class Answers(SharedDaemon):
    """One event goes to an endpoint for each kind of answer; it is looked up in the log of attempts what was made of it."""

    preset = "webcom-status"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.script = {}
        cls.sink = cls.shared_receiver(lambda arrival: cls.script[arrival.path])

    def judge(self, cases, preset="webcom-status", **settings):
        """{name: attempt} of two events, messages 1 and 2, in one document."""
        for name, answer in cases.items():
            path = f"/{self.pid}/{name}"
            self.script[path] = answer
            self.api.endpoint(self.pid, name, preset=preset, url=self.sink.url(path), batch={"max_items": 2, "max_wait_ms": 60000}, **settings)
        self.api.events(self.pid, [{**sms(1), "id": "e1"}, {**sms(2), "id": "e2"}])
        log = self.api.wait_attempts(self.pid, len(cases))
        self.assertEqual({attempt["attempt"] for attempt in log}, {1})
        return {attempt["endpoint_id"]: attempt for attempt in log}

    def takes(self, cases, **settings):
        """cases: {name: (answer, items taken, outcome, code, what the reason says)}"""
        log = self.judge({name: case[0] for name, case in cases.items()}, **settings)
        for name, (_, taken, outcome, code, says) in cases.items():
            with self.subTest(answer=name):
                attempt = log[name]
                self.assertEqual([item["acked"] for item in attempt["items"]], taken, attempt["reason"])
                self.assertEqual((attempt["outcome"], attempt["code"]), (outcome, code), attempt["reason"])
                if says is None:
                    self.assertIsNone(attempt["reason"])
                else:
                    self.assertRegex(attempt["reason"], says)
                states = [self.api.state(self.pid, e, name)["state"] for e in ("e1", "e2")]
                self.assertEqual(states, ["delivered" if one else "pending" for one in taken])

    def test_what_counts(self):
        both, one = [True, True], [True, False]
        self.takes({
            "plain": (answered(200, document(1, 2)), both, "ok", 200, None),
            "created": (answered(201, document(1, 2)), both, "ok", 201, None),
            "one": (answered(200, document(1)), one, "retry", 200, "1 of 2 ids; the others are sent again"),
            "dressed": (answered(200, b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\r\n<r>\n <a><id_sms>\n 1 </id_sms></a><!-- x -->"
                                      b"<id_sms><![CDATA[2]]></id_sms></r>\n"), both, "ok", 200, None),
            "bare": (answered(200, b"  " + document(2, 1).encode() + b"  "), both, "ok", 200, None),
            "reference": (answered(200, document("&#49;", 2)), both, "ok", 200, None),
            "latin": (answered(200, "<?xml version='1.0' encoding='iso-8859-1'?><å><id_sms>1</id_sms><id_sms>2</id_sms></å>".encode("latin-1")),
                      both, "ok", 200, None),
            "repeated": (answered(200, document(1, 1, 1)), one, "retry", 200, "1 of 2"),
            "foreign-beside": (answered(200, document(1, 2, 3)), both, "ok", 200, "1 ids in the answer were not in the request and are ignored"),
            "wrong-type": (answered(200, document(1, 2), **{"Content-Type": "text/html"}), both, "ok", 200, None),
        })

    def test_what_is_worth_nothing(self):
        none = [False, False]
        bomb = '<!DOCTYPE r [<!ENTITY a "1"><!ENTITY b "&a;&a;">]>' + document("&b;", 1, 2)
        self.takes({
            "empty": (200, none, "retry", "bad_ack", "is empty.*list each accepted id as id_sms"),
            "no-content": (204, none, "retry", "bad_ack", "is empty"),
            "text": (answered(200, "OK"), none, "retry", "bad_ack", "not well-formed XML.*line 1.*list each accepted id as id_sms"),
            "cut": (answered(200, document(1, 2)[:-3]), none, "retry", "bad_ack", "not well-formed XML"),
            "after": (answered(200, document(1, 2) + "<br>"), none, "retry", "bad_ack", "not well-formed XML"),
            "dtd": (answered(200, bomb), none, "retry", "bad_ack", "document type declaration, which is not accepted"),
            "external": (answered(200, '<!DOCTYPE r SYSTEM "file:///etc/passwd">' + document(1, 2)), none, "retry", "bad_ack", "document type"),
            "entity": (answered(200, document("&nbsp;", 1, 2)), none, "retry", "bad_ack", "not well-formed XML: undefined entity"),
            "json": (answered(200, "[1,2]"), none, "retry", "bad_ack", "not well-formed XML"),
            "large": (answered(200, document(1, 2) + " " * (256 * 1024)), none, "retry", "too_large", "256 KiB|262144"),
            "foreign": (answered(200, document(3, 4)), none, "retry", 200, "0 of 2 ids.*2 ids in the answer were not in the request"),
            "none": (answered(200, "<response/>"), none, "retry", 200, "0 of 2 ids"),
            "longer": (answered(200, document("1x", "01", "1 2")), none, "retry", 200, "0 of 2"),
            "root": (answered(200, "<id_sms>1</id_sms>"), none, "retry", 200, "0 of 2"),
            "failed": (answered(500, document(1, 2)), none, "retry", 500, "answered 500"),
            "moved": (answered(302, document(1, 2), Location="https://new.example/statuses"), none, "retry", 302,
                      "never followed.*https://new.example/statuses"),
        })

    def test_any_status(self):
        both, none = [True, True], [False, False]
        self.takes({
            "failed": (answered(500, document(1, 2)), both, "ok", 500, None),
            "half": (answered(404, document(2)), [False, True], "retry", 404, "1 of 2"),
            "bare": (answered(500, "no"), none, "retry", 500, "not well-formed XML"),
            "moved": (answered(302, document(1, 2), Location="/x"), both, "ok", 302, None),
        }, success={"any_status": True})

    def test_slow(self):
        """Costs the deadline, no more."""
        gate = Gate()
        self.addCleanup(gate.open)
        path = f"/{self.pid}"
        self.script[path] = None
        slow = self.receiver(gate)
        self.api.endpoint(self.pid, "slow", preset="webcom-status", url=slow.url(), timeout_ms=200, batch={"max_wait_ms": 0})
        self.api.events(self.pid, {**sms(1), "id": "e1"})
        attempt = self.api.wait_attempts(self.pid, 1)[0]
        self.assertEqual((attempt["outcome"], attempt["code"], attempt["items"][0]["acked"]), ("retry", "timeout", False))

    def test_json_twin(self):
        both, one, none = [True, True], [True, False], [False, False]
        self.takes({
            "bare": (answered(200, "[1,2]"), both, "ok", 200, None),
            "objects": (answered(200, '[{"id_sms":1},{"id_sms":2}]'), both, "ok", 200, None),
            "member": (answered(200, '{"id_sms":[1,2]}'), both, "ok", 200, None),
            "response": (answered(200, '{"response":[1,2]}'), both, "ok", 200, None),
            "texts": (answered(200, '["1", "2"]'), both, "ok", 200, None),
            "one": (answered(200, "[1]"), one, "retry", 200, "1 of 2"),
            "empty-list": (answered(200, "[]"), none, "retry", 200, "0 of 2"),
            "empty": (200, none, "retry", "bad_ack", "is empty"),
            "cut": (answered(200, "[1,2"), none, "retry", "bad_ack", "not valid JSON.*list each accepted id as id_sms"),
            "twice": (answered(200, '{"id_sms":[1,2],"id_sms":[3]}'), none, "retry", "bad_ack", "not valid JSON"),
            "xml": (answered(200, document(1, 2)), none, "retry", "bad_ack", "not valid JSON"),
            "other-name": (answered(200, '{"taken":[1,2]}'), none, "retry", 200, "0 of 2"),
            "number": (answered(200, "[1.0, 2e0]"), none, "retry", 200, "0 of 2"),
            "failed": (answered(500, "[1,2]"), none, "retry", 500, "answered 500"),
        }, preset="webcom-status-json")
        got = self.sink.at(f"/{self.pid}/bare")[0]
        self.assertEqual(got.headers["Content-Type"], "application/json; charset=utf-8")
        self.assertEqual([(state["id_sms"], state["state"]) for state in json.loads(got.body)], [(1, "deliver"), (2, "deliver")])


class OnTheWire(SharedDaemon):
    """X5: a newer status waits for the answer to the older one; acknowledged, it follows, otherwise it takes its place."""

    def test_newer_waits_for_the_answer(self):
        gate = Gate()
        self.addCleanup(gate.open)

        def text(arrival):
            return ElementTree.fromstring(arrival.body)[0].text

        def answer(arrival):
            gate(arrival)
            return answered(200, document(1) if arrival.path == "/acked" or text(arrival) == "deliver" else document())

        sink = self.receiver(answer)
        for name in ("acked", "not"):
            self.api.endpoint(self.pid, name, preset="webcom-status", url=sink.url("/" + name), batch={"max_wait_ms": 0})
        self.api.events(self.pid, {**sms(1, "sent"), "id": "e1"})
        sink.wait(2)
        self.api.events(self.pid, {**sms(1, "delivered"), "id": "e2"})
        gate.open()
        for name, state, code in (("acked", "delivered", 200), ("not", "superseded", "superseded")):
            with self.subTest(endpoint=name):
                self.assertEqual(self.api.wait_state(self.pid, "e2", name, "delivered")["attempts"], 1)
                self.assertEqual([text(r) for r in sink.at("/" + name)], ["send", "deliver"])
                self.assertEqual(self.api.state(self.pid, "e1", name)["state"], state)
                self.assertEqual(self.api.attempts(self.pid, event_id="e1", endpoint_id=name)[0]["code"], code)


class TestCall(SharedDaemon):
    """POST …/test judges the answer as a delivery's."""

    def test_acknowledgement_counts(self):
        cases = {
            "acked": (answered(200, document("77")), {}, ("ok", 200, "^$")),
            "empty": (200, {}, ("failed", "bad_ack", "is empty and acknowledges nothing")),
            "text": (answered(200, "OK"), {}, ("failed", "bad_ack", "not well-formed XML")),
            "foreign": (answered(200, document("78")), {}, ("failed", 200, "were not in the request")),
            "failed": (answered(500, document("77")), {}, ("failed", 500, "answered 500")),
            "sloppy": (answered(500, document("77")), {"success": {"any_status": True}}, ("ok", 500, "^$")),
            "ok": (answered(200, "OK"), {"preset": "messagebird-status"}, ("ok", 200, "^$")),
            "no": (answered(200, "NO"), {"preset": "messagebird-status"}, ("failed", "bad_ack", 'was to be "OK"')),
        }
        sink = self.receiver(lambda arrival: cases[arrival.path[1:]][0])
        for name, (_, more, (outcome, code, says)) in cases.items():
            self.api.endpoint(self.pid, name, **{"preset": "webcom-status", "url": sink.url("/" + name), **more})
            got = self.api.post(f"/v1/projects/{self.pid}/endpoints/{name}/test", {"event": sms(77)}).expect(200).json
            with self.subTest(answer=name):
                self.assertEqual((got["outcome"], got["code"]), (outcome, code), got["reason"])
                self.assertRegex(got["reason"] or "", says)


class Documents(SharedDaemon):
    """What arrives, as other people's parsers read it."""

    def test_a_hundred_states(self):
        def take_all(arrival):
            return answered(200, document(*(state.get("id_sms") for state in ElementTree.fromstring(arrival.body))))

        sink = self.receiver(take_all)
        self.api.endpoint(self.pid, "w", preset="webcom-status", url=sink.url(), batch={"max_wait_ms": 300})
        self.api.events(self.pid, [{**sms(i), "id": f"e{i}"} for i in range(250)])
        sink.wait(3)
        self.api.wait_state(self.pid, "e249", "w", "delivered")
        counts = [len(ElementTree.fromstring(arrival.body)) for arrival in sink.requests]
        self.assertEqual((max(counts), sum(counts)), (100, 250))

    def test_a_state_that_cannot_be_taken(self):
        """A document refused twice goes in halves: the one state ends up alone, the others get through."""
        def answer(arrival):
            found = [state.get("id_sms") for state in ElementTree.fromstring(arrival.body)]
            return 400 if "3" in found else answered(200, document(*found))

        sink = self.receiver(answer)
        self.api.endpoint(self.pid, "w", preset="webcom-status", url=sink.url(), batch={"max_items": 8, "max_wait_ms": 60000}, retry=SOON)
        self.api.events(self.pid, [{**sms(i), "id": f"e{i}"} for i in range(8)])
        self.api.wait_state(self.pid, "e3", "w", "failed")
        self.assertEqual([self.api.state(self.pid, f"e{i}", "w")["state"] for i in range(8)], ["failed" if i == 3 else "delivered" for i in range(8)])
        alone = [r for r in sink.requests if ElementTree.fromstring(r.body).findall("state")[0].get("id_sms") == "3" and r.body.count(b"<state ") == 1]
        self.assertEqual(len(alone), 5)

    def test_equal_ids_of_two_projects(self):
        """An acknowledged id must mean one state: an organization's endpoint never gets two of one number in a document."""
        sink = self.receiver(answered(200, document(1)))
        other = self.pid + "-2"
        self.api.project(self.pid, organization_id=self.pid)
        self.api.project(other, organization_id=self.pid)
        self.api.put(f"/v1/organizations/{self.pid}/endpoints/w", {"preset": "webcom-status", "url": sink.url(), "batch": {"max_wait_ms": 200}}).expect(201)
        self.api.events(self.pid, {**sms(1), "id": "e1"})
        self.api.events(other, {**sms(1, "read"), "id": "e2"})
        self.api.wait_state(self.pid, "e1", "w", "delivered")
        self.api.wait_state(other, "e2", "w", "delivered")
        self.assertEqual([len(ElementTree.fromstring(r.body)) for r in sink.requests], [1, 1])

    def test_legs_and_times(self):
        """The seed's own three states, and an id that is no number (X15)."""
        sink = self.receiver(answered(200, "<r/>"))
        self.api.endpoint(self.pid, "w", preset="webcom-status", url=sink.url(), batch={"max_items": 4, "max_wait_ms": 60000})
        self.api.events(self.pid, [sms(1001, time_done=1293886666), sms(1002, "read", time_done=1293886670, channel_status={"sms": "expired", "viber": "read"}),
                                   sms(1003, "sent", channel_status={"viber": "sent"}), sms('a<"&', time_updated=1293886671)])
        body = sink.wait(1)[0].body.decode()
        self.assertTrue(re.match(r'<\?xml version="1.0" encoding="utf-8" \?>\s*<response>', body), body)
        self.assertEqual([(state.text, state.attrib) for state in ElementTree.fromstring(body)], [
            ("deliver", {"id_sms": "1001", "time": "2011-01-01 12:57:46", "sms": "deliver"}),
            ("read", {"id_sms": "1002", "time": "2011-01-01 12:57:50", "sms": "expired", "viber": "read"}),
            ("send", {"id_sms": "1003", "time": "", "viber": "send"}),
            ("deliver", {"id_sms": 'a<"&', "time": "2011-01-01 12:57:51", "sms": "deliver"}),
        ])


class Page(SharedDaemon):
    """docs/webcom.md: its events, sent by the daemon, and its answers, read by it."""

    text = (ROOT / "docs" / "webcom.md").read_text()

    def block(self, name):
        return re.search(rf"^<!-- {name} -->\n```\w*\n(.*?)^```$", self.text, re.M | re.S)[1]

    def send(self, url, preset="webcom-status", endpoint="w"):
        self.api.endpoint(self.pid, endpoint, preset=preset, url=url, batch={"max_items": 3, "max_wait_ms": 60000})
        self.api.events(self.pid, json.loads(self.block("events")))
        attempt = self.api.wait_attempts(self.pid, 1, endpoint_id=endpoint)[0]
        self.api.delete(f"/v1/projects/{self.pid}/endpoints/{endpoint}")
        return {item["message_id"]: item["acked"] for item in attempt["items"]}

    def test_document_and_answer(self):
        sink = self.receiver(answered(200, self.block("answer")))
        self.assertEqual(self.send(sink.url()), {"1001": True, "1002": False, "1003": True})
        self.assertEqual(sink.requests[0].body.decode().rstrip(), self.block("body webcom-status").rstrip())

    def test_json_answers(self):
        shapes = re.findall("`(.*?)`", re.search(r"answer with one of\s+(.*?)\.\n", self.text, re.S)[1])
        self.assertEqual(len(shapes), 4)
        for number, shape in enumerate(shapes):
            with self.subTest(answer=shape):
                sink = self.receiver((200, {}, shape.encode()))
                self.assertEqual(self.send(sink.url(), "webcom-status-json", f"w{number}"), {"1001": True, "1002": False, "1003": True})
                self.assertEqual(sink.requests[0].body.decode().rstrip(), self.block("body webcom-status-json").rstrip())

    def test_php(self):
        php = Php(self.folder(), self.block("php"))
        self.addCleanup(php.close)
        self.assertEqual(self.send(php.url()), {"1001": True, "1002": True, "1003": True})


if __name__ == "__main__":
    unittest.main()
