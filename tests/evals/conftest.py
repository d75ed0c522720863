"""A case small enough to break on purpose."""

import json

import pytest

CASE = """\
title: A release breaks the shop
kind: clear cause
difficulty: easy
expected:
  service: shop
  cause_class: deploy
  change_id: dep-1
forbidden: [newsletter]
required_evidence: [change, log]
"""
ONSET = "2026-10-01T10:00:00Z"


def default_tools():
    service = {
        "name": "shop",
        "owner": "team",
        "tier": "1",
        "depends_on": [],
        "version": "2.0.0",
        "changes": [
            {
                "id": "dep-1",
                "kind": "deploy",
                "at": "2026-10-01T09:58:00Z",
                "author": "kim",
                "title": "Release 2.0.0",
                "detail": "new basket",
                "version": "2.0.0",
            }
        ],
    }
    lines = [
        {"at": f"2026-10-01T09:{minute:02d}:00Z", "level": "info", "service": "shop", "text": f"order {minute} placed"}
        for minute in range(30, 58)
    ]
    lines += [
        {
            "at": f"2026-10-01T09:59:{second:02d}Z",
            "level": "error",
            "service": "shop",
            "text": f"order {second} failed version=2.0.0: basket is empty",
        }
        for second in range(10, 60, 2)
    ]
    return {
        "calls": [
            {"tool": "list_services", "args": {}, "answer": {"services": [service]}},
            {"tool": "read_logs", "args": {"service": "shop"}, "answer": {"lines": lines, "truncated": False}},
            {"tool": "read_metrics", "args": {}, "error": "prometheus is away"},
        ]
    }  # fmt: skip


def default_alert():
    labels = {"alertname": "HighErrorRate", "service": "shop", "severity": "critical"}
    one = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "shop fails"},
        "startsAt": ONSET,
        "fingerprint": "abc",
    }
    return {"version": "4", "groupKey": "g", "status": "firing", "receiver": "aiops", "alerts": [one]}


@pytest.fixture
def write_case(tmp_path):
    """Writes a case folder; text parts replace the default ones."""

    def write(slug="shop-release", *, case=CASE, tools=None, alert=None):
        folder = tmp_path / slug
        folder.mkdir()
        (folder / "case.yaml").write_text(case)
        as_text = tools if isinstance(tools, str) else json.dumps(tools or default_tools(), indent=1)
        (folder / "tools.json").write_text(as_text)
        (folder / "alert.json").write_text(json.dumps(alert or default_alert()))
        return folder

    return write
