#!/usr/bin/env python3
"""schemas.py FILE HEADER SOURCE: makes C of src/api/schemas.json, what the calls of the API take and give.

HEADER gets an enum with SCHEMA_X for each schema X, so that a row of the table of routes can name only what there is; SOURCE their names, and both parts of
the file without its blanks. A $ref that leads nowhere is refused.
"""

import json
import sys


def refs(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].removeprefix("#/components/schemas/")
        for value in node.values():
            yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def literal(text):
    """Pieces of a string, none longer than compilers must take."""
    escaped = [text[i:i + 1000] for i in range(0, len(text), 1000)]
    return "\n".join('\t"%s"' % piece.replace("\\", "\\\\").replace('"', '\\"') for piece in escaped)


def main():
    path, header, source = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        made = json.load(f)
    names = sorted(made["schemas"])
    for name in names:
        for to in refs(made["schemas"][name]):
            if to not in made["schemas"]:
                sys.exit(f"{path}: {name} refers to {to}, which is not there")
    with open(header, "w", encoding="ascii") as out:
        out.write("/* Made by scripts/schemas.py of schemas.json. */\n#ifndef API_SCHEMAS_H\n#define API_SCHEMAS_H\n\nenum schema {\n\tSCHEMA_Nothing,\n")
        out.writelines(f"\tSCHEMA_{name},\n" for name in names)
        out.write("\tSCHEMAS\n};\n\nextern const char *const schema_names[SCHEMAS];\n"
                  "/* JSON objects: components.schemas, and the query's arguments by name. */\n"
                  "extern const char schemas_text[], parameters_text[];\n\n#endif\n")
    with open(source, "w", encoding="ascii") as out:
        out.write('/* Made by scripts/schemas.py of schemas.json. */\n#include "api/schemas.h"\n\nconst char *const schema_names[SCHEMAS] = {\n\t"",\n')
        out.writelines(f'\t"{name}",\n' for name in names)
        out.write("};\n")
        for what in ("schemas", "parameters"):
            out.write(f"\nconst char {what}_text[] =\n{literal(json.dumps(made[what], separators=(',', ':')))};\n")


if __name__ == "__main__":
    main()
