"""Releases that no change log tells of, seen where systems say what they run; and dependencies that somebody else runs."""

from bot.core.hypothesis import CauseClass, Suspect
from tests.agent.test_causes import shop_brief, shop_world, slow
from tests.agent.worlds import World, change, line, series, service

FAILS = [line(t, "ERROR", "shop", "cart total is missing") for t in range(-118, 30, 4)]


def started(at=-140, version="4.2.0"):
    return line(at, "INFO", "shop", f"shop {version} started, 8 workers")


async def test_a_start_of_another_version_is_a_release_though_no_change_tells_of_it(rig):
    out = await (await rig(shop_world(logs=[started(), *FAILS]))).run(shop_brief())

    assert (out.top.cause_class, out.top.suspect) == (CauseClass.DEPLOY, Suspect(service="shop"))
    assert "4.2.0, a release that no change log tells of" in out.top.title


async def test_a_start_of_the_version_that_ran_before_is_a_restart(rig):
    before = line(-1500, "INFO", "shop", "shop 4.2.0 answers on port 80")

    out = await (await rig(shop_world(logs=[before, started(), *FAILS]))).run(shop_brief())

    assert not any("starts" in one.facts for one in out.pack.evidence)


async def test_a_release_that_the_change_log_tells_of_is_blamed_as_that_change(rig):
    told = change("r-7", "deploy", -150, "Release 4.2.0", "", version="4.2.0")

    out = await (await rig(shop_world(told, logs=[started(), *FAILS]))).run(shop_brief())

    assert out.top.suspect == Suspect(service="shop", change_id="r-7")
    assert not any("no change log tells" in one.title for one in out.assessment.hypotheses)


async def test_versions_of_protocols_and_libraries_are_no_releases(rig):
    logs = [line(-140, "INFO", "shop", "started with TLS 1.3.0 and python 3.11.7"), *FAILS]

    out = await (await rig(shop_world(logs=logs))).run(shop_brief())

    assert not any("starts" in one.facts for one in out.pack.evidence)


async def test_a_failing_dependency_that_somebody_else_runs_is_an_outside_cause(rig):
    def world(owner):
        pay = service("pay-provider", owner=owner)
        return World(
            services=[service("shop", depends_on=("pay-provider",)), pay],
            metrics={
                "shop": [series("request_seconds_p95", slow(), kind="latency", unit="s")],
                "pay-provider": [series("http_errors_total", slow(0.0, 9.0, -130), kind="errors")],
            },
            logs={"pay-provider": [line(t, "ERROR", "pay-provider", "503 from upstream") for t in range(-125, 30, 4)]},
        )

    ours = await (await rig(world("payments"))).run(shop_brief())
    theirs = await (await rig(world("external"))).run(shop_brief())

    assert (ours.top.cause_class, ours.top.suspect) == (CauseClass.DEPENDENCY, Suspect(service="pay-provider"))
    assert (theirs.top.cause_class, theirs.top.suspect) == (CauseClass.EXTERNAL, Suspect(service="pay-provider"))
    assert "somebody else runs" in theirs.top.title
