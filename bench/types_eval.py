#!/usr/bin/env python3
"""How well clauses are typed, on documents the adapter never saw.

    bench/types_eval.py ask  CLAUSES CONTRACTS > in.jsonl
    sorites classify in.jsonl > out.jsonl
    bench/types_eval.py eval CLAUSES out.jsonl

CLAUSES and CONTRACTS are CUAD's, JSON Lines, gzipped.  A type is right where it
is one of the clause's labels; intervals are bootstraps over documents.
"""
import gzip
import json
import sys
from collections import Counter, defaultdict

from review_eval import calibration_error, show

CONTEXT = 700           # characters before a clause, as in training


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def ask(clauses, contracts):
    text = {d["doc_id"]: d["text"] for d in lines(contracts)}
    for c in lines(clauses):
        before = text[c["doc_id"]][max(0, c["start"] - CONTEXT):c["start"]]
        print(json.dumps({"id": c["id"], "text": c["text"],
                          "context": before}))


class Item:
    def __init__(self, clause, answer):
        self.doc, self.label = clause["doc_id"], clause["label"]
        self.kind = clause["kind"]
        self.given, self.score = answer["label"], answer["score"]
        self.right = float(self.given in (clause["labels"] or [self.label]))


def evaluate(clauses, answers):
    with open(answers, encoding="utf-8") as f:
        given = {a["id"]: a for a in map(json.loads, f)}
    data = [Item(c, given[c["id"]]) for c in lines(clauses)
            if c["id"] in given]
    often = [t for t, _ in Counter(i.label for i in data).most_common()
             if t != "None"][:20]
    right = lambda i: i.right
    show("all types", data, right)
    show("20 most frequent and None",
         [i for i in data if i.label in often + ["None"]], right)
    for kind in sorted({i.kind for i in data}):
        show(kind, [i for i in data if i.kind == kind], right)
    print("ECE %.4f" % calibration_error([(i.score, i.right) for i in data]))
    by_type = defaultdict(list)
    for i in data:
        by_type[i.label].append(i)
    for t in sorted(by_type, key=lambda t: -len(by_type[t])):
        show("  " + t, by_type[t], right)


def main(argv):
    if len(argv) == 4 and argv[1] == "ask":
        ask(*argv[2:])
    elif len(argv) == 4 and argv[1] == "eval":
        evaluate(*argv[2:])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
