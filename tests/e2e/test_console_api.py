"""What the console asks: its files, who is asking, drafts of settings, dead letters, searches; and the settings in force."""

import contextlib
import gzip
import json
import os
import signal
import sqlite3
import unittest
import zlib

from harness import KEY, ROOT, Api, Case, Gate, SharedDaemon, sms, wait_until

ONCE = {"delays_s": []}
CHART = "/console/chart.min.js"


def event(id, **message):
    """Of one SMS, with an id of its own."""
    return {**sms(id, **message), "id": id}


class Files(SharedDaemon):
    def nobody(self):
        return Api(self.served.port, None)

    def test_every_file_of_the_folder_is_there(self):
        for path in sorted((ROOT / "console").iterdir()):
            plain = self.nobody().get(f"/console/{path.name}").expect(200)
            self.assertEqual(plain.body, path.read_bytes(), path.name)
            packed = self.nobody().get(f"/console/{path.name}", headers={"Accept-Encoding": "br, gzip"}).expect(200)
            self.assertEqual(packed.headers["Content-Encoding"], "gzip")
            self.assertEqual(gzip.decompress(packed.body), path.read_bytes(), path.name)
        self.assertEqual(self.nobody().get("/").body, (ROOT / "console" / "index.html").read_bytes())

    def test_charts_keep_their_licence(self):
        answer = self.nobody().get(CHART, headers={"Accept-Encoding": "gzip"}).expect(200)
        self.assertIn(b"Released under the MIT License", gzip.decompress(answer.body)[:200])
        self.assertLess(len(answer.body), 80_000)

    def test_known_content_is_not_sent_again(self):
        first = self.nobody().get(CHART).expect(200)
        tag = first.headers["ETag"]
        self.assertEqual(first.headers["Cache-Control"], "no-cache")
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            answer = self.nobody().get(CHART, headers={"If-None-Match": known}).expect(304)
            self.assertEqual((answer.body, answer.headers["ETag"]), (b"", tag))
        self.nobody().get(CHART, headers={"If-None-Match": '"other"'}).expect(200)

    def test_who_takes_no_gzip_gets_none(self):
        for accepted in ("identity", "br", "gzip;q=0", ""):
            answer = self.nobody().get(CHART, headers={"Accept-Encoding": accepted}).expect(200)
            self.assertIsNone(answer.headers["Content-Encoding"], accepted)
        self.assertIn("Accept-Encoding", answer.headers["Vary"])

    def test_a_browser_is_told_to_be_strict(self):
        for path in ("/", "/console/app.js"):
            told = self.nobody().get(path).expect(200).headers
            policy = dict(rule.strip().split(" ", 1) for rule in told["Content-Security-Policy"].split(";"))
            self.assertEqual(policy["default-src"], "'none'")
            self.assertEqual({policy[k] for k in ("script-src", "style-src", "connect-src")}, {"'self'"})
            self.assertEqual(policy["frame-ancestors"], "'none'")
            self.assertEqual(told["X-Frame-Options"], "DENY")
            self.assertEqual((told["X-Content-Type-Options"], told["Referrer-Policy"]), ("nosniff", "no-referrer"))
            self.assertIn("camera=()", told["Permissions-Policy"])

    def test_nothing_else_is_there(self):
        for name in ("x.js", "..%2fREADME.md", "%2e%2e", "app.js/", ".", "%00"):
            self.assertIn(self.nobody().get(f"/console/{name}").status, (400, 404), name)
        self.assertEqual(self.nobody().post("/", b"").expect(405).headers["Allow"], "GET")


class Folder(Case):
    def test_files_from_a_folder(self):
        folder = self.folder()
        (folder / "index.html").write_text("<!doctype html><title>mine</title>")
        (folder.parent / "secret.txt").unlink(missing_ok=True)
        served = self.daemon("--console-dir", folder)
        api = Api(served.port, None)
        self.addCleanup(api.close)
        self.assertIn(b"mine", api.get("/").expect(200).body)
        (folder / "index.html").write_text("<!doctype html><title>changed</title>")
        self.assertIn(b"changed", api.get("/").expect(200).body)
        api.get(CHART).expect(200)  # what the folder lacks comes from the program
        for name in ("..%2f" + folder.name + "%2findex.html", "%2fetc%2fpasswd"):
            api.get(f"/console/{name}").expect(404)


