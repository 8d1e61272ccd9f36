"""Sorites against llama.cpp: the same work on the same file, in one run.

    peer.py [--sorites ./sorites] [--model FILE] [-t N] [--trace LEVEL]
            [--rounds N] [--only NAME,...] [--out DIR]

Each round of each workload runs Sorites with tracing, Sorites without, and
llama.cpp, one after the other, so that what else the machine does falls on all
three alike; the order turns from round to round.  llama.cpp is driven through
llama-cpp-python's low-level API as llama-bench drives it: no sampling, no
text, logits of the last token (of each sequence) only.  Sorites's figures
include its sampler.  Both: f16 KV, the same threads, one untimed run first.

Prints a table and writes DIR/<date>-<cpu>.json.
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
}
F16 = 1         # enum ggml_type


@ll.llama_log_callback
def silent(level, text, data):
    pass


class Peer:
    """A model in llama.cpp, and one context for every workload."""

    def __init__(self, path, threads):
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
        p.type_k = p.type_v = F16
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

    def prepare(self, work):
        depth, _, _, n_seq = work
        ll.llama_memory_clear(self.memory, True)
        if depth:
            self.read(0, depth)
        for seq in range(1, n_seq):
            ll.llama_memory_seq_cp(self.memory, 0, seq, -1, -1)
        self.run(work)

    def run(self, work):
        """Tokens a second; leaves the context as prepare() made it."""
        depth, n_read, n_write, n_seq = work
        start = time.perf_counter()
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


def sorites(args, name, trace):
    command = [args.sorites, "bench", "--json", "-q", "-r", "1", "--only", name,
               "--trace", trace, "-t", str(args.threads), "-m", args.model]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"peer: {done.stderr.strip() or ' '.join(command)}")
    report = json.loads(done.stdout)
    return report["results"][0]["tok_s"], report


def measure(args, peer, name):
    """The runs of each contestant, in rounds."""
    runs = {"traced": [], "untraced": [], "llama.cpp": []}
    order = list(runs)
    report = None
    peer.prepare(WORKS[name])
    for _ in range(args.rounds):
        for who in order:
            if who == "llama.cpp":
                runs[who].append(peer.run(WORKS[name]))
            else:
                level = args.trace if who == "traced" else "off"
                tok_s, report = sorites(args, name, level)
                runs[who].append(tok_s)
        order.append(order.pop(0))
    return runs, report


def summary(name, runs):
    middle = {who: statistics.median(r) for who, r in runs.items()}
    return {
        "name": name,
        "tok_s": middle,
        "spread": {who: (max(r) - min(r)) / middle[who]
                   for who, r in runs.items()},
        "ratio": middle["traced"] / middle["llama.cpp"],
        "ratio_untraced": middle["untraced"] / middle["llama.cpp"],
        "trace_cost": 1 - middle["traced"] / middle["untraced"],
        "runs": runs,
    }


def cpu_name():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        return re.search(r"model name\s*:\s*(.*)", text).group(1).strip()
    except (OSError, AttributeError):
        return "unknown CPU"


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
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--only", default=",".join(WORKS))
    a.add_argument("--out", default=str(pathlib.Path(__file__).parent /
                                        "results"))
    args = a.parse_args()
    unknown = [n for n in args.only.split(",") if n not in WORKS]
    if unknown:
        a.error(f"no benchmark {unknown[0]}; there are {', '.join(WORKS)}")
    return args


def main():
    args = arguments()
    peer = Peer(args.model, args.threads)
    results, report = [], None
    print(f"{cpu_name()}, {args.threads} threads; medians of {args.rounds} "
          f"interleaved rounds, tok/s (± half the spread)\n")
    print(f"{'':12} {'sorites,':>16} {'sorites,':>16} {'':16} {'ratio,':>8} "
          f"{'cost of':>8}")
    print(f"{'':12} {args.trace:>16} {'untraced':>16} {'llama.cpp':>16} "
          f"{'traced':>8} {'tracing':>8}")
    for name in args.only.split(","):
        runs, report = measure(args, peer, name)
        s = summary(name, runs)
        results.append(s)
        cells = [f"{s['tok_s'][w]:9.1f} ±{50 * s['spread'][w]:4.0f}%"
                 for w in runs]
        print(f"{name:12} {cells[0]:>16} {cells[1]:>16} {cells[2]:>16} "
              f"{s['ratio']:7.2f}x {100 * s['trace_cost']:7.1f}%", flush=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    record = {
        "at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "cpu": cpu_name(),
        "threads": args.threads,
        "load_before": os.getloadavg()[0],
        "model": os.path.basename(args.model),
        "isa": report["isa"],
        "kv_type": report["kv_type"],
        "trace": args.trace,
        "peer": {"llama-cpp-python": ll.__version__,
                 "system": ll.llama_print_system_info().decode()},
        "rounds": args.rounds,
        "results": results,
    }
    slug = re.sub(r"[^a-z0-9]+", "-", cpu_name().lower()).strip("-")
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{now:%Y-%m-%d}-{slug}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
