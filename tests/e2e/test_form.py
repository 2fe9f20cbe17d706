#!/usr/bin/env python3
"""Telerivet's webhook, sent by the real daemon: PHP finds the tree in $_POST that the event had, Python the same names; exactly 200 is a success, and what is none
names its cure in the log of attempts."""

import json
import socket
import sys
import threading
import time
import unittest
import urllib.parse

from harness import PATIENCE, ROOT, Gate, SharedDaemon, sms
from php import Php

sys.path.append(str(ROOT / "tests" / "golden"))
from test_forms import WORDS, expected  # noqa: E402  the tree that a form is to be read back to

KEEP = """<?php
require 'note.php';
note(['post' => $_POST, 'raw' => file_get_contents('php://input'), 'type' => $_SERVER['CONTENT_TYPE']]);
"""
SECRET = "s3cret & co"
PROJECT = "PJ1"  # as in the events of the golden tests


def flat(tree, name=None):
    """{"contact[vars][x]": "…"}, as http_build_query names things."""
    if isinstance(tree, str):
        return {name: tree}
    members = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = {}
    for key, value in members:
        found.update(flat(value, f"{name}[{key}]" if name is not None else key))
    return found


def tree_of(event):
    tree = expected(event, SECRET)
    if "status" in tree:
        tree["status"] = WORDS.get(tree["status"], tree["status"])
    return tree


class Form(SharedDaemon):
    def telerivet(self, url, pid=None, **settings):
        return self.api.endpoint(pid or self.pid, "hook", preset="telerivet", url=url, secret=SECRET, ports=None, **settings)

    def all_events(self):
        return [event for name in ("status", "incoming", "others") for event in json.loads((ROOT / "tests" / "golden" / "events" / f"{name}.json").read_text())]

    def test_php_reads_every_event(self):
        php = Php(self.folder(), KEEP)
        self.addCleanup(php.close)
        self.api.project(PROJECT, organization_id="OR1")
        self.addCleanup(self.api.delete, f"/v1/projects/{PROJECT}")
        self.telerivet(php.url("/webhook.php"), PROJECT, order="none", concurrency=1)
        events = self.all_events()
        self.api.events(PROJECT, events)
        got = php.wait(len(events))
        self.assertEqual({note["type"] for note in got}, {"application/x-www-form-urlencoded"})
        sort = lambda trees: sorted(trees, key=lambda tree: json.dumps(tree, sort_keys=True))
        self.assertEqual(sort(note["post"] for note in got), sort(tree_of(event) for event in events))
        for note in got:
            names = [pair.split("=")[0] for pair in note["raw"].split("&")]
            self.assertEqual((names[0], names[-1]), ("event", "secret"))

    def test_python_reads_every_event(self):
        sink = self.receiver()
        pid = "PJ1"
        self.api.project(pid, organization_id="OR1")
        self.addCleanup(self.api.delete, f"/v1/projects/{pid}")
        self.telerivet(sink.url("/python"), pid)
        events = [{**event, "id": "python-" + event["id"]} for event in self.all_events()]
        self.api.events(pid, events)
        got = [dict(urllib.parse.parse_qsl(r.body.decode(), keep_blank_values=True, strict_parsing=True)) for r in sink.wait(len(events))]
        sort = lambda pairs: sorted(pairs, key=lambda one: sorted(one.items()))
        self.assertEqual(sort(got), sort(flat(tree_of(event)) for event in events))

    def test_the_five_ports(self):
        """They count where the operator has said nothing about ports."""
        served = self.daemon("--allow-net", "127.0.0.0/8", allow=False)
        api, sink = served.api(), self.receiver()
        api.project("P")
        for name, more in (("as-it-is", {}), ("opened", {"ports": None}), ("other", {"ports": [8443]})):
            api.endpoint("P", name, preset="telerivet", url=sink.url("/" + name), **more)
        api.events("P", {**sms(1), "id": "e1"})
        log = {attempt["endpoint_id"]: attempt for attempt in api.wait_attempts("P", 3)}
        self.assertEqual({name: attempt["code"] for name, attempt in log.items()}, {"as-it-is": "refused_address", "opened": 200, "other": "refused_address"})
        self.assertRegex(log["as-it-is"]["reason"], f"{sink.port}.*allow-ports|{sink.port}.*80, 443")

    def test_exactly_200(self):
        moved = {"Location": "https://new.example/hook?a=1"}
        cases = {"200": (200, None), "201": (201, "success.statuses"), "202": (202, "success.statuses"), "204": (204, "success.statuses"),
                 "301": ((301, moved, b""), "never followed.*https://new.example/hook\\?a=1"),
                 "302": ((302, moved, b""), "never followed.*https://new.example/hook\\?a=1"), "307": ((307, {}, b""), "never followed; set url to where the redirect leads$"),
                 "403": (403, "secret"), "404": (404, "url"), "500": (500, "receiver failed")}
        sink = self.receiver(lambda arrival: cases[arrival.path[1:]][0])
        for name in cases:
            self.api.endpoint(self.pid, name, preset="telerivet", url=sink.url("/" + name), secret=SECRET, ports=None)
        self.api.events(self.pid, {**sms(1), "id": "e1"})
        log = {attempt["endpoint_id"]: attempt for attempt in self.api.wait_attempts(self.pid, len(cases))}
        for name, (_, says) in cases.items():
            with self.subTest(answer=name):
                attempt = log[name]
                self.assertEqual((attempt["outcome"], attempt["code"]), ("retry" if says else "ok", int(name)))
                self.assertRegex(attempt["reason"] or "", says or "^$")
        self.assertEqual(len(sink.requests), len(cases))  # nobody was asked at another address

    def test_secret_is_shown_nowhere(self):
        sink = self.receiver(500)
        self.telerivet(sink.url())
        self.api.events(self.pid, {**sms(1), "id": "e1"})
        attempt = self.api.wait_attempts(self.pid, 1)[0]
        self.assertTrue(sink.requests[0].body.endswith(b"&secret=s3cret+%26+co"))
        self.assertTrue(attempt["request"]["body"].endswith("&secret=***"), attempt["request"]["body"])
        self.assertNotIn("s3cret", json.dumps(self.api.get(f"/v1/projects/{self.pid}/endpoints/hook").json) + json.dumps(attempt) + self.served.log)

    def test_a_retry_is_the_same_request(self):
        sink = self.receiver([500, 201, 200])
        self.telerivet(sink.url(), retry={"delays_s": [0.05]})
        self.api.events(self.pid, {**sms(1), "id": "e1"})
        got = sink.wait(3)
        self.assertEqual(len({r.body for r in got}), 1)
        self.assertEqual([r.headers["webhook-attempt"] for r in got], ["1", "2", "3"])
        self.assertEqual(self.api.wait_state(self.pid, "e1", "hook", "delivered")["attempts"], 3)

    def test_a_waiting_status_holds_back_its_message_alone(self):
        def answer(arrival):
            form = dict(urllib.parse.parse_qsl(arrival.body.decode()))
            return 500 if (form["id"], form["status"]) == ("1", "sent") else 200

        sink = self.receiver(answer)
        self.telerivet(sink.url())
        self.api.events(self.pid, [{**sms(1, "sent"), "id": "e1"}, {**sms(1, "delivered"), "id": "e2"}, {**sms(2, "delivered"), "id": "e3"}])
        self.api.wait_state(self.pid, "e3", "hook", "delivered")
        self.api.wait_attempts(self.pid, 2)
        self.assertEqual([self.api.state(self.pid, e, "hook")["attempts"] for e in ("e1", "e2", "e3")], [1, 0, 1])

    def test_an_answer_with_actions_is_a_success(self):
        """What it asks for is not done yet, but it is delivered, also when it is no JSON (T4)."""
        bodies = {"good": b'{"messages":[{"content":"thanks"}]}', "bad": b'{"messages":['}
        sink = self.receiver(lambda arrival: (200, {"Content-Type": "application/json"}, bodies[arrival.path[1:]]))
        for name in bodies:
            self.api.endpoint(self.pid, name, preset="telerivet", url=sink.url("/" + name), ports=None)
        self.api.events(self.pid, {"id": "e1", "type": "incoming_message", "message": {"id": "1", "from_number": "46710000123", "content": "hi"}})
        for name in bodies:
            self.api.wait_state(self.pid, "e1", name, "delivered")


