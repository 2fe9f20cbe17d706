"""The HTTP API, every row of it, as a program outside sees it: what works, and above all what wrong input gets."""

import base64
import hashlib
import hmac
import http.client
import json
import time
import unittest
import zlib

from harness import KEY, Api, Case, Gate, SharedDaemon, free_port, gzipped, sms, wait_until

QUICK = {"delays_s": [0.05, 0.1, 0.2], "jitter": 0}


class ApiCase(SharedDaemon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sink = cls.shared_receiver()

    def setUp(self):
        super().setUp()
        self.base = f"/v1/projects/{self.pid}"
        self.at = f"{self.base}/endpoints"

    def url(self, path=""):
        return self.sink.url(f"/{self.pid}{path}")

    def arrived(self, count=1, path=""):
        return self.sink.wait(count, f"/{self.pid}{path}")

    def refused(self, answer, status, code=None, param=None, says=None):
        """The shape of every error."""
        statuses = status if isinstance(status, tuple) else (status,)
        self.assertIn(answer.status, statuses, answer)
        self.assertEqual(set(answer.json), {"error"})
        self.assertLessEqual({"code", "message"}, set(answer.error))
        self.assertRegex(answer.error["message"], r"\w+ \w+")
        if code:
            self.assertEqual(answer.error["code"], code, answer)
        if param is not None:
            self.assertEqual(answer.error.get("param"), param, answer)
        if says:
            self.assertRegex(answer.error["message"], says)
        return answer


class Keys(ApiCase):
    def test_without_a_key(self):
        self.refused(Api(self.served.port, None).get(self.base), 401)
        self.refused(Api(self.served.port, "not-the-admin-key-at-all").get(self.base), 401)
        self.refused(Api(self.served.port, "").get(self.base), 401)

    def test_basic_with_the_key_as_user_name(self):
        credentials = base64.b64encode(f"{KEY}:".encode()).decode()
        Api(self.served.port, None).get(self.base, headers={"Authorization": "Basic " + credentials}).expect(200)

    def test_a_projects_key(self):
        made = self.api.post(self.base + "/keys", {"name": "crm"}).expect(201).json
        self.assertEqual(set(made), {"id", "name", "key"})
        self.assertRegex(made["key"], r"^[A-Za-z0-9_-]{20,}$")
        mine = self.api.with_key(made["key"])
        self.assertEqual(mine.get(self.base).expect(200).json["id"], self.pid)
        self.api.project("other")
        for call in (lambda: mine.get("/v1/projects/other"), lambda: mine.post("/v1/projects/other/events", sms(1)),
                     lambda: mine.get("/v1/projects/other/endpoints"), lambda: mine.get("/v1/organizations/77/endpoints")):
            self.refused(call(), (403, 404))
        self.assertEqual([p["id"] for p in mine.get("/v1/projects").expect(200).json["data"]], [self.pid])
        mine.put(self.at + "/e", {"url": self.url()})
        mine.post(self.base + "/events", sms(1)).expect(202)
        self.arrived()

    def test_a_key_is_shown_once_and_ends(self):
        made = self.api.post(self.base + "/keys", {"name": "crm"}).expect(201).json
        listed = self.api.get(self.base + "/keys").expect(200)
        self.assertNotIn(made["key"].encode(), listed.body)
        self.assertEqual([(k["id"], k["name"]) for k in listed.json["data"]], [(made["id"], "crm")])
        self.assertEqual(self.api.delete(f"{self.base}/keys/{made['id']}").expect(200).json, {})
        self.refused(self.api.with_key(made["key"]).get(self.base), 401)
        self.refused(self.api.delete(f"{self.base}/keys/{made['id']}"), 404)

    def test_projects_do_not_see_each_other(self):
        other = self.api.project("elsewhere")
        self.api.endpoint(other, "e", url=self.url("/other"))
        self.api.endpoint(self.pid, "e", url=self.url())
        self.api.events(self.pid, {**sms(1), "id": "same-id"})
        self.api.events(other, {**sms(2), "id": "same-id"})
        self.arrived(1)
        self.arrived(1, "/other")
        self.assertEqual([r.json["message"]["id"] for r in self.sink.at(f"/{self.pid}")], ["1"])
        self.assertEqual(self.api.get(f"{self.base}/events/same-id").expect(200).json["message"]["id"], "1")


class Projects(ApiCase):
    def test_put_get_change_delete(self):
        settings = {"name": "Åsa & Co", "organization_id": "9", "notify_emails": ["ops@example.org"], "timezone": "Europe/Stockholm"}
        self.assertIn(self.api.put("/v1/projects/fresh", settings).status, (200, 201))
        shown = self.api.get("/v1/projects/fresh").expect(200).json
        self.assertEqual({k: shown[k] for k in settings}, settings)
        self.assertEqual(shown["id"], "fresh")
        for method in ("PATCH", "POST"):
            self.api.call(method, "/v1/projects/fresh", {"name": method}).expect(200)
            shown = self.api.get("/v1/projects/fresh").json
            self.assertEqual((shown["name"], shown["organization_id"]), (method, "9"))
        self.assertIn("fresh", [p["id"] for p in self.api.get("/v1/projects").expect(200).json["data"]])
        self.assertEqual([p["id"] for p in self.api.get("/v1/organizations/9/projects").expect(200).json["data"]], ["fresh"])
        self.assertEqual(self.api.delete("/v1/projects/fresh").expect(200).json, {})
        self.refused(self.api.get("/v1/projects/fresh"), 404, "not_found")

    def test_wrong_settings(self):
        self.refused(self.api.put(self.base, {"nmae": "x"}), (400, 422), param="nmae")
        self.refused(self.api.put(self.base, {"name": 5}), (400, 422), param="name")
        self.refused(self.api.put(self.base, {"timezone": "Europe/Nowhere"}), (400, 422), param="timezone")
        self.refused(self.api.put(self.base, "[]"), 400)
        self.refused(self.api.put(self.base, "{"), 400)

    def test_unknown_project(self):
        for call in (lambda: self.api.get("/v1/projects/nobody"), lambda: self.api.post("/v1/projects/nobody/events", sms(1)),
                     lambda: self.api.put("/v1/projects/nobody/endpoints/e", {"url": self.url()}),
                     lambda: self.api.get("/v1/projects/nobody/endpoints"), lambda: self.api.get("/v1/projects/nobody/attempts"),
                     lambda: self.api.post("/v1/projects/nobody/keys", {"name": "x"})):
            self.refused(call(), 404, "not_found")

    def test_paths_and_methods(self):
        self.refused(self.api.get("/v1/nothing"), 404, "not_found")
        answer = self.refused(self.api.call("PUT", self.base + "/events", sms(1)), 405)
        self.assertEqual({m.strip() for m in answer.headers["Allow"].split(",")} & {"POST", "GET"}, {"POST", "GET"})


class Events(ApiCase):
    def setUp(self):
        super().setUp()
        self.api.endpoint(self.pid, "e", url=self.url())

    def post(self, body, **headers):
        return self.api.post(self.base + "/events", body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def ids(self):
        return [r.json["id"] for r in self.sink.at(f"/{self.pid}")]

    def test_one(self):
        answer = self.post({**sms(1), "id": "e1", "time": 1547125204.5}).expect(202).json
        self.assertEqual(answer, {"accepted": 1, "duplicates": 0, "events": [{"id": "e1", "duplicate": False}]})
        (got,) = self.arrived()
        self.assertEqual(got.headers["Content-Type"], "application/json; charset=utf-8")
        self.assertEqual((got.json["type"], got.json["id"], got.json["time"], got.json["origin"]), ("send_status", "e1", 1547125204.5, "platform"))

    def test_an_id_is_made(self):
        (event,) = self.post(sms(1)).expect(202).json["events"]
        self.assertRegex(event["id"], r"^[A-Za-z0-9_-]{1,34}$")
        self.assertEqual(self.arrived()[0].json["id"], event["id"])

    def test_unknown_members_and_numbers_are_passed_on(self):
        text = '{"type":"send_status","id":"n","message":{"id":"1","status":"sent","price":1.10,"big":12345678901234567890,"x":null},"whatever":[1,{"a":"\\u00e5"}]}'
        self.post(text).expect(202)
        body = self.arrived()[0].body
        self.assertIn(b'"price":1.10', body)
        self.assertIn(b'"big":12345678901234567890', body)
        self.assertEqual(json.loads(body)["whatever"], [1, {"a": "å"}])

    def test_array_and_ndjson(self):
        self.assertEqual(self.post([{**sms(i), "id": f"a{i}"} for i in range(3)]).expect(202).json["accepted"], 3)
        lines = "".join(json.dumps({**sms(i), "id": f"l{i}"}) + "\r\n" for i in range(3)) + "\n"
        self.assertEqual(self.post(lines, Content_Type="application/x-ndjson").expect(202).json["accepted"], 3)
        self.arrived(6)
        self.assertEqual(sorted(self.ids()), ["a0", "a1", "a2", "l0", "l1", "l2"])

    def test_quiet(self):
        answer = self.api.post(self.base + "/events?quiet=1", [sms(1), sms(2)]).expect(202).json
        self.assertEqual(answer, {"accepted": 2, "duplicates": 0})

    def test_gzip(self):
        self.post(gzipped(json.dumps({**sms(1), "id": "z"})), Content_Encoding="gzip").expect(202)
        self.arrived()

    def test_chunked(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=30)
        self.addCleanup(connection.close)
        text = json.dumps([{**sms(i), "id": f"c{i}"} for i in range(3)]).encode()
        connection.request("POST", self.base + "/events", iter([text[:7], text[7:100], text[100:]]), encode_chunked=True,
                           headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        self.assertEqual(connection.getresponse().status, 202)
        self.arrived(3)

    def test_duplicates(self):
        self.post({**sms(1), "id": "d"}).expect(202)
        answer = self.post([{**sms(1), "id": "d"}, {**sms(2), "id": "x"}, {**sms(2), "id": "x"}]).expect(202).json
        self.assertEqual((answer["accepted"], answer["duplicates"]), (1, 2))
        self.assertEqual([e["duplicate"] for e in answer["events"]], [True, False, True])
        self.arrived(2)
        self.api.wait_attempts(self.pid, 2)
        self.assertEqual(sorted(self.ids()), ["d", "x"])

    def test_all_or_nothing(self):
        events = [{**sms(i), "id": f"n{i}"} for i in range(4)]
        del events[3]["message"]["id"]
        self.refused(self.post(events), 400, "invalid_param", "events[3].message.id")
        self.assertEqual(self.api.get(self.base + "/events").expect(200).json["data"], [])
        self.post({**sms(1), "id": "n0"}).expect(202)
        self.arrived()
        self.assertEqual(self.ids(), ["n0"])

    def test_ndjson_names_the_line(self):
        lines = json.dumps(sms(1)) + "\n" + json.dumps({"type": "send_status", "message": {"id": "1"}}) + "\n"
        self.refused(self.post(lines, Content_Type="application/x-ndjson"), 400, "invalid_param", "events[1].message.status")
        self.refused(self.post(json.dumps(sms(1)) + "\n{oops\n", Content_Type="application/x-ndjson"), 400)

    def test_what_an_event_needs(self):
        for event, param in [
            ({}, "type"),
            ({"type": "sent_status"}, "type"),
            ({"type": 5}, "type"),
            ({"type": "send_status"}, "message"),
            ({"type": "send_status", "message": None}, "message"),
            ({"type": "send_status", "message": {"status": "sent"}}, "message.id"),
            ({"type": "send_status", "message": {"id": "1"}}, "message.status"),
            ({"type": "incoming_message", "message": {"id": "1"}}, "message.from_number"),
            ({"type": "message_metadata", "message": {"id": "1"}}, "update_type"),
            ({"type": "contact_update", "update_type": "add"}, "contact"),
            ({"type": "contact_update", "contact": {"id": "1"}}, "update_type"),
            ({"type": "send_broadcast", "broadcast": {}}, "broadcast.id"),
            ({**sms(1), "time": "yesterday"}, "time"),
            ({**sms(1), "origin": "nowhere"}, "origin"),
            ({**sms(1), "message": []}, "message"),
        ]:
            with self.subTest(event=event):
                answer = self.refused(self.post(event), 400, "invalid_param")
                self.assertTrue(answer.error["param"].startswith(param), answer)
        self.assertEqual(self.api.get(self.base + "/events").expect(200).json["data"], [])

    def test_what_is_no_json(self):
        deep = '{"type":"send_status","message":{"id":"1","status":"sent","vars":' + "[" * 40 + "]" * 40 + "}}"
        good = json.dumps(sms(1))
        for name, text in {
            "empty": "", "cut": good[:-1], "word": "hello", "twice": good + good, "trailing comma": '{"a":1,}', "single quotes": "{'a':1}",
            "NaN": '{"a":NaN}', "leading zero": '{"a":01}', "bare control": '{"a":"\x01"}',
            "not UTF-8": good.replace("sms", "sms\xff").encode("latin-1"), "deep": deep,
            "duplicate key": good[:-1] + ',"type":"send_status"}', "number beyond range": good[:-1] + ',"x":1e999}', "a number": "5", "text": '"x"',
        }.items():
            with self.subTest(name):
                self.refused(self.post(text), 400)

    def test_large_bodies_of_strangers(self):
        """They are not kept, and the answer is the one that their head alone deserves."""
        large, stranger = sms(1, content="x" * 1000000), self.api.with_key("no-key-of-anybody")
        for path, status in [(self.base + "/events", 401), ("/v1/nowhere", 404), ("/healthz", 405)]:
            with self.subTest(path=path):
                stranger.post(path, large).expect(status)
        self.api.post("/v1/projects/nobody/events", large).expect(404)
        self.api.post(self.base + "/events", large).expect(202)

    def test_too_large(self):
        self.refused(self.post(json.dumps(sms(1, content="x" * (4 << 20)))), 413, "too_large")
        bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
        body = bomb.compress(b"[" + b" " * (50 << 20)) + bomb.flush()
        self.assertLess(len(body), 200_000)
        self.refused(self.post(body, Content_Encoding="gzip"), 413, "too_large")
        self.refused(self.post(b"\x1f\x8bno gzip at all", Content_Encoding="gzip"), 400)
        self.api.get(self.base).expect(200)

    def test_list_and_filters(self):
        begin = int(time.time()) - 1
        self.post([{**sms(f"m{i % 3}"), "id": f"e{i}"} for i in range(9)]).expect(202)
        self.post({"type": "incoming_message", "id": "in", "message": {"id": "m9", "from_number": "1"}}).expect(202)
        listed = lambda query="": [e["id"] for e in self.api.get(f"{self.base}/events{query}").expect(200).json["data"]]
        self.assertEqual(listed(), ["in"] + [f"e{i}" for i in range(8, -1, -1)])
        self.assertEqual(listed("?message_id=m1"), ["e7", "e4", "e1"])
        self.assertEqual(listed("?type=incoming_message"), ["in"])
        self.assertEqual(len(listed(f"?since={begin}&until={begin + 60}")), 10)
        self.assertEqual(listed(f"?since={begin + 3600}"), [])
        self.assertEqual(listed(f"?until={begin}"), [])
        self.refused(self.api.get(self.base + "/events?type=nonsense"), 400, "invalid_param", "type")

    def test_pages(self):
        self.post([{**sms(i), "id": f"e{i}"} for i in range(25)]).expect(202)
        seen, marker = [], ""
        while True:
            page = self.api.get(f"{self.base}/events?page_size=10{marker}").expect(200).json
            self.assertLessEqual(len(page["data"]), 10)
            seen += [e["id"] for e in page["data"]]
            if not page["truncated"]:
                break
            marker = f"&marker={page['next_marker']}"
        self.assertEqual(seen, [f"e{i}" for i in range(24, -1, -1)])
        self.refused(self.api.get(self.base + "/events?page_size=0"), 400, "invalid_param", "page_size")
        self.refused(self.api.get(self.base + "/events?page_size=100000"), 400, "invalid_param", "page_size")

    def test_states(self):
        port, gate = free_port(), Gate()
        held = self.receiver(gate)
        self.addCleanup(gate.open)
        self.api.endpoint(self.pid, "down", url=f"http://127.0.0.1:{port}/", retry={"delays_s": [600]})
        self.api.endpoint(self.pid, "hopeless", url=f"http://127.0.0.1:{port}/", retry={"delays_s": []})
        self.api.endpoint(self.pid, "slow", url=held.url("/"))
        self.post({**sms(1), "id": "s"}).expect(202)
        self.assertEqual(self.api.wait_state(self.pid, "s", "e", "delivered")["attempts"], 1)
        self.api.wait_state(self.pid, "s", "hopeless", "failed")
        self.assertEqual(self.api.state(self.pid, "s", "slow")["state"], "pending")
        down = wait_until(lambda: (s := self.api.state(self.pid, "s", "down")) and s["attempts"] == 1 and s, "one attempt")
        self.assertEqual(down["state"], "pending")
        self.assertTrue(530 < down["next_attempt_time"] - time.time() < 610, down)
        self.refused(self.api.get(f"{self.base}/events/none"), 404, "not_found")


class Attempts(ApiCase):
    def test_everything_that_an_attempt_says(self):
        receiver = self.receiver(lambda a: (418, {"X-Mood": "odd", "Content-Type": "text/plain"}, "å short \xff".encode("latin-1")))
        self.api.endpoint(self.pid, "e", preset="wiraya-push", url=receiver.url("/x?k={ID}"), body='{"id":{ID}}', batch={"max_items": 2},
                          headers={"X-Tenant": "42"}, auth={"username": "u", "password": "sesame"}, retry={"delays_s": []})
        self.api.events(self.pid, [{**sms("7"), "id": "a"}, {**sms("7"), "id": "b"}])
        (attempt,) = self.api.wait_attempts(self.pid, 1)
        self.assertLessEqual({"id", "endpoint_id", "delivery_id", "attempt", "time", "outcome", "code", "reason", "duration_ms", "timings", "request",
                              "response", "items"}, set(attempt))
        self.assertEqual((attempt["endpoint_id"], attempt["attempt"], attempt["outcome"], attempt["code"]), ("e", 1, "failed", 418))
        self.assertLess(abs(attempt["time"] - time.time()), 60)
        self.assertEqual(attempt["delivery_id"], receiver.requests[0].headers["webhook-id"])
        self.assertLessEqual({"dns", "connect", "tls", "first_byte"}, set(attempt["timings"]))
        self.assertRegex(attempt["reason"], "418")
        request, response = attempt["request"], attempt["response"]
        self.assertEqual((request["method"], request["url"], request["body"]), ("POST", receiver.url("/x?k=7"), '{"batch":[{"id":7},{"id":7}]}'))
        self.assertEqual([(i["event_id"], i["message_id"], i["acked"]) for i in attempt["items"]], [("a", "7", False), ("b", "7", False)])
        self.assertIn("X-Tenant", json.dumps(request["headers"]))
        self.assertIn("odd", json.dumps(response["headers"]))
        self.assertIn("short", response["body"])
        for secret in ("sesame", base64.b64encode(b"u:sesame").decode()):
            self.assertNotIn(secret, json.dumps(attempt))
        self.assertEqual(self.api.get(f"{self.base}/attempts/{attempt['id']}").expect(200).json, attempt)

    def test_filters_and_order(self):
        port = free_port()
        self.api.endpoint(self.pid, "good", url=self.url())
        self.api.endpoint(self.pid, "bad", url=f"http://127.0.0.1:{port}/", retry={"delays_s": [0.01, 600], "jitter": 0})
        for i in range(3):
            self.api.events(self.pid, {**sms(f"m{i}"), "id": f"e{i}"})
        found = self.api.wait_attempts(self.pid, 9)
        self.assertEqual([a["time"] for a in found], sorted((a["time"] for a in found), reverse=True))
        self.assertEqual({a["endpoint_id"] for a in self.api.attempts(self.pid, endpoint_id="good")}, {"good"})
        self.assertEqual(len(self.api.attempts(self.pid, event_id="e1")), 3)
        self.assertEqual(len(self.api.attempts(self.pid, message_id="m2", endpoint_id="bad")), 2)
        self.assertEqual({a["outcome"] for a in self.api.attempts(self.pid, outcome="retry")}, {"retry"})
        self.assertEqual(len(self.api.attempts(self.pid, outcome="ok")), 3)
        self.assertEqual(self.api.attempts(self.pid, event_id="none"), [])
        self.refused(self.api.get(f"{self.base}/attempts?outcome=great"), 400, "invalid_param", "outcome")
        page = self.api.get(f"{self.base}/attempts?page_size=4").expect(200).json
        rest = self.api.get(f"{self.base}/attempts?page_size=500&marker={page['next_marker']}").expect(200).json
        self.assertEqual([a["id"] for a in page["data"] + rest["data"]], [a["id"] for a in found])

    def test_what_can_go_wrong(self):
        for name, url, code in [
            ("connect", f"http://127.0.0.1:{free_port()}/", "connect"), ("dns", "http://does-not-exist.invalid/", "dns"),
            ("tls", self.sink.url("/").replace("http:", "https:"), "tls"),
        ]:
            self.api.endpoint(self.pid, name, url=url, retry={"delays_s": []}, timeout_ms=5000)
        self.api.events(self.pid, {**sms(1), "id": "w"})
        self.api.wait_attempts(self.pid, 3)
        for attempt in self.api.attempts(self.pid):
            self.assertEqual((attempt["outcome"], attempt["code"]), ("failed", attempt["endpoint_id"]), attempt["reason"])
            self.assertRegex(attempt["reason"], r"\w+ \w+")

    def test_a_redirect_is_a_failure(self):
        target = self.url("/target")
        receiver = self.receiver(lambda a: (302, {"Location": target}, b""))
        self.api.endpoint(self.pid, "e", url=receiver.url("/"), retry={"delays_s": []})
        self.api.events(self.pid, {**sms(1), "id": "r"})
        self.api.wait_state(self.pid, "r", "e", "failed")
        (attempt,) = self.api.attempts(self.pid)
        self.assertEqual(attempt["code"], 302)
        self.assertIn(target, json.dumps(attempt))
        self.assertEqual(self.sink.at(f"/{self.pid}/target"), [])

    def test_a_flood_is_cut(self):
        receiver = self.receiver(lambda a: (200, {}, b"x" * (2 << 20)))
        self.api.endpoint(self.pid, "e", url=receiver.url("/"), retry={"delays_s": []})
        self.api.events(self.pid, {**sms(1), "id": "f"})
        (attempt,) = self.api.wait_attempts(self.pid, 1)
        self.assertLess(len(json.dumps(attempt)), 300_000)


class Endpoints(ApiCase):
    def test_life(self):
        answer = self.api.put(self.at + "/crm", {"name": "CRM", "preset": "wiraya-push", "url": self.url()})
        self.assertEqual(answer.status, 201)
        self.assertEqual(self.api.put(self.at + "/crm", {"name": "CRM", "preset": "wiraya-push", "url": self.url()}).status, 200)
        shown = self.api.get(self.at + "/crm").expect(200).json
        self.assertEqual((shown["id"], shown["name"], shown["preset"], shown["active"], shown["method"]), ("crm", "CRM", "wiraya-push", True, "POST"))
        self.assertLessEqual({"max_items": 1, "max_wait_ms": 15000, "max_bytes": 1048576}.items(), shown["batch"].items())
        self.assertEqual(shown["retry"]["delays_s"][:3], [60, 120, 300])
        for method in ("PATCH", "POST"):
            changed = self.api.call(method, self.at + "/crm", {"timeout_ms": 5000, "batch": {"max_items": 9}}).expect(200).json
            self.assertEqual((changed["timeout_ms"], changed["batch"]["max_items"], changed["name"]), (5000, 9, "CRM"))
        self.assertEqual(self.api.delete(self.at + "/crm").expect(200).json, {})
        self.refused(self.api.get(self.at + "/crm"), 404, "not_found")
        self.refused(self.api.patch(self.at + "/crm", {"name": "x"}), 404, "not_found")
        self.refused(self.api.delete(self.at + "/crm"), 404, "not_found")

    def test_collection(self):
        made = self.api.post(self.at, {"url": self.url("/made")}).expect(201).json
        self.assertTrue(made["id"])
        self.api.post(self.at, {"id": "b", "url": self.url("/b")}).expect(201)
        self.api.endpoint(self.pid, "a", url=self.url("/a"))
        listed = self.api.get(self.at).expect(200).json
        self.assertEqual([e["id"] for e in listed["data"]], sorted(["a", "b", made["id"]]))
        self.assertFalse(listed["truncated"])
        first = self.api.get(self.at + "?page_size=2").expect(200).json
        self.assertTrue(first["truncated"])
        rest = self.api.get(f"{self.at}?page_size=2&marker={first['next_marker']}").expect(200).json
        self.assertEqual([e["id"] for e in first["data"] + rest["data"]], [e["id"] for e in listed["data"]])

    def test_of_an_organization(self):
        """Gets the events of all projects of that customer, and of no other."""
        for pid, oid in (("one", "acme"), ("two", "acme"), ("three", "other")):
            self.api.project(pid, organization_id=oid)
        at = "/v1/organizations/acme/endpoints/all"
        self.assertIn(self.api.put(at, {"preset": "wiraya-push", "url": self.url(), "body": '{"cid":"{CID}","prid":"{PRID}"}'}).status, (200, 201))
        for pid in ("three", "two", "one"):
            self.api.events(pid, sms(1))
        got = self.arrived(2)
        self.assertEqual(sorted((r.json["cid"], r.json["prid"]) for r in got), [("acme", "one"), ("acme", "two")])
        self.api.wait_attempts("one", 1)
        self.api.delete(at).expect(200)

    def test_wrong_settings_name_field_and_cure(self):
        for settings, param in [
            ({}, "url"), ({"url": ""}, "url"), ({"url": "push.example.org"}, "url"), ({"url": "ftp://example.org/"}, "url"),
            ({"url": "http://user:pw@example.org/"}, "url"), ({"url": "http://example.org:99999/"}, "url"), ({"url": 5}, "url"),
            ({"preset": "wiraya-psuh"}, "preset"), ({"mehtod": "GET"}, "mehtod"), ({"method": "PUT"}, "method"), ({"content_type": "yaml"}, "content_type"),
            ({"events": ["sent"]}, "events[0]"), ({"events": "send_status"}, "events"), ({"headers": {"Bad Name": "x"}}, "headers.Bad Name"),
            ({"headers": {"X-A": "a\nb"}}, "headers.X-A"), ({"timeout_ms": -1}, "timeout_ms"), ({"timeout_ms": "10"}, "timeout_ms"),
            ({"concurrency": 0}, "concurrency"), ({"batch": {"max_items": 0}}, "batch.max_items"), ({"batch": {"items": 3}}, "batch.items"),
            ({"retry": {"delays_s": [-1]}}, "retry.delays_s[0]"), ({"retry": {"jitter": 2}}, "retry.jitter"),
            ({"success": {"statuses": "2yy"}}, "success.statuses"), ({"order": "random"}, "order"), ({"tls": {"verify": "maybe"}}, "tls.verify"),
            ({"tls": {"verify": "pin:1234"}}, "tls.verify"), ({"tls": {"client_cert": "no PEM"}}, "tls.client_cert"), ({"active": "yes"}, "active"),
            ({"signature": "md5"}, "signature"), ({"retry": {"max_age_s": 10_000_000_000}}, "retry.max_age_s"),
        ]:
            with self.subTest(settings=settings):
                if settings and "url" not in settings:
                    settings = {"url": self.url(), **settings}
                answer = self.refused(self.api.put(self.at + "/wrong", settings), (400, 422), "invalid_param")
                self.assertTrue(answer.error["param"].startswith(param.split("[")[0]), answer)
        self.refused(self.api.get(self.at + "/wrong"), 404)

    def test_the_cure_names_the_nearest(self):
        self.refused(self.api.put(self.at + "/e", {"url": self.url(), "preset": "wiraya-psuh"}), (400, 422), says="wiraya-push")
        self.refused(self.api.put(self.at + "/e", {"url": self.url(), "mehtod": "GET"}), (400, 422), says="method")

    def test_filters(self):
        self.api.endpoint(self.pid, "statuses", url=self.url("/statuses"), statuses=["delivered"])
        self.api.endpoint(self.pid, "types", url=self.url("/types"), events=["incoming_message"])
        self.api.endpoint(self.pid, "kinds", url=self.url("/kinds"), message_types=["call"])
        self.api.endpoint(self.pid, "all", url=self.url("/all"))
        self.api.events(self.pid, [{**sms(1, "delivered"), "id": "d"}, {**sms(2, "sent"), "id": "s"}, {**sms(3, message_type="call"), "id": "c"},
                                   {"type": "incoming_message", "id": "i", "message": {"id": "4", "from_number": "1"}}])
        self.arrived(4, "/all")
        self.api.wait_attempts(self.pid, 4 + 2 + 1 + 1)
        got = lambda path: sorted(r.json["id"] for r in self.sink.at(f"/{self.pid}{path}"))
        self.assertEqual((got("/statuses"), got("/types"), got("/kinds"), got("/all")), (["c", "d", "i"], ["i"], ["c"], ["c", "d", "i", "s"]))

    def test_later_endpoints_do_not_get_earlier_events(self):
        self.api.events(self.pid, {**sms(1), "id": "early"})
        self.api.endpoint(self.pid, "late", url=self.url())
        self.api.events(self.pid, {**sms(2), "id": "later"})
        self.arrived()
        self.api.wait_attempts(self.pid, 1)
        self.assertEqual([r.json["id"] for r in self.sink.at(f"/{self.pid}")], ["later"])

    def test_disable_and_enable(self):
        port = free_port()
        self.api.endpoint(self.pid, "e", url=f"http://127.0.0.1:{port}/", retry=QUICK)
        self.api.events(self.pid, {**sms(1), "id": "before"})
        self.api.wait_attempts(self.pid, 1, outcome="retry")
        self.assertFalse(self.api.post(self.at + "/e/disable").expect(200).json["active"])
        self.api.events(self.pid, {**sms(2), "id": "meanwhile"})
        receiver = self.receiver(port=port)
        self.assertEqual(self.api.state(self.pid, "before", "e")["state"], "pending")
        self.assertTrue(self.api.post(self.at + "/e/enable").expect(200).json["active"])
        self.api.events(self.pid, {**sms(3), "id": "after"})
        receiver.wait(2)
        self.api.wait_state(self.pid, "after", "e", "delivered")
        self.api.wait_state(self.pid, "before", "e", "delivered")
        self.assertEqual({r.json["id"] for r in receiver.requests}, {"before", "after"})

    def test_502_throttles_at_once_where_the_preset_says_so(self):
        """Standard Webhooks: 429, 502 and 504 ask to slow down. Elsewhere it takes ten failures in a row."""
        receiver = self.receiver(502)
        for eid, preset, state in (("std", "standard-webhooks", ("throttled", "probe")), ("any", None, ("ready",))):
            self.api.endpoint(self.pid, eid, preset=preset, url=receiver.url(f"/{eid}"), retry={"delays_s": [3600]})
            self.api.events(self.pid, {**sms(1), "id": f"t-{eid}"})
            self.api.wait_attempts(self.pid, 1, endpoint_id=eid)
            self.assertIn(self.api.get(f"{self.at}/{eid}").expect(200).json["state"], state)

    def test_410_disables(self):
        receiver = self.receiver(410)
        self.api.endpoint(self.pid, "e", preset="wiraya-push", url=receiver.url("/"), retry=QUICK)
        self.api.events(self.pid, {**sms(1), "id": "gone"})
        shown = wait_until(lambda: not (e := self.api.get(self.at + "/e").json)["active"] and e, "disabled by itself")
        self.assertIn("410", json.dumps(shown))
        self.assertEqual(len(receiver.requests), 1)

    def test_delete_ends_what_waits(self):
        self.api.endpoint(self.pid, "e", url=f"http://127.0.0.1:{free_port()}/", retry={"delays_s": [600]})
        self.api.events(self.pid, {**sms(1), "id": "w"})
        self.api.wait_attempts(self.pid, 1, outcome="retry")
        self.api.delete(self.at + "/e").expect(200)
        ended = self.api.wait_attempts(self.pid, 1, event_id="w", outcome="failed")
        self.assertEqual(ended[0]["code"], "deleted")
        self.api.endpoint(self.pid, "e", url=self.url())
        self.api.events(self.pid, {**sms(2), "id": "x"})
        self.arrived()
        self.api.wait_state(self.pid, "x", "e", "delivered")
        self.assertEqual([r.json["id"] for r in self.sink.at(f"/{self.pid}")], ["x"])

    def test_strict_order(self):
        self.api.endpoint(self.pid, "e", url=self.url(), order="strict")
        self.api.events(self.pid, [{**sms(i), "id": f"o{i}"} for i in range(30)])
        self.assertEqual([r.json["id"] for r in self.arrived(30)], [f"o{i}" for i in range(30)])


class Signatures(ApiCase):
    def signed_by(self, request, secret):
        """By the Standard Webhooks specification, written here anew."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = b".".join([request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body])
        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return wanted in request.headers["webhook-signature"].split(" ")

    def test_signed_and_rotated(self):
        secret = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
        self.api.endpoint(self.pid, "e", preset="standard-webhooks", url=self.url(), secret=secret)
        self.api.events(self.pid, sms(1))
        (first,) = self.arrived()
        self.assertTrue(self.signed_by(first, secret))
        self.assertLess(abs(int(first.headers["webhook-timestamp"]) - time.time()), 60)
        new = self.api.post(self.at + "/e/rotate_secret").expect(200).json["secret"]
        self.assertRegex(new, r"^whsec_")
        self.api.events(self.pid, sms(2))
        second = self.arrived(2)[1]
        self.assertTrue(self.signed_by(second, new) and self.signed_by(second, secret), "both, while it is rotated")
        self.assertNotIn(new.encode(), self.api.get(self.at + "/e").expect(200).body)

    def test_public_key(self):
        """Who signs with a private key is told the public one; a rotation makes a new pair, and shows that one's."""
        private = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
        public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
        made = self.api.endpoint(self.pid, "e", preset="standard-webhooks", url=self.url(), secret=private)
        self.assertEqual(made["public_key"], public)
        self.api.events(self.pid, sms(1))
        self.assertTrue(self.arrived()[0].headers["webhook-signature"].startswith("v1a,"))
        rotated = self.api.post(self.at + "/e/rotate_secret").expect(200).json
        self.assertRegex(rotated["secret"], "^whsk_")
        shown = self.api.get(self.at + "/e").expect(200).json
        self.assertEqual(shown["public_key"], rotated["public_key"])
        self.assertNotEqual(shown["public_key"], public)
        self.api.put(self.at + "/e", shown).expect(200)
        self.assertIsNone(self.api.endpoint(self.pid, "f", preset="standard-webhooks", url=self.url())["public_key"])

    def test_a_secret_is_made(self):
        made = self.api.endpoint(self.pid, "e", preset="standard-webhooks", url=self.url())
        self.assertRegex(made["secret"], r"^(whsec_|\*\*\*)")
        self.api.events(self.pid, sms(1))
        self.assertTrue(self.arrived()[0].headers["webhook-signature"].startswith("v1,"))


class TestAndRender(ApiCase):
    def test_render_shows_and_sends_nothing(self):
        self.api.endpoint(self.pid, "e", preset="wiraya-push", url=self.url("?id={ID}"), body='{"id":{ID},"to":"{RECIPIENT}"}', headers={"X-A": "b"})
        shown = self.api.post(self.at + "/e/render", {"event": sms(5, to_number="461")}).expect(200).json
        request = shown["request"]
        self.assertEqual((request["method"], request["url"], request["body"]), ("POST", self.url("?id=5"), '{"id":5,"to":"461"}'))
        self.assertIn("X-A", request["headers"])
        self.assertTrue(shown["matches"])
        self.refused(self.api.post(self.at + "/e/render", {"event": {"type": "send_status"}}), 400, "invalid_param", "event.message.id")
        self.api.post(self.at + "/e/render").expect(200)  # postrider has samples of its own
        self.assertEqual(self.sink.at(f"/{self.pid}"), [])

    def test_test_really_sends(self):
        self.api.endpoint(self.pid, "e", preset="wiraya-push", url=self.url(), body='{"id":{ID}}')
        answer = self.api.post(self.at + "/e/test").expect(200).json
        self.assertEqual((answer["outcome"], answer["code"], answer["reason"]), ("ok", 200, None))
        (got,) = self.arrived()
        self.assertEqual(answer["request"]["body"].encode(), got.body)

    def test_test_shows_a_failure(self):
        self.api.endpoint(self.pid, "e", url=f"http://127.0.0.1:{free_port()}/")
        answer = self.api.post(self.at + "/e/test").expect(200).json
        self.assertEqual(answer["code"], "connect")
        self.refused(self.api.post(self.at + "/nobody/test"), 404, "not_found")


class Replay(ApiCase):
    def setUp(self):
        super().setUp()
        self.answer = 500
        self.receiver_ = self.receiver(lambda arrival: self.answer)
        self.api.endpoint(self.pid, "e", url=self.receiver_.url("/"), retry={"delays_s": []})

    def replay(self, **query):
        return self.api.post(self.at + "/e/replay", query)

    def fail(self, count):
        self.api.events(self.pid, [{**sms(i), "id": f"r{i}"} for i in range(count)])
        for i in range(count):
            self.api.wait_state(self.pid, f"r{i}", "e", "failed")

    def finished(self, task):
        at = f"{self.at}/e/replays/{task['id']}"
        return wait_until(lambda: (t := self.api.get(at).expect(200).json)["state"] == "done" and t, lambda: f"done: {self.api.get(at)}")

    def test_failed_ones(self):
        self.fail(5)
        self.assertEqual(self.replay(outcome="failed", count_only=True).expect(200).json["count"], 5)
        self.answer = 200
        task = self.replay(outcome="failed").json
        self.assertTrue(task["id"])
        for i in range(5):
            self.api.wait_state(self.pid, f"r{i}", "e", "delivered")
        self.assertEqual(self.finished(task)["state"], "done")
        self.assertEqual(self.replay(outcome="failed", count_only=True).json["count"], 0)
        self.assertEqual(len(self.receiver_.requests), 10)

    def test_all_of_a_time(self):
        self.answer = 200
        begin = time.time() - 1
        self.api.events(self.pid, [{**sms(i), "id": f"r{i}"} for i in range(4)])
        self.receiver_.wait(4)
        self.api.wait_attempts(self.pid, 4)
        self.assertEqual(self.replay(outcome="all", count_only=True, since=begin).json["count"], 4)
        self.assertEqual(self.replay(outcome="all", count_only=True, until=begin).json["count"], 0)
        self.finished(self.replay(outcome="all", since=begin).json)
        got = [r.json["id"] for r in self.receiver_.wait(8)]
        self.assertEqual(sorted(got), sorted([f"r{i}" for i in range(4)] * 2))

    def test_a_new_endpoint_gets_the_past(self):
        """Routing is decided at acceptance; a later endpoint gets earlier events only this way."""
        self.answer = 200
        self.api.events(self.pid, [{**sms(i), "id": f"r{i}"} for i in range(3)])
        self.api.endpoint(self.pid, "late", url=self.url("/late"))
        self.api.post(self.at + "/late/replay", {"outcome": "all"})
        self.arrived(3, "/late")

    def test_cancel(self):
        self.fail(3)
        gate = Gate()
        self.addCleanup(gate.open)
        self.answer = 200
        task = self.replay(outcome="failed").json
        answer = self.api.delete(f"{self.at}/e/replays/{task['id']}")
        self.assertIn(answer.status, (200, 404, 409), answer)
        state = self.api.get(f"{self.at}/e/replays/{task['id']}")
        if state.status == 200:
            self.assertIn(state.json["state"], ("cancelled", "done"))
        self.refused(self.api.delete(f"{self.at}/e/replays/none"), 404, "not_found")

    def test_wrong_questions(self):
        self.refused(self.replay(outcome="some"), 400, "invalid_param", "outcome")
        self.refused(self.replay(since="yesterday"), 400, "invalid_param", "since")
        self.refused(self.api.post(self.at + "/nobody/replay", {}), 404, "not_found")


OPEN = {"/ingest/kannel/{pid}/dlr": 403, "/s/{code}": 404, "/console/{file}": 404}


class Health(ApiCase):
    def test_health_and_ready(self):
        nobody = Api(self.served.port, None)
        for path in ("/healthz", "/readyz"):
            self.assertIsInstance(nobody.get(path).expect(200).json, dict)

    def test_metrics(self):
        port = free_port()
        self.api.endpoint(self.pid, "good", url=self.url())
        self.api.endpoint(self.pid, "down", url=f"http://127.0.0.1:{port}/", retry={"delays_s": [600]})
        before = self.api.metrics()[("postrider_events_accepted_total", ())]
        self.api.events(self.pid, [sms(1), sms(2), sms(3)])
        self.api.wait_attempts(self.pid, 6)
        metrics = self.api.metrics()
        of = lambda name, **labels: metrics.get((name, tuple(sorted(labels.items()))))
        self.assertEqual(of("postrider_events_accepted_total") - before, 3)
        who = {"project": self.pid, "endpoint": "down"}
        self.assertEqual(of("postrider_endpoint_pending", **who), 3)
        self.assertGreaterEqual(of("postrider_endpoint_oldest_pending_seconds", **who), 0)
        self.assertEqual(of("postrider_attempts_total", outcome="retry", code="connect", **who), 3)
        self.assertEqual(of("postrider_attempts_total", outcome="ok", code="200", project=self.pid, endpoint="good"), 3)
        for histogram in ("postrider_attempt_seconds", "postrider_delivery_seconds"):
            buckets = sorted((float(dict(l)["le"]), v) for (n, l), v in metrics.items() if n == histogram + "_bucket")
            self.assertTrue(buckets, histogram)
            self.assertEqual([v for _, v in buckets], sorted(v for _, v in buckets), "cumulative")
            self.assertEqual(buckets[-1], (float("inf"), of(histogram + "_count")))
            self.assertGreater(of(histogram + "_sum"), 0)

    def test_openapi(self):
        nobody = Api(self.served.port, None)
        document = nobody.get("/v1/openapi.json").expect(200).json
        self.assertTrue(document["openapi"].startswith("3."))
        self.assertLessEqual({"get", "put", "patch", "delete", "post", "parameters"}, set(document["paths"]["/v1/projects/{pid}/endpoints/{eid}"]))
        for path, item in document["paths"].items():
            names = [p["name"] for p in item.get("parameters", [])]
            self.assertEqual([f"{{{n}}}" for n in names], [s for s in path.split("/") if s.startswith("{")])
            for method in set(item) - {"parameters"}:
                self.assertTrue(item[method]["summary"])
                # what is described is there: nothing but a missing key stops it
                answer = nobody.call(method.upper(), path.replace("{", "").replace("}", ""))
                open_to_all = "security" in item[method] or path == "/metrics"
                # a delivery report proves itself by its signature, and a short link leads somewhere or not
                wanted = OPEN.get(path, 200) if open_to_all else 401
                self.assertEqual(answer.status, wanted, f"{method} {path}")

    def test_front(self):
        shown = Api(self.served.port, None).get("/").expect(200)
        self.assertEqual(shown.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn(b"<!doctype html>", shown.body[:100].lower())


class Guard(Case):
    """Without --allow-net: nothing inside may be called."""

    def test_special_addresses_are_refused(self):
        served, receiver = self.daemon(allow=False), self.receiver()
        api = served.api()
        self.addCleanup(api.close)
        api.project("p")
        for i, host in enumerate(["127.0.0.1", "localhost", "[::1]", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1"]):
            settings = {"url": f"http://{host}:{receiver.port}/", "retry": {"delays_s": []}}
            answer = api.put(f"/v1/projects/p/endpoints/e{i}", settings)
            self.assertIn(answer.status, (200, 201, 400, 422), answer)
        saved = [e["id"] for e in api.get("/v1/projects/p/endpoints").json["data"]]
        self.assertTrue(saved)
        api.events("p", {**sms(1), "id": "x"})
        api.wait_attempts("p", len(saved))
        for attempt in api.attempts("p"):
            self.assertEqual((attempt["outcome"], attempt["code"]), ("failed", "refused_address"), attempt)
        self.assertEqual(receiver.requests, [])

    def test_a_port_that_is_not_allowed(self):
        served = self.daemon("--allow-net", "127.0.0.0/8", "--allow-ports", "80,443", allow=False)
        api, receiver = served.api(), self.receiver()
        self.addCleanup(api.close)
        api.project("p")
        answer = api.put("/v1/projects/p/endpoints/e", {"url": receiver.url("/"), "retry": {"delays_s": []}})
        if answer.status in (200, 201):
            api.events("p", {**sms(1), "id": "x"})
            self.assertEqual(api.wait_attempts("p", 1)[0]["code"], "refused_address")
        else:
            self.assertEqual(answer.error["param"], "url")
        self.assertEqual(receiver.requests, [])


if __name__ == "__main__":
    unittest.main()
