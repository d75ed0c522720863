"""What the offline analyst makes of scripted worlds, over a real MCP server: changes read, roots walked to, no change to blame."""

import pytest

from bot.agent.analyst import analyse
from bot.agent.causes import Case
from bot.agent.diagnostics import from_signature
from bot.agent.findings import evidence, numbered
from bot.agent.gather import GatherLimits
from bot.core.evidence import EvidenceKind, EvidencePack, Window
from bot.core.hypothesis import CauseClass, Suspect
from bot.core.runbook import Effect, Signature, Step
from bot.ports import ToolResult
from tests.agent.conftest import make_alert, make_brief
from tests.agent.worlds import ONSET, World, change, line, series, service

HARMLESS = "files: web/page.py\n@@ -1 +1 @@\n-  # pays the cart\n+  # pays the whole cart\n"
TAKEN = "files: web/pool.py\n@@ -8,3 +8,3 @@\n def pool():\n-    return Pool(size=40)\n+    return Pool(size=4)\n"


def slow(before=0.1, after=2.0, start=-120):
    return lambda t: (before if t < start else after) * (1 + 0.02 * (t % 70) / 70)


def shop_brief(name="ShopSlow", summary="shop answers slowly", **labels):
    alert = make_alert(name=name, service="shop", labels={"service": "shop", **labels}, summary=summary, annotations={})
    return make_brief(alerts=(alert,))


def shop_world(*changes, logs=(), metrics=(), depends_on=()):
    quiet = [line(t, "INFO", "shop", f"order {t + 5000} paid") for t in range(-1700, 30, 20)]
    return World(
        services=[service("shop", depends_on=depends_on, changes=changes), *(service(name) for name in depends_on)],
        metrics={"shop": [series("request_seconds_p95", slow(), kind="latency", unit="s"), *metrics]},
        logs={"shop": [*quiet, *logs]},
    )


async def test_the_change_whose_diff_can_do_it_is_blamed_though_a_harmless_one_came_right_before_the_alert(rig):
    logs = [line(t, "ERROR", "shop", f"pool size exhausted, waited {t + 200} ms") for t in range(-118, 30, 4)]
    world = shop_world(
        change("c-old", "commit", -4000, "Tidy the pool", TAKEN), change("c-new", "commit", -130, "Tidy the page", HARMLESS), logs=logs
    )  # fmt: skip

    out = await (await rig(world)).run(shop_brief())

    assert out.top.suspect == Suspect(service="shop", change_id="c-old")
    told = next(one for one in out.pack.evidence if one.facts.get("change_id") == "c-old")
    assert "what it does: lowers size from 40 to 4" in told.excerpt
    assert all(one.suspect is None or one.suspect.change_id != "c-new" for one in out.assessment.hypotheses[:1])


async def test_an_old_release_that_shows_nowhere_is_not_blamed_for_being_the_latest(rig):
    logs = [line(t, "ERROR", "shop", "cart did not answer in time") for t in range(-118, 30, 4)]
    world = shop_world(change("r-1", "deploy", -9 * 3600, "Release 48.1", ""), logs=logs, depends_on=("cart",))

    out = await (await rig(world)).run(shop_brief())

    assert (out.top.cause_class, out.top.suspect) == (CauseClass.UNKNOWN, Suspect(service="shop"))


async def test_a_release_is_told_with_less_where_it_shows_in_nothing_that_failed(rig):
    logs = [line(t, "ERROR", "shop", "voucher 48.1 has no currency") for t in range(-118, 30, 4)]
    bare = [line(t, "ERROR", "shop", "gave up") for t in range(-118, 30, 4)]
    release = change("r-1", "deploy", -400, "Release 48.1: voucher in every currency", "")

    shown = await (await rig(shop_world(release, logs=logs))).run(shop_brief())
    alone = await (await rig(shop_world(release, logs=bare))).run(shop_brief())

    assert shown.top.suspect == alone.top.suspect == Suspect(service="shop", change_id="r-1")
    assert alone.assessment.features["support"] < shown.assessment.features["support"] - 0.3
    assert alone.top.confidence.value < shown.top.confidence.value - 0.1


