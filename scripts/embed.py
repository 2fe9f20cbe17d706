#!/usr/bin/env python3
"""Writes C files that hold the bytes of other files.

embed.py HEADER STRUCT ARRAY OUTPUT FILE...
    HEADER is what the C file includes; it declares `struct STRUCT { const char *name; const char *text; size_t size; }` and
    `extern const struct STRUCT ARRAY[]`. The rows are sorted by name (the file's, without its extension), and a row of zeroes ends them.

embed.py --web HEADER STRUCT ARRAY OUTPUT DEPFILE FOLDER FILE...
    The same for what browsers ask for: all files of FOLDER, and FILEs from elsewhere. A row is { name with its extension, type, etag,
    gzip, gzip_size, size }: the content as gzip only, because every browser takes it. DEPFILE tells ninja to look again when the
    folder, or a file in it, has changed.
"""

import gzip
import hashlib
import os
import sys

WEB_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


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


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(output, header, struct, array, rows):
    with open(output, "w", encoding="ascii") as out:
        out.write("/* Made by scripts/embed.py; change the files it was made from. */\n")
        out.write('#include "%s"\n\nconst struct %s %s[] = {\n' % (header, struct, array))
        out.writelines(rows)
        out.write("\t{ 0 },\n};\n")


def plain(header, struct, array, output, *files):
    rows = []
    for path in files:
        name = os.path.splitext(os.path.basename(path))[0]
        data = read(path)
        rows.append('\t{ "%s",\n%s,\n\t  %d },\n' % (name, literal(data), len(data)))
    write(output, header, struct, array, sorted(rows))


def web_row(path):
    name = os.path.basename(path)
    data = read(path)
    packed = gzip.compress(data, 9, mtime=0)  # no time in it: the same files make the same binary
    etag = hashlib.sha256(data).hexdigest()[:20]
    kind = WEB_TYPES[os.path.splitext(name)[1]]
    return '\t{ "%s", "%s", "\\"%s\\"",\n%s,\n\t  %d, %d },\n' % (name, kind, etag, literal(packed), len(packed), len(data))


def web(header, struct, array, output, depfile, folder, *files):
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if os.path.splitext(name)[1] in WEB_TYPES and name[0] != "."]
    paths += files
    write(output, header, struct, array, sorted(web_row(path) for path in paths))
    with open(depfile, "w", encoding="utf-8") as out:
        out.write("%s: %s\n" % (output, " ".join(path.replace(" ", "\\ ") for path in [folder, *paths])))


if __name__ == "__main__":
    if sys.argv[1] == "--web":
        web(*sys.argv[2:])
    else:
        plain(*sys.argv[1:])