class Settings(Case):
    def rows(self, api):
        return {row["name"]: row for row in api.get("/v1/settings").expect(200).json["data"]}

    def test_as_they_are_in_force(self):
        folder = self.folder()
        config = folder / "postrider.conf"
        config.write_text("memory = 64M\nretention_days = 7\nlog_level = warn\nsmtp_host = localhost\nsmtp_from = a@example.org\n"
                          "smtp_user = u\nsmtp_password = not-for-your-eyes\n")
        served = self.daemon("--config", config, "--portal-frame-ancestors", "self, https://app.example.org:8443")
        api = served.api()
        self.addCleanup(api.close)
        rows = self.rows(api)
        self.assertEqual(rows["memory"] | {"help": ""}, {
            "name": "memory", "value": "64M", "default": "96M", "from": f"{config}:1"[:63], "help": "", "kind": "size", "reload": False})
        self.assertEqual((rows["retention_days"]["value"], rows["retention_days"]["default"]), (7, 31))
        self.assertEqual((rows["log_level"]["value"], rows["log_level"]["kind"]), ("warn", "choice"))
        self.assertEqual((rows["listen"]["value"], rows["listen"]["from"]), (f"127.0.0.1:{served.port}", "--listen"))
        self.assertEqual(rows["allow_net"]["value"], ["127.0.0.0/8"])
        self.assertEqual(rows["shards"]["from"], "default")
        self.assertEqual((rows["admin_key"]["value"], rows["smtp_password"]["value"]), ("***", "***"))
        shown = api.get("/v1/settings").body.decode()
        self.assertNotIn(KEY, shown)
        self.assertNotIn("not-for-your-eyes", shown)
        policy = api.get("/").headers["Content-Security-Policy"]
        self.assertTrue(policy.endswith("frame-ancestors 'self' https://app.example.org:8443"), policy)
        self.assertIsNone(api.get("/").headers["X-Frame-Options"])

        config.write_text(config.read_text().replace("log_level = warn", "log_level = error"))
        os.kill(served.process.pid, signal.SIGHUP)
        wait_until(lambda: self.rows(api)["log_level"]["value"] == "error", "the new value is shown")

    def test_what_is_no_origin_is_refused(self):
        from harness import postrider

        for text in ("https://a.example.org/path", "*", "none, self", "'self'; script-src *", "app.example.org", ","):
            done = postrider("serve", "--data", self.folder(), "--portal-frame-ancestors", text)
            self.assertEqual(done.returncode, 2, (text, done))
            self.assertIn("--portal-frame-ancestors", done.stderr)


class Presets(SharedDaemon):
    def test_they_are_what_the_files_say(self):
        listed = self.api.get("/v1/presets?page_size=500").expect(200).json
        names = sorted(p.stem for p in (ROOT / "presets").glob("*.json"))
        self.assertEqual([p["name"] for p in listed["data"]], names)
        one = self.api.get("/v1/presets/twilio-sms").expect(200).json
        file = json.loads((ROOT / "presets" / "twilio-sms.json").read_text())
        self.assertEqual(one, {"name": "twilio-sms", "about": file.pop("about"), "settings": file})
        self.assertEqual(self.api.get("/v1/presets/none").expect(404).error["code"], "not_found")

    def test_page_by_page(self):
        found, marker = [], ""
        while True:
            page = self.api.get(f"/v1/presets?page_size=5&marker={marker}").expect(200).json
            found += [p["name"] for p in page["data"]]
            if not page["truncated"]:
                break
            marker = page["next_marker"]
        self.assertEqual(len(found), self.api.get("/v1/presets?count=1").json["count"])
        self.assertEqual(found, sorted(set(found)))


