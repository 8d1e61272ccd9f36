#!/usr/bin/env python3
"""The shipped packs against docs/domain.schema.json, and the schema against
what the program refuses.  Needs the PyPI package jsonschema; says so and ends
well where it is missing."""
import copy
import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    print("domains.py: skipped, no Python package jsonschema")
    sys.exit(0)

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = json.loads((ROOT / "docs/domain.schema.json").read_text())


def errors(part, data):
    schema = {"$schema": SCHEMA["$schema"], "$defs": SCHEMA["$defs"],
              "$ref": "#/$defs/" + part}
    return [e.message[:200] for e in
            jsonschema.Draft202012Validator(schema).iter_errors(data)]


def files(pack):
    """(definition, file name) of every file that a pack names."""
    for part, names in pack["files"].items():
        for name in names if isinstance(names, list) else [names]:
            yield part, name


def main():
    bad = 0
    for manifest in sorted(ROOT.glob("domains/*/pack.json")):
        pack = json.loads(manifest.read_text())
        for part, name in [("pack", "pack.json"), *files(pack)]:
            data = json.loads((manifest.parent / name).read_text())
            for message in errors(part, data):
                print(manifest.parent.name + "/" + name + ":", message)
                bad += 1
            wrong = copy.deepcopy(data)     # a schema that allows all is none
            wrong["no such key"] = 1
            if not errors(part, wrong):
                print(part + ": an unknown key is allowed")
                bad += 1
    print("domains.py:", "failed" if bad else "ok")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