async def test_when_only_harmless_diffs_are_near_no_change_is_blamed(rig):
    world = shop_world(
        change("c-1", "commit", -130, "Tidy the page", HARMLESS),
        change("c-2", "commit", -900, "Tidy the words", HARMLESS),
    )

    out = await (await rig(world)).run(shop_brief())

    assert out.top.suspect is None or out.top.suspect.change_id is None


async def test_an_expired_certificate_is_named_instead_of_the_latest_release(rig):
    logs = [
        line(t, "ERROR", "shop", "calling payments: x509: certificate has expired or is not yet valid")
        for t in range(-118, 30, 4)
    ]
    world = shop_world(change("c-1", "commit", -130, "Tidy the page", HARMLESS), logs=logs)

    out = await (await rig(world)).run(shop_brief())

    assert out.top.cause_class is CauseClass.SECURITY
    assert out.top.evidence_ids
    assert "certificate" in out.top.title


async def test_more_load_than_ever_is_named_when_nothing_was_changed(rig):
    busy = [series("requests_total", lambda t: 100.0 if t < -200 else 600.0, kind="traffic", unit="per second")]

    out = await (await rig(shop_world(metrics=busy))).run(shop_brief())

    assert out.top.cause_class is CauseClass.CAPACITY
    assert any("Load rose" in claim.text for claim in out.top.claims)


async def test_the_dependency_at_the_root_is_found_by_walking_down_from_the_alert(rig):
    world = shop_world(depends_on=("cart", "search"))
    world.services[1]["depends_on"] = ["cart-db"]
    world.services.append(service("cart-db"))
    world.metrics["cart"] = [series("request_seconds_p95", slow(0.05, 1.2, -130), kind="latency", unit="s")]
    world.metrics["cart-db"] = [series("query_seconds_p95", slow(0.01, 0.9, -140), kind="latency", unit="s")]
    world.metrics["search"] = [series("request_seconds_p95", slow(0.05, 0.05), kind="latency", unit="s")]

    out = await (await rig(world)).run(shop_brief())

    assert out.top.suspect == Suspect(service="cart-db")
    said = next(one for one in out.pack.evidence if "root" in one.facts)
    assert said.kind is EvidenceKind.METRIC
    assert said.title.startswith("cart-db is number 1 of 4 services as the root: query_seconds_p95")


async def test_a_system_that_says_it_is_well_again_is_called_healthy(rig):
    logs = [line(t, "ERROR", "shop", "worker 7 crashed") for t in (-400, -390)]
    logs.append(line(-20, "INFO", "shop", "no further restarts since 08:56, 3 of 3 replicas ready"))
    world = shop_world(logs=logs)
    world.metrics["shop"] = [series("request_seconds_p95", slow(0.1, 0.1), kind="latency", unit="s")]

    out = await (await rig(world)).run(shop_brief("ShopCrashed", "shop crashed"))

    assert out.top.cause_class is CauseClass.NO_CAUSE


async def test_errors_that_go_on_are_not_called_healed(rig):
    logs = [
        line(-200, "INFO", "shop", "connection restored"),
        *[line(t, "ERROR", "shop", "worker crashed") for t in range(-118, 30, 6)],
    ]

    out = await (await rig(shop_world(logs=logs))).run(shop_brief())

    assert out.top.cause_class is not CauseClass.NO_CAUSE
    assert not any("healed" in one.facts for one in out.pack.evidence)


@pytest.mark.parametrize("full", [97.0, 86.0])
async def test_a_resource_that_is_nearly_used_up_is_told_though_it_did_not_move(rig, full):
    world = shop_world(metrics=[series("disk_used", lambda _: full, kind="saturation", unit="%")])

    out = await (await rig(world)).run(shop_brief())

    assert f"shop: disk_used stands at {full:g} %" in {one.title for one in out.pack.evidence}


def test_the_runbooks_sign_makes_its_cause_a_hypothesis():
    sign = Signature(
        when="result.waiting > 5", cause="writers wait for a lock", cause_class=CauseClass.DATA, weight=0.8
    )
    step = Step(
        id="locks",
        title="Sessions that wait",
        tool="pg_locks",
        args={},
        effect=Effect.READ,
        section="Diagnosis",
        line=9,
    )
    result = ToolResult(
        tool="pg_locks", server="scripted", args={}, structured={"waiting": 9}, text="9 wait", took_ms=1
    )
    window = Window(start=ONSET, end=ONSET)
    found = from_signature(sign, step, result, "orders-db", "pg_locks()", window)
    pack = EvidencePack(evidence=numbered([found]), gaps=(), window=window)

    top = analyse(pack, Case(service="orders-db", onset=ONSET)).hypotheses[0]

    assert (top.title, top.cause_class) == ("Writers wait for a lock", CauseClass.DATA)
    assert top.claims[0].evidence == ("E1",)


