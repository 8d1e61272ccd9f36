#!/usr/bin/env python3
"""Plants faults of every kind into contracts, to measure what finds them.

    bench/plant.py CONTRACTS.jsonl[.gz] [-n 12] [--seed 1] > faulted.jsonl

reads objects with "doc_id" and "text" and writes, for each contract that is
long enough and takes at least five kinds, one object in the form of the
annotated faults: id, source_id, source (the unchanged text), text, and faults
[{kind, start, end, note, related?}] with offsets in code points of text.

A fault is an edit of one or two places: insertions and replacements are
collected first and made from the end of the text to its beginning, so that
offsets are exact.  Names, numbers and wordings are drawn by the seed from
lists that no rule was written from.
"""
import argparse
import gzip
import json
import random
import re
import sys

# Single words, for those that define their terms in one.
WORDS = ["Deliverables", "Milestones", "Specifications", "Premises",
         "Materials", "Facilities"]
TERMS = ["Security Protocol", "Quality Manual", "Approved Vendors",
         "Escrow Materials", "Transition Plan", "Steering Group",
         "Acceptance Criteria", "Reference Rate", "Excluded Records",
         "Service Credits", "Handover Period", "Key Personnel"]
UNUSED = [("Background Materials", "all drawings, data and know-how that a "
           "party owned before the date hereof"),
          ("Reporting Period", "each calendar quarter"),
          ("Competing Product", "any product that performs the same functions"),
          ("Business Records", "the books, files and correspondence kept in "
           "the ordinary course of business"),
          ("Insolvency Event", "the appointment of a receiver over the assets "
           "of a party"),
          ("Critical Spare", "any part whose failure stops operation")]
STRANGERS = ["Meridian Biotech GmbH", "Halcyon Freight Ltd.",
             "Castellan Partners LLP", "Orbis Data Systems, Inc.",
             "Tamarind Holdings LLC", "Pellworth Foods Corporation"]
PERIODS = [(30, "thirty", 45, "forty-five"), (60, "sixty", 90, "ninety"),
           (10, "ten", 15, "fifteen"), (14, "fourteen", 21, "twenty-one")]
YEARS = [(2, "two", 3, "three"), (3, "three", 5, "five"), (5, "five", 7,
                                                           "seven")]


class Draft:
    """A text and the edits to make in it."""

    def __init__(self, text, rng):
        self.text, self.rng = text, rng
        self.edits, self.faults = [], []
        self.body = body_of(text)
        self.sentences = [m for m in re.finditer(
            r"(?<=[a-z)])\.(?=\s+(?:[A-Z“\"(]|\d|\n))", text)
            if self.body[0] < m.start() < self.body[1] and
            # no heading: the words before it are a sentence
            not re.search(r"\n|[.;:]\s|\s{2}", text[m.start() - 60:m.start()])]

    def free(self, at, to=None):
        to = at if to is None else to
        return all(to + 200 < a or at > b + 200 for a, b, _, _ in self.edits)

    def edit(self, at, to, new, fault=None, part=0):
        """part: offset of the faulty words in new, or (offset, length)."""
        self.edits.append((at, to, new, (fault, part) if fault is not None
                           else None))

    def end_of_sentence(self, within=None):
        """A place just before a full stop, not near another edit."""
        lo, hi = within or self.body
        fit = [m.start() for m in self.sentences
               if lo <= m.start() < hi and self.free(m.start())]
        return self.rng.choice(fit) if fit else None

    def apply(self):
        out, marks, shift = self.text, [], 0
        for at, to, new, mark in sorted(self.edits, key=lambda e: e[0]):
            out = out[:at + shift] + new + out[to + shift:]
            if mark:
                fault, (off, n) = mark
                marks.append((fault, at + shift + off, n))
            shift += len(new) - (to - at)
        for fault, start, n in marks:
            span = {"start": start, "end": start + n}
            if "start" not in fault:
                fault.update(span)
            else:
                fault.setdefault("related", []).append(span)
        return out


