"""The live stream: what it tells and to whom, who is cut, and how it ends; and `tail`, which stands on it."""

import contextlib
import http.client
import json
import re
import select
import socket
import unittest

from harness import KEY, PATIENCE, Case, SharedDaemon, sms

LONG = "x" * 150  # makes entries large, so that a buffer is full after few


class Stream:
    """One reader. Entries are (kind, id, data); comments are left out."""

    def __init__(self, port, path, key=KEY, buffer=None):
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        self.response = http.client.HTTPResponse(self.socket)
        self.seen = []

    def begin(self):
        self.response.begin()
        assert self.response.status == 200, (self.response.status, self.response.read())
        return self

    def entry(self):
        """The next one, None at the end of the stream."""
        fields = {}
        for line in iter(self.response.readline, b""):
            name, _, value = line.decode().rstrip("\n").partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            elif "data" in fields:
                self.seen.append((fields.get("event"), fields.get("id"), json.loads(fields["data"])))
                return self.seen[-1]
        return None

    def until(self, wanted):
        """The first entry, from now on, for which it is true."""
        while entry := self.entry():
            if wanted(*entry):
                return entry
        raise AssertionError(f"the stream ended after {self.seen[-5:]}")

    def kind(self, kind):
        return self.until(lambda k, *_: k == kind)[2]

    def rest(self):
        """How many entries come until its end."""
        count = 0
        while self.entry():
            count += 1
        return count

    def close(self):
        self.response.close()
        self.socket.close()


class StreamCase(SharedDaemon):
    def stream(self, query="", pid=None, key=KEY, **more):
        made = Stream(self.served.port, f"/v1/projects/{pid or self.pid}/stream{query}", key, **more)
        self.addCleanup(made.close)
        return made.begin()


class Content(StreamCase):
    def test_a_delivery(self):
        """Accepted, delivered, and what it says of them is what GET says."""
        receiver = self.receiver()
        self.api.endpoint(self.pid, "crm", url=receiver.url("/"))
        stream = self.stream()
        self.assertEqual(stream.response.headers["Content-Type"], "text/event-stream")
        self.assertEqual(stream.response.headers["Cache-Control"], "no-store")
        kind, _, hello = stream.entry()
        self.assertEqual((kind, sorted(hello)), ("hello", ["time_ms", "version"]))
        self.api.events(self.pid, {**sms("m1"), "id": "e1"})
        kind, id, accepted = stream.entry()
        self.assertEqual((kind, id, accepted["id"], accepted["message_id"], accepted["type"], accepted["project"]),
                         ("accepted", str(accepted["seq"]), "e1", "m1", "send_status", self.pid))
        kind, id, attempt = stream.entry()
        self.assertEqual((kind, id), ("attempt", attempt["id"]))
        shown = self.api.get(f"/v1/projects/{self.pid}/attempts/{id}").expect(200).json
        for name in ("id", "endpoint_id", "attempt", "outcome", "code", "reason", "time_ms", "duration_ms", "items"):
            self.assertEqual(attempt[name], shown[name], name)
        self.assertEqual((attempt["project"], attempt["organization"]), (self.pid, None))
        self.assertEqual(attempt["items"], [{"event_id": "e1", "message_id": "m1", "acked": True}])

    def test_failure_and_state(self):
        """Ten failures throttle an endpoint; each says why, and names the event although a retry comes much later."""
        receiver = self.receiver(503)
        self.api.endpoint(self.pid, "crm", url=receiver.url("/"), retry={"delays_s": [0.05] * 20})
        stream = self.stream()
        self.api.events(self.pid, {**sms("m\n\u2028<b>"), "id": "e1"})
        kind, id, attempt = stream.until(lambda kind, id, data: kind == "attempt" and data["attempt"] == 3)
        self.assertEqual((attempt["outcome"], attempt["code"]), ("retry", 503))
        self.assertRegex(attempt["reason"], "^answered 503: the receiver has no time just now")
        self.assertEqual(attempt["items"], [{"event_id": "e1", "message_id": "m\n\u2028<b>", "acked": False}])
        state = stream.kind("state")
        self.assertEqual((state["project"], state["endpoint_id"], state["before"], state["state"]), (self.pid, "crm", "ready", "throttled"))
        self.assertTrue(state["reason"])

    def test_old_events_have_names(self):
        """An event of before anybody listened is read from the log."""
        receiver = self.receiver()
        self.api.endpoint(self.pid, "crm", url=receiver.url("/"))
        self.api.events(self.pid, {**sms("m1"), "id": "e1"})
        self.api.wait_state(self.pid, "e1", "crm", "delivered")
        stream = self.stream("?kinds=attempt")
        self.api.post(f"/v1/projects/{self.pid}/endpoints/crm/replay", {"outcome": "all"}).expect(202)
        self.assertEqual(stream.kind("attempt")["items"], [{"event_id": "e1", "message_id": "m1", "acked": True}])

    def test_filters(self):
        receiver = self.receiver(lambda a: 200 if a.path == "/good" else 400)
        for eid in ("good", "bad"):
            self.api.endpoint(self.pid, eid, url=receiver.url("/" + eid), retry={"delays_s": []})
        streams = {q: self.stream(q) for q in ("?kinds=accepted", "?kinds=attempt&outcome=failed", "?endpoint_id=good", "?kinds=state,attempt&rate=5000")}
        self.api.events(self.pid, [{**sms(f"m{i}"), "id": f"e{i}"} for i in range(5)])
        self.api.wait_attempts(self.pid, 10)
        self.api.events(self.pid, {**sms("last"), "id": "last"})

        def until_last(query, wanted):
            stream = streams[query]
            stream.until(wanted)
            return [(kind, data.get("endpoint_id")) for kind, _, data in stream.seen[1:] if kind != "state"]

        def of_last(kind, id, data):
            return kind == "attempt" and data["items"][0]["event_id"] == "last"

        self.assertEqual(until_last("?kinds=accepted", lambda k, i, d: d.get("id") == "last"), [("accepted", None)] * 6)
        self.assertEqual(until_last("?kinds=attempt&outcome=failed", of_last), [("attempt", "bad")] * 6)
        self.assertEqual(until_last("?endpoint_id=good", of_last), [("attempt", "good")] * 6)
        stream = streams["?kinds=state,attempt&rate=5000"]
        for _ in range(12):
            self.assertEqual(stream.kind("attempt")["project"], self.pid)

    def test_rate_and_skipped(self):
        """What is over the rate is counted, and the sum is right."""
        stream = self.stream("?kinds=accepted&rate=10")
        for part in range(4):
            self.api.events(self.pid, [{**sms(i), "id": f"e{part}-{i}"} for i in range(50)])
        shown = skipped = 0
        while shown + skipped < 200:
            kind, _, data = stream.until(lambda kind, *_: kind in ("accepted", "skipped"))
            shown += kind == "accepted"
            skipped += data["count"] if kind == "skipped" else 0
        self.assertEqual(shown + skipped, 200)
        self.assertGreaterEqual(skipped, 100)


