"""The report in a real browser: everything is drawn, nothing is fetched, nothing sticks out."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiomodelarts.sweep.report import page
from tests.support.browser import Tab, chromium, tab

from .stories import HOSTILE, story

pytest.importorskip("plotly", reason="reports need plotly: pip install 'aiomodelarts[report]'")

STORIES = {
    "under way": story(count=60),
    "all failed": story(count=8, open_=0, bad=1.0, reason=HOSTILE + "x" * 400),
    "empty": story(count=0),
    "several": story(count=40, several=True),
}


@pytest.fixture
async def browser() -> AsyncIterator[Tab]:
    if await asyncio.to_thread(chromium) is None:
        missing = "no chromium on this machine: apt-get install chromium"
        if os.environ.get("CI_BROWSER_REQUIRED") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    async with tab() as opened:
        yield opened


async def show(browser: Tab, folder: Path, name: str, *, width: int, dark: bool = False) -> str:
    file = folder / "report.html"
    await asyncio.to_thread(lambda: file.write_text(page(STORIES[name]), "utf-8"))
    await browser.show(file.as_uri(), width=width, dark=dark)
    await browser.drawn()
    return file.as_uri()


@pytest.mark.parametrize("width", [1400, 400])
async def test_everything_is_drawn_nothing_is_fetched_and_nothing_sticks_out(
    browser: Tab, tmp_path: Path, width: int
) -> None:
    for name in STORIES:
        address = await show(browser, tmp_path, name, width=width)
        assert browser.errors == []
        assert {asked for asked in browser.asked if not asked.startswith(("data:", "blob:"))} == {address}
        assert await browser.value("document.documentElement.scrollWidth <= innerWidth"), name
        assert await browser.value("document.title") == "Sweep story"
    await show(browser, tmp_path, "under way", width=width)
    charts = "[...document.querySelectorAll('.js-plotly-plot')]"
    # Three charts and a slice for each of the seven hyperparameters.
    assert await browser.value(f"{charts}.length") == 10
    assert await browser.value(f"{charts}.every(chart => chart.querySelector('.main-svg'))")
    assert await browser.value("document.querySelectorAll('#history .point').length") > 40
    assert await browser.value("document.querySelectorAll('#timeline .bars .point').length") >= 60
    painted = "document.querySelector('#parallel canvas.gl-canvas-context, #parallel canvas').width"
    assert await browser.value(painted) > 0
    assert await browser.value("document.querySelectorAll('#trials tbody tr').length") == 60
    # Whatever is too wide scrolls inside its box.
    box = "document.querySelector('.box')"
    assert await browser.value(f"{box}.getBoundingClientRect().right <= innerWidth")
    if width == 400:
        assert await browser.value(f"{box}.scrollWidth > {box}.clientWidth")


async def test_labels_do_not_lie_on_each_other(browser: Tab, tmp_path: Path) -> None:
    for width in (1400, 400):
        await show(browser, tmp_path, "under way", width=width)
        overlaps = await browser.value("""(() => {
          const found = [];
          for (const plot of document.querySelectorAll('.js-plotly-plot')) {
            for (const kind of ['.xtick text', '.ytick text', '.axis-title', '.legendtext']) {
              const boxes = [...plot.querySelectorAll(kind)].map(one => [one.textContent, one.getBoundingClientRect()]);
              boxes.forEach(([a, x], at) => boxes.slice(at + 1).forEach(([b, y]) => {
                if (x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 1 && y.top < x.bottom - 1) {
                  found.push(`${a} | ${b}`);
                }
              }));
            }
          }
          return found;
        })()""")
        assert overlaps == []


async def test_colours_follow_the_reader_also_in_the_charts(browser: Tab, tmp_path: Path) -> None:
    paper = "getComputedStyle(document.querySelector('#history .main-svg')).backgroundColor"
    text = "getComputedStyle(document.querySelector('#history .xtick text')).fill"
    await show(browser, tmp_path, "under way", width=1000)
    light = await browser.value(f"[{paper}, {text}]")
    await browser.scheme(dark=True)
    await browser.value("new Promise(done => setTimeout(done, 300))")
    dark = await browser.value(f"[{paper}, {text}]")
    assert light == ["rgb(255, 255, 255)", "rgb(27, 37, 48)"]
    assert dark == ["rgb(24, 31, 39)", "rgb(230, 235, 240)"]


async def test_the_table_is_sorted_filtered_and_tells_a_trials_history(browser: Tab, tmp_path: Path) -> None:
    await show(browser, tmp_path, "under way", width=1400)
    head = "[...document.querySelectorAll('th button')].find(one => one.textContent === 'value').click()"
    values = "[...document.querySelectorAll('#trials tbody td:nth-child(3)')].map(one => one.textContent)"
    await browser.value(f"{head}; {head}")
    given = [float(text) for text in await browser.value(values) if text]
    assert given == sorted(given, reverse=True)
    assert await browser.value("document.querySelector('tbody tr').className") == "best"
    # Those without a value come last, whichever way it is sorted.
    assert (await browser.value(values))[-1] == ""
    await browser.value(
        "[...document.querySelectorAll('.chips button')].find(one => one.textContent.startsWith('failed')).click()"
    )
    outcomes = "[...document.querySelectorAll('#trials tbody td:nth-child(2)')].map(one => one.textContent)"
    assert "failed" not in await browser.value(outcomes)
    await browser.value("document.querySelector('tbody .open').click()")
    steps = await browser.value("[...document.querySelectorAll('.details li')].map(one => one.textContent)")
    assert any("reserved: reserved" in step for step in steps)
    assert any("succeeded: value 0.9" in step for step in steps)
    best = await browser.value("document.querySelector('tbody .open').textContent")
    assert f"aiomodelarts logs 31 {1000 + int(best)}" in await browser.value(
        "document.querySelector('.details').textContent"
    )


async def test_each_of_several_objectives_has_its_charts(browser: Tab, tmp_path: Path) -> None:
    await show(browser, tmp_path, "several", width=1400)
    title = "document.querySelector('#best h2').textContent"
    lows = "document.querySelector('#history .js-plotly-plot').data[0].y"
    assert (await browser.value(title)).startswith("Best accuracy: 0.9")
    before = await browser.value(lows)
    await browser.value(
        "[...document.querySelectorAll('#views button')].find(one => one.textContent === 'size').click()"
    )
    await browser.drawn()
    assert (await browser.value(title)).startswith("Best size: ")
    assert await browser.value(lows) != before
    assert await browser.value("document.querySelectorAll('.js-plotly-plot').length") == 11
    # A hover is made from the table, whichever chart it is in.
    assert await browser.value(
        "[...document.querySelectorAll('.js-plotly-plot')].flatMap(one => one.data).filter(one => one.customdata)"
        ".every(one => one.text.every((text, at) => text.includes(`trial ${one.customdata[at]}`)))"
    )
    assert browser.errors == []


async def test_a_click_on_a_dot_shows_its_trial_in_the_table(browser: Tab, tmp_path: Path) -> None:
    await show(browser, tmp_path, "under way", width=1400)
    await browser.value("""(() => {
      const chart = document.querySelector('#history .js-plotly-plot');
      chart.emit('plotly_click', { points: [{ customdata: 5 }] });
    })()""")
    assert await browser.value("document.querySelector('#trial-5').nextSibling.className") == "details"
