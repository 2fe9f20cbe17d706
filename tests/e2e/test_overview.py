"""The calls behind the console's Overview and Endpoints, with real traffic: the numbers add up, plots grow, who is in trouble stands first."""

import unittest

from harness import Case, SharedDaemon, sms, wait_until

NEVER = {"delays_s": [3600], "jitter": 0}
QUICK = {"delays_s": [0.02], "jitter": 0, "max_attempts": 2}
ROW = ("owner", "project", "organization", "id", "name", "host", "preset", "state", "active", "disabled_reason", "pending", "waiting", "in_flight",
       "window", "oldest_pending_s", "error_rate", "per_s", "p50_ms", "p99_ms", "delivered", "failed", "expired", "last_code", "last_time",
       "failing_since", "next_retry_time", "spark", "spark_failed")


def by_path(arrival):
    """/200 is answered with 200, /flaky every second time with 500."""
    word = arrival.path.strip("/")
    return int(word) if word.isdigit() else 500 if int(arrival.json["message"]["id"]) % 2 else 200


class Overview(SharedDaemon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.there = cls.shared_receiver(by_path)

    def endpoint(self, eid, path, pid=None, **settings):
        return self.api.endpoint(pid or self.pid, eid, url=self.there.url(path), **{"retry": NEVER, "concurrency": 1, **settings})

    def post(self, count, pid=None):
        return self.api.events(pid or self.pid, [sms(i) for i in range(count)])

    def overview(self, pid=None, query="", api=None):
        return (api or self.api).get(f"/v1/projects/{pid or self.pid}/overview{query}").expect(200).json

    def rows(self, query="", pid=None):
        return self.api.get(f"/v1/projects/{pid or self.pid}/endpoint_numbers{query}").expect(200).json

    def wait_numbers(self, condition, what):
        return wait_until(lambda: (lambda n: n if condition(n) else None)(self.overview()), lambda: f"{what}, but {self.overview(query='?series=0')}")

    def test_numbers_add_up(self):
        self.endpoint("flaky", "/flaky", retry=QUICK)
        self.post(40)
        row = wait_until(lambda: next((r for r in self.rows()["data"] if r["delivered"] + r["failed"] == 40), None), lambda: self.rows())
        self.assertEqual((row["delivered"], row["failed"], row["pending"]), (20, 20, 0))
        now = self.wait_numbers(lambda n: n["success_rate"] and abs(n["success_rate"] - 20 / 60) < 0.001, "a third went well")
        # every odd one was tried twice
        row = self.rows()["data"][0]
        self.assertAlmostEqual(row["error_rate"], 40 / 60, places=3)
        self.assertEqual((sum(row["spark"]), sum(row["spark_failed"])), (20, 40))
        self.assertGreater(now["p99_ms"], 0)
        self.assertGreaterEqual(now["p99_ms"], now["p50_ms"])
        self.assertEqual(now["endpoints"], {"total": 1, "ready": now["endpoints"]["ready"], "throttled": now["endpoints"]["throttled"],
                                            "probe": now["endpoints"]["probe"], "paused": 0, "disabled": 0})
        self.assertEqual(sorted(row), sorted(ROW))
        numbers = self.api.get(f"/v1/projects/{self.pid}/endpoints/flaky/numbers").expect(200).json
        hour = numbers["series"]["hour"]
        self.assertEqual((hour["step_s"], numbers["series"]["day"]["step_s"]), (60, 900))
        self.assertEqual(({c: sum(n) for c, n in hour["codes"].items()}), {"200": 20, "500": 40})
        self.assertEqual((sum(hour["delivered"]), sum(hour["failed"])), (20, 40))
        for name, count in (("attempt", 60), ("delivery", 20)):
            self.assertEqual(sum(b["count"] for b in numbers["histogram"][name]), count)
            self.assertEqual((numbers["histogram"][name][0]["le_ms"], numbers["histogram"][name][-1]["le_ms"]), (1, None))

    def test_plots_grow(self):
        self.endpoint("good", "/200")
        self.endpoint("bad", "/503")
        self.post(30)
        now = wait_until(lambda: (lambda n: n if round(sum(n["series"]["hour"]["delivered"]) * 10) == 30 else None)(self.overview()),
                         lambda: self.overview())
        hour = now["series"]["hour"]
        self.assertEqual(hour["step_s"], 10)
        self.assertEqual({name: len(values) for name, values in hour.items() if isinstance(values, list)},
                         dict.fromkeys(("accepted", "delivered", "failed", "pending", "oldest_s", "p50_ms", "p99_ms"), len(hour["accepted"])))
        self.assertAlmostEqual(sum(hour["accepted"]) * 10, 30, places=3)
        self.assertEqual(hour["end"] % 10, 0)
        self.assertLessEqual(hour["end"], now["time"])
        # each event went to two endpoints, one took it: accepted = delivered + what waits
        self.assertEqual((sum(hour["failed"]), hour["pending"][-1]), (0, 30))
        self.assertTrue(any(hour["p50_ms"]))
        self.assertNotIn("series", self.overview(query="?series=0"))

    def test_trouble_comes_first(self):
        self.endpoint("well", "/200")
        self.endpoint("off", "/200", active=False)
        self.endpoint("late", "/503")
        self.post(3)
        wait_until(lambda: self.overview()["trouble"], "there is trouble")
        trouble = self.overview()["trouble"]
        self.assertEqual([r["id"] for r in trouble], ["late"])
        self.assertEqual(sorted(trouble[0]), sorted(ROW))
        self.assertIsNotNone(trouble[0]["failing_since"])
        self.assertEqual(trouble[0]["last_code"], 503)
        everybody = self.api.get("/v1/overview").expect(200).json
        self.assertIn((self.pid, "late"), [(r["project"], r["id"]) for r in everybody["trouble"]])
        self.assertGreaterEqual(everybody["pending"], 3)
        self.assertTrue(everybody["store"]["ready"])
        self.assertGreater(everybody["store"]["bytes"], 0)
        self.assertGreaterEqual(everybody["projects"], 1)
        mine = self.overview()
        self.assertNotIn("store", mine)
        self.assertEqual((mine["endpoints"]["total"], mine["endpoints"]["disabled"]), (3, 1))
        self.assertEqual([r["id"] for r in self.rows("?sort=trouble&page_size=1")["data"]], ["late"])

    def test_sorts_and_pages(self):
        for i in range(7):
            self.endpoint(f"e{i}", "/503" if i % 2 else "/200", name=f"Number {i}", events=["send_status"] if i < 6 else ["contact_update"])
        self.post(5)
        wait_until(lambda: [r["pending"] for r in self.rows()["data"]] == [0, 5, 0, 5, 0, 5, 0], lambda: [r["pending"] for r in self.rows()["data"]])
        wait_until(lambda: [r["error_rate"] is None for r in self.rows()["data"]].count(True) == 1, lambda: self.rows())
        self.assertEqual([r["id"] for r in self.rows("?sort_dir=desc")["data"]], [f"e{i}" for i in reversed(range(7))])
        for sort, key in (("pending", "pending"), ("oldest", "oldest_pending_s"), ("error_rate", "error_rate"), ("p99", "p99_ms"), ("rate", "per_s"),
                          ("trouble", "failing_since"), ("id", "id")):
            for way in ("asc", "desc"):
                with self.subTest(sort=sort, way=way):
                    self.check_pages(sort, way, key)
        self.assertEqual([r["id"] for r in self.rows("?q=NUMBER%203")["data"]], ["e3"])
        self.assertEqual(len(self.rows("?q=127.0.0.1")["data"]), 7)
        self.assertEqual(self.rows("?q=nobody")["data"], [])
        self.assertEqual(self.rows("?count=1"), {"count": 7})
        self.assertEqual(self.rows("?state=disabled&count=1"), {"count": 0})
        self.assertEqual(self.rows("?state=ready&q=e0")["data"][0]["name"], "Number 0")

    def check_pages(self, sort, way, key):
        found, marker = [], ""
        while marker is not None:
            page = self.rows(f"?sort={sort}&sort_dir={way}&page_size=2" + (f"&marker={marker}" if marker else ""))
            self.assertEqual(page["truncated"], page["next_marker"] is not None)
            found += page["data"]
            marker = page["next_marker"]
        self.assertEqual(sorted(r["id"] for r in found), [f"e{i}" for i in range(7)])
        if key in ("per_s", "oldest_pending_s"):
            return  # they change from page to page
        blank = "" if key == "id" else -1
        values = [blank if r[key] is None else r[key] for r in found]
        self.assertEqual([v > blank for v in values] if key == "failing_since" else values,
                         sorted([v > blank for v in values] if key == "failing_since" else values, reverse=way == "desc"))

    def test_refused(self):
        self.endpoint("e", "/200")
        for query, param in (("sort=name", "sort"), ("sort_dir=up", "sort_dir"), ("state=well", "state"), ("marker=x", "marker"),
                             ("marker=%20", "marker"), ("page_size=0", "page_size"), ("id[prefix]=e", "id[prefix]")):
            with self.subTest(query):
                self.assertEqual(self.api.get(f"/v1/projects/{self.pid}/endpoint_numbers?{query}").expect(400).error["param"], param)
        for what in ("numbers", "retries"):
            self.assertEqual(self.api.get(f"/v1/projects/{self.pid}/endpoints/none/{what}").expect(404).error["code"], "not_found")
        self.api.get("/v1/projects/none/overview").expect(404)

    def test_a_key_sees_its_own(self):
        other = self.api.project(self.pid + "_other")
        self.endpoint("mine", "/200")
        self.endpoint("theirs", "/503", pid=other)
        self.api.put("/v1/organizations/77/endpoints/all", {"url": self.there.url("/200")}).expect(201)
        key = self.api.post(f"/v1/projects/{self.pid}/keys", {"name": "k"}).expect(201).json["key"]
        self.post(2)
        self.post(2, pid=other)
        wait_until(lambda: self.overview(other)["trouble"], "the other one is in trouble")
        mine = self.api.with_key(key)
        self.addCleanup(mine.close)
        self.assertEqual(self.overview(api=mine)["trouble"], [])
        self.assertEqual(self.overview(api=mine)["endpoints"]["total"], 1)
        self.assertEqual([r["id"] for r in mine.get(f"/v1/projects/{self.pid}/endpoint_numbers").expect(200).json["data"]], ["mine"])
        for path in ("overview", "endpoint_numbers", "endpoints/theirs/numbers", "endpoints/theirs/retries"):
            self.assertEqual(mine.get(f"/v1/projects/{other}/{path}").expect(404).error["code"], "not_found")
        for path in ("/v1/overview", "/v1/endpoint_numbers", "/v1/organizations/77/endpoints/all/numbers"):
            self.assertIn(mine.get(path).status, (403, 404))
        everybody = self.api.get("/v1/endpoint_numbers?page_size=500").expect(200).json["data"]
        self.assertIn(("organization", None, "77", "all"), [(r["owner"], r["project"], r["organization"], r["id"]) for r in everybody])
        self.assertIn(("project", other, None, "theirs"), [(r["owner"], r["project"], r["organization"], r["id"]) for r in everybody])
        self.assertEqual(self.api.get("/v1/organizations/77/endpoints/all/numbers").expect(200).json["id"], "all")
        self.api.get("/v1/organizations/77/endpoints/all/retries").expect(200)

    def test_retries_by_step(self):
        self.endpoint("late", "/503", retry={"delays_s": [0.02, 3600], "jitter": 0}, concurrency=4)
        self.post(6)
        path = f"/v1/projects/{self.pid}/endpoints/late/retries"
        found = wait_until(lambda: (lambda r: r if [s["deliveries"] for s in r["steps"] if s["attempts"] == 2] == [6] else None)(self.api.get(path).json),
                           lambda: self.api.get(path))
        self.assertEqual((found["steps"][0]["events"], found["ready"], found["held"], found["truncated"]), (6, 0, 0, False))
        self.assertGreater(found["next_retry_time"], found["steps"][0]["next_time"] - 1)
        self.assertGreater(found["next_retry_time"], self.overview()["time"] + 3000)
        self.endpoint("well", "/200")
        self.assertEqual(self.api.get(f"/v1/projects/{self.pid}/endpoints/well/retries").expect(200).json,
                         {"next_retry_time": None, "ready": 0, "held": 0, "steps": [], "truncated": False})


class Restart(Case):
    def test_plots_stay(self):
        served, there = self.daemon(), self.receiver()
        api = served.api()
        api.endpoint(api.project("p"), "e", url=there.url())
        api.events("p", [sms(i) for i in range(20)])
        there.wait(20)
        wait_until(lambda: api.get("/v1/projects/p/endpoints/e").json["pending"] == 0, "all is settled")
        api.close()
        served.restart()

        def delivered(path):
            return round(sum(api.get(path).expect(200).json["series"]["hour"]["delivered"]) * 10)

        for path in ("/v1/overview", "/v1/projects/p/overview"):
            wait_until(lambda: delivered(path) == 20, lambda: api.get(path))
        api.close()


if __name__ == "__main__":
    unittest.main()
