"""Sorites against llama.cpp: the same work on the same file, in one run.

    peer.py [--sorites ./sorites] [--model FILE] [-t N] [--trace LEVEL]
            [--isa NAME,...] [--kv f16|q8] [--rounds N] [--only NAME,...]
            [--out DIR]

Each round of each workload runs llama.cpp once and, for each set of kernels,
Sorites with tracing and Sorites without, one after the other, so that what else
the machine does falls on all alike; the order turns from round to round.  A
ratio is taken within a round; what is told is the median of the rounds.

llama.cpp is driven through llama-cpp-python's low-level API as llama-bench
drives it: no sampling, no text, logits of the last token (of each sequence)
only.  Sorites's figures include its sampler.  Both: the same kind of KV
cache, the same threads, one untimed run first.

Prints a table and writes DIR/<date>-<cpu>.json, which `sorites bench --chart`
draws.
"""
import argparse
import ctypes
import datetime
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import llama_cpp as ll

# name: (context, tokens read, tokens written, sequences); as in cmd_bench.c
WORKS = {
    "pp512": (0, 512, 0, 1),
    "tg128": (16, 0, 128, 1),
    "tg64@d2048": (2048, 0, 64, 1),
    "tg64@d6000": (6000, 0, 64, 1),
    "tg64x16": (256, 0, 64, 16),
    "mixed64": (0, 142, 79, 64),
}
GGML_TYPE = {"f16": 1, "q8": 8}  # enum ggml_type; q8: Q8_0
SEATS, ROWS = 16, 256           # of mixed64, as cli/bench.c has them


def mixed_lengths(i):
    """Tokens that sequence i of mixed64 reads and writes: cli/bench.c."""
    return 16 + i * 37 % 64 * 2, 16 + i * 29 % 64


@ll.llama_log_callback
def silent(level, text, data):
    pass


class Peer:
    """A model in llama.cpp, and one context for every workload."""

    def __init__(self, path, threads, kv):
        ll.llama_log_set(silent, ctypes.c_void_p(0))
        ll.llama_backend_init()
        self.model = ll.llama_model_load_from_file(
            path.encode(), ll.llama_model_default_params())
        if not self.model:
            sys.exit(f"peer: llama.cpp cannot load {path}")
        p = ll.llama_context_default_params()
        p.n_ctx = 8192
        p.n_seq_max = 16
        p.kv_unified = True             # sequences share their prompt's cells
        p.n_threads = p.n_threads_batch = threads
        p.type_k = p.type_v = GGML_TYPE[kv]
        if kv != "f16":
            p.flash_attn_type = 1       # on: it has no other way for such V
        self.ctx = ll.llama_init_from_model(self.model, p)
        if not self.ctx:
            sys.exit("peer: llama.cpp cannot make a context")
        self.memory = ll.llama_get_memory(self.ctx)
        self.n_vocab = ll.llama_vocab_n_tokens(
            ll.llama_model_get_vocab(self.model))
        self.batch = ll.llama_batch_init(512, 0, 1)

    def decode(self, rows):
        """One batch of (token, position, sequence, wants logits)."""
        b = self.batch
        b.n_tokens = len(rows)
        for i, (token, pos, seq, logits) in enumerate(rows):
            b.token[i] = token
            b.pos[i] = pos
            b.n_seq_id[i] = 1
            b.seq_id[i][0] = seq
            b.logits[i] = logits
        if ll.llama_decode(self.ctx, b) != 0:
            sys.exit("peer: llama_decode failed")

    def token(self, i):
        return (i * 7919 + 13) % self.n_vocab

    def read(self, start, n):
        for at in range(start, start + n, 512):
            end = min(at + 512, start + n)
            self.decode([(self.token(i), i, 0, i == start + n - 1)
                         for i in range(at, end)])
        ll.llama_synchronize(self.ctx)

    def mixed(self, n_seq):
        """Continuous batching as engine/generate.h says; tokens handled."""
        waiting = [mixed_lengths(i) for i in range(n_seq)]
        total = sum(read + write for read, write in waiting)
        seats = [None] * SEATS          # [to read, to write, position]
        while waiting or any(seats):
            for i in range(SEATS):
                if not seats[i] and waiting:
                    seats[i] = [*waiting.pop(0), 0]
                    ll.llama_memory_seq_rm(self.memory, i, -1, -1)
            rows = []
            for reads in (False, True):
                for i, s in enumerate(seats):
                    if not s or bool(s[0]) != reads:
                        continue
                    n = min(s[0], ROWS - len(rows)) if reads else 1
                    rows += [(self.token(s[2] + k), s[2] + k, i,
                              k == n - 1 and s[0] <= n) for k in range(n)]
                    s[2] += n
                    if reads:
                        s[0] -= n
                        s[1] -= s[0] == 0   # its logits give one token
                    else:
                        s[1] -= 1
            self.decode(rows)
            ll.llama_synchronize(self.ctx)
            seats = [s if s and (s[0] or s[1]) else None for s in seats]
        return total

    def prepare(self, work):
        depth, _, _, n_seq = work
        ll.llama_memory_clear(self.memory, True)
        if work == WORKS["mixed64"]:
            self.run(work)
            return
        if depth:
            self.read(0, depth)
        for seq in range(1, n_seq):
            ll.llama_memory_seq_cp(self.memory, 0, seq, -1, -1)
        self.run(work)

    def run(self, work):
        """Tokens a second; leaves the context as prepare() made it."""
        depth, n_read, n_write, n_seq = work
        start = time.perf_counter()
        if work == WORKS["mixed64"]:
            return self.mixed(n_seq) / (time.perf_counter() - start)
        if n_read:
            self.read(depth, n_read)
        for k in range(n_write):
            self.decode([(self.token(k * n_seq + s), depth + k, s, True)
                         for s in range(n_seq)])
            ll.llama_synchronize(self.ctx)
        seconds = time.perf_counter() - start
        for seq in range(n_seq):
            ll.llama_memory_seq_rm(self.memory, seq, depth, -1)
        return n_seq * (n_read + n_write) / seconds