class Drip:
    """Answers 200 at once and then lets the body fall byte by byte, for longer than anybody waits."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/"

    def _serve(self):
        try:
            peer, _ = self.listener.accept()
        except OSError:
            return
        with peer:
            try:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n")
                while not self.ended.wait(0.02):
                    peer.sendall(b".")
            except OSError:
                pass  # it hung up, as it should

    def close(self):
        self.ended.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE)


class Deadline(SharedDaemon):
    """From the start of the attempt to the last byte of the body (T2)."""

    def check(self, url):
        self.api.endpoint(self.pid, "hook", preset="telerivet", url=url, ports=None, timeout_ms=300)
        begun = time.monotonic()
        self.api.events(self.pid, {**sms(1), "id": "e1"})
        attempt = self.api.wait_attempts(self.pid, 1)[0]
        self.assertEqual((attempt["outcome"], attempt["code"]), ("retry", "timeout"))
        self.assertGreaterEqual(attempt["duration_ms"], 299)
        self.assertGreaterEqual(time.monotonic() - begun, 0.29)
        return attempt

    def test_no_answer(self):
        gate = Gate()
        self.addCleanup(gate.open)
        attempt = self.check(self.receiver(gate).url())
        self.assertRegex(attempt["reason"], "within 300 ms.*raise the endpoint's timeout")
        gate.open()  # a 200 that comes later changes nothing
        state = self.api.state(self.pid, "e1", "hook")
        self.assertEqual((state["state"], state["attempts"]), ("pending", 1))

    def test_a_body_without_end(self):
        drip = Drip()
        self.addCleanup(drip.close)
        self.check(drip.url)


if __name__ == "__main__":
    unittest.main()
