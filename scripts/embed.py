#!/usr/bin/env python3
"""embed.py HEADER STRUCT ARRAY OUTPUT FILE...: writes a C file that holds the bytes of each FILE.

HEADER is what the C file includes; it declares `struct STRUCT { const char *name; const char *text; size_t size; }` and
`extern const struct STRUCT ARRAY[]`. The rows are sorted by name (the file's, without its extension), and a row of zeroes ends them.
"""

import os
import sys


def literal(data):
    """The bytes as C string literals, one a line of the file, so that the result can be read and compared."""
    pieces = []
    for line in data.splitlines(keepends=True) or [b""]:
        text = "".join(
            chr(b) if 0x20 <= b < 0x7F and chr(b) not in '"\\?' else "\\%03o" % b  # '?': no trigraphs
            for b in line
        )
        pieces.append('\t\t"%s"' % text)
    return "\n".join(pieces)


def main():
    header, struct, array, output, *files = sys.argv[1:]
    rows = []
    for path in files:
        name = os.path.splitext(os.path.basename(path))[0]
        with open(path, "rb") as f:
            rows.append((name, f.read()))
    rows.sort()
    with open(output, "w", encoding="ascii") as out:
        out.write("/* Made by scripts/embed.py; change the files it was made from. */\n")
        out.write('#include "%s"\n\nconst struct %s %s[] = {\n' % (header, struct, array))
        for name, data in rows:
            out.write('\t{ "%s",\n%s,\n\t  %d },\n' % (name, literal(data), len(data)))
        out.write("\t{ 0 },\n};\n")


if __name__ == "__main__":
    main()