def sorites(args, name, isa, trace):
    command = [args.sorites, "bench", "--json", "-q", "-r", "1", "--only", name,
               "--trace", trace, "-t", str(args.threads), "-m", args.model,
               "--kv", args.kv]
    env = dict(os.environ)
    if isa != "best":
        env["SORITES_ISA"] = isa
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        sys.exit(f"peer: {done.stderr.strip() or ' '.join(command)}")
    return json.loads(done.stdout)


def measure(args, peer, name):
    """What each contestant did, in rounds: reports of ours, tok/s of theirs."""
    ours = [(isa, level) for isa in args.isa for level in (args.trace, "off")]
    runs = {who: [] for who in ours + ["llama.cpp"]}
    order = list(runs)
    peer.prepare(WORKS[name])
    for _ in range(args.rounds):
        for who in order:
            runs[who].append(peer.run(WORKS[name]) if who == "llama.cpp"
                             else sorites(args, name, *who))
        order.append(order.pop(0))
    return runs


def spread(values):
    """Half the distance of the quartiles, as a share of the median."""
    if len(values) < 2:
        return 0
    low, middle, high = statistics.quantiles(values, method="inclusive")
    return (high - low) / 2 / middle


def summary(args, name, isa, runs):
    """One row of the results."""
    reports = {"traced": runs[isa, args.trace], "untraced": runs[isa, "off"]}
    rates = {who: [r["results"][0]["tok_s"] for r in rs]
             for who, rs in reports.items()}
    rates["llama.cpp"] = runs["llama.cpp"]
    ratios = [a / b for a, b in zip(rates["traced"], rates["llama.cpp"])]
    cost = [1 - a / b for a, b in zip(rates["traced"], rates["untraced"])]
    traced = reports["traced"]
    row = {
        "name": name,
        "isa": traced[0]["isa"],
        "tok_s": {who: statistics.median(r) for who, r in rates.items()},
        "spread": {who: spread(r) for who, r in rates.items()},
        "ratio": statistics.median(ratios),
        "trace_cost": statistics.median(cost),
        "ratios": ratios,
        "runs": rates,
        "start_ms": statistics.median(r["start_ms"] for r in traced),
        "memory": max((r["memory"] for r in traced),
                      key=lambda m: m["peak"]),
    }
    if "seats" in traced[0]["results"][0]:
        row["seats"] = traced[0]["results"][0]["seats"]
    return row