def test_a_line_that_was_logged_once_is_not_quoted_beside_a_loud_sign():
    def logged(text, weight):
        return evidence(
            kind=EvidenceKind.LOG, source="read_logs", service="shop", title=f"shop logs {text}", query="read_logs()",
            window=window, excerpt=text, weight=weight, facts={"level": "error"},
        )  # fmt: skip

    window = Window(start=ONSET, end=ONSET)
    found = [logged("no space left on device", 1.0), logged("note: the host ran out of memory", 0.4)]
    pack = EvidencePack(evidence=numbered(found), gaps=(), window=window)

    top = analyse(pack, Case(service="shop", onset=ONSET)).hypotheses[0]

    assert top.cause_class is CauseClass.CAPACITY
    assert [one.evidence for one in top.claims] == [("E1",)]


async def test_a_call_that_only_traces_have_seen_is_walked_too(rig):
    """The catalogue knows of cart and of its database, but not that cart asks the database."""
    world = shop_world(depends_on=("cart",))
    world.services[0]["depends_on"] = ["cart", "cart-db"]
    world.services.append(service("cart-db"))
    world.metrics["cart"] = [series("request_seconds_p95", slow(0.05, 1.2, -130), kind="latency", unit="s")]
    world.metrics["cart-db"] = [series("query_seconds_p95", slow(0.01, 0.9, -140), kind="latency", unit="s")]

    def roots(out):
        return {one.service for one in out.pack.evidence if "root" in one.facts}

    blind = await (await rig(world)).run(shop_brief())
    world.edges = [{"caller": "cart", "callee": "cart-db", "calls": 90, "errors": 0}]
    seeing = await (await rig(world)).run(shop_brief())

    assert roots(blind) == {"cart", "cart-db"}
    assert roots(seeing) == {"cart-db"}


async def test_a_callee_that_only_traces_know_and_that_fails_is_a_dependency_at_fault(rig):
    world = shop_world()
    world.edges = [{"caller": "shop", "callee": "rates", "calls": 200, "errors": 150}]

    out = await (await rig(world)).run(shop_brief())

    assert any(one.suspect == Suspect(service="rates") for one in out.assessment.hypotheses)


async def test_a_root_is_found_among_more_dependencies_than_logs_are_read_of(rig):
    names = tuple(f"part-{place}" for place in range(6))
    world = shop_world(depends_on=names)
    for name in names:
        after = 1.5 if name == "part-5" else 0.05
        world.metrics[name] = [series("request_seconds_p95", slow(0.05, after, -130), kind="latency", unit="s")]

    out = await (await rig(world, gather=GatherLimits(part_s=20, whole_s=40))).run(shop_brief())

    assert {one.service for one in out.pack.evidence if "root" in one.facts} == {"part-5"}


async def test_metric_evidence_says_how_far_it_moved_and_how_it_ranks(rig):
    out = await (await rig(shop_world(depends_on=("cart",)))).run(shop_brief())

    said = next(one for one in out.pack.evidence if one.facts.get("metric") == "request_seconds_p95")
    assert said.facts["size"] > 4
    assert said.facts["place"] == 1
    assert f"{said.facts['size']:g} robust deviations off, number 1 of 1 change" in said.title
    assert said.title.split("; ")[1] in said.excerpt


NAMED = "files: web/pay.py\n@@ -8,3 +8,4 @@ def pay(order):\n     hold(order)\n+    order.fee = plan_of(order).fee_for(order)\n     book(order)\n"
UNNAMED = "files: web/pay.py\n@@ -8,3 +8,4 @@ def pay(order):\n     hold(order)\n+    order.seen = seen_of(order).last_one(order)\n     book(order)\n"
ERRORS = [line(t, "ERROR", "shop", f"order {t + 900} failed: no method fee_for on nothing") for t in range(-118, 30, 4)]


