"""`aiops doctor` says, before the night when it matters, where nobody could approve."""

import pytest

from bot.adapters.tool_gate import Described
from bot.cli.doctor import approval_findings, unplaced_findings
from bot.core.policy import Level
from bot.ports import ToolSpec
from bot.settings import Approvals, Autonomy, Config, Environment, McpServer, Settings


def settings(tmp_path, **config):
    return Settings(
        environment=Environment(_env_file=None), config=Config(**config), config_path=tmp_path / "aiops.yaml"
    )


def server(environment=""):
    return {"basecamp": McpServer(url="http://127.0.0.1:1/mcp", environment=environment)}


WRITES = Autonomy(classes={"PressureHigh": Level.APPROVED})


@pytest.mark.parametrize(
    ("config", "ok", "words"),
    [
        ({"autonomy": WRITES}, False, "nobody can approve it in default"),
        ({"autonomy": WRITES, "approvers": {"default": ("S0ONCALL",)}}, True, "named for default"),
        (
            {
                "autonomy": WRITES,
                "approvers": {"default": ("S0ONCALL",), "staging": ("U0ANA",)},
                "mcpServers": server("production"),
            },
            False,
            "nobody can approve it in production",
        ),
        (
            {"autonomy": WRITES, "approvers": {"default": ("U0ANA",)}, "mcpServers": server("production")},
            True,
            "production",
        ),
    ],
)
def test_a_level_above_advisory_needs_somebody_who_can_approve_where_it_writes(tmp_path, config, ok, words):
    (finding,) = approval_findings(settings(tmp_path, **config))

    assert (finding.ok, words in finding.words) == (ok, True)


def test_where_everything_is_advisory_nobody_has_to_approve(tmp_path):
    assert approval_findings(settings(tmp_path)) == []


def tools(*names):
    specs = (ToolSpec(name=name, description="", schema={}, server="basecamp") for name in names)
    return {"basecamp": [Described(spec=one, says_it_writes=False, says_it_destroys=False) for one in specs]}


@pytest.mark.parametrize(
    ("config", "listed", "found"),
    [
        ({"approvals": Approvals(two_person=("production",)), "mcpServers": server()}, tools("redis_unlink"), True),
        ({"approvers": {"production": ("U0ANA",)}, "mcpServers": server()}, tools("redis_unlink"), True),
        ({"approvers": {"production": ("U0ANA",)}, "mcpServers": server()}, tools("redis_info"), False),
        ({"approvers": {"production": ("U0ANA",)}, "mcpServers": server("production")}, tools("redis_unlink"), False),
        ({"approvers": {"default": ("U0ANA",)}, "mcpServers": server()}, tools("redis_unlink"), False),
    ],
)
def test_a_server_that_writes_and_belongs_to_no_environment_is_named_where_environments_differ(
    tmp_path, config, listed, found
):
    findings = unplaced_findings(settings(tmp_path, **config), listed)

    assert bool(findings) is found
    if found:
        assert findings[0].mend == "Set mcpServers.basecamp.environment in aiops.yaml."
