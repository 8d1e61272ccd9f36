#!/usr/bin/env python3
"""Counts the planted faults that `sorites review --rules-only` finds.

    bench/plant.py CONTRACTS.jsonl.gz -n 16 --seed 5 | bench/defects.py [-v]

For each contract both texts are reviewed: a fault counts as found where a
defect of its kind overlaps it or its other place (an absence: where it is
reported at all); what is reported on the unchanged text is listed by kind.  How
many of those are false alarms only a reader can say: -v prints them, with the
faults that were missed.  The program is $SORITES_PROG, else ./sorites.
"""
import collections
import json
import os
import subprocess
import sys


def review(text):
    prog = os.environ.get("SORITES_PROG", "./sorites")
    out = subprocess.run([prog, "review", "--rules-only", "--json", "-q", "-"],
                         input=text.encode(), capture_output=True)
    if out.returncode not in (0, 1):
        sys.exit(out.stderr.decode())
    return json.loads(out.stdout)["defects"]


def overlap(a, b):
    return a["start"] < b["end"] and b["start"] < a["end"]


def names(defect, fault):
    if defect["kind"] != fault["kind"]:
        return False
    if fault["kind"].startswith("missing_"):
        return True
    places = [fault] + fault.get("related", [])
    other = defect.get("related") or []
    mine = [defect] + (other if isinstance(other, list) else [other])
    return any(overlap(m, p) for m in mine for p in places)


def main():
    talk = "-v" in sys.argv[1:]
    planted, found, besides = (collections.Counter() for _ in range(3))
    n = 0
    for line in sys.stdin:
        doc = json.loads(line)
        defects = review(doc["text"])
        n += 1
        for fault in doc["faults"]:
            planted[fault["kind"]] += 1
            hit = any(names(d, fault) for d in defects)
            found[fault["kind"]] += hit
            if talk and not hit:
                print("missed", doc["id"], fault["kind"],
                      doc["text"][fault["start"] - 60:fault["end"] + 40])
        for d in review(doc["source"]):
            besides[d["kind"]] += 1
            if talk:
                print("besides", doc["source_id"], d["kind"],
                      repr(doc["source"][d["start"]:d["end"]]), d["note"])
    for kind in sorted(planted):
        print("%-28s %3d of %3d" % (kind, found[kind], planted[kind]))
    print("%-28s %3d of %3d" % ("all", sum(found.values()),
                                sum(planted.values())))
    print("on %d unchanged contracts: %s" % (n, ", ".join(
        "%s %d" % kv for kv in sorted(besides.items()))))


if __name__ == "__main__":
    main()
