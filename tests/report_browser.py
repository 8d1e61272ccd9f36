#!/usr/bin/env python3
"""report_browser.py PROGRAM [SHOTS] - reports in a real browser.

Makes a review and a run's report with PROGRAM, opens them from file:// in
Chromium through selenium, and checks what only a browser knows: nothing on the
console, no request, every link lands in view, filters filter, no scrolling
sideways at 360 px, names and contrast for those who need them, print, and the
time until it answers.  The model's part is left out where $SORITES_MODEL is
not set.  SHOTS: a folder for screenshots
of what was looked at."""
import base64
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NDA = "domains/legal/samples/nda.txt"      # as it is named in reports
QUESTION = "Tom has 3 red pens and 4 blue pens. How many pens does he have?"
failures = []


def check(ok, what):
    if not ok:
        failures.append(what)
        print("  FAILED:", what)


def sorites(program, *args):
    done = subprocess.run([program, *map(str, args)], capture_output=True,
                          text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, args))}: {done.stderr}")


def make_reports(program, folder):
    """Paths of the pages, the review first."""
    db, pages = folder / "t.db", [folder / "review.html"]
    model = os.environ.get("SORITES_MODEL")
    rules = [] if model else ["--rules-only"]
    sorites(program, "review", "-q", "--db", db, NDA, "--party", "receiving",
            *rules)
    sorites(program, "report", "--db", db, "last", "--redline", "-o", pages[0])
    if model:
        pages.append(folder / "run.html")
        sorites(program, "run", "-q", "--db", db, "-n", "4", QUESTION)
        sorites(program, "report", "--db", db, "last", "-o", pages[1])
    pages.append(folder / "long.html")
    long = folder / "long.txt"
    text = (ROOT / NDA).read_text()
    head, body = text.split("1. Definitions", 1)
    long.write_text(head + "\n".join(
        f"{n}. Definitions" + body.replace("\n10.", f"\n{n}.")
        for n in range(1, 16)))
    sorites(program, "review", "-q", "--db", db, long, "--rules-only")
    sorites(program, "report", "--db", db, "last", "-o", pages[-1])
    return pages


def browser():
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu",
                 "--hide-scrollbars", "--window-size=1440,1000",
                 "--disable-ipc-flooding-protection"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs",
                           {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"),
                            options=options)


def phone(driver, on):
    if on:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": 360, "height": 740, "deviceScaleFactor": 1,
            "mobile": True})
    else:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def scheme(driver, name):
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": name}]})


def open_page(driver, page):
    """Opens it; how long until its script was through, in seconds."""
    driver.get_log("performance")
    driver.get("about:blank")
    driver.get(page.as_uri())
    check(driver.execute_script(
        "return document.documentElement.dataset.ready") == "1",
        f"{page.name}: the script ran to its end")
    driver.execute_script(
        "document.documentElement.style.scrollBehavior = 'auto'")
    return driver.execute_script(
        "return performance.timing.domInteractive"
        " - performance.timing.navigationStart") / 1000


def check_quiet(driver, page):
    log = driver.get_log("browser")
    check(not log, f"{page.name}: the console says {log[:2]}")
    urls = set()
    for line in driver.get_log("performance"):
        if '"Network.requestWillBeSent"' in line["message"]:
            urls.add(line["message"].split('"url":"')[1].split('"')[0])
    urls -= {page.as_uri(), "about:blank"}
    check(not urls, f"{page.name}: it asks for {urls}")


IN_VIEW = """
const at = document.getElementById(arguments[0]);
if (!at) return false;
for (let e = at; e; e = e.parentElement)
    if (e.tagName === 'DETAILS' && !e.open) return false;
const r = (at.getClientRects()[0] || at.getBoundingClientRect());
return r.top >= -2 && r.top < innerHeight;
"""


def until(ask, seconds=3):
    """Does it come true?  A busy machine takes a while to scroll."""
    end = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def check_links(driver, page):
    links = driver.execute_script(
        "return [...new Set([...document.querySelectorAll('a[href^=\"#\"]')]"
        ".map(a => a.getAttribute('href').slice(1)))]")
    lost = []
    for name in links:
        driver.execute_script("location.hash = ''; location.hash = "
                              "arguments[0]", name)
        if not until(lambda: driver.execute_script(IN_VIEW, name)):
            lost.append(name)
    check(not lost, f"{page.name}: links that land out of view: {lost[:9]} "
                    f"({len(lost)} of {len(links)})")
    return len(links)


def shown(driver):
    return driver.execute_script(
        "return [...document.querySelectorAll('.cards > li')]"
        ".filter(e => !e.hidden).map(e => e.id)")


