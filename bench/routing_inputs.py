#!/usr/bin/env python3
"""What `make bench-routing` reads, built from the data sets; the same bytes
every time.

    routing_inputs.py DATA > inputs.jsonl               what is measured
    routing_inputs.py --calibration DATA > text.txt     what calibrate reads

A line is {"set", "kind", "id", "text"}; kind is `running` (a curve), `long`
(the same, longer), `hard` (examples in a row) or `simple`.  A simple line has
"items", too: questions, each to be read behind the text, with the answer as the
text has it, and what the model's turn begins with.

Nothing that is measured stands in the calibration's text: that comes from
contracts 0-179; simple questions from contracts 180 on and the unseen ones;
hard texts from GSM8K's test part, MATH-500 and unseen NDAs; running text from
wikitext-2's test part and an unseen contract."""
import gzip
import json
import re
import sys

EXCERPTS = 38           # in a context of about 7,500 tokens
QUOTED = 32000          # characters of them for calibrate: 7,400 tokens
LEAD = 32               # words of a quotation before what is asked for
CONTEXTS = 3            # of which as many are asked about
LONG = 60000            # characters that are sure to be more than 8,192 tokens
LONGER = 200000         # and more than 32,768


def rows(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def plain(text):
    return re.sub(r"\s+", " ", text).strip()


# --- short questions over quoted text ----------------------------------------

def clause_of(contract, category):
    for clause in contract["clauses"]:
        if clause["category"] == category:
            return clause
    return None


def excerpt(contract, clause, room=330):
    """The clause and what stands around it, whole words."""
    start = max(0, clause["start"] - room)
    text = plain(contract["text"][start:clause["end"] + room])
    return text[text.find(" ") + 1:text.rfind(" ")]


def facts(contract):
    """(question, quotation, answer) where the quotation has the answer."""
    law = contract["answers"].get("Governing Law")
    clause = clause_of(contract, "Governing Law")
    if law and clause and law in plain(
            contract["text"][clause["start"]:clause["end"]]):
        yield "Which law governs it?", excerpt(contract, clause), law
    clause = clause_of(contract, "Agreement Date")
    date = clause and plain(contract["text"][clause["start"]:clause["end"]])
    if date and re.fullmatch(r"[A-Z][a-z]+ \d{1,2}, \d{4}", date):
        yield "What is its date?", excerpt(contract, clause), date


def before(quotation, answer):
    """The words that lead to the answer; None: too few do."""
    words = quotation[:quotation.rfind(" " + answer) + 1].split()
    return " ".join(words[-LEAD:]) if len(words) >= LEAD else None


def title(contract):
    parties = contract["answers"].get("Parties") or ""
    return "the %s of %s" % (
        plain(contract["answers"]["Document Name"]).title(),
        plain(re.split(r"[(;]", parties)[0]).rstrip("."))


def quiz(contracts):
    """Contexts of quoted excerpts, each with questions about them: the turn of
    the model begins with the excerpt's own words, and it is to go on."""
    text, items = [], []
    for contract in contracts:
        for question, quotation, answer in facts(contract):
            lead = before(quotation, answer)
            if not lead:
                continue
            name = title(contract)
            text.append('Excerpt %d, from %s:\n"%s"\n\n' % (
                len(text) + 1, name, quotation))
            items.append({
                "question": "Question: Excerpt %d is from %s. %s" % (
                    len(text), name, question),
                "begin": 'It says: "... ' + lead, "answer": answer})
            if len(text) == EXCERPTS:
                yield "".join(text), items
                text, items = [], []


# --- examples in a row ----------------------------------------------------

def worked(examples):
    return "\n\n".join("Problem: %s\nSolution: %s" % (
        e["question"] if "question" in e else e["problem"], e["solution"])
        for e in examples)


def judged(documents, claims):
    out = []
    for d in documents:
        out.append(d["text"])
        for a in d["annotations"]:
            out.append("Claim: %s\nVerdict: %s" % (claims[a["hyp_id"]],
                                                   a["label"]))
    return "\n\n".join(out)


def hypotheses(data):
    with open(data + "/contract_nli/hypotheses.json", encoding="utf-8") as f:
        return {h["hyp_id"]: h["hypothesis"] for h in json.load(f)}


# --- both outputs ------------------------------------------------------------

def measured(data):
    unseen = data + "/unseen/"
    contracts = rows(unseen + "cuad_contracts.jsonl.gz")
    with open(data + "/text/wikitext-2-raw-test.txt", encoding="utf-8") as f:
        wikitext = f.read(LONGER)
    yield "wikitext-2", "running", wikitext[:LONG], None
    yield "wikitext-2", "long", wikitext, None
    yield ("contract", "running",
           next(c["text"] for c in contracts if len(c["text"]) > LONG), None)
    open_ = rows(data + "/cuad_contracts/dev.jsonl.gz")[180:]
    for text, items in list(quiz(contracts + open_))[:CONTEXTS]:
        yield "quoted facts", "simple", text, items
    yield ("GSM8K", "hard", worked(rows(data + "/gsm8k/dev.jsonl")[:120]),
           None)
    yield ("MATH-500", "hard", worked(rows(data + "/math500/dev.jsonl")[:120]),
           None)
    yield ("contract claims", "hard",
           judged(rows(unseen + "contract_nli.jsonl")[:8], hypotheses(data)),
           None)


def calibration(data):
    """Some 7,400 tokens of quotations, and questions behind them, where what is
    left out is missed most: they rank the groups and set the budgets.  Then
    contracts, as running text: they set weights, thresholds and guard."""
    contracts = rows(data + "/cuad_contracts/dev.jsonl.gz")[:180]
    text, items = next(quiz(contracts))
    yield text[:QUOTED] + "\n\n"
    for item in items:
        yield "%s\n%s %s.\"\n\n" % (item["question"], item["begin"],
                                    item["answer"])
    for contract in contracts[-4:]:
        yield contract["text"][:15000] + "\n\n"


def main():
    if sys.argv[1:2] == ["--calibration"]:
        sys.stdout.write("".join(calibration(sys.argv[2])))
        return
    sets = {}
    for name, kind, text, items in measured(sys.argv[1]):
        sets[name] = sets.get(name, 0) + 1
        line = {"set": name, "kind": kind, "id": sets[name],
                "text": text if kind == "long" else text[:LONG]}
        if items:
            line["items"] = items
        print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
