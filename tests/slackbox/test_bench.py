"""`slackbox bench` measures a slackbox that it starts itself, and says what it could not measure."""

import json
import subprocess
import sys

import pytest

from slackbox.bench.figures import Figure, percentile, table

SMALL = ["--posts", "40", "--connections", "2", "--paints", "3", "--starts", "2"]


def bench(*command):
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=150)


@pytest.mark.external_service("chromium")
def test_the_bench_reports_every_figure_with_its_sample_size():
    done = bench("-m", "slackbox.bench", *SMALL, "--json")
    assert done.returncode == 0, done.stderr
    figures = {each["what"]: each for each in json.loads(done.stdout)["figures"]}

    assert figures["start to first answer"]["n"] == 2
    assert figures["posts accepted: text"]["n"] == 40
    assert figures["post to painted: text"]["n"] == 3
    assert all(0 < each["p50"] <= each["p95"] <= each["max"] for each in figures.values())
    assert {each["target"] for each in figures.values()} == {None, 1, 100, 200}


def test_without_playwright_the_bench_says_so_and_measures_the_rest():
    without = (
        "import sys; sys.modules['playwright'] = None; from slackbox.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = bench("-c", without, "bench", *SMALL)

    assert done.returncode == 1
    assert "Playwright is not installed" in done.stderr
    assert "posts accepted: text" in done.stdout
    assert "painted" not in done.stdout


def test_percentiles_are_measured_values_and_targets_are_judged_by_the_right_one():
    waits = Figure(what="waits", unit="ms", samples=[1, 2, 3, 4, 100], target=50)
    rates = Figure(what="rates", unit="1/s", samples=[150, 250, 260], target=200, at_least=True)

    assert (percentile(waits.samples, 50), percentile(waits.samples, 95)) == (3, 100)
    assert (waits.met, rates.met) == (False, True)
    assert table([waits, rates]).splitlines()[1].split() == ["waits", "5", "3", "100", "100", "ms", "≤", "50", "missed"]
