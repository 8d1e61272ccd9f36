#!/usr/bin/env python3
"""How good a review's claims are, on documents the adapter never saw.

    bench/review_eval.py run  PROGRAM DATA DIR     reviews of every document
    bench/review_eval.py eval DATA DIR [--measured FILE]

DATA is JSON Lines as ContractNLI's ({"doc_id","text","spans","annotations"}),
DIR holds one review (sorites review --json -n 9) a document.  `run` makes those
that are missing, one thread each, so that it can be stopped and gone on with.
`eval` fits the weights that turn readings into verdicts on all documents but
one and reports the figures on that one (leave-one-document-out); intervals are
bootstraps over documents.  Nothing reported was fitted on what it is of.
"""
import json
import math
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict

VERDICT = {"Entailment": "supported", "Contradiction": "contradicted",
           "NotMentioned": "not_addressed"}
NAMES = ["supported", "contradicted", "not_addressed"]
ANSWERS = [0.7, 0.75, 0.8, 0.85, 0.9]


# --- data ---------------------------------------------------------------------

def documents(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def run(program, data, folder):
    os.makedirs(folder, exist_ok=True)
    for d in documents(data):
        out = os.path.join(folder, d["doc_id"] + ".json")
        if os.path.exists(out):
            continue
        made = subprocess.run(
            [program, "review", "-q", "-t", "1", "-n", "9", "--json", "--db",
             os.path.join(folder, "trace.db"), "-"], input=d["text"].encode(),
            stdout=subprocess.PIPE, check=True)
        with open(out, "wb") as f:
            f.write(made.stdout)
        print(d["doc_id"], file=sys.stderr)


class Item:
    """One claim of one document."""

    def __init__(self, doc, claim, note):
        self.doc, self.claim = doc["doc_id"], claim
        self.id = claim["id"]
        self.gold = VERDICT[note["label"]]
        self.spans = [(e["start"], e["end"]) for e in note["evidence"]]

    def readings(self, n_path):
        """Probabilities by passage: half of the plain path, half of the mean
        of the others among the first n_path that count."""
        plain, sums = {}, defaultdict(lambda: [0.0, 0.0, 0])
        for path in self.claim["paths"][:n_path]:
            if not path["counts"] or path["variant"] == "subset":
                continue
            for i, r in enumerate(path["readings"]):
                p = [r["supports"], r["contradicts"]]
                if path["variant"] == "opposite":
                    p.reverse()
                if path["variant"] == "plain":
                    plain[i] = p
                else:
                    sums[i] = [sums[i][0] + p[0], sums[i][1] + p[1],
                               sums[i][2] + 1]
        out = []
        for i, p in plain.items():
            if i in sums:
                p = [(p[k] + sums[i][k] / sums[i][2]) / 2 for k in (0, 1)]
            out.append(p + [1 - p[0] - p[1]])
        return out

    def evidence_rank(self):
        """Which citation is the first to touch a gold span; None: none."""
        for k, e in enumerate(self.claim["evidence"]):
            if any(e["start"] < b and a < e["end"] for a, b in self.spans):
                return k
        return None


def items(data, folder):
    all_items = []
    for d in documents(data):
        path = os.path.join(folder, d["doc_id"] + ".json")
        if not os.path.exists(path) or not os.path.getsize(path):
            continue
        with open(path, encoding="utf-8") as f:
            review = json.load(f)
        claims = {c["id"]: c for c in review["claims"]}
        for note in d["annotations"]:
            if note["hyp_id"] in claims:
                all_items.append(Item(d, claims[note["hyp_id"]], note))
    return all_items


# --- the model of a verdict --------------------------------------------------

def logit(p):
    p = min(max(p, 1e-4), 1 - 1e-4)
    return math.log(p / (1 - p))


def sigmoid(x):
    return 1 / (1 + math.exp(-max(min(x, 50), -50)))


def features(item, n_path, priors):
    """(x, prior) of the question "related?", and of "supports?"."""
    p = item.readings(n_path)
    e = max((1 - q[2] for q in p), default=0)
    s, c = sum(q[0] for q in p), sum(q[1] for q in p)
    related, supports = priors.get(item.id, (0, 0))
    return ([logit(e), related], [logit(s / (s + c) if s + c else 0.5),
                                  supports])


def solve(a, b):
    """Gaussian elimination of a small symmetric system."""
    n = len(b)
    m = [row[:] + [b[i]] for i, row in enumerate(a)]
    for i in range(n):
        for k in range(i + 1, n):
            f = m[k][i] / m[i][i]
            for j in range(i, n + 1):
                m[k][j] -= f * m[i][j]
    x = [0.0] * n
    for i in reversed(range(n)):
        x[i] = (m[i][n] - sum(m[i][j] * x[j] for j in range(i + 1, n))) \
            / m[i][i]
    return x


def fit(rows, truth, ridge=0.05):
    """Logistic regression by Newton's method; a bias comes last."""
    rows = [r + [1.0] for r in rows]
    n = len(rows[0])
    w = [0.0] * n
    for _ in range(50):
        g = [ridge * w[k] if k < n - 1 else 0.0 for k in range(n)]
        h = [[(ridge if j < n - 1 else 1e-6) if j == k else 0.0
              for j in range(n)] for k in range(n)]
        for r, y in zip(rows, truth):
            p = sigmoid(sum(a * b for a, b in zip(w, r)))
            for k in range(n):
                g[k] += (p - y) * r[k]
                for j in range(n):
                    h[k][j] += p * (1 - p) * r[k] * r[j]
        w = [a - b for a, b in zip(w, solve(h, g))]
    return w


def apply(w, row):
    return sigmoid(sum(a * b for a, b in zip(w, row + [1.0])))


def fit_both(data, feats):
    related = fit([feats[i][0] for i in data],
                  [float(i.gold != "not_addressed") for i in data])
    some = [i for i in data if i.gold != "not_addressed"]
    supports = fit([feats[i][1] for i in some],
                   [float(i.gold == "supported") for i in some])
    return related, supports


def verdict_p(weights, feat):
    related = apply(weights[0], feat[0])
    supports = apply(weights[1], feat[1])
    return [related * supports, related * (1 - supports), 1 - related]


def leave_one_out(data, n_path, priors):
    """p of the three verdicts of every item, fitted on other documents."""
    feats = {i: features(i, n_path, priors) for i in data}
    out = {}
    for doc in sorted({i.doc for i in data}):
        w = fit_both([i for i in data if i.doc != doc], feats)
        for i in data:
            if i.doc == doc:
                out[i] = verdict_p(w, feats[i])
    return out, fit_both(data, feats)


# --- figures -----------------------------------------------------------------

def forced(p):
    return NAMES[max(range(3), key=lambda k: p[k])]


def interval(data, value, n=2000):
    """Mean and 95 % interval, documents drawn with replacement."""
    by_doc = defaultdict(list)
    for i in data:
        by_doc[i.doc].append(value(i))
    docs = sorted(by_doc)
    rng = random.Random(1)
    means = []
    for _ in range(n):
        drawn = [v for d in rng.choices(docs, k=len(docs)) for v in by_doc[d]]
        means.append(sum(drawn) / len(drawn))
    means.sort()
    every = [v for d in docs for v in by_doc[d]]
    return (sum(every) / len(every), means[int(0.025 * n)],
            means[int(0.975 * n)])


def show(name, data, value):
    if data:
        print("%-44s %.4f  [%.4f, %.4f]  n=%d" %
              ((name,) + interval(data, value) + (len(data),)))


def calibration_error(pairs, bins=10):
    """ECE over equally filled bins of (confidence, right)."""
    pairs = sorted(pairs)
    total = 0.0
    for b in range(bins):
        part = pairs[b * len(pairs) // bins:(b + 1) * len(pairs) // bins]
        if part:
            total += abs(sum(c - r for c, r in part))
    return total / len(pairs)


def correlation(data):
    """Mean correlation between the errors of two counting paths."""
    total, n = 0.0, 0
    for a in range(9):
        for b in range(a):
            xs = []
            for i in data:
                paths = i.claim["paths"]
                if max(a, b) < len(paths) and paths[a]["counts"] and \
                        paths[b]["counts"]:
                    xs.append((paths[a]["verdict"] != i.gold,
                               paths[b]["verdict"] != i.gold))
            if len(xs) < 50:
                continue
            ma, mb = (sum(x[k] for x in xs) / len(xs) for k in (0, 1))
            if 0 < ma < 1 and 0 < mb < 1:
                cov = sum((x - ma) * (y - mb) for x, y in xs) / len(xs)
                total += cov / math.sqrt(ma * (1 - ma) * mb * (1 - mb))
                n += 1
    return total / n if n else float("nan")


def f1(data, p, name):
    tp = sum(forced(p[i]) == name == i.gold for i in data)
    fp = sum(forced(p[i]) == name != i.gold for i in data)
    fn = sum(forced(p[i]) != name == i.gold for i in data)
    return 2 * tp / (2 * tp + fp + fn) if tp else 0.0


def passes(item, kinds):
    return all(c["passed"] is not False for c in item.claim["checks"]
               if c["kind"] in kinds)


def priors_of(folder):
    with open(os.path.join(folder, "claims-nda.json"), encoding="utf-8") as f:
        return {c["id"]: (c["prior"]["related"], c["prior"]["supports"])
                for c in json.load(f)["claims"] if "prior" in c}


def wilson(wrong, n):
    """95 % interval of a share."""
    z, p = 1.96, wrong / n
    mid, half = p + z * z / (2 * n), z * math.sqrt(
        p * (1 - p) / n + z * z / (4 * n * n))
    return ((mid - half) / (1 + z * z / n), (mid + half) / (1 + z * z / n))


def write_measured(path, data, p):
    """Per claim: how often its forced verdict was wrong, contradictions
    apart; into the pack's measured.json."""
    with open(path, encoding="utf-8") as f:
        whole = json.load(f)
    rows = []
    for claim in sorted({i.id for i in data}, key=lambda s: (len(s), s)):
        for verdict in (None, "contradicted"):
            given = [i for i in data if i.id == claim and
                     (verdict is None or forced(p[i]) == verdict)]
            if not given:
                continue
            wrong = sum(forced(p[i]) != i.gold for i in given)
            low, high = wilson(wrong, len(given))
            row = {"claim": claim, "verdict": verdict or "any",
                   "n": len(given), "wrong": wrong, "low": round(low, 4),
                   "high": round(high, 4),
                   "set": "ContractNLI, 18 NDAs not trained on, "
                          "every verdict given"}
            rows.append(row)
    rows += [r for r in whole["claims"]
             if r["claim"] not in {i.id for i in data}]
    head = ",\n".join("    " + json.dumps(r) for r in whole["types"])
    tail = ",\n".join("    " + json.dumps(r) for r in rows)
    with open(path, "w", encoding="utf-8") as f:
        f.write('{\n  "types": [\n%s\n  ],\n  "claims": [\n%s\n  ]\n}\n' %
                (head, tail))


def report(data, priors):
    p8, weights = leave_one_out(data, 8, priors)
    p1, _ = leave_one_out(data, 1, priors)
    print("documents", len({i.doc for i in data}), "items", len(data),
          Counter(i.gold for i in data))
    for name, w in zip(("related", "supports"), weights):
        print("weights of all documents, %s: evidence %.2f prior %.2f "
              "bias %.2f" % ((name,) + tuple(w)))
    some = [i for i in data if i.spans]
    for k in (1, 2, 3, 5, 7):
        show("gold evidence among %d cited" % k, some, lambda i, k=k:
             float(i.evidence_rank() is not None and i.evidence_rank() < k))
    right8 = lambda i: float(forced(p8[i]) == i.gold)
    right1 = lambda i: float(forced(p1[i]) == i.gold)
    show("forced verdict, 8 paths", data, right8)
    show("forced verdict, 1 path", data, right1)
    show("8 paths minus 1, paired", data, lambda i: right8(i) - right1(i))
    for name in NAMES:
        show("  right of gold %s" % name, [i for i in data if i.gold == name],
             right8)
        print("  F1 of %s: %.4f" % (name, f1(data, p8, name)))
    print("ECE, 8 paths %.4f; 1 path %.4f" % (
        calibration_error([(max(p8[i]), right8(i)) for i in data]),
        calibration_error([(max(p1[i]), right1(i)) for i in data])))
    checks = ("negation", "swap", "value", "rule")
    for kinds in ((), ("negation",), ("swap",), ("rule",), checks):
        for t in ANSWERS:
            given = [i for i in data if max(p8[i]) >= t and passes(i, kinds)]
            show("given: p >= %.2f %s (%.3f answered)" %
                 (t, "+".join(kinds), len(given) / len(data)), given, right8)
    print("correlation of errors between paths %.3f" % correlation(data))
    knock = [c for i in data for c in i.claim["checks"]
             if c["kind"] == "knockout"]
    print("knock-out: %d, sole basis %d, carried by another %d, turned %d" % (
        len(knock), sum("sole basis" in c["note"] for c in knock),
        sum("carries" in c["note"] for c in knock),
        sum(c["passed"] is False for c in knock)))
    same = Counter()
    for i in data:
        for c in i.claim["checks"]:
            if c["kind"] in ("negation", "swap") and "p" in c and \
                    i.gold == "supported" == forced(p8[i]):
                same[c["kind"]] += 1
                same[c["kind"] + ", also supported"] += \
                    c["p"]["supported"] >= 0.5
    print("changed claims on rightly supported ones:", dict(same))
    shipped = [i for i in data if i.claim["verdict"] in NAMES]
    show("as the program says (%.3f answered)" % (len(shipped) / len(data)),
         shipped, lambda i: float(i.claim["verdict"] == i.gold))
    print("confusion:", dict(Counter((i.gold, forced(p8[i])) for i in data)))
    return p8


def main(argv):
    if len(argv) == 5 and argv[1] == "run":
        run(*argv[2:])
        return 0
    if len(argv) in (4, 6) and argv[1] == "eval":
        here = os.path.dirname(os.path.abspath(__file__))
        pack = os.path.join(here, "..", "domains", "legal")
        data = items(argv[2], argv[3])
        p = report(data, priors_of(pack))
        if len(argv) == 6 and argv[4] == "--measured":
            write_measured(argv[5], data, p)
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv))
