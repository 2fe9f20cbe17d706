"""What postrider promises when things go wrong, tried on the real daemon: it is killed under load, stopped in the middle of an exchange, its
receivers are down, slow, full or hang, its disk has no room. Nothing that was answered 202 may be lost.

KILLS=n sets how often it is killed (50)."""

import http.client
import os
import random
import subprocess
import threading
import unittest
from collections import defaultdict

from harness import Case, Gate, Receiver, free_port, sms, wait_until

KILLS = int(os.environ.get("KILLS", "50"))
QUICK = {"delays_s": [0.05, 0.1, 0.2], "jitter": 0}


class Sink(Receiver):
    """Counts arrivals of each event at each endpoint, by the path and the ids in the body. `flaky` is the share of requests it refuses."""

    def __init__(self, flaky=0.0, chance=None):
        self.accepted = []  # (endpoint, event id) in order, of requests answered 200
        self.flaky, self.chance = flaky, chance or random.Random(1)
        super().__init__(self.judge)

    def judge(self, arrival):
        endpoint = arrival.path.strip("/")
        with self.changed:
            if endpoint == "flaky" and self.chance.random() < self.flaky:
                return 500
            body = arrival.json
            for item in body.get("batch", [body]):
                self.accepted.append((endpoint, item["id"]))
            self.changed.notify_all()
        return 200


class Poster(threading.Thread):
    """Posts batches as a careful client does: what was not answered is posted again, under the same ids."""

    def __init__(self, daemon, batches):
        super().__init__(daemon=True)
        self.api, self.batches, self.accepted = daemon.api(), batches, []

    def run(self):
        try:
            while self.batches:
                answer = self.api.post("/v1/projects/p/events?quiet=1", [{**sms(i), "id": i} for i in self.batches[0]])
                if answer.status in (429, 503):
                    continue
                answer.expect(202)
                self.accepted += self.batches.pop(0)
        except (OSError, http.client.HTTPException):
            pass  # the daemon is dead; the first batch may be on its disk or not
        finally:
            self.api.close()


class Kill(Case):
    """kill -9 under load, again and again, on one data folder."""

    ENDPOINTS = ("single", "batch", "flaky")

    def setUp(self):
        self.seed = int(os.environ.get("SEED", "0")) or random.randrange(1 << 32)
        self.chance = random.Random(self.seed)
        self.sink = Sink(0.3, random.Random(self.seed + 1))
        self.addCleanup(self.sink.close)
        self.served = self.daemon()
        api = self.served.api()
        api.project("p")
        for name in self.ENDPOINTS:
            batch = {"max_items": 10, "max_wait_ms": 10} if name == "batch" else {"max_items": 1}
            api.endpoint("p", name, preset="wiraya-push", url=self.sink.url("/" + name), body='{"id":"{EVENT_ID}"}', batch=batch, retry=QUICK)
        api.close()
        self.settled = []  # (endpoint, event id, arrivals when it was seen to be settled)
        self.accepted, self.open = set(), []

    def life(self, number):
        """One life of the daemon: load, a look at what is settled, a kill at a moment that chance decides."""
        posters = []
        for thread in range(2):
            batches = [[f"{number}-{thread}-{b}-{i}" for i in range(10)] for b in range(self.chance.randrange(2, 10))]
            posters.append(Poster(self.served, self.open[thread::2] + batches))
            posters[-1].start()
        with self.sink.changed:
            begin = len(self.sink.requests)
        self.sink.wait_for(self.moment(begin, posters), "the moment of the kill")
        self.look()
        with self.sink.changed:
            begin = len(self.sink.requests)
        self.sink.wait_for(self.moment(begin, posters), "the moment of the kill")
        self.served.kill()
        for p in posters:
            p.join()
            self.accepted.update(p.accepted)
        self.open = [b for p in posters for b in p.batches]

    def moment(self, begin, posters):
        """Some arrivals from now, or all is posted and has arrived."""
        wanted = begin + self.chance.randrange(1, 60)

        def come():
            if len(self.sink.requests) >= wanted:
                return True
            return not any(p.is_alive() for p in posters) and self.all_arrived(set().union(*(p.accepted for p in posters)))

        return come

    def all_arrived(self, ids):
        return {(e, i) for e in self.ENDPOINTS for i in ids} <= set(self.sink.accepted)

    def look(self):
        """What the daemon says is delivered must never arrive again from now on."""
        api = self.served.api()
        attempts = api.attempts("p", outcome="ok", page_size=100)
        api.close()
        with self.sink.changed:
            arrived = len(self.sink.accepted)
        self.settled += [(a["endpoint_id"], item["event_id"], arrived) for a in attempts for item in a["items"]]

    def test_nothing_accepted_is_lost(self):
        for number in range(KILLS):
            self.life(number)
            self.served.start()
        last = Poster(self.served, self.open)
        last.start()
        last.join()
        self.assertEqual(last.batches, [])
        self.accepted.update(last.accepted)
        missing = lambda: {(e, i) for e in self.ENDPOINTS for i in self.accepted} - set(self.sink.accepted)
        self.sink.wait_for(lambda: not missing(), lambda: f"seed {self.seed}: lost {sorted(missing())[:20]} of {len(self.accepted)}", 60)
        self.served.stop()
        self.no_others()
        self.no_settled_again()

    def no_others(self):
        self.assertEqual({i for _, i in self.sink.accepted} - self.accepted, set(), "arrived, but never accepted")

    def no_settled_again(self):
        where = defaultdict(list)
        for place, arrival in enumerate(self.sink.accepted):
            where[arrival].append(place)
        again = [(e, i) for e, i, arrived in self.settled if where[e, i][-1] >= arrived]
        self.assertEqual(again, [], f"seed {self.seed}: delivered by the daemon's own word, and sent again")
        repeated = sum(len(p) - 1 for p in where.values())
        print(f"{KILLS} kills, {len(self.accepted)} events, {len(where)} deliveries, {repeated} of them repeated, {len(self.settled)} looked at; seed {self.seed}")


