/* What a page does where scripts may run: filters and sorts findings, shows
 * what belongs together, moves pictures, opens tokens.  It changes no word of
 * the page, loads nothing, stores nothing. */
(function () {
"use strict";

const all = (css, from) => Array.from((from || document).querySelectorAll(css));
const one = (css, from) => (from || document).querySelector(css);

all(".js").forEach(e => { e.hidden = false; });

/* ---- what is linked to opens, and is printed open ---- */

function reveal() {
    const at = document.getElementById(location.hash.slice(1));
    if (!at)
        return;
    for (let e = at; e; e = e.parentElement)
        if (e.tagName === "DETAILS")
            e.open = true;
    if (at.hidden)
        showAll();
    at.scrollIntoView({ block: "nearest" });
}
addEventListener("hashchange", reveal);
addEventListener("beforeprint", () =>
    all("details").forEach(d => { d.open = true; }));

/* ---- findings ---- */

const list = one(".cards");
const cards = list ? all(":scope > li", list) : [];
const filter = one(".filter");
const byNumber = e => Number(e.id.slice(1));
const order = {
    severity: (a, b) => b.dataset.severity - a.dataset.severity ||
                        byNumber(a) - byNumber(b),
    at: (a, b) => a.dataset.at - b.dataset.at || byNumber(a) - byNumber(b),
    no: (a, b) => byNumber(a) - byNumber(b)
};

function apply() {
    const severities = all("[name=severity]:checked", filter).map(e => e.value);
    const words = one("#find").value.toLowerCase().split(/\s+/);
    const origin = one("#origin").value, open = one("#open").value;
    let n = 0;

    for (const c of cards) {
        const text = c.textContent.toLowerCase();
        c.hidden = !severities.includes(c.dataset.severity) ||
            (origin !== "" && c.dataset.origin !== origin) ||
            (open !== "" && c.dataset.open !== open) ||
            !words.every(w => text.includes(w));
        n += c.hidden ? 0 : 1;
    }
    cards.slice().sort(order[one("#sort").value])
        .forEach(c => list.appendChild(c));
    one("#shown").textContent = n + " of " + cards.length + " shown";
}

function showAll() {
    if (!filter)
        return;
    filter.reset();
    apply();
}

if (filter) {
    filter.addEventListener("input", apply);
    filter.addEventListener("submit", e => e.preventDefault());
    apply();
}

/* A finding and its words in the text light up together. */
function light(numbers, on) {
    for (const e of all("mark[data-f]"))
        if (e.dataset.f.split(" ").some(f => numbers.includes(f)))
            e.classList.toggle("lit", on);
    for (const f of numbers)
        document.getElementById("f" + f).classList.toggle("lit", on);
}
function pair(e, numbers) {
    e.addEventListener("mouseenter", () => light(numbers, true));
    e.addEventListener("mouseleave", () => light(numbers, false));
}
cards.forEach(c => pair(c, [c.id.slice(1)]));
all("mark[data-f]").forEach(m => {
    const numbers = m.dataset.f.split(" ");
    pair(m, numbers);
    m.addEventListener("click", () => { location.hash = "f" + numbers[0]; });
});

/* Choices become commands; only those store anything. */
const words = one("#words");
if (words)
    all(".choice").forEach(c => c.addEventListener("change", () => {
        one("#commands").value = all(".choice :checked").map(e =>
            "sorites decide " + words.dataset.run + " " + e.name.slice(1) +
            " " + e.value).join("\n");
    }));

/* ---- pictures: drag, zoom, hover, follow ---- */

/* Where a node of the graph stands in the page: clause_12, claim_3, .. */
function target(id) {
    const m = /^(clause|claim|path|answer)_(\d+)(?:_step_(\d+))?$/.exec(id);
    if (!m)
        return null;
    const name = m[1] === "clause" ? "c" + m[2]
        : m[1] === "claim" ? "k" + (m[2] - 1)
        : m[3] !== undefined ? "s" + m[2] + "-" + m[3]
        : m[1] === "path" ? "t" + m[2] : null;
    return name && document.getElementById(name) ? "#" + name : null;
}

/* Graphviz names an edge's ends in its title: n3->n7. */
function readGraph(svg) {
    const node = new Map(), edges = [];
    for (const g of all("g.node", svg)) {
        const t = one("title", g);
        node.set(t.textContent, g);
        t.remove();
    }
    for (const g of all("g.edge", svg)) {
        const t = one("title", g);
        const ends = t.textContent.split("->").map(s => s.split(":")[0]);
        edges.push({ g: g, from: node.get(ends[0]), to: node.get(ends[1]) });
        t.remove();
    }
    all("g > title", svg).forEach(t => t.remove());
    return { node: Array.from(node.values()), edges: edges };
}

function around(graph, g) {
    const near = new Set([g]);
    for (const e of graph.edges)
        if (e.from === g || e.to === g) {
            near.add(e.g);
            near.add(e.from);
            near.add(e.to);
        }
    return near;
}

function dim(graph, g) {
    const near = g ? around(graph, g) : null;
    for (const e of graph.node.concat(graph.edges.map(x => x.g)))
        e.classList.toggle("away", near !== null && !near.has(e) &&
                           e.id !== "legend");
}

function picture(figure) {
    const frame = one(".frame", figure), svg = one("svg", frame);
    const whole = svg.viewBox.baseVal;
    const full = { x: whole.x, y: whole.y, w: whole.width, h: whole.height };
    const view = Object.assign({}, full);
    const graph = readGraph(svg);
    let drag = null;

    function show() {
        svg.setAttribute("viewBox",
                         [view.x, view.y, view.w, view.h].join(" "));
    }
    function zoom(by, x, y) {
        const w = Math.min(Math.max(view.w / by, full.w / 60), full.w * 1.5);
        const k = w / view.w;
        view.x = x - (x - view.x) * k;
        view.y = y - (y - view.y) * k;
        view.w = w;
        view.h *= k;
        show();
    }
    function middle(by) {
        zoom(by, view.x + view.w / 2, view.y + view.h / 2);
    }
    function place(e) {
        const m = svg.getScreenCTM().inverse();
        return new DOMPoint(e.clientX, e.clientY).matrixTransform(m);
    }
    function fit() { Object.assign(view, full); show(); }
    function move(dx, dy) { view.x += dx; view.y += dy; show(); }

    svg.removeAttribute("width");
    svg.removeAttribute("height");
    svg.setAttribute("role", "group");
    frame.style.height = "clamp(20rem, " + 100 * full.h / full.w +
        "vw, 80vh)";
    frame.classList.add("live");
    /* Where the whole would be too small to read, its beginning is shown. */
    const scale = Math.min(frame.clientWidth / full.w,
                           frame.clientHeight / full.h);
    if (scale < 0.3 && graph.node.length) {
        const first = graph.node[0].getBBox();
        const w = Math.min(frame.clientWidth / 0.6, 1.2 * full.w);
        const m = graph.node[0].getCTM(), top = svg.getCTM();
        view.h = w * frame.clientHeight / frame.clientWidth;
        view.x = (first.x + first.width / 2) + (m.e - top.e) / top.a - w / 2;
        view.w = w;
        show();
    }
    all("button[data-zoom]", figure).forEach(b => b.addEventListener("click",
        () => b.dataset.zoom === "0" ? fit() : middle(Number(b.dataset.zoom))));
    frame.addEventListener("wheel", e => {
        if (!e.ctrlKey)
            return;
        const p = place(e);
        e.preventDefault();
        zoom(e.deltaY < 0 ? 1.2 : 1 / 1.2, p.x, p.y);
    }, { passive: false });
    frame.addEventListener("pointerdown", e => { drag = place(e); });
    addEventListener("pointerup", () => { drag = null; });
    frame.addEventListener("pointermove", e => {
        if (!drag)
            return;
        const p = place(e);
        move(drag.x - p.x, drag.y - p.y);
    });
    frame.addEventListener("keydown", e => {
        const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0],
                       ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
        if (step)
            move(step[0] * view.w / 12, step[1] * view.h / 12);
        else if (e.key === "+" || e.key === "=")
            middle(1.25);
        else if (e.key === "-")
            middle(0.8);
        else if (e.key === "0")
            fit();
        else
            return;
        e.preventDefault();
    });
    for (const g of graph.node) {
        const to = target(g.id);
        g.addEventListener("mouseenter", () => dim(graph, g));
        g.addEventListener("mouseleave", () => dim(graph, null));
        if (!to)
            continue;
        const words = all("text", g).map(t => t.textContent).join(" ");
        g.setAttribute("tabindex", "0");
        g.setAttribute("role", "link");
        g.setAttribute("aria-label", words);
        g.addEventListener("focus", () => dim(graph, g));
        g.addEventListener("blur", () => dim(graph, null));
        g.addEventListener("click", () => { location.hash = to; });
        g.addEventListener("keydown", e => {
            if (e.key === "Enter")
                location.hash = to;
        });
    }
}
all("figure.picture").forEach(picture);

/* ---- tokens ---- */

/* A token says all it knows in its title; the box says it where there is no
 * hovering, and the arrows walk along. */
for (const strip of all(".strip")) {
    const box = document.getElementById(strip.dataset.box);
    const tokens = all("span[data-t]", strip);
    let at = -1;

    function show(i) {
        if (i < 0 || i >= tokens.length)
            return;
        if (at >= 0)
            tokens[at].classList.remove("lit");
        at = i;
        tokens[at].classList.add("lit");
        box.textContent = tokens[at].dataset.t;
    }
    tokens.forEach((t, i) => t.addEventListener("click", () => show(i)));
    strip.addEventListener("mouseover", e => {
        const i = tokens.indexOf(e.target);
        if (i >= 0)
            show(i);
    });
    strip.addEventListener("keydown", e => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
        if (!step)
            return;
        e.preventDefault();
        show(at + step);
        if (at >= 0)
            tokens[at].scrollIntoView({ block: "nearest" });
    });
}

if (location.hash)
    reveal();
document.documentElement.dataset.ready = "1";
}());
