"""Every preset, byte for byte: what a customer's program was written against must not change by accident. scripts/golden makes the files anew."""

import unittest

import golden


class Golden(unittest.TestCase):
    def test_every_preset_says_what_it_said(self):
        for preset, events in golden.cases():
            with self.subTest(preset=preset, events=events):
                code, out, err = golden.render(golden.command(preset, events))
                self.assertEqual(code, 0, err)
                path = golden.expected_path(preset, events)
                self.assertTrue(path.exists(), f"no {path}; look at what scripts/golden makes, and commit it")
                self.assertEqual(golden.without_version(out).decode(), path.read_text())

    def test_no_file_is_left_over(self):
        wanted = {golden.expected_path(*case).name for case in golden.cases()}
        found = {path.name for path in (golden.HERE / "expected").iterdir()}
        self.assertEqual(found, wanted)

    def test_side_by_side(self):
        names = ["webcom-status", "twilio-status", "telerivet"]
        event = str(golden.HERE / "events" / "status.json")
        code, out, err = golden.render(["--preset", ",".join(names), "--event", event, "--time", golden.NOW])
        self.assertEqual(code, 0, err)
        parts = out.decode().split("=== ")
        self.assertEqual([part.split(" ===")[0] for part in parts[1:]], names)
        for name, part in zip(names, parts[1:]):
            alone = golden.render(["--preset", name, "--event", event, "--time", golden.NOW])[1].decode()
            self.assertEqual(part.split(" ===\n", 1)[1].rstrip("\n"), alone.rstrip("\n"))

    def test_the_examples_in_every_preset(self):
        """Without any other option; of a mix of events a preset gets those that it is for."""
        event = str(golden.TOP / "examples" / "events.json")
        for preset in golden.presets():
            with self.subTest(preset=preset):
                code, out, err = golden.render(["--preset", preset, "--event", event])
                self.assertEqual(code, 0, err)
                self.assertRegex(out, rb"^(GET|POST) https://receiver\.example/")
        code, out, err = golden.render(["--preset", "telerivet,webcom-status,twilio-sms,kannel-dlr", "--event", event])
        self.assertEqual(code, 0, err)
        counts = [len(list(golden.requests(part))) for part in out.split(b"===\n")[1:]]
        self.assertEqual(counts, [6, 1, 1, 3])
        self.assertIn("webcom-status is for 4 of the 6 events", err)
        self.assertIn("kannel-dlr sends what the URL says and nothing else", err)

    def test_a_preset_that_is_for_none_of_the_events(self):
        event = str(golden.HERE / "events" / "others.json")
        code, out, err = golden.render(["--preset", "webcom-status,telerivet", "--event", event])
        self.assertEqual(code, 0, err)
        self.assertTrue(out.startswith(b"=== webcom-status ===\n\n\n=== telerivet ===\nPOST "))
        self.assertIn("webcom-status is for 0 of the 3 events", err)

    def test_refusals(self):
        event = str(golden.HERE / "events" / "status.json")
        for arguments, word in (
            (["--preset", "webcom", "--event", event], 'render: --preset: there is no preset "webcom"; did you mean "webcom-status"?'),
            (["--preset", "telerivte", "--event", event], 'did you mean "telerivet"?'),
            (["--preset", "telerivet,", "--event", event], 'there is no preset ""; there are 46elks-dlr, 8x8,'),
            (["--preset", "telerivet", "--url", "x", "--event", event], "render: telerivet: url: "),
            (["--preset", "telerivet"], "needs --event FILE"),
            (["--event", event], "--preset NAME"),
            (["--preset", "telerivet", "--endpoint", event, "--event", event], "not both"),
            (["--endpoint", event, "--url", "http://x.example/", "--event", event], "--url goes with --preset"),
        ):
            with self.subTest(arguments=arguments):
                code, _, err = golden.render(arguments)
                self.assertEqual(code, 2)
                self.assertIn(word, err)


if __name__ == "__main__":
    unittest.main()