def cpu_name():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        return re.search(r"model name\s*:\s*(.*)", text).group(1).strip()
    except (OSError, AttributeError):
        return "unknown CPU"


def commit():
    """The commit of the sources, with a + where they were changed since."""
    def git(*args):
        done = subprocess.run(["git", *args], capture_output=True, text=True,
                              cwd=pathlib.Path(__file__).parent)
        return done.stdout.strip() if done.returncode == 0 else ""
    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (
        "+" if changed else "")


def default_model():
    given = os.environ.get("SORITES_MODEL")
    data = os.environ.get("XDG_DATA_HOME", "")
    root = data if data.startswith("/") else os.path.expanduser(
        "~/.local/share")
    return given or root + "/sorites/models/SmolLM2-135M-Instruct.Q4_1.gguf"


def arguments():
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument("--sorites", default="./sorites")
    a.add_argument("--model", default=default_model())
    a.add_argument("-t", "--threads", type=int, default=os.cpu_count())
    a.add_argument("--trace", default="layers")
    a.add_argument("--isa", default="best,avx2",
                   help="kernels: best, avx512, avx2, ref")
    a.add_argument("--kv", default="f16", choices=list(GGML_TYPE))
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--only", default=",".join(WORKS))
    a.add_argument("--out", default=str(pathlib.Path(__file__).parent /
                                        "results"))
    args = a.parse_args()
    args.isa = args.isa.split(",")
    args.only = args.only.split(",")
    unknown = [n for n in args.only if n not in WORKS]
    if unknown:
        a.error(f"no benchmark {unknown[0]}; there are {', '.join(WORKS)}")
    return args


def tell(args, row):
    def cell(who):
        return f"{row['tok_s'][who]:9.1f} ±{100 * row['spread'][who]:3.0f}%"
    print(f"{row['name']:12} {row['isa']:8} {cell('traced')} "
          f"{cell('untraced')} {cell('llama.cpp')} {row['ratio']:7.2f}x "
          f"{100 * row['trace_cost']:7.1f}%", flush=True)


def main():
    args = arguments()
    peer = Peer(args.model, args.threads, args.kv)
    load, results = os.getloadavg()[0], []
    print(f"{cpu_name()}, {args.threads} threads; medians of {args.rounds} "
          f"interleaved rounds, tok/s (± half the distance of quartiles)\n")
    print(f"{'':12} {'':8} {args.trace:>15} {'untraced':>15} "
          f"{'llama.cpp':>15} {'ratio':>8} {'tracing':>8}")
    for name in args.only:
        runs = measure(args, peer, name)
        for isa in args.isa:
            results.append(summary(args, name, isa, runs))
            tell(args, results[-1])
    memory = max((r["memory"] for r in results), key=lambda m: m["peak"])
    start = max(r["start_ms"] for r in results)
    print(f"\nmodel open after {start / 1e3:.2f} s; memory "
          f"{memory['peak'] >> 20} MiB at most, of {memory['allowed'] >> 20} "
          "allowed")
    for r in results:
        if r["name"] == "mixed64":
            print(f"seats in use in mixed64: {100 * r['seats']:.0f} % "
                  f"({r['isa']})")
    now = datetime.datetime.now(datetime.timezone.utc)
    record = {
        "at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit(),
        "cpu": cpu_name(),
        "threads": args.threads,
        "load_before": load,
        "model": os.path.basename(args.model),
        "kv_type": args.kv,
        "trace": args.trace,
        "peer": {"llama-cpp-python": ll.__version__,
                 "system": ll.llama_print_system_info().decode()},
        "rounds": args.rounds,
        "results": results,
    }
    slug = re.sub(r"[^a-z0-9]+", "-", cpu_name().lower()).strip("-")
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    kind = "" if args.kv == "f16" else "-kv-" + args.kv
    path = out / f"{now:%Y-%m-%d}-{slug}{kind}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
