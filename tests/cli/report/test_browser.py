"""Tests of a report in a real browser: keys, filters, light and dark, widths, 20,000 samples, and nothing that runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.helpers import call

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra `test`)")
BINARY = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    BINARY is None or DRIVER is None, reason="no Chromium with its driver: apt install chromium chromium-driver"
)
EVIL = "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
MANY = 20_000
#: Milliseconds from an action to the next frame; 10 to 20 were measured, and a busy machine takes longer.
MOST_MS = 400


def line(epoch: int, sample: int, answer: str, error: bool = False) -> str:
    """A row of a cassette."""
    request = {
        "kind": "chat",
        "model": "ollama/m",
        "messages": [
            {"role": "system", "content": f"Answer. {EVIL}"},
            {"role": "user", "content": f"<input>\nquestion {sample} {EVIL}\n</input>"},
        ],
    }
    reply = {"text": answer, "finish": "stop", "model": "m", "usage": {"input_fresh": 9, "output_text": 1}, "cost": "0"}
    failure = {"class": "LMUnavailable", "kind": "timeout", "message": "too late", "attempts": 1}
    outcome = {"error": failure} if error else {"reply": {**reply, "seconds": 0.5}}
    scope = {"epoch": epoch, "phase": "validation", "sample": sample, "module": "solver"}
    return json.dumps({"digest": f"{sample}", "scope": scope, "draw": epoch, "request": request, **outcome}) + "\n"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of 20,000 samples in two epochs; one in a hundred changes, sample 7 is wrong at first."""
    folder = tmp_path_factory.mktemp("report")
    lines = ['{"synalinks_cassette":2,"request_format":2}\n']
    for epoch in range(2):
        for sample in range(MANY // 2):
            changed = sample % 100 == 7 and epoch == 0
            lines.append(line(epoch, sample, '{"answer": -1}' if changed else '{"answer": 1}'))
    (folder / "many.jsonl").write_text("".join(lines))
    (folder / "targets.jsonl").write_text('{"answer": 1}\n' * (MANY // 2))
    result = call("report", folder / "many.jsonl", "-o", folder / "r.html", "--targets", folder / "targets.jsonl")
    assert result.exit_code == 0, result.output
    return folder / "r.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = BINARY
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield found
    found.quit()


@pytest.fixture
def opened(browser: Any, page: Path) -> Any:
    browser.get(page.as_uri())
    return browser


def press(browser: Any, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def shown(browser: Any) -> str:
    return str(browser.find_element("id", "count").text)


def test_nothing_untrusted_runs_and_nothing_is_loaded(opened: Any) -> None:
    assert opened.title == "many: report"
    assert opened.find_elements("tag name", "img") == []
    opened.execute_script("document.querySelector('.row').click()")
    said = opened.find_element("id", "talk-body").text
    assert EVIL in said and opened.title == "many: report"
    assert opened.get_log("browser") == []
    assert opened.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_a_script_that_got_into_the_page_would_not_run(opened: Any) -> None:
    opened.execute_script(
        "const s = document.createElement('script'); s.textContent = \"document.title = 'run'\";"
        "document.body.append(s);"
        "const d = document.createElement('div'); d.innerHTML = '<img src=x onerror=\"document.title=1\">';"
        "document.body.append(d)"
    )
    assert opened.title == "many: report"
    assert any("Content Security Policy" in entry["message"] for entry in opened.get_log("browser"))


def test_filters(opened: Any) -> None:
    assert shown(opened) == "20,000 of 20,000 samples"
    opened.find_element("id", "wrong").click()
    assert shown(opened) == "100 of 20,000 samples"
    opened.find_element("id", "wrong").click()
    opened.find_element("id", "changed").click()
    assert shown(opened) == "100 of 20,000 samples"
    opened.find_element("id", "failed").click()
    assert shown(opened) == "0 of 20,000 samples"


def test_a_sample_by_keyboard_alone(opened: Any) -> None:
    keys = webdriver.Keys
    press(opened, "/", "question 1234 ", keys.ESCAPE, "j", keys.ARROW_DOWN, keys.ENTER)
    assert shown(opened) == "2 of 20,000 samples"
    talk = opened.find_element("id", "talk")
    assert talk.is_displayed()
    assert opened.find_element("id", "talk-title").text == "sample 1234, validation, epoch 2"
    assert "question 1234" in talk.text and '"answer": 1' in talk.text
    press(opened, keys.ESCAPE)
    assert not talk.is_displayed()
    before = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
    press(opened, "t")
    assert opened.execute_script("return getComputedStyle(document.body).backgroundColor") != before
    press(opened, keys.END)
    assert opened.find_element("css selector", ".row.chosen").get_attribute("aria-rowindex") == "3"


def test_twenty_thousand_samples_without_lag(opened: Any) -> None:
    measure = """
      const done = arguments[0], view = document.getElementById('table'), took = {};
      const timed = (name, act) => new Promise((ready) => {
        const begin = performance.now();
        act();
        requestAnimationFrame(() => setTimeout(() => { took[name] = performance.now() - begin; ready(); }));
      });
      const search = document.getElementById('search');
      (async () => {
        await timed('scroll', () => { view.scrollTop = 300000; });
        const find = (words) => { search.value = words; search.dispatchEvent(new Event('input', {bubbles: true})); };
        await timed('search', () => find('question 99'));
        await timed('all', () => find(''));
        took.rows = document.querySelectorAll('.row').length;
        done(took);
      })();
    """
    took = opened.execute_async_script(measure)
    assert took.pop("rows") < 60, "only what is in view is drawn"
    assert max(took.values()) < MOST_MS, took


@pytest.mark.parametrize("width", [400, 1000, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_window(opened: Any, width: int, scheme: str) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    assert opened.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    background = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two runs: sample 0 is right in the second alone, sample 1 in the first alone, sample 2 in both."""
    folder = tmp_path_factory.mktemp("two")
    for name, right in (("before", {1, 2}), ("after", {0, 2})):
        lines = ['{"synalinks_cassette":2,"request_format":2}\n']
        for epoch in range(2):
            lines += [line(epoch, n, f'{{"answer": {1 if n in right and epoch else -1}}}') for n in range(3)]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    (folder / "targets.jsonl").write_text('{"answer": 1}\n' * 3)
    files = (folder / "before.jsonl", folder / "after.jsonl")
    result = call("report", *files, "-o", folder / "r.html", "--targets", folder / "targets.jsonl")
    assert result.exit_code == 0, result.output
    return folder / "r.html"


def view_of(browser: Any, name: str) -> None:
    browser.find_element("css selector", f"#view option[value={name}]").click()


def test_two_runs_are_compared_sample_by_sample(browser: Any, two: Path) -> None:
    browser.get(two.as_uri())
    assert shown(browser) == "12 of 12 samples"
    view_of(browser, "compared")
    assert shown(browser) == "3 of 3 samples: 1 better, 1 worse"
    cells = "return [...document.querySelectorAll('.row')].map((row) => [...row.children].map((c) => c.textContent))"
    rows = browser.execute_script(cells)
    assert [row[-1] for row in rows] == ["better", "worse", "same"]
    assert rows[0][4:6] == ["-1", "1"]
    browser.find_element("id", "changed").click()
    assert shown(browser) == "2 of 3 samples: 1 better, 1 worse"
    browser.execute_script("document.querySelector('.row').click()")
    headings = [one.text for one in browser.find_elements("css selector", "#talk-body .runs > div > h3:first-child")]
    assert headings == ["before, epoch 2", "after, epoch 2"]
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    press(browser, webdriver.Keys.ESCAPE)
    browser.find_element("id", "changed").click()
    view_of(browser, "samples")
    assert shown(browser) == "12 of 12 samples"
