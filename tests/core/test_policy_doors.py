"""There is one gate, and no way round it: every tool and every door by which the bot can reach one."""

import ast
from pathlib import Path

import pytest

from bot.adapters.tool_gate import DEFAULT_EFFECTS, Described, MemoryPins, ToolGate
from bot.core.policy import Actor, Effect, Ruling
from bot.ports import ToolSpec

BOT = Path(__file__).parents[2] / "bot"


def attribute_calls(name):
    """Files of the bot (and the functions in them) that call a method of this name."""
    found = set()
    for path in BOT.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                    found.add((str(path.relative_to(BOT)), function.name))
    return found


def mentions(name):
    """Files of the bot in which this identifier or attribute is used in any way."""
    found = set()
    for path in BOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if name in {getattr(node, "id", None), getattr(node, "attr", None)}:
                found.add(str(path.relative_to(BOT)))
    return found


def importers(module, name):
    """Files of the bot that take this name from this module."""
    return {
        str(path.relative_to(BOT))
        for path in BOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == module and any(one.name == name for one in node.names)
    }


async def gate_with(tool, *, writes=False, destroys=False, effects=DEFAULT_EFFECTS):
    gate = ToolGate(effects, MemoryPins())
    described = Described(
        spec=ToolSpec(name=tool, description="d", schema={}, server="basecamp"),
        says_it_writes=writes,
        says_it_destroys=destroys,
    )
    await gate.note("basecamp", [described], {})
    return gate, described


@pytest.mark.parametrize("actor", Actor)
@pytest.mark.parametrize("tool", sorted(DEFAULT_EFFECTS))
async def test_without_a_runbook_step_every_tool_that_changes_something_is_denied_to_everybody(tool, actor):
    gate, described = await gate_with(tool)

    ruling = gate.rule(described, actor=actor).ruling

    assert ruling is (Ruling.ALLOW if DEFAULT_EFFECTS[tool] is Effect.READ else Ruling.DENY)
    assert gate.rule_unseen(tool).ruling is ruling


@pytest.mark.parametrize("tool", sorted(name for name, effect in DEFAULT_EFFECTS.items() if effect is Effect.READ))
async def test_a_read_tool_whose_server_says_that_it_writes_is_closed(tool):
    for hints in ({"writes": True}, {"destroys": True}):
        gate, described = await gate_with(tool, **hints)
        assert gate.rule(described, actor=Actor.TRIAGE_AGENT).ruling is Ruling.DENY


@pytest.mark.parametrize("name", ["read_logs_", "Read_Logs", "read_log", " read_logs", "read_logs\u200b", "*", ""])
async def test_only_the_exact_name_is_listed(name):
    gate, described = await gate_with(name)

    assert gate.rule(described, actor=Actor.TRIAGE_AGENT).ruling is Ruling.DENY


async def test_a_tool_that_was_never_compared_with_its_pin_is_closed():
    gate, described = ToolGate(DEFAULT_EFFECTS, MemoryPins()), (await gate_with("read_logs"))[1]

    assert gate.rule(described, actor=Actor.TRIAGE_AGENT).ruling is Ruling.DENY


DOORS = ("call", "call_alone", "call_declining")


def test_the_wire_is_touched_in_one_function_and_reached_by_two_doors():
    assert attribute_calls("call_tool") == {("adapters/mcp_calls.py", "_send")}
    callers = set()
    tree = ast.parse((BOT / "adapters" / "tools.py").read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
            made = [
                node for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            ]
            names = [node.func.id for node in sorted(made, key=lambda node: node.lineno)]
            wired = [name for name in names if name in DOORS]
            if wired:
                callers.add(function.name)
                assert names.index("_require") < names.index(wired[0]), "the gate is asked before the call"
    # `call` tells the witness how `_read` ended.
    assert callers == {"_read", "act"}
    for name in DOORS:
        assert importers("bot.adapters.mcp_calls", name) == {"adapters/tools.py"}
    # An agent's door declines what a server asks; only the executor's can put it to a person.
    assert importers("bot.adapters.mcp_calls", "_send") == set()


def test_only_the_executors_one_function_makes_writes_and_mints_grants():
    assert attribute_calls("act") == {("flows/acting/calling.py", "make_call")}
    assert attribute_calls("mint") == {("flows/acting/calling.py", "_grant")}
    assert importers("bot.ports", "Permit") == {"flows/acting/calling.py", "adapters/tools.py"}
    # A call is made after it was written down as begun, or taken up after its server's question was settled.
    assert importers("bot.flows.acting.calling", "make_call") == {"flows/acting/act.py"}


def test_nobody_but_the_executor_calls_itself_that():
    users = {path for path in mentions("EXECUTOR") if not path.startswith("flows/acting/")}

    assert users == {"core/policy.py", "adapters/tools.py"}


def test_nobody_decides_but_the_one_gate():
    assert importers("bot.core.policy", "decide") == {"adapters/tool_gate.py"}


def test_a_step_counts_as_approved_in_one_place_only_where_an_approval_is_at_hand():
    """`approved=` is set from a row, or to False, or in the last check of an approval that was just found sound."""
    found = [
        (str(path.relative_to(BOT)), ast.unparse(node.value))
        for path in BOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "approved"
    ]
    assert sorted(found) == [
        ("flows/acting/act.py", "True"),
        ("flows/acting/act.py", "approval is not None"),
        ("flows/acting/ask.py", "False"),
        ("flows/acting/calling.py", "False"),
        ("flows/acting/calling.py", "told.action == 'accept'"),
        ("flows/acting/calling.py", "under.approved"),
        ("flows/acting/elicit.py", "True"),
        ("flows/acting/writing.py", "approved"),
        ("flows/acting/writing.py", "approved"),
    ]


def test_agents_and_slack_never_see_the_executors_side_of_the_tools():
    for folder in ("agent", "slack"):
        for path in (BOT / folder).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            assert "ActingTools" not in source, path
            assert "flows.acting.act" not in source, path
            assert "flows.acting.writing" not in source, path