class Access(StreamCase):
    def key(self, pid):
        return self.api.post(f"/v1/projects/{pid}/keys", {"name": "mine"}).expect(201).json

    def test_other_projects(self):
        self.api.project("foreign")
        mine = self.api.with_key(self.key(self.pid)["key"])
        self.addCleanup(mine.close)
        for path in ("/v1/projects/foreign/stream", "/v1/projects/nowhere/stream", "/v1/stream"):
            self.assertEqual(mine.get(path).expect(404).error["code"], "not_found")
        self.assertEqual(self.api.get("/v1/projects/nowhere/stream").expect(404).error["code"], "not_found")
        self.api.call("GET", f"/v1/projects/{self.pid}/stream", headers={"Authorization": "Bearer nobody"}).expect(401)

    def test_bad_arguments(self):
        for query, param in (("kinds=accepted,all", "kinds"), ("outcome=bad", "outcome"), ("rate=0", "rate"), ("rate=5001", "rate"), ("rate=x", "rate"),
                             ("endpoint_id=a%20b", "endpoint_id")):
            self.assertEqual(self.api.get(f"/v1/projects/{self.pid}/stream?{query}").expect(400).error["param"], param)

    def test_only_its_own(self):
        """The admin sees all; a project nothing of another, not even of a request that carried events of both."""
        receiver = self.receiver()
        other = self.api.project(self.pid + "-2", organization_id="both")
        self.api.project(self.pid, organization_id="both")
        answer = self.api.put("/v1/organizations/both/endpoints/all", {"url": receiver.url("/"), "batch": {"max_items": 10, "max_wait_ms": 1000}})
        self.assertIn(answer.status, (200, 201), answer)
        mine, all = self.stream(key=self.key(self.pid)["key"]), Stream(self.served.port, "/v1/stream").begin()
        self.addCleanup(all.close)
        for pid in (other, self.pid):
            self.api.events(pid, [{**sms(pid + str(i)), "id": f"{pid}-e{i}"} for i in range(3)])
        attempt = all.until(lambda kind, id, data: kind == "attempt" and len(data["items"]) == 6)[2]
        self.assertEqual((attempt["project"], attempt["organization"]), (None, "both"))
        own = mine.until(lambda kind, id, data: kind == "attempt")[2]
        self.assertEqual((own["id"], [item["event_id"] for item in own["items"]]), (attempt["id"], [f"{self.pid}-e{i}" for i in range(3)]))
        self.assertNotIn(other, json.dumps(mine.seen))
        self.assertEqual({data["project"] for kind, _, data in all.seen if kind == "accepted" and data["project"].startswith(self.pid)}, {self.pid, other})

    def test_key_taken_away(self):
        key = self.key(self.pid)
        link = self.api.post(f"/v1/projects/{self.pid}/portal_links", {"expires_s": 3600}).expect(201).json
        stream, linked, stays = (self.stream(key=k) for k in (key["key"], link["token"], self.key(self.pid)["key"]))
        for one in (stream, linked):
            one.kind("hello")
        self.api.delete(f"/v1/projects/{self.pid}/keys/{key['id']}").expect(200)
        self.api.delete(f"/v1/projects/{self.pid}/portal_links").expect(200)
        self.assertEqual((stream.rest(), linked.rest()), (0, 0))
        self.api.events(self.pid, sms(1))
        stays.kind("accepted")
        self.api.delete(f"/v1/projects/{self.pid}").expect(200)
        stays.rest()