class Drafts(SharedDaemon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sink = cls.shared_receiver()

    def setUp(self):
        super().setUp()
        self.base = f"/v1/projects/{self.pid}"
        self.url = self.sink.url("/" + self.pid)
        self.secret = "the-password-7"
        self.api.endpoint(self.pid, "crm", url=self.url, content_type="json", body='{"id":"{ID}"}',
                          auth={"username": "u", "password": self.secret}, message_types=["sms"])

    def render(self, **body):
        return self.api.post(f"{self.base}/draft/render", body)

    def test_over_an_endpoint(self):
        self.api.events(self.pid, [event("e1"), event("e2")])
        shown = self.render(endpoint_id="crm", settings={"body": '{"who":{message.to_number},"ev":"{EVENT_ID}"}', "headers": {"X-P": "{TYPE}"}}).expect(200).json
        self.assertFalse(shown["sample"])
        self.assertEqual(shown["matches"], [True])
        self.assertEqual([e["id"] for e in shown["events"]], ["e2"])
        request = shown["requests"][0]["request"]
        self.assertEqual(json.loads(request["body"])["ev"], "e2")
        self.assertEqual(request["headers"]["Authorization"], "***")
        self.assertNotIn(self.secret, json.dumps(shown))
        self.assertEqual(self.api.get(f"{self.base}/endpoints/crm").json["body"], '{"id":"{ID}"}')  # nothing was saved

    def test_what_was_shown_may_come_back(self):
        settings = self.api.get(f"{self.base}/endpoints/crm").json
        self.assertEqual(settings["auth"]["password"], "***")
        self.render(endpoint_id="crm", settings=settings).expect(200)
        sent = self.api.post(f"{self.base}/draft/send", {"endpoint_id": "crm", "settings": settings, "events": [event("mine")]}).expect(200).json
        self.assertEqual((sent["outcome"], sent["code"]), ("ok", 200))
        arrived = self.sink.wait(1, "/" + self.pid)[0]
        import base64
        self.assertEqual(base64.b64decode(arrived.headers["Authorization"].split()[1]).decode(), f"u:{self.secret}")
        self.assertNotIn(self.secret, json.dumps(sent))
        self.api.get(f"{self.base}/events/mine").expect(404)  # and nothing was stored

    def test_a_fault_has_its_place(self):
        for settings, param, position in (
            ({"body": '{"a":{message.id|uper}}'}, "body", 17),
            ({"headers": {"X-Tenant": "{message.id|nix}"}}, "headers.X-Tenant", None),
            ({"url": "ftp://example.org/"}, "url", None),
            ({"batch": {"max_items": 0}}, "batch.max_items", None),
            ({"nothing": 1}, "nothing", None),
        ):
            answer = self.render(endpoint_id="crm", settings=settings).expect(422)
            self.assertEqual((answer.error["code"], answer.error["param"]), ("invalid_param", param), answer)
            if position is not None:
                self.assertEqual(answer.error["position"], position)
            saved = self.api.patch(f"{self.base}/endpoints/crm", settings).expect(422)
            self.assertEqual(saved.error, answer.error)  # saving would say the same

    def test_without_an_endpoint(self):
        shown = self.render(settings={"preset": "twilio-sms", "url": self.url, "secret": "tok"}).expect(200).json
        self.assertTrue(shown["sample"])
        self.assertEqual(len(shown["requests"]), 1)
        masked = self.render(settings={"url": self.url, "auth": {"username": "u", "password": "***"}}).expect(422)
        self.assertEqual(masked.error["param"], "auth.password")

    def test_batches(self):
        batch = {"batch": {"max_items": 3}, "body": '{"ev":"{EVENT_ID}"}'}
        shown = self.render(endpoint_id="crm", settings=batch, events=[event(f"b{i}") for i in range(7)]).expect(200).json
        self.assertEqual([r["event_ids"] for r in shown["requests"]], [["b0", "b1", "b2"], ["b3", "b4", "b5"], ["b6"]])
        for r in shown["requests"]:
            self.assertEqual([e["ev"] for e in self.items(r["request"]["body"])], r["event_ids"])
        sent = self.api.post(f"{self.base}/draft/send", {"endpoint_id": "crm", "settings": batch, "events": [event(f"b{i}") for i in range(7)]}).expect(200).json
        self.assertEqual([e["ev"] for e in self.items(sent["request"]["body"])], ["b0", "b1", "b2"])

    @staticmethod
    def items(body):
        parsed = json.loads(body)
        while isinstance(parsed, dict) and len(parsed) == 1 and isinstance(next(iter(parsed.values())), list):
            parsed = next(iter(parsed.values()))
        return parsed if isinstance(parsed, list) else [parsed]

    def test_stored_events(self):
        self.api.events(self.pid, [event(f"s{i}") for i in range(5)])
        shown = self.render(endpoint_id="crm", event_ids=["s3", "s1"]).expect(200).json
        self.assertEqual([e["id"] for e in shown["events"]], ["s3", "s1"])
        shown = self.render(endpoint_id="crm", latest=3).expect(200).json
        self.assertEqual([e["id"] for e in shown["events"]], ["s2", "s3", "s4"])
        unknown = self.render(endpoint_id="crm", event_ids=["s3", "s9"]).expect(404)
        self.assertEqual(unknown.error["param"], "event_ids[1]")

    def test_bad_input(self):
        for body, status, param in (
            ({"endpoint_id": "none"}, 404, "endpoint_id"),
            ({"endpoint_id": "crm", "settings": []}, 400, "settings"),
            ({"endpoint_id": "crm", "latest": 0}, 400, "latest"),
            ({"endpoint_id": "crm", "latest": 101}, 400, "latest"),
            ({"endpoint_id": "crm", "event_ids": []}, 400, "event_ids"),
            ({"endpoint_id": "crm", "events": [event("a"), {"type": "nix"}]}, 400, "events[1].type"),
            ({"endpoint_id": "crm", "event": event("a")}, 400, "event"),
        ):
            answer = self.render(**body).expect(status)
            self.assertEqual(answer.error["param"], param, body)


class Dead(SharedDaemon):
    """What failed for good: listed, explained, found by searching, sent again one by one."""

    def setUp(self):
        super().setUp()
        self.base = f"/v1/projects/{self.pid}"
        self.sink = self.receiver(403)
        self.api.endpoint(self.pid, "crm", url=self.sink.url("/crm"), content_type="json", body='{"id":"{EVENT_ID}"}', retry=ONCE)

    def fail(self, *ids, **more):
        self.api.events(self.pid, [event(i, **more) for i in ids])
        for i in ids:
            self.api.wait_state(self.pid, i, "crm", "failed")

    def dead(self, **query):
        words = "&".join(f"{k}={v}" for k, v in query.items())
        return self.api.get(f"{self.base}/dead?{words}").expect(200).json

    def test_listed_newest_first_with_the_reason(self):
        self.fail("d1", "d2", "d3")
        listed = self.dead()["data"]
        self.assertEqual([d["event_id"] for d in listed], ["d3", "d2", "d1"])
        first = listed[0]
        self.assertEqual((first["endpoint_id"], first["organization_id"], first["code"], first["attempts"]), ("crm", None, 403, 1))
        self.assertRegex(first["reason"], "^answered 403: ")
        attempt = self.api.get(f"{self.base}/attempts/{first['attempt_id']}").expect(200).json
        self.assertEqual(attempt["explanation"], first["explanation"])
        self.assertEqual(set(attempt["explanation"]), {"what", "cure"})
        self.assertEqual(attempt["reason"], f"answered 403: {attempt['explanation']['what']}; {attempt['explanation']['cure']}")
        self.assertEqual(self.dead(count=1)["count"], 3)

    def test_pages(self):
        self.fail(*(f"p{i}" for i in range(7)))
        found, marker = [], ""
        while True:
            page = self.dead(page_size=3, marker=marker)
            found += [d["event_id"] for d in page["data"]]
            if not page["truncated"]:
                break
            marker = page["next_marker"]
        self.assertEqual(found, [f"p{i}" for i in reversed(range(7))])

    def test_sent_again_one_by_one(self):
        self.fail("r1", "r2", "r3")
        self.sink.answer = 200
        counted = self.api.post(f"{self.base}/endpoints/crm/replay", {"event_ids": ["r1", "r3"], "count_only": True}).expect(200).json
        self.assertEqual(counted, {"count": 2})
        task = self.api.post(f"{self.base}/endpoints/crm/replay", {"event_ids": ["r3", "r1", "r3"]}).expect(202).json
        self.assertEqual((task["total"], task["outcome"]), (2, "chosen"))
        for i in ("r1", "r3"):
            self.api.wait_state(self.pid, i, "crm", "delivered")
        done = wait_until(lambda: (t := self.api.get(f"{self.base}/endpoints/crm/replays/{task['id']}").json)["state"] == "done" and t, "the task is done")
        self.assertEqual(done["queued"], 2)
        self.assertEqual([d["event_id"] for d in self.dead()["data"]], ["r2"])
        # a delivered one may be sent once more: somebody asked for it
        self.api.post(f"{self.base}/endpoints/crm/replay", {"event_ids": ["r1"]}).expect(202)
        wait_until(lambda: sum(r.json["id"] == "r1" for r in self.sink.at("/crm")) == 3, "r1 came a third time")

    def test_what_cannot_be_sent_again(self):
        self.fail("c1")
        for body, status, param in (({"event_ids": ["c1", "nix"]}, 404, "event_ids[1]"), ({"event_ids": []}, 400, "event_ids"),
                                    ({"event_ids": "c1"}, 400, "event_ids"), ({"event_ids": [1]}, 400, "event_ids"),
                                    ({"event_ids": ["c1"] * 1001}, 400, "event_ids"), ({"event_ids": ["c1"], "outcome": "all"}, 400, "event_ids")):
            answer = self.api.post(f"{self.base}/endpoints/crm/replay", body).expect(status)
            self.assertEqual(answer.error["param"], param)
        other = self.pid + "x"
        self.api.project(other)
        self.api.events(other, [event("foreign")])
        self.api.post(f"{self.base}/endpoints/crm/replay", {"event_ids": ["foreign"]}).expect(404)

    def test_of_an_organization(self):
        org, other = "org-" + self.pid, self.pid + "y"
        self.api.project(self.pid, organization_id=org)
        self.api.project(other, organization_id=org)
        self.api.put(f"/v1/organizations/{org}/endpoints/all",
                     {"url": self.sink.url("/all"), "content_type": "json", "body": '{"id":"{EVENT_ID}"}', "retry": ONCE}).expect(201)
        self.api.events(other, [event("theirs")])
        self.fail("ours")
        self.api.wait_state(other, "theirs", "all", "failed")
        self.api.wait_state(self.pid, "ours", "all", "failed")
        rows = {(d["organization_id"], d["endpoint_id"], d["event_id"]) for d in self.dead()["data"]}
        self.assertEqual(rows, {(None, "crm", "ours"), (org, "all", "ours")})
        self.sink.answer = 200
        self.api.post(f"/v1/organizations/{org}/endpoints/all/replay", {"event_ids": ["theirs"]}).expect(202)
        self.api.wait_state(other, "theirs", "all", "delivered")

    def test_over_a_restart(self):
        gate = Gate()
        sink = self.receiver(lambda arrival: gate(arrival) if arrival.path == "/held" else 403)
        served = self.restartable = type(self.served)()
        self.addCleanup(served.close)
        served.start()
        api = served.api()
        api.project("p")
        api.endpoint("p", "crm", url=sink.url("/crm"), content_type="json", body='{"id":"{EVENT_ID}"}', retry=ONCE)
        api.events("p", [event("k1"), event("k2")])
        for i in ("k1", "k2"):
            api.wait_state("p", i, "crm", "failed")
        api.patch("/v1/projects/p/endpoints/crm", {"active": False}).expect(200)
        task = api.post("/v1/projects/p/endpoints/crm/replay", {"event_ids": ["k1"]}).expect(202).json
        served.kill()
        gate.open()
        served.start()
        api = served.api()
        sink.answer = 200
        api.patch("/v1/projects/p/endpoints/crm", {"active": True}).expect(200)
        api.wait_state("p", "k1", "crm", "delivered")
        done = wait_until(lambda: (t := api.get(f"/v1/projects/p/endpoints/crm/replays/{task['id']}").json)["state"] == "done" and t, "done")
        self.assertEqual((done["total"], done["queued"]), (1, 1))
        self.assertEqual([d["event_id"] for d in api.get("/v1/projects/p/dead").json["data"]], ["k2"])


class Search(SharedDaemon):
    def setUp(self):
        super().setUp()
        self.base = f"/v1/projects/{self.pid}"
        self.gate = Gate()
        self.addCleanup(self.gate.open)
        self.sink = self.receiver(lambda arrival: 403 if b'"bad' in arrival.body else self.gate(arrival) if b'"slow' in arrival.body else 200)
        self.api.endpoint(self.pid, "crm", url=self.sink.url("/crm"), content_type="json", body='{"id":"{EVENT_ID}"}', retry=ONCE, order="none")

    def ids(self, query):
        return [e["id"] for e in self.api.get(f"{self.base}/events?{query}").expect(200).json["data"]]

    def test_by_state(self):
        self.api.events(self.pid, [event(i) for i in ("ok1", "bad1", "ok2", "bad2")])
        for i, state in (("ok1", "delivered"), ("ok2", "delivered"), ("bad1", "failed"), ("bad2", "failed")):
            self.api.wait_state(self.pid, i, "crm", state)
        self.assertEqual(self.ids("state=failed"), ["bad2", "bad1"])
        self.assertEqual(self.ids("state=delivered"), ["ok2", "ok1"])
        self.assertEqual(self.ids("state=pending"), [])
        self.assertEqual(self.ids("state=expired"), [])
        page = self.api.get(f"{self.base}/events?state=failed&page_size=1").json
        self.assertEqual(([e["id"] for e in page["data"]], page["truncated"]), (["bad2"], True))
        self.assertEqual(self.ids(f"state=failed&page_size=1&marker={page['next_marker']}"), ["bad1"])
        self.assertEqual(self.api.get(f"{self.base}/events?state=nix").expect(400).error["param"], "state")

    def test_what_waits(self):
        self.api.events(self.pid, [event("slow1")])
        self.sink.wait(1)
        self.assertEqual(self.ids("state=pending"), ["slow1"])  # on the wire, in no row
        self.api.patch(f"{self.base}/endpoints/crm", {"retry": {"delays_s": [3600]}}).expect(200)
        self.api.events(self.pid, [event("bad3")])
        wait_until(lambda: (e := self.api.state(self.pid, "bad3", "crm")) and e["attempts"] == 1, "bad3 was tried")
        self.assertEqual(self.ids("state=pending"), ["bad3", "slow1"])

    def test_by_number(self):
        first, second = "+46701112233", "+46701112244"
        self.api.events(self.pid, [event("n1", to_number=first), event("n2", to_number=second), event("n3", from_number="0046701112233"),
                                   event("n4", content="call me: 46701112233")])
        for spelled in ("%2B46701112233", "46701112233", "0046701112233", "%2B46%2070-111%2022%2033"):
            self.assertEqual(self.ids("number=" + spelled), ["n3", "n1"], spelled)
        self.assertEqual(self.ids("number=467011122"), [])
        self.assertEqual(self.api.get(f"{self.base}/events?number=x").expect(400).error["param"], "number")

    def test_a_number_over_a_restart(self):
        """Twenty thousand rows above it; also in a folder of the version before, whose index has no numbers."""
        served = type(self.served)()
        self.addCleanup(served.close)
        served.start()
        served.api().project("p")
        served.api().events("p", [event("first", to_number="+46 70-111 22 33", from_number="71120")])
        for n in range(21):
            served.api().events("p", [event(f"o{n}-{i}", to_number=f"4670{i:07}", from_number="71120") for i in range(1000)])
        served.api().events("p", [{**event("last"), "contact": {"id": "c", "phone_number": "0046701112233"}}])
        wait_until(lambda: self.meta(served, "indexed") == 16384, "a run of the index is written")
        for old in (False, False, True, False):
            page = served.api().get("/v1/projects/p/events?number=46701112233").expect(200).json
            self.assertEqual(([e["id"] for e in page["data"]], page["truncated"]), (["last", "first"], False))
            page = served.api().get("/v1/projects/p/events?q=71120&page_size=3").expect(200).json
            self.assertEqual(([e["id"] for e in page["data"]], page["truncated"]), (["o20-999", "o20-998", "o20-997"], True))
            page = served.api().get("/v1/projects/p/events?number=46700000999&page_size=30").expect(200).json
            self.assertEqual([e["id"] for e in page["data"]], [f"o{n}-999" for n in range(20, -1, -1)])
            served.stop()
            if old:
                with contextlib.closing(sqlite3.connect(served.folder / "store.db")) as db:
                    db.executescript("DELETE FROM meta WHERE name = 'numbers_after'; PRAGMA user_version = 2")
            served.start()
        self.assertEqual(self.meta(served, "numbers_after"), 16384)

    def meta(self, served, name):
        with contextlib.closing(sqlite3.connect(f"file:{served.folder}/store.db?mode=ro", uri=True)) as db:
            return db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0]

    def test_what_somebody_typed(self):
        self.api.events(self.pid, [{"type": "send_status", "id": "q1", "message": {"id": "m77", "status": "sent", "to_number": "+46709998877"}},
                                   {"type": "send_status", "id": "q2", "message": {"id": "m77", "status": "delivered", "to_number": "+46709998877"}},
                                   {"type": "send_status", "id": "q3", "message": {"id": "m78", "status": "sent", "to_number": "+46709998877"}}])
        self.assertEqual(self.ids("q=q1"), ["q1"])
        self.assertEqual(self.ids("q=m77"), ["q2", "q1"])
        self.assertEqual(self.ids("q=%2B46709998877"), ["q3", "q2", "q1"])
        self.assertEqual(self.ids("q=%20q3%20"), ["q3"])
        self.assertEqual(self.ids("q=nothing"), [])


if __name__ == "__main__":
    unittest.main()
