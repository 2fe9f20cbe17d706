"""What tells an operator how it goes, with the parts that read it: Prometheus' own promtool over /metrics, the alert rules and the Grafana board in
packaging/; operational events, delivered like any other; traces that go on; the log's line of each outcome."""

import json
import re
import subprocess
import tempfile
import unittest

from harness import ROOT, Case, free_port, sms, wait_until

PACKAGING = ROOT / "packaging"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def promtool(*words, **more):
    return subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=60, check=False, **more)


def board_expressions():
    board = json.loads((PACKAGING / "grafana" / "postrider.json").read_text())
    found = [t["expr"] for p in board["panels"] for t in p["targets"]] + [a["expr"] for a in board["annotations"]["list"]]
    return [e.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$project", ".*") for e in found]


class Prometheus(Case):
    def setUp(self):
        self.served = self.daemon("--metrics-open", "yes")
        self.api = self.served.api()
        self.addCleanup(self.api.close)

    def test_metrics_are_clean(self):
        receiver = self.receiver([200, 503, 200])
        self.api.project("p")
        self.api.endpoint("p", 'e.1_-', url=receiver.url(), retry={"delays_s": [0.1]})
        self.api.events("p", [sms(i) for i in range(3)])
        receiver.wait(4)
        text = self.api.get("/metrics").expect(200).body.decode()
        done = promtool("check", "metrics", input=text)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertIn("postrider_ready 1\n", text)
        self.assertIn('postrider_endpoints_in_state{state="ready"} 1\n', text)

    def test_rules(self):
        rules = PACKAGING / "prometheus"
        for words in (("check", "rules", "postrider.rules.yml"), ("test", "rules", "postrider.rules.test.yml"), ("check", "config", "postrider.scrape.yml")):
            done = promtool(*words, cwd=rules)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_board_can_be_read(self):
        """Grafana is no package of Debian's; but what its board asks, Prometheus' parser must understand."""
        rules = {"groups": [{"name": "board", "rules": [{"record": f"board:{i}", "expr": e} for i, e in enumerate(board_expressions())]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
            json.dump(rules, f)  # YAML takes JSON
            f.flush()
            done = promtool("check", "rules", f.name)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_board_and_rules_ask_for_what_there_is(self):
        text = self.api.get("/metrics").expect(200).body.decode()
        told = set(re.findall(r"^# TYPE (\w+)", text, re.M))
        asked = set(re.findall(r"\b(?:postrider|process)_\w+", (PACKAGING / "prometheus" / "postrider.rules.yml").read_text() + "\n".join(board_expressions())))
        missing = {name for name in asked if re.sub(r"_(bucket|sum|count)$", "", name) not in told and name not in told}
        self.assertEqual(missing, set())


class Operations(Case):
    """The operator's own project is told."""

    EVENTS = ["endpoint_failing", "endpoint_recovered", "endpoint_disabled", "dead_letter"]

    def setUp(self):
        self.served = self.daemon("--operations-project", "ops")
        self.api = self.served.api()
        self.addCleanup(self.api.close)
        self.operator = self.receiver()
        self.api.project("ops")
        self.api.endpoint("ops", "pager", url=self.operator.url(), events=self.EVENTS)
        self.api.project("p")

    def told(self, kind, count=1):
        of_kind = lambda: [r.json for r in self.operator.requests if r.json["type"] == kind]
        self.operator.wait_for(lambda: len(of_kind()) >= count, lambda: f"{count} {kind}: {[r.json['type'] for r in self.operator.requests]}")
        return of_kind()

    def test_failing_then_recovered(self):
        port = free_port()
        self.api.endpoint("p", "crm", name="The CRM", url=f"http://127.0.0.1:{port}/", retry={"delays_s": [0.1]})
        self.api.events("p", [sms(i) for i in range(20)])
        (failing,) = self.told("endpoint_failing")
        endpoint = failing["endpoint"]
        self.assertEqual((endpoint["path"], endpoint["project_id"], endpoint["organization_id"]), ("/v1/projects/p/endpoints/crm", "p", None))
        self.assertEqual((endpoint["name"], endpoint["code"]), ("The CRM", "connect"))
        self.assertGreater(endpoint["failing_since"], 0)
        self.receiver(port=port).wait(20)
        (recovered,) = self.told("endpoint_recovered")
        self.assertEqual(recovered["endpoint"]["path"], endpoint["path"])
        self.assertGreaterEqual(recovered["time"], failing["time"])

    def test_gone_is_disabled_and_what_waited_is_dead(self):
        gone = self.receiver(410)
        self.api.endpoint("p", "gone", preset="standard-webhooks", url=gone.url(), retry={"delays_s": [], "max_attempts": 1})
        self.api.events("p", [{**sms(7), "id": "evt-7"}])
        (disabled,) = self.told("endpoint_disabled")
        self.assertEqual(disabled["endpoint"]["id"], "gone")
        self.assertEqual(disabled["endpoint"]["state"], "disabled")

    def test_dead_letters_are_counted(self):
        refuses = self.receiver(500)
        self.api.endpoint("p", "e", url=refuses.url(), retry={"delays_s": []})
        self.api.events("p", [{**sms(i), "id": f"evt-{i}"} for i in range(5)])
        wait_until(lambda: sum(d["count"] for d in self.told("dead_letter")) >= 1, "a dead letter is told")
        dead = self.told("dead_letter")[0]
        self.assertEqual((dead["endpoint"]["id"], dead["endpoint"]["code"]), ("e", 500))
        self.assertRegex(dead["event_id"], "^evt-[0-4]$")
        self.assertEqual(dead["message"]["id"], dead["event_id"][4:])

    def test_its_own_trouble_is_not_told(self):
        """Else a receiver that is away would cause events for itself."""
        self.api.endpoint("ops", "away", url=f"http://127.0.0.1:{free_port()}/", retry={"delays_s": []}, events=self.EVENTS)
        self.api.endpoint("p", "e", url=f"http://127.0.0.1:{free_port()}/", retry={"delays_s": []})
        self.api.events("p", [sms(1)])
        self.told("dead_letter")
        self.api.events("p", [sms(i) for i in range(2, 14)])
        self.told("endpoint_failing")
        self.assertEqual({r.json["endpoint"]["project_id"] for r in self.operator.requests}, {"p"})

    def test_nobody_can_post_them(self):
        refused = self.api.post("/v1/projects/p/events", {"type": "endpoint_failing", "endpoint": {}}).expect(400)
        self.assertEqual(refused.error["param"], "type")
        self.assertIn("postrider itself", refused.error["message"])

    def test_a_test_of_the_endpoint(self):
        answer = self.api.post("/v1/projects/ops/endpoints/pager/test").expect(200).json
        self.assertEqual(answer["outcome"], "ok")
        self.assertEqual(self.told("endpoint_failing")[0]["endpoint"]["project_id"], "sample")


class Project(Case):
    def test_a_project_that_is_not_there_is_said_once(self):
        served = self.daemon("--operations-project", "nobody")
        api = served.api()
        self.addCleanup(api.close)
        api.project("p")
        api.endpoint("p", "e", url=f"http://127.0.0.1:{free_port()}/", retry={"delays_s": []})
        api.events("p", [sms(1)])
        wait_until(lambda: "there is no such project operations_project=nobody" in served.log, lambda: served.log[-2000:])


class Trace(Case):
    def setUp(self):
        self.served = self.daemon()
        self.api = self.served.api()
        self.addCleanup(self.api.close)
        self.api.project("p")

    def test_goes_on_from_header_to_header(self):
        receiver = self.receiver([503, 200])
        self.api.endpoint("p", "e", url=receiver.url(), retry={"delays_s": [0.1]})
        self.api.call("POST", "/v1/projects/p/events", sms(1), headers={"traceparent": TRACE}).expect(202)
        first, second = receiver.wait(2)
        self.assertEqual([r.headers["traceparent"] for r in (first, second)], [TRACE, TRACE])
        self.assertEqual(first.body, second.body)
        self.assertNotIn(b"4bf92f", first.body)

    def test_of_messages_that_the_hub_has_too(self):
        receiver = self.receiver()
        self.api.endpoint("p", "e", url=receiver.url(), events=["incoming_message"])
        event = {"type": "incoming_message", "message": {"id": "in-1", "from_number": "+15005550012", "content": "Hi"}}
        self.api.call("POST", "/v1/projects/p/events", event, headers={"traceparent": TRACE}).expect(202)
        self.assertEqual(receiver.wait(1)[0].headers["traceparent"], TRACE)

    def test_a_batch_of_two_traces_has_none(self):
        receiver = self.receiver()
        self.api.endpoint("p", "e", url=receiver.url(), preset="wiraya-push", body='{"id":{ID}}', batch={"max_items": 2, "max_wait_ms": 10000})
        self.api.events("p", [{**sms(1), "traceparent": TRACE}, {**sms(2), "traceparent": TRACE}])
        self.api.events("p", [{**sms(3), "traceparent": TRACE}, sms(4)])
        same, different = receiver.wait(2)
        self.assertEqual((same.headers["traceparent"], different.headers["traceparent"]), (TRACE, None))


class Outcomes(Case):
    """One line in the log for each outcome."""

    def lines(self, *options):
        receiver = self.receiver([503, 200, 500])
        served = self.daemon(*options)
        api = served.api()
        self.addCleanup(api.close)
        api.project("p")
        api.endpoint("p", "e", url=receiver.url("/secret-path?token=secret"), retry={"delays_s": [0.1], "max_attempts": 2})
        api.events("p", [sms(1)])
        api.wait_attempts("p", 2)
        served.stop()
        self.assertNotIn("secret", served.log)
        return re.findall(r"^\S+ (\w+) (delivered|retry|failed) (.*)$", served.log, re.M)

    def test_failures_by_default(self):
        ((level, what, fields),) = self.lines()
        self.assertEqual((level, what), ("warn", "retry"))
        self.assertRegex(fields, r"^project=p endpoint=e code=503 ms=[\d.]+ attempt=1 items=1 seq=\d+ delivery=\w+ id=\d+$")

    def test_all(self):
        self.assertEqual([(level, what) for level, what, _ in self.lines("--log-outcomes", "all")], [("warn", "retry"), ("info", "delivered")])

    def test_none(self):
        self.assertEqual(self.lines("--log-outcomes", "none"), [])


if __name__ == "__main__":
    unittest.main()