class Crowd(StreamCase):
    def test_hundred_at_once(self):
        streams = [self.stream("?kinds=accepted") for _ in range(100)]
        for turn in range(3):
            self.api.events(self.pid, {**sms(turn), "id": f"e{turn}"})
            self.assertEqual({stream.kind("accepted")["id"] for stream in streams}, {f"e{turn}"})

    def test_who_does_not_read_is_cut(self):
        """The other reader goes on, and so do deliveries."""
        receiver = self.receiver()
        self.api.endpoint(self.pid, "crm", url=receiver.url("/"), events=["incoming_message"])
        lazy, busy = self.stream("?rate=5000", buffer=4096), self.stream("?rate=5000")
        watch = select.poll()
        watch.register(lazy.socket, 0)  # only that it was closed
        sent = told = 0
        while not watch.poll(0):
            self.api.events(self.pid, [{**sms(f"{i}{LONG}"), "id": f"e{sent + i}"} for i in range(250)])
            sent += 250
            while told < sent:  # what is over 5,000 a second is skipped
                kind, _, data = busy.until(lambda kind, *_: kind in ("accepted", "skipped"))
                told += data["count"] if kind == "skipped" else 1
            self.assertLess(sent, 50000, "a reader that does not read was not cut")
        with self.assertRaises(ConnectionResetError):
            while lazy.entry():
                pass
        self.api.events(self.pid, {**sms("in", direction="incoming", from_number="+46700000001"), "type": "incoming_message", "id": "in"})
        busy.kind("attempt")
        self.api.wait_state(self.pid, "in", "crm", "delivered")


class End(Case):
    def test_stop(self):
        """Streams end like any answer, and the daemon does not wait for them."""
        served = self.daemon()
        api = served.api()
        self.addCleanup(api.close)
        api.project("shop")
        streams = [Stream(served.port, "/v1/projects/shop/stream").begin() for _ in range(5)]
        for stream in streams:
            self.addCleanup(stream.close)
            stream.kind("hello")
        served.terminate()
        self.assertEqual([stream.rest() for stream in streams], [0] * 5)
        self.assertTrue(all(stream.response.isclosed() for stream in streams))
        self.assertEqual(served.wait(), 0)

    def test_tail_misses_nothing(self):
        """What happens while the daemon restarts and `tail` is away is shown when it is back, once."""
        receiver, served = self.receiver(), self.daemon()
        env = {"POSTRIDER_URL": served.url, "POSTRIDER_KEY": KEY}
        api = served.api()
        self.addCleanup(lambda: api.close())
        api.project("shop")
        api.endpoint("shop", "crm", url=receiver.url("/"))
        api.events("shop", [{**sms(f"old{i}"), "id": f"old{i}"} for i in range(15)])
        api.wait_attempts("shop", 15)
        tail = self.running("tail", "--project", "shop", env=env)
        tail.wait_line("message old14")
        for turn in range(3):
            api.close()
            served.restart()
            api = served.api()
            for i in range(20):
                api.events("shop", {**sms(f"t{turn}n{i}"), "id": f"t{turn}n{i}"})
            tail.wait_line(f"message t{turn}n19")
        shown = [m[1] for line in tail.lines if (m := re.search(r" message (\S+)$", line))]
        self.assertEqual([message[:3] for message in shown[:10]], ["old"] * 10)
        self.assertEqual(sorted(shown[10:]), sorted(f"t{turn}n{i}" for turn in range(3) for i in range(20)))
        self.assertIn("waiting for the daemon", tail.text())


if __name__ == "__main__":
    unittest.main()