class Stop(Case):
    """SIGTERM."""

    def test_what_is_on_the_wire_is_finished(self):
        served, gate = self.daemon(), Gate()
        receiver, api = self.receiver(gate), served.api()
        api.project("p")
        api.endpoint("p", "e", url=receiver.url("/"), retry=QUICK)
        for i in range(3):
            api.events("p", {**sms(i), "id": f"e{i}"})
        receiver.wait(3)
        served.terminate()
        wait_until(lambda: self.refuses(served), "new events are refused")
        self.assertIsNone(served.process.poll(), "ended with requests on the wire")
        gate.open()
        self.assertEqual(served.wait(), 0)
        served.start()
        api.close()
        for i in range(3):
            self.assertEqual(api.state("p", f"e{i}", "e")["state"], "delivered")
        api.events("p", {**sms(9), "id": "e9"})
        receiver.wait(4)
        api.wait_state("p", "e9", "e", "delivered")
        self.assertEqual(sorted(r.json["id"] for r in receiver.requests), ["e0", "e1", "e2", "e9"])

    def refuses(self, served):
        api = served.api()
        try:
            return api.post("/v1/projects/p/events", sms("late")).status == 503
        except OSError:
            return True
        finally:
            api.close()

    def test_a_waiting_batch_goes_at_once(self):
        served, receiver = self.daemon(), self.receiver()
        api = served.api()
        api.project("p")
        api.endpoint("p", "e", preset="wiraya-push", url=receiver.url("/"), body='{"id":{ID}}', batch={"max_items": 100, "max_wait_ms": 60000})
        api.events("p", [sms(i) for i in range(5)])
        served.stop()
        (got,) = receiver.wait(1)
        self.assertEqual([i["id"] for i in got.json["batch"]], [0, 1, 2, 3, 4])
        served.start()
        api.close()
        api.endpoint("p", "fence", url=receiver.url("/fence"))
        api.events("p", sms(9))
        receiver.wait(1, "/fence")
        self.assertEqual(len(receiver.at("/")), 1)

    def test_keys_projects_endpoints_and_backlog_are_there_again(self):
        served, port = self.daemon(), free_port()
        api = served.api()
        api.project("p", organization_id="7")
        key = api.post("/v1/projects/p/keys", {"name": "k"}).expect(201).json["key"]
        api.endpoint("p", "e", url=f"http://127.0.0.1:{port}/", retry=QUICK, headers={"X-A": "1"})
        api.events("p", [{**sms(i), "id": f"e{i}"} for i in range(20)])
        api.wait_attempts("p", 3, outcome="retry")
        before = api.get("/v1/projects/p/endpoints/e").expect(200).json
        served.restart()
        api.close()
        after = api.get("/v1/projects/p/endpoints/e").expect(200).json
        self.assertEqual(before["headers"], after["headers"])
        self.assertEqual(api.with_key(key).get("/v1/projects/p").expect(200).json["organization_id"], "7")
        self.assertTrue(api.events("p", {**sms(3), "id": "e3"})["events"][0]["duplicate"])
        receiver = self.receiver(port=port)
        receiver.wait_for(lambda: {r.json["id"] for r in receiver.requests} == {f"e{i}" for i in range(20)}, lambda: f"all 20, only {receiver.requests}")


