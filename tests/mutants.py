#!/usr/bin/env python3
"""mutants.py BUILD CC FLAGS... - is every check of the model's loader tested?

Takes one check at a time out of the files below, builds that file alone, links
the hostile suites against it, and expects one of them to fail.  A check is a
CHECK(), fits() or check_..() statement, a bound of a CHECK(), a condition (or
one operand of it) under which something is refused, and an |= of one.
BUILD holds the tests and archives, made with the address sanitizer, so that a
read out of bounds is a failure too.

As many at once as there are processors.  Prints one line for each mutant that no test notices, then the sum; exits 1
where there are any but the known ones (EQUIVALENT, with the reason).
"""
import concurrent.futures
import os
import re
import subprocess
import sys

FILES = ["engine/gguf.c", "engine/gguf_get.c", "engine/hparams.c"]
SUITES = ["hostile_gguf", "gguf", "hparams", "hostile_bytes"]
# What else refuses the same input, by file and the text that was taken out.
EQUIVALENT = {
    ("engine/gguf.c", "t->dim[0] > SIZE_MAX / 2"):
        "no dimension is over INT64_MAX: take_tensor()",
    ("engine/gguf.c", "map == MAP_FAILED"):
        "the address sanitizer cannot be starved of addresses",
}


def matching(text, at):
    """The place behind the bracket that closes the one at `at`."""
    depth, i = 0, at
    while True:
        c = text[i]
        if c == '"' or c == "'":
            i += 1
            while text[i] != c:
                i += 2 if text[i] == "\\" else 1
        depth += c == "("
        depth -= c == ")"
        i += 1
        if depth == 0:
            return i


def operands(cond, op):
    """Spans of the operands of a top-level chain of op; [] where there is no
    such chain."""
    cut, depth, i = [0], 0, 0
    while i < len(cond):
        c = cond[i]
        if c in "'\"":
            i += 1
            while cond[i] != c:
                i += 2 if cond[i] == "\\" else 1
        depth += c == "("
        depth -= c == ")"
        if depth == 0 and cond.startswith(op, i):
            cut += [i, i + 2]
            i += 1
        i += 1
    cut.append(len(cond))
    return [(cut[k], cut[k + 1]) for k in range(0, len(cut), 2)] \
        if len(cut) > 2 else []


def body(text, at):
    """The statement at `at`: a block or up to the semicolon."""
    while text[at].isspace():
        at += 1
    if text[at] == "{":
        return text[at:text.index("\n", text.index("}", at))]
    return text[at:text.index(";", at)]


REFUSES = re.compile(r"sor_fail\(|wrong_type\(|unknown_type\(|c->err =")


def find(text):
    """All mutants: (from, to, replacement)."""
    for m in re.finditer(r"^ +(CHECK|fits|check_key|check_vector)\(", text,
                         re.M):
        end = matching(text, m.end() - 1)
        if text[end] != ";":
            continue
        yield m.start(), end + 1, ";"
        if m.group(1) == "CHECK":
            args = text[m.end():end - 1]
            parts = []
            depth = last = 0
            for i, c in enumerate(args):
                depth += c == "("
                depth -= c == ")"
                if c == "," and depth == 0:
                    parts.append((last, i))
                    last = i + 1
            parts.append((last, len(args)))
            for (a, b), to in ((parts[-2], " 0"), (parts[-1], " UINT64_MAX")):
                if args[a:b].strip() != to.strip():
                    yield m.end() + a, m.end() + b, to
    for m in re.finditer(r"\bif \(", text):
        end = matching(text, m.end() - 1)
        if not REFUSES.search(body(text, end)):
            continue
        cond = text[m.end():end - 1]
        if cond.strip() == "err":
            continue
        yield m.end(), end - 1, "0"
        for op, neutral in (("||", "0"), ("&&", "1")):
            for a, b in operands(cond, op):
                if "c->err" not in cond[a:b]:
                    yield m.end() + a, m.end() + b, " %s " % neutral
    for m in re.finditer(r"^ +(?:int )?over \|?= ([^;]*);", text, re.M):
        yield m.start(1), m.end(1), "0"


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, **more).returncode


def noticed(build, cc, flags, libs, no, name, source):
    """1: a test failed; 0: none did; -1: it does not compile."""
    base = "%s/mutant%d" % (build, no)
    try:
        return meet(base, build, cc, flags, libs, name, source)
    finally:
        for end in (".c", ".o", ""):
            if os.path.exists(base + end):
                os.remove(base + end)


def meet(exe, build, cc, flags, libs, name, source):
    c, o = exe + ".c", exe + ".o"
    with open(c, "w") as f:
        f.write('#line 1 "%s"\n%s' % (name, source))
    if run([cc] + flags + ["-w", "-c", "-o", o, c]):
        return -1
    for suite in SUITES:
        link = [cc] + flags + ["-pie", "-o", exe,
                               "%s/tests/test_%s.o" % (build, suite), o,
                               build + "/libaid.a", build + "/libcli.a",
                               build + "/libsorites.a"] + libs + ["-lcmocka"]
        if run(link):
            return -1
        try:
            if run([exe], timeout=300):
                return 1
        except subprocess.TimeoutExpired:
            return 1
    return 0


def main():
    build, cc = sys.argv[1:3]
    at = sys.argv.index("--libs")
    flags, libs = sys.argv[3:at], sys.argv[at + 1:]
    os.environ["ASAN_OPTIONS"] = "allocator_may_return_null=1:detect_leaks=0"
    os.environ["SORITES_FAST"] = "1"
    tried = caught = known = 0
    missed = []
    tasks = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name in FILES:
            text = open(name).read()
            for a, b, to in find(text):
                line = text.count("\n", 0, a) + 1
                was = " ".join(text[a:b].split())
                tasks.append((name, line, was, pool.submit(
                    noticed, build, cc, flags, libs, len(tasks), name,
                    text[:a] + to + text[b:])))
        for name, line, was, task in tasks:
            got = task.result()
            if got < 0:
                print("%s:%d: does not compile without: %s" %
                      (name, line, was))
                continue
            tried += 1
            caught += got
            if not got and (name, was) in EQUIVALENT:
                known += 1
            elif not got:
                missed.append((name, line, was))
                print("%s:%d: nobody misses: %s" % (name, line, was),
                      flush=True)
    print("%d checks taken out one at a time: %d noticed, %d covered by "
          "another check, %d missed" % (tried, caught, known, len(missed)))
    return 1 if missed else 0


sys.exit(main())
