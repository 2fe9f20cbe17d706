"""Every shell block of docs/*.md is run by a test: here, or by the one that is named here. A page that is new and shows commands fails until it is in one of
the two lists."""

import os
import re
import subprocess
import unittest

from harness import KEY, PATIENCE, PROGRAM, ROOT, Case, postrider
from tour import STEP, Tour

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
TOURS = ("receive", "from-telerivet", "from-kannel")
HERE = ("cli", "console", "monitoring", *TOURS)
ELSEWHERE = {
    "api": "test_readme.py",
    "tour": "test_readme.py",
    "portal": "test_portal.py",
    "rest": "test_docs_telerivet.py",
    "telerivet": "test_docs_telerivet.py",
    "install": "scripts/package-test: needs root, a package and a booted Debian",
}


def text_of(page):
    return (DOCS / f"{page}.md").read_text()


def blocks_of(page):
    return BLOCK.findall(text_of(page))


def shell(script, **more):
    """Everything that it printed; it has to end well."""
    done = subprocess.run(["bash", "-O", "expand_aliases", "-eu", "-o", "pipefail", "-c", "exec 2>&1\n" + script], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"ended with {done.returncode}:\n{script}\n{done.stdout}")
    return done.stdout


class Pages(unittest.TestCase):
    def test_each_has_its_way(self):
        for path in sorted(DOCS.glob("*.md")):
            with self.subTest(path=path.name):
                self.assertEqual(bool(BLOCK.search(path.read_text())), path.stem in HERE or path.stem in ELSEWHERE)

    def test_the_other_tests_read_their_page(self):
        for page, where in ELSEWHERE.items():
            if where.endswith(".py"):
                with self.subTest(page=page):
                    self.assertRegex((ROOT / "tests" / "e2e" / where).read_text(), rf'"{page}[."]')

    def test_nothing_of_a_tour_is_left_out(self):
        for page in TOURS:
            with self.subTest(page=page):
                text = text_of(page)
                self.assertEqual(len(BLOCK.findall(text)), len([step for step in STEP.findall(text) if step[0] == "run"]))


class Tours(Case):
    def walk(self, page):
        Tour(self, text_of(page), os.environ).walk()

    def test_receive(self):
        self.walk("receive")

    def test_from_telerivet(self):
        self.walk("from-telerivet")

    def test_from_kannel(self):
        self.walk("from-kannel")


class Cli(Case):
    """docs/cli.md: the set-up file that it shows is applied, sent to, looked at; each way to listen listens."""

    def setUp(self):
        self.cwd = self.folder()
        (self.cwd / "postrider").symlink_to(PROGRAM)
        (self.cwd / "examples").symlink_to(ROOT / "examples")
        self.setup, self.send, self.replay, self.listen = blocks_of("cli")

    def test_set_up_send_and_replay(self):
        served = self.daemon()
        env = {**os.environ, "PATH": f"{self.cwd}:{os.environ['PATH']}", "POSTRIDER_URL": served.url, "POSTRIDER_KEY": KEY}
        example = re.search(r"^```json\n(.*?)^```$", text_of("cli"), re.M | re.S)[1]
        (self.cwd / "setup.json").write_text(example)
        self.assertIn("+", shell(self.setup.replace("diff before.json -", "diff -u before.json - || [ $? = 1 ]"), cwd=self.cwd, env=env))
        again = shell("postrider apply setup.json", cwd=self.cwd, env=env)
        self.assertEqual({line.rsplit(" ", 1)[1] for line in again.splitlines()}, {"unchanged"}, again)
        journal = """journal() { echo '{"type":"send_status","message":{"id":"1","status":"sent"}}'; }\n"""
        self.assertIn('"accepted":3', shell(journal + self.send, cwd=self.cwd, env=env))
        shell(self.replay, cwd=self.cwd, env=env)

    def test_listen(self):
        lines = [line.split("#")[0].split()[1:] for line in self.listen.splitlines()]
        self.assertGreater(len(lines), 6)
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        started = [self.running(*[word.replace("whsec_…", secret).replace("examples", str(ROOT / "examples")) for word in line], "--port", "0") for line in lines]
        for one in started:
            one.wait_line("listening on http")

    def test_each_command_is_named(self):
        """In docs/cli.md or on the page that it leads to, and has help of its own."""
        commands = re.findall(r"^  ([a-z]+)  +\S", postrider("help").stdout, re.M)
        self.assertGreater(len(commands), 10)
        for command in commands:
            with self.subTest(command=command):
                self.assertRegex(text_of("cli"), rf"`{command}`|\n## .*`{command}`")
                self.assertTrue(postrider("help", command).stdout.startswith(f"usage: postrider {command}"))


class Console(Case):
    def test_served_from_its_folder(self):
        """The command that shows a stage with traffic, for who works on the console."""
        command = blocks_of("console")[-1].replace("build/postrider", PROGRAM)
        self.assertIn("Enter ends it", shell(f"echo | {command.replace('POSTRIDER=', 'env POSTRIDER=')}", cwd=ROOT))


class Monitoring(Case):
    def test_the_rules(self):
        self.assertIn("SUCCESS", shell(blocks_of("monitoring")[0], cwd=ROOT))

    def test_operational_webhooks(self):
        serve, calls = blocks_of("monitoring")[1].split("\n", 1)
        served = self.daemon(*re.search(r"--operations-project \w+", serve)[0].split())
        shell(f"""alias prc='curl -sf -H "Authorization: Bearer {KEY}"'\n{calls}""", env={**os.environ, "POSTRIDER": served.url})
        pager = served.api().get("/v1/projects/ops/endpoints/pager").expect(200).json
        self.assertIn("endpoint_failing", pager["events"])


if __name__ == "__main__":
    unittest.main()
