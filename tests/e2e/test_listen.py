#!/usr/bin/env python3
"""`postrider listen` as a developer meets it: a real curl talks to it, and what it prints is what was sent."""

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from xml.etree import ElementTree

PROGRAM = os.environ["POSTRIDER"]
PATIENCE = 30
SECRET = "whsec_" + base64.b64encode(b"a secret of listen's test").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another of listen's test.").decode()


STATUS = {"type": "send_status", "id": "evt-1", "time": 1546300800,
          "message": {"id": 7, "message_type": "sms", "status": "delivered", "to_number": "+46700000001"}}


def webcom(*ids):
    states = "".join(f'<state id_sms="{name}" time="2011-01-01 12:57:46" sms="deliver">deliver</state>' for name in ids)
    return f'<?xml version="1.0" encoding="utf-8" ?><response>{states}</response>'


class Listener:
    """One run of listen; its announcement has been read when it is made. in_json: that stands on stderr then."""

    def __init__(self, *options, in_json=False):
        command = [PROGRAM, "listen", "--port", "0", *options] + (["--json"] if in_json else [])
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.voice = self.process.stderr if in_json else self.process.stdout
        self.url = self.line(self.voice).removeprefix("listening on ").strip()
        self.pin = self.line(self.voice).strip() if "--tls" in options else None

    def line(self, stream):
        guard = threading.Timer(PATIENCE, self.process.kill)
        guard.start()
        line = stream.readline()
        guard.cancel()
        if not line:
            raise AssertionError("listen printed nothing")
        return line

    def end(self):
        """The exit code, the rest of stdout, the rest of stderr."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def curl(*arguments):
    """Status and body."""
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", str(PATIENCE), "-w", "\n%{http_code}", *arguments],
                          capture_output=True, text=True, check=True)
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), body


def signed_headers(body, secret):
    now = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"msg_1.{now}.{body}".encode(), hashlib.sha256).digest()
    values = {"webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": "v1," + base64.b64encode(digest).decode()}
    return [word for name, value in values.items() for word in ("-H", f"{name}: {value}")]


class Listen(unittest.TestCase):
    def test_shows_what_arrives(self):
        with Listener("--count", "2") as listener:
            self.assertEqual(curl("-u", "user:pass", "-H", "Content-Type: application/json", "-d", '{"batch":[{"id":1},{"id":2}]}',
                                  listener.url + "r?contact=9%209"), (200, ""))
            self.assertEqual(curl("-d", "a=1&b%5Bc%5D=%C3%85+x%1b%5B31m", listener.url)[0], 200)
            code, out, err = listener.end()
        self.assertEqual((code, err), (0, ""))
        for line in ["query   contact = 9 9", "header  Authorization: Basic user:pass", "item 2 of 2", '    "id": 2', "  a = 1",
                     "  b[c] = Å x\\x1b[31m", "2 requests, 0 of them answered with a failure"]:
            self.assertIn(line, out.splitlines())
        self.assertNotIn("\x1b", out)

    def test_json_for_scripts(self):
        with Listener("--count", "2", in_json=True) as listener:
            curl("-H", "X-Mark: 1", "-d", "[1,2,3]", "-H", "Content-Type: application/json", listener.url + "p?a=1&a=2")
            first = json.loads(listener.line(listener.process.stdout))  # follows line by line
            subprocess.run(["curl", "-sS", "--noproxy", "*", "--data-binary", "@-", listener.url], input=b"\xff\x00", check=True)
            code, out, _ = listener.end()
        self.assertEqual(code, 0)
        self.assertEqual((first["n"], first["method"], first["path"], first["query"], first["items"], first["body"]),
                         (1, "POST", "/p", {"a": ["1", "2"]}, 3, "[1,2,3]"))
        self.assertEqual(first["headers"]["x-mark"], "1")
        self.assertEqual(base64.b64decode(json.loads(out)["body_base64"]), b"\xff\x00")

    def test_answers_as_told(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as reply:
            reply.write('{"ok":true}')
            reply.flush()
            with Listener("--count", "1", "--reply", reply.name) as listener:
                self.assertEqual(curl(listener.url), (200, '{"ok":true}'))
                self.assertEqual(listener.end()[0], 0)
        with Listener("--count", "1", "--status", "404") as listener:
            self.assertEqual(curl(listener.url)[0], 404)
            self.assertIn("1 requests, 1 of them answered with a failure", listener.end()[1])
        with Listener("--count", "2", "--fail", "1") as listener:
            self.assertEqual(curl(listener.url)[0], 500)
            self.assertEqual(curl(listener.url)[0], 500)

    def test_delay_holds_up_nobody(self):
        """Ten requests at once, each answered after 300 ms: one after the other they would take three seconds."""
        with Listener("--count", "10", "--quiet", "--delay", "300ms") as listener:
            begun = time.monotonic()
            subprocess.run(["curl", "-sS", "--noproxy", "*", "-Z", "--parallel-immediate", *[listener.url] * 10],
                           capture_output=True, check=True)
            took = time.monotonic() - begun
            self.assertEqual(listener.end()[0], 0)
        self.assertGreaterEqual(took, 0.3)
        self.assertLess(took, 2.5)

    def test_a_signal_answers_the_waiting(self):
        with Listener("--delay", "1h", in_json=True) as listener:
            with subprocess.Popen(["curl", "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", listener.url],
                                  stdout=subprocess.PIPE, text=True) as client:
                listener.line(listener.process.stdout)
                listener.process.send_signal(signal.SIGTERM)
                self.assertEqual(client.communicate(timeout=PATIENCE)[0], "200")
            self.assertEqual(listener.end()[0], 0)

    def test_signatures(self):
        with Listener("--count", "3", "--secret", SECRET, in_json=True) as listener:
            body = '{"a":1}'
            curl("-d", body, *signed_headers(body, SECRET), listener.url)
            curl("-d", body + " ", *signed_headers(body, SECRET), listener.url)
            curl("-d", body, listener.url)
            code, out, err = listener.end()
        self.assertEqual(code, 0)
        self.assertEqual([json.loads(line)["signature"] for line in out.splitlines()], ["ok", "bad", "bad"])
        self.assertIn("signatures: 1 OK, 2 BAD", err)

    def signed_by_postrider(self, kind, secret, listener_secret, settings, spoil=None):
        """What `postrider render` would send, sent by curl to a listener that checks it: its line of JSON."""
        with Listener("--count", "1", "--signature", kind, "--secret", listener_secret, in_json=True) as listener, \
                tempfile.TemporaryDirectory() as folder:
            endpoint, event = os.path.join(folder, "endpoint.json"), os.path.join(folder, "event.json")
            with open(endpoint, "w", encoding="utf-8") as file:
                json.dump({"url": listener.url + "cb?a=1&b=%C3%A5", "secret": secret, **settings}, file)
            with open(event, "w", encoding="utf-8") as file:
                json.dump(STATUS, file)
            done = subprocess.run([PROGRAM, "render", "--endpoint", endpoint, "--event", event], capture_output=True, check=True)
            head, _, body = done.stdout.partition(b"\n\n")
            first, *headers = head.decode().split("\n")
            fields = dict(header.split(": ", 1) for header in headers)
            words = [word for name, value in fields.items() if name not in ("Content-Length", "Host") for word in ("-H", f"{name}: {value}")]
            method, target = first.split(" ", 1)
            path = target if "://" not in target else "/" + target.split("://", 1)[1].split("/", 1)[1]
            body = body[:int(fields.get("Content-Length", 0))]
            if spoil:
                body = spoil(body)
            curl(*words, *([] if method == "GET" else ["--data-binary", body.decode()]), listener.url.rstrip("/") + path)
            code, out, err = listener.end()
            self.assertEqual(code, 0, err)
            return json.loads(out)

    def test_signatures_of_every_kind(self):
        form = {"content_type": "form", "fields": {"Id": "{ID}", "Status": "{STATUS}", "To": "{RECIPIENT}"}}
        turbosms = {"content_type": "json", "body": '{"id":"{DELIVERY_ID}","signature":"{DELIVERY_ID|secret_sha1}"}'}
        private = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
        public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
        for kind, secret, checks, settings in [
                ("standard_webhooks", SECRET, SECRET, {}), ("standard_webhooks", private, public, {}), ("twilio", "12345", "12345", {}),
                ("twilio", "12345", "12345", form), ("twilio", "12345", "12345", {**form, "content_type": "query", "method": "GET"}),
                ("sinch", "s", "s", {}), ("plivo_v2", "s", "s", form), ("turbosms", "s", "s", turbosms)]:
            settings = settings if kind == "turbosms" else {"signature": kind, **settings}
            seen = self.signed_by_postrider(kind, secret, checks, settings)
            self.assertEqual((seen["signature"], seen["signature_fault"]), ("ok", None), (kind, settings))
            wrong = OTHER_SECRET if kind == "standard_webhooks" else checks + "x"
            seen = self.signed_by_postrider(kind, secret, wrong, settings)
            self.assertEqual(seen["signature"], "bad", (kind, settings))
            self.assertIn("another secret", seen["signature_fault"])
            if kind in ("twilio", "sinch", "standard_webhooks") and settings.get("method") != "GET":
                seen = self.signed_by_postrider(kind, secret, checks, settings, lambda body: body.replace(b"delivered", b"not_delivered"))
                self.assertEqual(seen["signature"], "bad", (kind, settings))

    def test_acknowledges(self):
        """As Webcom's receivers answer: what is acknowledged can be read back out of the answer."""
        first, second = webcom("1001", "1002", "1003"), webcom("1002")
        with Listener("--count", "4", "--ack", "xml", "--ack-part", "0.5") as listener:
            answers = [curl("-d", body, "-H", "Content-Type: text/xml", listener.url) for body in (first, second, second, "<r>")]
            code, out, _ = listener.end()
        self.assertEqual(code, 0)
        self.assertEqual([(status, [item.text for item in ElementTree.fromstring(body)]) for status, body in answers],
                         [(200, ["1001", "1003"]), (200, []), (200, ["1002"]), (200, [])])
        for line in ["acked   2 of 3: 1001 1003", "acked   0 of 1:", "acked   nothing: no element found", "item 2 of 3",
                     "  id_sms 1002  state deliver  time 2011-01-01 12:57:46  sms deliver"]:
            self.assertIn(line, out.splitlines())

    def test_acknowledges_in_json(self):
        with Listener("--count", "2", "--ack", "json", in_json=True) as listener:
            body = '[{"id_sms":3234,"time":"","state":"send"},{"id_sms":"x-1","time":"","state":"send"}]'
            self.assertEqual(curl("-d", body, listener.url), (200, '[3234,"x-1"]'))
            self.assertEqual(curl("-d", "{}", listener.url), (200, "[]"))
            code, out, _ = listener.end()
        shown = [json.loads(line) for line in out.splitlines()]
        self.assertEqual((code, shown[0]["acked"], shown[0]["ack_fault"], shown[1]["acked"]), (0, [3234, "x-1"], None, []))
        self.assertIn("no JSON array", shown[1]["ack_fault"])

    def test_acknowledges_with_trouble(self):
        """A receiver that fails has taken nothing; one that is told to answer 500 to everybody may acknowledge all the same."""
        with Listener("--count", "1", "--ack", "xml", "--fail", "1") as listener:
            self.assertEqual(curl("-d", webcom("1"), listener.url), (500, ""))
            self.assertEqual(listener.end()[0], 0)
        with Listener("--count", "1", "--ack", "xml", "--status", "500", "--delay", "10ms") as listener:
            self.assertEqual(curl("-d", webcom("1"), listener.url), (500, "<response><id_sms>1</id_sms></response>"))
            self.assertEqual(listener.end()[0], 0)

    def test_tls_pin(self):
        with Listener("--count", "1", "--tls") as listener:
            digest = base64.b64encode(bytes.fromhex(listener.pin.removeprefix("pin:"))).decode()
            wrong = base64.b64encode(bytes(32)).decode()
            refused = subprocess.run(["curl", "-sSk", "--noproxy", "*", "--pinnedpubkey", "sha256//" + wrong, listener.url],
                                     capture_output=True, check=False)
            self.assertEqual(refused.returncode, 90)
            self.assertEqual(curl("-k", "--pinnedpubkey", "sha256//" + digest, listener.url)[0], 200)
            self.assertEqual(listener.end()[0], 0)

    def test_refusals(self):
        for options, says in [(["--ack", "yaml"], "xml or json"), (["--ack-part", "0.5"], "goes with --ack"),
                              (["--ack", "xml", "--reply", "/dev/null"], "leave one of the two out"),
                              (["--signature", "twilio"], "needs --secret"), (["--signature", "x", "--secret", "y"], "standard_webhooks, twilio"),
                              (["--port", "x"], "a number from 0 to 65535"),
                              (["--secret", "plain"], "whsec_"), (["--reply", "/no/such/file"], "cannot read")]:
            done = subprocess.run([PROGRAM, "listen", *options], capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), options)
            self.assertIn(says, done.stderr)
        with Listener() as listener:
            port = listener.url.rstrip("/").rsplit(":", 1)[1]
            done = subprocess.run([PROGRAM, "listen", "--port", port], capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("choose another port", done.stderr)

    def test_program(self):
        done = subprocess.run([PROGRAM, "lsiten"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
        self.assertIn("postrider listen", done.stderr)
        self.assertEqual(subprocess.run([PROGRAM, "help", "status"], capture_output=True, text=True, check=True).stdout[:24],
                         "usage: postrider status ")
        down = subprocess.run([PROGRAM, "status", "--url", "http://127.0.0.1:1"], capture_output=True, text=True, check=False)
        self.assertEqual((down.returncode, down.stderr.count("\n")), (1, 1))
        self.assertIn("postrider serve", down.stderr)


if __name__ == "__main__":
    unittest.main()
