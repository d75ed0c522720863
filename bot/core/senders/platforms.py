"""
Platforms whose payloads name things under words that mean something else elsewhere: Azure, Google Cloud, Dynatrace, Splunk, New Relic.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema, https://cloud.google.com/monitoring/support/notification-options,
https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration,
https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks
"""

import re
from dataclasses import replace

from bot.core.senders.fields import Fields, said, spoken
from bot.core.senders.keys import LAST_SERVICES, SERVICES
from bot.core.senders.reading import Reading, first_of

# Dynatrace says on what a problem is in one phrase: `Low disk space on Host db-1`.
_ON = re.compile(
    r"\bon (?:(?:(?:web|mobile|custom|key|database|synthetic|http|browser|cloud|kubernetes) )?(?:host|services?|applications?|process|process group|"
    r"database|device|monitor|request|workload|node|cluster|pod|environment|test) )?(\S.*)$",
    re.IGNORECASE,
)
_IN_SPLUNK = tuple(key for key in (*SERVICES, *LAST_SERVICES) if key not in {"source", "app", "application"})


def refined(fields: Fields, reading: Reading) -> Reading:
    """With what the forms of these products tell beyond their keys."""
    for refine in (_azure, _google, _dynatrace, _splunk):
        reading = refine(fields, reading)
    return reading


def _azure(fields: Fields, reading: Reading) -> Reading:
    essentials = fields.object("essentials")
    if not essentials:
        return reading
    target = spoken(essentials.get("alertTargetIDs")).rpartition("/")[2]
    return replace(
        reading,
        service=first_of([spoken(essentials.get("configurationItems")), target, reading.service]),
        summary=said(essentials, "description", nested=False) or reading.summary,
        identity=said(essentials, "originAlertId", "alertId", nested=False) or reading.identity,
    )


def _google(fields: Fields, reading: Reading) -> Reading:
    # Both are names that people gave; the policy is the alert, a condition one of its parts.
    policy = fields.said("policy_name")
    if not fields.has("scoping_project_id") or not policy or "/" in policy:
        return reading
    return replace(reading, name=policy)


def _dynatrace(fields: Fields, reading: Reading) -> Reading:
    entity, names = fields.said("impacted_entity"), fields.said("impacted_entity_names")
    if fields.has("problem_title", "problem_id") and names:
        return replace(reading, service=names.partition(",")[0])
    if not fields.has("problem_title", "problem_id") or not entity or fields.said("impacted_entities"):
        return reading
    on = _ON.search(entity)
    return replace(reading, service=on[1] if on is not None else entity)


def _splunk(fields: Fields, reading: Reading) -> Reading:
    """`app` is where the search is kept; what it found is in the result."""
    result = fields.object("result")
    if not fields.has("search_name") or not fields.has("sid"):
        return reading
    return replace(reading, service=said(result, *_IN_SPLUNK, nested=False))
