"""What is installed beside the program, and is made of its own words: man pages, the settings file, completion, the unit. Nothing of it
may lag behind the program. The package itself is tried by scripts/package-test, which needs root."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import PROGRAM, ROOT, Case, postrider

COMMAND = re.compile(r"^  ([a-z]+) +\S", re.M)
OPTION = re.compile(r"^  --([a-z-]+)", re.M)


def run(*words, **more):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, **more)


def commands():
    return COMMAND.findall(postrider("help").stdout)


def options(command):
    return OPTION.findall(postrider("help", command).stdout)


class Installed(Case):
    """All of these look at one installation."""

    root = None

    @classmethod
    def setUpClass(cls):
        if Installed.root is None:
            made = tempfile.mkdtemp(prefix="postrider-e2e-")
            unittest.addModuleCleanup(shutil.rmtree, made)
            done = run(ROOT / "scripts" / "install", PROGRAM, "/usr", made)
            assert done.returncode == 0, done.stderr
            Installed.root = Path(made)

    def text(self, path):
        return (self.root / path).read_text()


class ManPages(Installed):
    def page(self, command):
        section = 8 if command == "serve" else 1
        return f"usr/share/man/man{section}/postrider-{command}.{section}"

    def test_every_command_and_option(self):
        overview = self.text("usr/share/man/man1/postrider.1").replace("\\-", "-")
        for command in commands():
            self.assertIn(f".BR postrider-{command} (", overview)
            page = self.text(self.page(command)).replace("\\-", "-")
            for option in options(command):
                self.assertRegex(page, rf"(?m)^\.B --{option}\b", command)

    def test_every_setting(self):
        page = self.text("usr/share/man/man5/postrider.conf.5")
        for option in options("serve"):
            if option != "config":
                self.assertRegex(page, rf"(?m)^\.B {option.replace('-', '_')} =", option)
        self.assertRegex(page, r"(?s)\.B log_level = .*?Default: info\n\.br\nTaken up by a reload\.\n")
        self.assertRegex(page, r"(?s)\.B listen = .*?Default: 127\.0\.0\.1:8420\n")

    @unittest.skipUnless(shutil.which("man"), "needs man (Debian: man-db)")
    def test_groff_has_nothing_to_say(self):
        pages = sorted((self.root / "usr/share/man").rglob("*.[158]"))
        self.assertEqual(len(pages), len(commands()) + 2)
        for page in pages:
            done = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), page.name)


class Settings(Installed):
    def test_sample_says_every_setting_and_its_default(self):
        sample = self.text("etc/postrider/postrider.conf")
        self.assertEqual([], [line for line in sample.splitlines() if line and not line.startswith("#")], "nothing is set")
        named = re.findall(r"(?m)^#([a-z_]+) = ", sample)
        self.assertEqual([o.replace("-", "_") for o in options("serve") if o != "config"], named)
        self.assertIn("#listen = 127.0.0.1:8420\n", sample)

    def test_defaults_of_the_sample_are_accepted(self):
        """Every default that stands there, as if an operator had taken the # away: the daemon runs as without them."""
        helps = dict(re.findall(r"(?m)^  --([a-z-]+) .*\(default ([^()]+)\)(?: \(reload\))?$", postrider("help", "serve").stdout))
        wanted = {name.replace("-", "_"): value for name, value in helps.items()}
        lines = [line for line in self.text("etc/postrider/postrider.conf").splitlines() if line[1:].split(" = ")[0] in wanted and " = " in line]
        self.assertEqual({line[1:].split(" = ")[0]: line.split(" = ", 1)[1] for line in lines}, wanted)
        path = self.folder() / "postrider.conf"
        path.write_text("\n".join(line[1:] for line in lines) + "\n")
        daemon = self.daemon("--config", path)
        self.addCleanup(daemon.api().close)
        self.assertEqual(daemon.api().get("/readyz").status, 200)

    def test_installing_again_leaves_settings_alone(self):
        target = self.folder()
        for words in ("", "listen = 127.0.0.1:9999\n"):
            path = target / "usr/local/etc/postrider/postrider.conf"
            if words:
                path.write_text(words)
            self.assertEqual(run(ROOT / "scripts" / "install", PROGRAM, "/usr/local", target).returncode, 0)
        self.assertEqual(path.read_text(), words)
        unit = (target / "usr/local/lib/systemd/system/postrider.service").read_text()
        self.assertIn("ExecStart=/usr/local/bin/postrider serve --config /usr/local/etc/postrider/postrider.conf\n", unit)


@unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze (Debian: systemd)")
class Unit(Installed):
    UNIT = "usr/lib/systemd/system/postrider.service"

    def test_exposure(self):
        """1.5 is asked for; what is left is the network, which it is for."""
        done = run("systemd-analyze", "security", "--offline=true", "--threshold=12", "--no-pager", self.root / self.UNIT)
        self.assertEqual(done.returncode, 0, done.stdout[-300:] + done.stderr)
        exposure = float(re.search(r"exposure level for postrider\.service: ([\d.]+)", done.stdout).group(1))
        self.assertLessEqual(exposure, 1.2)

    def test_names_what_is_installed(self):
        unit = self.text(self.UNIT)
        program, config = re.search(r"(?m)^ExecStart=(\S+) serve --config (\S+)$", unit).groups()
        self.assertTrue(os.access(self.root / program[1:], os.X_OK))
        self.assertTrue((self.root / config[1:]).exists())
        self.assertNotRegex(unit, "@[a-z]+@")
        for section, page in [(8, "postrider-serve"), (5, "postrider.conf")]:
            self.assertIn(f"man:{page}({section})", unit)


class Completion(Installed):
    PATH = "usr/share/bash-completion/completions/postrider"

    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _postrider; printf "%s\\n" "${COMPREPLY[@]}"'
        done = run("bash", "-euc", script, "bash", self.root / self.PATH, "postrider", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return set(done.stdout.split())

    def test_commands_and_options(self):
        self.assertEqual(self.complete(""), {*commands(), "help", "--help", "--version"})
        self.assertEqual(self.complete("re") & {"render", "replay", "serve"}, {"render", "replay"})
        self.assertEqual(self.complete("help", ""), set(commands()))
        for command in commands():
            self.assertEqual(self.complete(command, "--"), {*("--" + o for o in options(command)), "--help"})

    def test_values(self):
        folder = self.folder()
        (folder / "settings.conf").write_text("")
        (folder / "inner").mkdir()
        self.assertEqual(self.complete("serve", "--config", f"{folder}/"), {f"{folder}/settings.conf", f"{folder}/inner"})
        self.assertEqual(self.complete("serve", "--data", f"{folder}/"), {f"{folder}/inner"})
        self.assertEqual(self.complete("serve", "--listen", ""), set())
        self.assertEqual(self.complete("render", "--preset", "wiraya"), {"wiraya-push", "wiraya-callback"})
        self.assertEqual(self.complete("nonsense", ""), set())

    def test_the_other_shells_read_theirs(self):
        for shell, path in [("zsh", "share/zsh/site-functions/_postrider"), ("fish", "share/fish/vendor_completions.d/postrider.fish")]:
            text = self.text(f"usr/{path}")
            for option in options("serve"):
                self.assertIn(option, text)
            if shutil.which(shell):
                self.assertEqual(run(shell, "-n", self.root / "usr" / path).returncode, 0, shell)


if __name__ == "__main__":
    unittest.main()