class Retry(Case):
    def setUp(self):
        self.served = self.daemon()
        self.api = self.served.api()
        self.addCleanup(self.api.close)
        self.api.project("p")

    def test_down_and_up_again(self):
        port = free_port()
        self.api.endpoint("p", "e", url=f"http://127.0.0.1:{port}/", retry=QUICK)
        events = [{**sms(i % 10, s), "id": f"{i % 10}-{s}"} for s in ("sent", "delivered") for i in range(10)]
        self.api.events("p", events)
        failed = self.api.wait_attempts("p", 5, outcome="retry")
        self.assertEqual({a["code"] for a in failed}, {"connect"})
        receiver = self.receiver(port=port)
        receiver.wait_for(lambda: {r.json["id"] for r in receiver.requests} == {e["id"] for e in events}, lambda: f"all 20, only {receiver.requests}")
        for i in range(10):
            came = [r.json["id"] for r in receiver.requests if r.json["message"]["id"] == str(i)]
            self.assertEqual(came, [f"{i}-sent", f"{i}-delivered"], "order of one message")

    def test_a_retry_is_the_same_request(self):
        """Byte for byte, under the same id, although the settings changed in between."""
        gate = Gate(500)
        receiver = self.receiver(lambda arrival: gate(arrival) if len(receiver.requests) == 1 else 200)
        settings = {"preset": "wiraya-push", "retry": {"delays_s": [0.2]}, "batch": {"max_items": 2, "max_wait_ms": 10000}}
        self.api.endpoint("p", "e", url=receiver.url("/old"), body='{"id":{ID}}', **settings)
        self.api.events("p", [sms(1), sms(2)])
        receiver.wait(1)
        gate.open()
        self.api.wait_attempts("p", 1, outcome="retry")
        self.api.endpoint("p", "e", url=receiver.url("/new"), body='{"number":{ID}}', **settings)
        self.api.events("p", [sms(3), sms(4)])
        first, second = receiver.wait(2, "/old")
        self.assertEqual((first.body, first.headers["webhook-id"]), (second.body, second.headers["webhook-id"]))
        self.assertEqual([r.headers["webhook-attempt"] for r in (first, second)], ["1", "2"])
        (new,) = receiver.wait(1, "/new")
        self.assertEqual(new.body, b'{"batch":[{"number":3},{"number":4}]}')

    def test_retry_after_is_honoured(self):
        def answer(arrival):
            return (503, {"Retry-After": "2"}, b"") if len(receiver.requests) == 1 else 200

        receiver = self.receiver(answer)
        self.api.endpoint("p", "e", url=receiver.url("/"), retry={"delays_s": [0.01]})
        self.api.events("p", {**sms(1), "id": "e1"})
        first, second = receiver.wait(2)
        self.assertGreaterEqual(second.time - first.time, 1.9)
        state = self.api.wait_state("p", "e1", "e", "delivered")
        self.assertEqual(state["attempts"], 2)

    def test_no_retry_left(self):
        receiver = self.receiver(500)
        self.api.endpoint("p", "e", url=receiver.url("/"), retry={"delays_s": [0.01], "max_attempts": 3})
        self.api.events("p", {**sms(1), "id": "e1"})
        state = self.api.wait_state("p", "e1", "e", "failed")
        self.assertEqual(state["attempts"], 3)
        self.assertEqual([r.headers["webhook-attempt"] for r in receiver.requests], ["1", "2", "3"])
        outcomes = [a["outcome"] for a in self.api.attempts("p", event_id="e1")]
        self.assertEqual(outcomes, ["failed", "retry", "retry"])

    def test_too_old_while_paused(self):
        """Age runs on although the endpoint is paused."""
        receiver = self.receiver(500)
        self.api.endpoint("p", "e", url=receiver.url("/"), retry={"delays_s": [0.5], "max_age_s": 2})
        self.api.events("p", {**sms(1), "id": "e1"})
        receiver.wait(1)
        self.api.post("/v1/projects/p/endpoints/e/disable").expect(200)
        self.api.wait_state("p", "e1", "e", "expired")

    def test_no_time_left(self):
        """A retry that would come too late is not waited for."""
        receiver = self.receiver(500)
        self.api.endpoint("p", "e", url=receiver.url("/"), retry={"delays_s": [600], "max_age_s": 5})
        self.api.events("p", {**sms(1), "id": "e1"})
        self.assertEqual(self.api.wait_state("p", "e1", "e", "failed")["attempts"], 1)

    def test_one_bad_item_does_not_hold_the_batch(self):
        """W13: refused twice with 422, the batch is halved until the bad one is alone."""
        bad = lambda arrival: 422 if any(i["id"] == 3 for i in arrival.json["batch"]) else 200
        receiver = self.receiver(bad)
        self.api.endpoint("p", "e", preset="wiraya-push", url=receiver.url("/"), body='{"id":{ID}}', batch={"max_items": 8, "max_wait_ms": 100},
                          retry={"delays_s": [0.02], "max_attempts": 4})
        self.api.events("p", [{**sms(i), "id": f"e{i}"} for i in range(8)])
        self.api.wait_state("p", "e3", "e", "failed")
        for i in (0, 1, 2, 4, 5, 6, 7):
            self.api.wait_state("p", f"e{i}", "e", "delivered")
        self.assertEqual([r.json["batch"] for r in receiver.requests if len(r.json["batch"]) == 1 and bad(r) == 422][0], [{"id": 3}])

    def test_a_hanging_endpoint_hangs_alone(self):
        gate = Gate()
        hanging, healthy = self.receiver(gate), self.receiver()
        self.api.endpoint("p", "hanging", url=hanging.url("/"), retry=QUICK, timeout_ms=60000)
        self.api.endpoint("p", "healthy", url=healthy.url("/"))
        ids = {f"e{i}" for i in range(300)}
        self.api.events("p", [{**sms(i), "id": i} for i in ids])
        healthy.wait_for(lambda: {r.json["id"] for r in healthy.requests} == ids, lambda: f"300, only {len(healthy.requests)}")
        self.assertEqual(len(hanging.requests), 4, "concurrency bounds what is on the wire")
        gate.open()
        hanging.wait_for(lambda: {r.json["id"] for r in hanging.requests} == ids, lambda: f"300, only {len(hanging.requests)}")

    def test_time_out_is_absolute(self):
        gate = Gate()
        receiver = self.receiver(gate)
        self.addCleanup(gate.open)
        self.api.endpoint("p", "e", url=receiver.url("/"), retry={"delays_s": []}, timeout_ms=300)
        self.api.events("p", {**sms(1), "id": "e1"})
        self.api.wait_state("p", "e1", "e", "failed")
        (attempt,) = self.api.attempts("p", event_id="e1")
        self.assertEqual(attempt["code"], "timeout")
        self.assertGreaterEqual(attempt["duration_ms"], 290)