def check_filters(driver, page):
    every = shown(driver)
    box = driver.find_element(By.CSS_SELECTOR, "[name=severity][value='2']")
    box.click()
    check(not driver.find_elements(
        By.CSS_SELECTOR, ".cards > li[data-severity='2']:not([hidden])"),
        f"{page.name}: medium findings are hidden")
    box.click()
    check(shown(driver) == every, f"{page.name}: and shown again")
    find = driver.find_element(By.ID, "find")
    find.send_keys("section 12.3")
    some = shown(driver)
    check(0 < len(some) < len(every), f"{page.name}: search leaves {some}")
    check(driver.find_element(By.ID, "shown").text ==
          f"{len(some)} of {len(every)} shown", f"{page.name}: it is said")
    hidden = next(e for e in every if e not in some)
    driver.execute_script("location.hash = arguments[0]", hidden)
    check(until(lambda: hidden in shown(driver)),
          f"{page.name}: a link to a hidden finding shows it")
    driver.execute_script(
        "const s = document.getElementById('sort'); s.value = 'at';"
        "s.dispatchEvent(new Event('input', { bubbles: true }))")
    places = driver.execute_script(
        "return [...document.querySelectorAll('.cards > li')]"
        ".map(e => Number(e.dataset.at))")
    check(places == sorted(places), f"{page.name}: sorted by place")
    driver.find_element(By.CSS_SELECTOR, "[name=d0][value=reject]").click()
    words = driver.find_element(By.ID, "commands").get_attribute("value")
    check(words.startswith("sorites decide ") and words.endswith(" 0 reject"),
          f"{page.name}: a choice becomes {words!r}")


def check_graph(driver, page):
    frame = driver.find_element(By.CSS_SELECTOR, "#graph .frame")
    svg = frame.find_element(By.TAG_NAME, "svg")
    driver.execute_script("arguments[0].scrollIntoView()", frame)
    before = svg.get_dom_attribute("viewBox")
    frame.send_keys("+")
    check(svg.get_dom_attribute("viewBox") != before, f"{page.name}: + zooms")
    frame.send_keys(Keys.ARROW_RIGHT, "0")
    check(driver.execute_script(
        "return arguments[0].querySelectorAll('g.node').length", svg) > 3,
        f"{page.name}: the graph has nodes")
    node = driver.execute_script(
        "return arguments[0].querySelector('g.node[tabindex]')", svg)
    check(node is not None, f"{page.name}: a node can be followed")
    driver.execute_script(
        "arguments[0].dispatchEvent(new MouseEvent('mouseenter'))", node)
    check(svg.find_elements(By.CSS_SELECTOR, ".away"),
          f"{page.name}: hovering shows the neighbours alone")
    driver.execute_script(
        "arguments[0].dispatchEvent(new MouseEvent('mouseleave'));"
        "location.hash = '';"
        "arguments[0].dispatchEvent(new MouseEvent('click'))", node)
    check(until(lambda: driver.execute_script(
        "return location.hash.length") > 1), f"{page.name}: a click follows")


def check_claims(driver, page):
    """A claim's votes are a picture of its own, whole on a phone."""
    flows = driver.find_elements(By.CSS_SELECTOR, ".claim[open] .flow svg")
    check(flows, f"{page.name}: an open claim shows its votes")
    for svg in flows:
        check(svg.get_attribute("aria-label").startswith("Votes of "),
              f"{page.name}: they have a name")
        check(0 < svg.size["width"] <= 360, f"{page.name}: they are "
              f"{svg.size['width']} wide")


# Names, levels of headings, labels, and the ratio of luminances of all text to
# what is behind it (WCAG 2.1, 1.4.3: 4.5, large text 3).
AUDIT = """
const bad = [];
const roles = { main: 'main', header: 'header', nav: 'nav' };
for (const tag of Object.keys(roles))
    if (document.querySelectorAll('body > ' + tag).length !== 1)
        bad.push('not one <' + tag + '>');
if (document.querySelectorAll('h1').length !== 1) bad.push('not one h1');
let level = 1;
for (const h of document.querySelectorAll('h1,h2,h3,h4')) {
    const n = Number(h.tagName[1]);
    if (n > level + 2) bad.push('heading jumps at ' + h.textContent);
    level = n;
}
for (const e of document.querySelectorAll('input,select,textarea'))
    if (!e.labels.length && !e.getAttribute('aria-label'))
        bad.push('no label: ' + e.outerHTML.slice(0, 60));
for (const e of document.querySelectorAll('[role=region],nav,figure'))
    if (!e.getAttribute('aria-label')) bad.push('no name: ' + e.className);
for (const e of document.querySelectorAll('section'))
    if (!document.getElementById(e.getAttribute('aria-labelledby')))
        bad.push('section without a name: ' + e.id);
for (const e of document.querySelectorAll('th'))
    if (!e.scope) bad.push('th without scope');
if (!document.documentElement.lang) bad.push('no language');

function channel(v) {
    v /= 255;
    return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4);
}
function rgb(s) {
    const m = s.match(/[\\d.]+/g).map(Number);
    return m.length < 4 ? m.concat(1) : m;
}
function light(c) {
    return 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) +
           0.0722 * channel(c[2]);
}
function ground(e) {
    for (; e; e = e.parentElement) {
        const c = rgb(getComputedStyle(e).backgroundColor);
        if (c[3] > 0.99) return c;
    }
    return [255, 255, 255, 1];
}
const seen = new Set();
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let t = walk.nextNode(); t; t = walk.nextNode()) {
    const e = t.parentElement;
    if (!t.data.trim() || e.closest('svg,script,style') ||
        !e.getClientRects().length) continue;
    const s = getComputedStyle(e), a = light(rgb(s.color));
    const b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(s.fontSize);
    const big = size >= 24 || (size >= 18.66 && s.fontWeight >= 700);
    const key = s.color + ' on ' + ground(e) + ' in ' + e.className;
    if (ratio < (big ? 3 : 4.5) && !seen.has(key)) {
        seen.add(key);
        bad.push('contrast ' + ratio.toFixed(2) + ': ' + key + ': ' +
                 t.data.trim().slice(0, 30));
    }
}
return bad;
"""