def body_of(text):
    end = re.search(r"IN WITNESS WHEREOF|Agreed by the Parties through", text)
    return min(600, len(text) // 10), end.start() if end else len(text)


def quotes(text):
    return ("“", "”") if text.count("“") > text.count('"') else ('"', '"')


def sections(text):
    """Top-level section numbers in order, with where their text starts."""
    found = {}
    for m in re.finditer(r"(?:^|\n|\s{2,}|\. )(?:Section |SECTION )?(\d{1,2})\."
                         r"(?:\s+[A-Z][A-Za-z ,;&-]{2,60}\.)?\s+(?=[A-Z])",
                         text):
        found.setdefault(int(m[1]), m.end())
    last, out = 0, []
    for n in sorted(found):
        if n == last + 1 and (not out or found[n] > out[-1][1]):
            out.append((n, found[n]))
            last = n
    return out


def insert(d, kind, sentence, part, note, within=None):
    """One more sentence after some sentence; part: the faulty words."""
    at = d.end_of_sentence(within)
    if at is None:
        return None
    fault = {"kind": kind, "note": note}
    d.edit(at + 1, at + 1, " " + sentence, fault,
           (1 + sentence.index(part), len(part)))
    d.faults.append(fault)
    return fault


def undefined_term(d):
    pool = TERMS if d.rng.random() < 0.75 else WORDS
    t = d.rng.choice([t for t in pool if t.lower() not in d.text.lower()]
                     or TERMS)
    s = d.rng.choice([", as set out in the %s", ", subject to the %s",
                      " in the manner described in the %s",
                      ", other than any %s", ", and shall observe all %s",
                      " with respect to each of the %s",
                      ", in each case as required by the applicable %s"]) % t
    at = d.end_of_sentence()
    if at is None:
        return
    fault = {"kind": "undefined_term", "note": "no definition"}
    d.edit(at, at, s, fault, (s.index(t), len(t)))
    d.faults.append(fault)


def unused_definition(d):
    t, meaning = d.rng.choice([u for u in UNUSED if u[0] not in d.text])
    a, b = quotes(d.text)
    form = d.rng.choice([
        "%(a)s%(t)s%(b)s means %(m)s.", "%(a)s%(t)s%(b)s shall mean %(m)s.",
        "The term %(a)s%(t)s%(b)s means %(m)s.",
        "For these purposes a party shall take account of %(m)s "
        "(%(a)s%(t)s%(b)s).",
        "Each party shall have regard to %(m)s (the %(a)s%(t)s%(b)s)."])
    insert(d, "unused_definition",
           form % {"a": a, "b": b, "t": t, "m": meaning}, t,
           "defined, never used")


def dangling_reference(d):
    secs = sections(d.text)
    # Past every number that begins a line or a sentence, Roman ones too.
    top = max([int(m) for m in re.findall(
        r"(?:^|\n|\s\s|[.;:]\s|(?:Section|Article|Clause|Paragraph|ARTICLE) )"
        r"(\d{1,2})\b", d.text)] + [d.text.count("ARTICLE ")] or [0])
    ref = "Section %d" % (top + d.rng.randint(2, 6))
    if d.rng.random() < 0.4:
        ref += ".%d" % d.rng.randint(1, 4)
    dice = d.rng.random()
    if dice < 0.15 and "Schedule" not in d.text:
        ref = "Schedule 9"
    elif dice < 0.25 and "Exhibit Q" not in d.text:
        ref = "Exhibit Q"
    elif dice < 0.4 and len(secs) > 3:
        ref = "Section %d.%d" % (d.rng.choice(secs)[0], d.rng.randint(41, 60))
    s = d.rng.choice([" in accordance with %s", ", except as provided in %s",
                      ", as further described in %s"]) % ref
    at = d.end_of_sentence()
    if at is None:
        return
    fault = {"kind": "dangling_reference", "note": "there is no such unit"}
    d.edit(at, at, s, fault, (s.index(ref), len(ref)))
    d.faults.append(fault)


def circular_precedence(d):
    secs = [s for s in sections(d.text) if d.body[0] < s[1] < d.body[1]
            and d.free(s[1]) and re.match(r"(?:The|This|Each|Any|Either|All|"
                                          r"Neither|No)\b", d.text[s[1]:])]
    if len(secs) < 2:
        return
    a, b = sorted(d.rng.sample(secs, 2))
    word = d.rng.choice(["Subject to Section %d, ", "Subject to the provisions "
                         "of Section %d, ", "Notwithstanding Section %d, ",
                         "Notwithstanding anything to the contrary in Section "
                         "%d, ", "Except as provided in, and subject to, "
                         "Section %d, "])
    fault = {"kind": "circular_precedence", "note": "each yields to the other"}
    for here, there in ((a, b), (b, a)):
        new = word % there[0]
        at = here[1]
        d.edit(at, at + 1, new + d.text[at].lower(), fault, (0, len(new) - 2))
    d.faults.append(fault)


def contradictory_survival(d):
    a, aw, b, bw = d.rng.choice(YEARS)
    one, two, x, y = d.rng.choice([
        ("The obligations of confidentiality shall survive for %s (%d) years "
         "after termination.", "The duties of confidence shall continue for a "
         "period of %s (%d) years following termination of this Agreement.",
         "survive for %s (%d) years", "%s (%d) years"),
        ("The confidentiality obligations of this Agreement remain in effect "
         "for %s (%d) years from the date of disclosure.", "The obligations "
         "regarding Confidential Information shall survive for %s (%d) years "
         "from the date of disclosure.", "%s (%d) years",
         "survive for %s (%d) years"),
        ("The obligations of confidentiality shall survive termination of this "
         "Agreement for %s (%d) years.", "The confidentiality obligations of "
         "the parties shall survive termination of this Agreement "
         "indefinitely.", "%s (%d) years", "indefinitely"),
        ("The duties of confidentiality shall survive the expiration of this "
         "Agreement for %s (%d) years.", "All obligations of confidentiality "
         "shall cease upon termination or expiration of this Agreement.",
         "%s (%d) years", "cease upon termination")])
    fill = (lambda t, *v: t % v if "%" in t else t)
    pair(d, "contradictory_survival", fill(one, aw, a), fill(two, bw, b),
         (fill(x, aw, a), fill(y, bw, b)))


def conflicting_number(d):
    a, aw, b, bw = d.rng.choice(PERIODS)
    days = ("%s (%d) days" % (aw, a), "%s (%d) days" % (bw, b))
    one, two, parts = d.rng.choice([
        ("Either party may terminate this Agreement on %s' written notice.",
         "This Agreement may be ended by either party on %s' prior written "
         "notice to the other party.", days),
        ("Each invoice is payable within %s of receipt.", "The fees shall be "
         "paid no later than %s after the invoice is received.", days),
        ("A party in breach shall have %s after written notice to cure the "
         "breach.", "The defaulting party shall cure any breach within %s of "
         "notice thereof.", days),
        ("The warranty period is %s from delivery.", "All items are warranted "
         "for a period of %s after delivery.",
         ("twelve (12) months", "twenty-four (24) months")),
        ("The total liability of either party shall not exceed %s.",
         "In no event shall the aggregate liability of a party exceed %s.",
         ("$250,000", "$500,000")),
        ("Overdue amounts bear interest at the rate of %s per month.",
         "Interest on late payments accrues at %s per month.",
         ("1.5%", "2%")),
        ("This Agreement shall expire on %s.", "Unless terminated earlier, the "
         "term of this Agreement ends on %s.",
         ("June 30, 2027", "December 31, 2027")),
        ("A notice is deemed received %s after mailing.", "Notices shall be "
         "deemed to have been given %s after they are mailed.",
         ("three (3) days", "five (5) days"))])
    pair(d, "conflicting_number", one % parts[0], two % parts[1], parts)


def pair(d, kind, one, two, parts):
    lo, hi = d.body
    mid = (lo + hi) // 2
    first = d.end_of_sentence((lo, mid))
    second = d.end_of_sentence((mid + 100, hi))
    if first is None or second is None:
        return
    fault = {"kind": kind, "note": "two answers to one question"}
    for at, s, part in ((first, one, parts[0]), (second, two, parts[1])):
        d.edit(at + 1, at + 1, " " + s, fault, (1 + s.index(part), len(part)))
    d.faults.append(fault)


def missing_governing_law(d):
    hits = [m for m in re.finditer(
        r"[A-Z“\"][^.\n]{0,200}\bgoverned\b(?:[^.\n]|\.(?=[A-Z]\.)|\.(?=\S)){0,"
        r"300}\blaws?\b(?:[^.\n]|\.(?=[A-Z]\.)|\.(?=\S)){0,200}\.", d.text)]
    if len(hits) != 1 or not d.free(hits[0].start(), hits[0].end()) or \
            len(re.findall(r"laws? of", d.text)) > 3:
        return
    m = hits[0]
    fault = {"kind": "missing_governing_law", "note": "removed"}
    d.edit(m.start(), m.end(), "", fault, (0, 0))
    d.faults.append(fault)


def wrong_party_name(d):
    name = d.rng.choice([s for s in STRANGERS if s.split()[0] not in d.text])
    role = [m for m in re.finditer(
        r"(?:by|to|of|from|upon) (?:the )?((?:Disclosing Party|Receiving Party|"
        r"Company|Licensor|Licensee|Supplier|Customer|Distributor|Consultant|"
        r"Recipient|Buyer|Seller|Client|Manufacturer|Contractor))(?=[ ,.;])"
        r"(?! ?['’])", d.text) if d.body[0] < m.start() < d.body[1] and
        d.free(m.start(), m.end())]
    if not role:
        return
    m = d.rng.choice(role)
    parties = re.findall(r"\b((?:[A-Z][\w&]+ ){1,3})(Inc|LLC|Ltd|Limited|Corp"
                         r"oration|GmbH)\b", d.text[:1500])
    if parties and d.rng.random() < 0.3:
        # A party's own name with another legal form.
        name = parties[0][0] + ("GmbH" if parties[0][1] != "GmbH" else "Ltd")
    new = m[0].split(" ")[0] + " " + name
    fault = {"kind": "wrong_party_name", "note": "not a party"}
    d.edit(m.start(), m.end(), new, fault,
           (new.index(name), len(name)))
    d.faults.append(fault)


KINDS = [missing_governing_law, circular_precedence, wrong_party_name,
         conflicting_number, contradictory_survival, undefined_term,
         unused_definition, dangling_reference]


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("contracts")
    ap.add_argument("-n", type=int, default=12, help="contracts")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--most", type=int, default=60000, help="characters")
    a = ap.parse_args()
    opened = gzip.open if a.contracts.endswith(".gz") else open
    rows = [json.loads(line) for line in opened(a.contracts, "rt")]
    rng = random.Random(a.seed)
    rng.shuffle(rows)
    done = 0
    for row in rows:
        if done == a.n:
            break
        if not 5000 < len(row["text"]) < a.most:
            continue
        d = Draft(row["text"], rng)
        for plant in KINDS:
            plant(d)
        if len(d.faults) < 5:
            continue
        text = d.apply()
        faults = sorted(d.faults, key=lambda f: f["start"])
        json.dump({"id": row["doc_id"] + "-faulted",
                   "source_id": row["doc_id"], "source": row["text"],
                   "text": text, "faults": faults}, sys.stdout)
        print()
        done += 1


if __name__ == "__main__":
    main()
