"""What the style checks share: which C files there are, and their text without comments and strings."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# A comment, a string or a character constant; whichever begins first wins, as in the compiler.
NOT_CODE = re.compile(r"""//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.S)


def files(*folders, ends=(".c", ".h")):
    """The C files that git knows or would take (new ones are checked before they are committed), sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *folders],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted(f for f in set(listed) if f.endswith(ends) and os.path.exists(os.path.join(ROOT, f)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def code(text):
    """text with comments blanked and literals emptied; every line stays where it was."""
    def blank(match):
        kept = match.group(0)
        quote = kept[0] if kept[0] in "\"'" else ""
        return quote + "\n" * kept.count("\n") + quote
    return NOT_CODE.sub(blank, text)


def verdict(name, faults, cure):
    """Prints the check's one line, or its findings and how to mend them, and ends the script."""
    if not faults:
        print(f"{name}: OK")
        sys.exit(0)
    for fault in faults:
        print(f"{name}: {fault}")
    print(f"{name}: {cure}")
    sys.exit(1)
