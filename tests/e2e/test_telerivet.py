#!/usr/bin/env python3
"""Telerivet's Webhook API with real parts: receivers in PHP, Django and Express that were written as its help pages show them, and Telerivet's own Node client,
which only gets another API URL."""

import json
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import npm
from harness import PATIENCE, Receiver, SharedDaemon, wait_until
from php import Php

SECRET = "s3cret & 'so on'"
PHP = """<?php
require 'note.php';
note($_POST);
if (($_POST['secret'] ?? '') !== %s) {
    header('HTTP/1.1 403 Forbidden');
    echo "Invalid webhook secret";
} elseif ($_POST['event'] == 'incoming_message') {
    header("Content-Type: application/json");
    echo json_encode([
        'messages' => [['content' => "Hello {$_POST['contact']['name']}, city {$_POST['contact']['vars']['city']}"]],
        'variables' => ['contact.vars.seen' => 'php', 'state.id' => 'greeted'],
    ]);
}
"""


class Program:
    """A receiver in another language: says its port, then a JSON line for each request that it takes."""

    def __init__(self, *command, cwd=None):
        self.process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.notes = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.notes.append(json.loads(line))

    def url(self, path="/webhook"):
        return f"http://127.0.0.1:{self.port}{path}"

    def wait(self, count):
        return wait_until(lambda: self.notes if len(self.notes) >= count else None, lambda: f"{count} requests, but {self.notes}")

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stdout.close()