async def test_a_change_whose_own_name_stands_in_the_error_is_blamed_though_its_diff_looks_like_any_other(rig):
    named = shop_world(change("c-1", "commit", -140, "Show fees", NAMED), logs=ERRORS)
    unnamed = shop_world(change("c-1", "commit", -140, "Show orders", UNNAMED), logs=ERRORS)

    blamed = await (await rig(named)).run(shop_brief())
    other = await (await rig(unnamed)).run(shop_brief())

    assert blamed.top.suspect == Suspect(service="shop", change_id="c-1")
    assert other.top.cause_class is CauseClass.UNKNOWN


async def test_a_name_that_two_changes_use_betrays_neither(rig):
    both = shop_world(
        change("c-1", "commit", -140, "Show fees", NAMED), change("c-2", "commit", -900, "Bill fees", NAMED.replace("pay", "bill")), logs=ERRORS
    )  # fmt: skip

    out = await (await rig(both)).run(shop_brief())

    assert out.top.cause_class is CauseClass.UNKNOWN


SLOWED = "files: db/migrate/7.sql\n@@ -0,0 +1 @@\n+DROP INDEX CONCURRENTLY orders_by_day;\n"


async def test_a_dangerous_change_of_a_failing_dependency_comes_before_the_dependency(rig):
    world = shop_world(depends_on=("orders-replica",))
    world.metrics["orders-replica"] = [series("query_seconds_p95", slow(0.01, 3.0, -125), kind="latency", unit="s")]
    bare = await (await rig(world)).run(shop_brief())
    world.services.append(service("orders-primary", changes=(change("m-7", "migration", -150, "Drop an index", SLOWED),)))  # fmt: skip
    told = await (await rig(world)).run(shop_brief())

    assert bare.top.suspect == Suspect(service="orders-replica")
    assert told.top.suspect == Suspect(service="orders-primary", change_id="m-7")


async def test_a_dependency_that_is_busier_and_idle_all_the_same_is_not_failing(rig):
    def top(level):
        world = shop_world(depends_on=("broker",))
        world.metrics["broker"] = [series("cpu_utilization_pct", slow(6, level, -125), kind="saturation", unit="%")]
        return world

    idle = await (await rig(top(11))).run(shop_brief())
    full = await (await rig(top(97))).run(shop_brief())

    assert Suspect(service="broker") not in {one.suspect for one in idle.assessment.hypotheses}
    assert Suspect(service="broker") in {one.suspect for one in full.assessment.hypotheses}


async def test_a_dependency_whose_exporter_says_that_it_is_down_comes_before_an_old_change_of_it(rig):
    old = change("c-7", "config", -7200, "cache: timeout 0 to 300", "Idle connections are closed after five minutes.")
    refused = [line(t, "ERROR", "shop", "basket not kept: connection to cache refused") for t in range(-118, 30, 4)]  # fmt: skip
    world = shop_world(logs=refused, depends_on=("cache",))
    world.services = [one for one in world.services if one["name"] != "cache"] + [service("cache", changes=(old,))]
    up = series("redis_up", lambda t: 1.0, kind="other", unit="1")
    world.metrics["cache"] = [up]
    there = await (await rig(world)).run(shop_brief())
    world.metrics["cache"] = [{**up, "points": [[ONSET.timestamp() + t, float(t < -125)] for t in (-140, -130, -120, -110)]}]  # fmt: skip
    gone = await (await rig(world)).run(shop_brief())

    assert there.top.suspect != Suspect(service="cache")
    assert gone.top.suspect == Suspect(service="cache")


async def test_a_key_in_a_diff_is_kept_in_no_fact_of_the_change(rig):
    key = "sk_" + "live_51Hq3fKJ8zT0w9XyAbCdEfGhIj"
    diff = f'files: web/pay.py\n@@ -1 +1,2 @@\n+API_KEY = "{key}"\n+call_bank(API_KEY)\n'

    out = await (await rig(shop_world(change("c-1", "commit", -140, "Call the bank", diff)))).run(shop_brief())

    (told,) = [one for one in out.pack.evidence if one.facts.get("change_id") == "c-1"]
    assert "call_bank" in str(told.facts)
    assert key not in f"{told.title}{told.excerpt}{told.facts}"