class DiskFull(Case):
    """On a file system of a few megabytes."""

    def setUp(self):
        self.disk = self.folder()
        if os.geteuid() != 0 or self.mount("-t", "tmpfs", "-o", "size=6m", "tmpfs", self.disk) != 0:
            self.skipTest("a file system can't be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk])

    def mount(self, *words):
        return subprocess.run(["mount", *words], stderr=subprocess.DEVNULL).returncode

    def test_refuses_then_goes_on(self):
        served, receiver = self.daemon(folder=self.disk), self.receiver()
        api = served.api()
        self.addCleanup(api.close)
        api.project("p")
        api.endpoint("p", "e", url=receiver.url("/"), retry=QUICK, preset="wiraya-push", body='{"id":"{EVENT_ID}"}')
        accepted = []
        for i in range(2000):
            answer = api.post("/v1/projects/p/events", {**sms(i, content="x" * 20000), "id": f"e{i}"})
            if answer.status != 202:
                break
            accepted.append(f"e{i}")
        self.assertEqual(answer.status, 503, answer)
        self.assertTrue(answer.headers["Retry-After"].isdigit())
        self.assertTrue(answer.error["message"])
        self.assertEqual(api.get("/healthz").status, 200)
        refused = f"e{len(accepted)}"
        self.assertEqual(self.mount("-o", "remount,size=64m", self.disk), 0)
        again = {**sms(1, content="x" * 20000), "id": refused}
        wait_until(lambda: api.post("/v1/projects/p/events", again).status == 202, "events are taken again")
        self.assertEqual(api.get("/readyz").status, 200)
        accepted.append(refused)
        receiver.wait_for(lambda: {r.json["id"] for r in receiver.requests} == set(accepted), lambda: f"all of {len(accepted)}, only {len(receiver.requests)}")
        for i in (accepted[0], accepted[-2], accepted[-1]):
            api.wait_state("p", i, "e", "delivered")
        self.assertGreater(len(accepted), 20)


if __name__ == "__main__":
    unittest.main()