class Telerivet(SharedDaemon):
    options = ("--test-step-ms", "20")

    def project_with(self, pid, url, secret=SECRET):
        """A project with a test phone, a contact, a webhook service and a status webhook, all at this URL."""
        self.api.project(pid)
        base = f"/v1/projects/{pid}"
        self.api.post(f"{base}/phones", {"name": "Test", "phone_type": "test", "phone_number": "+46700000000", "country": "SE"}).expect(200)
        self.api.post(f"{base}/contacts", {"phone_number": "+46701234567", "name": "Åsa & Co", "vars": {"city": "Umeå"}}).expect(200)
        self.api.post(f"{base}/services", {"name": "Hook", "service_type": "incoming_message_webhook",
                                           "config": {"url": url, "secret": secret}}).expect(200)
        self.api.endpoint(pid, "statuses", preset="telerivet", events=["send_status"], url=url, secret=secret)
        return base

    def outgoing(self, base):
        return [m for m in self.api.get(f"{base}/messages").expect(200).json["data"] if m["direction"] == "outgoing"]

    def check_conversation(self, receiver, pid, seen):
        base = self.project_with(pid, receiver.url())
        message = self.api.post(f"{base}/messages/receive", {"content": "Hej", "from_number": "0701234567", "to_number": "+46700000000"}).expect(200).json
        reply = wait_until(lambda: [m for m in self.outgoing(base) if m["status"] == "sent"], "the reply was not sent")[0]
        self.assertEqual(reply["content"], "Hello Åsa & Co, city Umeå")
        self.assertEqual(reply["to_number"], "0701234567")
        contact = self.api.get(f"{base}/contacts/{message['contact_id']}").expect(200).json
        self.assertEqual(contact["name"], "Åsa & Co")  # found by its number, though it was written in the country's own way
        self.assertEqual(contact["vars"]["seen"], seen)
        receiver.wait(3)  # the message, and the statuses queued and sent of the reply
        notes = receiver.notes
        self.assertEqual([n["event"] for n in notes], ["incoming_message", "send_status", "send_status"])
        self.assertEqual([n["status"] for n in notes[1:]], ["queued", "sent"])
        self.assertEqual(notes[0]["from_number_e164"], "+46701234567")
        self.assertEqual(notes[0]["secret"], SECRET)
        return notes

    def test_php(self):
        with tempfile.TemporaryDirectory() as folder:
            receiver = Php(folder, PHP % ("'" + SECRET.replace("'", "\\'") + "'"))
            try:
                notes = self.check_conversation(receiver, "php", "php")
                self.assertEqual(notes[0]["contact"]["vars"]["city"], "Umeå")
                self.assertEqual(notes[0]["phone"]["country"], "SE")
                self.assertNotIn("id", notes[0].get("state", {}))
            finally:
                receiver.close()

    def test_django(self):
        receiver = Program("/usr/bin/python3", "-B", str(Path(__file__).parent / "django_receiver.py"), SECRET)
        try:
            notes = self.check_conversation(receiver, "django", "django")
            self.assertEqual(notes[0]["contact[vars][city]"], "Umeå")
        finally:
            receiver.close()

    def test_express(self):
        receiver = Program("node", "receiver.js", SECRET, cwd=npm.installed("receiver.js"))
        try:
            notes = self.check_conversation(receiver, "express", "express")
            self.assertEqual(notes[0]["contact"]["vars"]["city"], "Umeå")
        finally:
            receiver.close()

    def test_wrong_secret(self):
        """403: a failure that the service log explains; the message is stored all the same."""
        receiver = Program("/usr/bin/python3", "-B", str(Path(__file__).parent / "django_receiver.py"), "another secret")
        try:
            base = self.project_with("wrong", receiver.url())
            self.api.post(f"{base}/messages/receive", {"content": "Hej", "from_number": "+46701234567", "to_number": "+46700000000"}).expect(200)
            log = wait_until(lambda: self.api.get(f"{base}/service_logs").expect(200).json["data"], "nothing in the service log")[0]
            self.assertTrue(log["error"])
            self.assertIn("secret", log["content"])
            self.assertIn("403", log["content"])
            self.assertNotIn(SECRET, json.dumps(log))
            self.assertEqual(self.outgoing(base), [])
        finally:
            receiver.close()

    def test_answer_too_large(self):
        """200, and more than is read: the message is delivered, what follows it is noted, and nothing is sent again."""
        receiver = Receiver((200, {"Content-Type": "application/json"}, b'{"messages":[{"content":"x"}],"pad":"' + b"x" * 300000 + b'"}'))
        try:
            base = self.project_with("large", receiver.url())
            message = self.api.post(f"{base}/messages/receive", {"content": "Hej", "from_number": "+46701234567", "to_number": "+46700000000"}).expect(200).json
            log = wait_until(lambda: self.api.get(f"{base}/service_logs").expect(200).json["data"], "nothing in the service log")[0]
            self.assertIn("answered HTTP 200", log["content"])
            self.assertIn("larger than 262144 bytes", log["content"])
            self.assertTrue(log["error"])
            self.assertEqual(self.outgoing(base), [])
            attempts = self.api.attempts("large", message_id=message["id"])
            self.assertEqual([a["outcome"] for a in attempts], ["ok"])
        finally:
            receiver.close()

    def test_node_client(self):
        """Telerivet's client: services, contacts, the test numbers, messages, pages, errors."""
        receiver = Program("node", "receiver.js", SECRET, cwd=npm.installed("receiver.js", "client.js"))
        try:
            self.api.project("client")
            self.api.post("/v1/projects/client/phones", {"name": "Test", "phone_type": "test", "phone_number": "+15005550000", "country": "US"}).expect(200)
            key = self.api.post("/v1/projects/client/keys", {"name": "node"}).expect(201).json["key"]
            done = subprocess.run(["node", "client.js", f"{self.served.url}/v1", key, "client", receiver.url(), SECRET], cwd=npm.installed("client.js"),
                                  capture_output=True, text=True, timeout=PATIENCE * 3, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            steps = [json.loads(line)["step"] for line in done.stdout.splitlines()]
            self.assertEqual(steps, ["service", "contacts", "statuses", "messages", "errors", "done"])
            # status_url of one message: its statuses, and nobody else's
            sent = json.loads(done.stdout.splitlines()[3])["sent"]
            mine = wait_until(lambda: [n["status"] for n in receiver.notes if n["event"] == "send_status" and n["id"] == sent][-1:] == ["sent"],
                              lambda: f"no status at status_url: {receiver.notes[-3:]}")
            self.assertTrue(mine)
        finally:
            receiver.close()


if __name__ == "__main__":
    unittest.main()