def check_access(driver, page):
    for name in ("light", "dark"):
        scheme(driver, name)
        for what in driver.execute_script(AUDIT)[:6]:
            check(False, f"{page.name}, {name}: {what}")
    scheme(driver, "light")
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    check(driver.switch_to.active_element.get_attribute("class") == "skip",
          f"{page.name}: Tab reaches the link past the head first")


def check_phone(driver, page):
    phone(driver, True)
    open_page(driver, page)
    wide = driver.execute_script(
        "for (const d of document.querySelectorAll('details')) d.open = true;"
        "return document.documentElement.scrollWidth")
    check(wide <= 360, f"{page.name}: {wide} px wide on a phone")
    phone(driver, False)


def check_print(driver, page):
    pdf = base64.b64decode(driver.execute_cdp_cmd(
        "Page.printToPDF", {"printBackground": True})["data"])
    check(pdf.startswith(b"%PDF") and len(pdf) > 10000,
          f"{page.name}: it prints")
    return pdf


def check_without_script(driver, page):
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled",
                           {"value": True})
    driver.get("about:blank")
    driver.get(page.as_uri())
    body = driver.find_element(By.TAG_NAME, "body").text
    check(len(body) > 2000 and "Method and limits" in body,
          f"{page.name}: it can be read without its script")
    check(not [e for e in driver.find_elements(By.CSS_SELECTOR, ".js")
               if e.is_displayed()],
          f"{page.name}: and offers nothing that would need it")
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled",
                           {"value": False})


def check_tokens(driver, page):
    strip = driver.find_element(By.CSS_SELECTOR, ".strip[data-box]")
    strip.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    box = driver.find_element(By.ID, strip.get_attribute("data-box")).text
    check(box.startswith("token "), f"{page.name}: the arrows say {box!r}")


SHOTS = {
    "report": ("review.html", None),
    "report-text": ("review.html", "findings"),
    "report-claim": ("review.html", "k1"),
    "report-run": ("run.html", "paths"),
}


def take(driver, pages, folder):
    for name, (leaf, anchor) in SHOTS.items():
        page = next((p for p in pages if p.name == leaf), None)
        if not page:
            continue
        open_page(driver, page)
        if anchor:
            driver.execute_script(
                "location.hash = arguments[0];"
                "document.getElementById(arguments[0]).scrollIntoView();"
                "scrollBy(0, -110)", anchor)
        time.sleep(0.5)
        shot = driver.execute_cdp_cmd("Page.captureScreenshot", {
            "format": "webp", "quality": 80})
        path = folder / f"{name}.webp"
        path.write_bytes(base64.b64decode(shot["data"]))
        print(path)


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        pages = make_reports(program, pathlib.Path(name))
        driver = browser()
        for page in pages:
            kilobytes = page.stat().st_size / 1024
            seconds = open_page(driver, page)
            check(seconds < 1, f"{page.name}: answers after {seconds:.2f} s")
            check(kilobytes < 3072, f"{page.name}: {kilobytes:.0f} KB")
            n = check_links(driver, page)
            if page.name == "review.html":
                check_filters(driver, page)
                if os.environ.get("SORITES_MODEL"):
                    check_claims(driver, page)
            if page.name == "run.html":
                check_tokens(driver, page)
            check_graph(driver, page)
            open_page(driver, page)
            check_access(driver, page)
            check_quiet(driver, page)
            check_print(driver, page)
            check_phone(driver, page)
            check_without_script(driver, page)
            print(f"{page.name}: {kilobytes:.0f} KB, answers after "
                  f"{seconds:.2f} s, {n} links")
        if len(sys.argv) > 2:
            take(driver, pages, pathlib.Path(sys.argv[2]))
        driver.quit()
    print(f"report_browser: {len(failures)} failed" if failures
          else "report_browser: all passed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
