#!/usr/bin/env python3
"""Scores logic graphs against annotated ones.

    graph_score.py GOLD.jsonl FOUND.jsonl [--show KIND] [--strict]

GOLD has an object a line with id, text, clauses, edges, norms.  FOUND has the
same but text: the output of `bench/graph`, or one line for each document of
`sorites review --rules-only --json` (its id is then document.name, less the
suffix).

Clauses are matched one to one by overlap (IoU >= 0.5), best first, and found
names are translated through that.  An edge is right if kind, source and
destination agree and the spans overlap (IoU >= 0.3).  "external:" names are
free text and count as equal unless --strict.  A norm is right if kind and
bearer agree (case and "the" aside) and the spans overlap so.  Intervals are
95 % percentile bootstraps over documents.
"""
import json
import random
import re
import sys

KINDS = ['defines', 'refers_to', 'condition_of', 'exception_to', 'overrides']


def iou(a, b):
    inter = min(a['end'], b['end']) - max(a['start'], b['start'])
    union = max(a['end'], b['end']) - min(a['start'], b['start'])
    return inter / union if inter > 0 else 0.0


def pair(gold, found, same, least):
    """One-to-one pairs, best overlap first."""
    cand = []
    for i, g in enumerate(gold):
        for k, f in enumerate(found):
            if g['start'] < f['end'] and f['start'] < g['end'] and same(g, f):
                x = iou(g, f)
                if x >= least:
                    cand.append((-x, i, k))
    out, used_g, used_f = [], set(), set()
    for _, i, k in sorted(cand):
        if i not in used_g and k not in used_f:
            used_g.add(i)
            used_f.add(k)
            out.append((i, k))
    return out


def node(name, names, strict):
    if re.fullmatch(r'c\d+', name):
        return names.get(name, 'other:' + name)
    if name.startswith('external:') and not name.startswith('external:term:'):
        return name.lower() if strict else 'external:'
    return name


def bearer(text):
    text = re.sub(r'\s+', ' ', text or '').strip().lower()
    return re.sub(r'^the ', '', text)


def score(gold, found, strict):
    """{kind: (right, found, missed lists)} of one document."""
    names = {found['clauses'][k]['id']: gold['clauses'][i]['id']
             for i, k in pair(gold['clauses'], found['clauses'],
                              lambda g, f: True, 0.5)}
    out = {'clauses': (len(names), len(found['clauses']),
                       len(gold['clauses']), [], [])}
    for e in found['edges']:
        e['s'] = node(e['src'], names, strict)
        e['d'] = node(e['dst'], names, strict)
    for e in gold['edges']:
        e['s'] = node(e['src'], {e['src']: e['src']}, strict)
        e['d'] = node(e['dst'], {e['dst']: e['dst']}, strict)
    for kind in KINDS + ['uses']:
        g = [e for e in gold['edges'] if e['kind'] == kind]
        f = [e for e in found['edges'] if e['kind'] == kind]
        if kind == 'uses':              # one for each pair: a set
            ok = {(e['s'], e['d']) for e in g} & {(e['s'], e['d']) for e in f}
            out[kind] = (len(ok), len(f), len(g),
                         [e for e in f if (e['s'], e['d']) not in ok],
                         [e for e in g if (e['s'], e['d']) not in ok])
            continue
        p = pair(g, f, lambda a, b: a['s'] == b['s'] and a['d'] == b['d'], 0.3)
        gi, fi = {i for i, _ in p}, {k for _, k in p}
        out[kind] = (len(p), len(f), len(g),
                     [x for k, x in enumerate(f) if k not in fi],
                     [x for i, x in enumerate(g) if i not in gi])
    g, f = gold['norms'], found['norms']
    for name, same in (
            ('norms', lambda a, b: a['kind'] == b['kind'] and
             bearer(a['bearer']) == bearer(b['bearer'])),
            ('norm span+kind', lambda a, b: a['kind'] == b['kind'])):
        p = pair(g, f, same, 0.3)
        gi, fi = {i for i, _ in p}, {k for _, k in p}
        out[name] = (len(p), len(f), len(g),
                     [x for k, x in enumerate(f) if k not in fi],
                     [x for i, x in enumerate(g) if i not in gi])
    return out


def prf(docs, kinds):
    tp = sum(d[k][0] for d in docs for k in kinds)
    f = sum(d[k][1] for d in docs for k in kinds)
    g = sum(d[k][2] for d in docs for k in kinds)
    p, r = tp / f if f else 0.0, tp / g if g else 0.0
    return tp, f - tp, g - tp, p, r, 2 * p * r / (p + r) if p + r else 0.0


def interval(docs, kinds, n=2000):
    rnd = random.Random(1)
    v = sorted(prf([rnd.choice(docs) for _ in docs], kinds)[5]
               for _ in range(n))
    return v[int(0.025 * n)], v[int(0.975 * n)]


def read(path):
    out = {}
    for line in open(path, encoding='utf-8'):
        o = json.loads(line)
        name = o.get('id') or re.sub(r'\.\w+$', '', o['document']['name'])
        out[name.rsplit('/', 1)[-1]] = o
    return out


def show(doc, gold, result, kind):
    text = gold['text']
    for what, items in (('+', result[kind][3]), ('-', result[kind][4])):
        for e in items:
            line = text[max(0, e['start'] - 70):e['start']] + '[[' + \
                text[e['start']:e['end']] + ']]' + \
                text[e['end']:e['end'] + 30]
            print(what, doc[:14], e.get('rule', ''), e.get('src', ''),
                  e.get('dst', ''), '{%s|%s}' % (e.get('kind'),
                  e.get('bearer')) if 'bearer' in e else '', '|',
                  re.sub(r'\s+', ' ', line)[:500])


def main():
    args = [a for a in sys.argv[1:] if not a.startswith('--')]
    strict = '--strict' in sys.argv
    if '--show' in sys.argv:
        args.remove(sys.argv[sys.argv.index('--show') + 1])
    gold, found = read(args[0]), read(args[1])
    docs = []
    for name in gold:
        if name not in found:
            print('not found:', name)
            continue
        r = score(gold[name], found[name], strict)
        docs.append(r)
        if '--show' in sys.argv:
            kind = sys.argv[sys.argv.index('--show') + 1]
            for k in (KINDS if kind == 'edges' else [kind]):
                show(name, gold[name], r, k)
        if len(gold) < 20:
            print('%-60.60s F1 %.3f' % (name, prf([r], KINDS)[5]))
    print('%-16s %5s %5s %5s  %6s %6s %6s  %s' % (
        'kind', 'right', 'false', 'miss', 'P', 'R', 'F1', '95 % by document'))
    for name, kinds in [(k, [k]) for k in KINDS] + [
            ('edges but uses', KINDS), ('uses', ['uses']),
            ('norms', ['norms']), ('norm span+kind', ['norm span+kind']),
            ('clauses', ['clauses'])]:
        row = prf(docs, kinds)
        print('%-16s %5d %5d %5d  %6.3f %6.3f %6.3f  %.3f-%.3f' % (
            (name,) + row + interval(docs, kinds)))


if __name__ == '__main__':
    main()
