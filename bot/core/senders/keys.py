"""How senders call the few things that every alert has, and which words make up the keys of those that nobody described."""

# From what names a rule to what only describes a moment; keys are compared without case and separators.
NAMES = (
    "alertname", "alarm_name", "alert_rule", "rule_name", "monitor_name", "monitor_friendly_name", "check_name", "alert_condition_names",
    "condition_name", "policy_name_display", "display_policy", "detector_name", "search_name", "trigger_name", "problem_title", "problem_name",
    "event_definition_title", "aggregation_key", "issue_type", "title", "alert_title", "event_title", "message_title", "event_name",
    "rule", "alert", "alarm", "subject", "alert_subject", "incident_name", "entity_display_name", "event_type_name", "datasource", "summary",
    "short_description", "name", "display_name", "event", "event_type", "check", "sensor", "alert_type", "headline", "exception_class", "message", "msg", "state_message", "detail_type",
    "description", "text", "model", "entity_id",
)  # fmt: skip
NAMES_OF_ANYTHING = ("name", "display_name")
STATES = (
    "conclusion", "status", "state", "new_state_value", "alert_status", "current_state", "alert_state", "incident_state", "incident_status", "problem_state",
    "monitor_condition", "alert_transition", "transition", "presentation_status", "alert_action", "message_type", "event_type",
    "notification_type", "alert_type", "alert_action_group", "action_group", "event_action", "trigger_type", "action", "trigger", "event", "status_extended",
)  # fmt: skip
SEVERITIES = (
    "severity", "priority", "level", "urgency", "alert_severity", "event_severity", "trigger_severity", "problem_severity", "alert_priority",
    "alert_level", "criticality", "importance", "importance_level", "impact", "trigger_type", "message_type", "alert_message_type",
)  # fmt: skip
COLOURS = ("alert_type", "color", "status")
SERVICES = (
    "service", "service_name", "application", "app", "component", "service_key", "deployment", "workload_name", "project_slug", "project_name",
    "project", "resource_display_name", "subject_name", "impacted_entities", "impacted_entity_names", "affected_entities", "configuration_items",
    "configuration_item", "cmdb_ci", "entity_label", "entity", "target", "target_name", "host", "hostname", "host_name", "hostname_and_port", "node",
    "device", "agent_name", "device_name", "resource_name", "container", "container_name",
)  # fmt: skip
# Where nothing better is said: the check itself, where it was seen, who tells.
LAST_SERVICES = (
    "monitor_name", "check_name", "monitor_group_name", "dataset", "monitor", "repository", "source", "namespace", "pipeline_name",
)  # fmt: skip
ADDRESSES = ("monitor_url", "target", "host", "entity")
LABELS = ("labels", "tags", "user_labels", "policy_user_labels", "dimensions", "common_labels", "attributes", "details")
STARTED = (
    "starts_at", "started_at", "start_time", "date_start_zoned", "incident_time_iso", "triggered_at", "fired_date_time", "created_at",
    "creation_date", "date_started", "date_created", "occurred_at", "opened_at", "first_occurrence", "state_change_time", "timestamp", "datetime", "date",
)  # fmt: skip
IDENTITIES = (
    "fingerprint", "incident_id", "alert_id", "alert_cycle_key", "dedup_key", "incident_key", "issue_id", "problem_id", "origin_alert_id",
)  # fmt: skip
# Ids of what alerts are about: one may have several alerts.
SHARED_IDENTITIES = ("entity_id", "group_id", "monitor_id", "check_id")
# Of the alert rather than of what stands in it.
LINKS = (
    "incident_url", "alert_url", "event_url", "issue_url", "problem_url", "monitor_dashboard_link", "detector_url", "url", "link", "html_url",
    "results_link", "web_url",
)  # fmt: skip
SUMMARIES = (
    "summary", "message", "message_body", "title", "description", "output", "event_msg", "alert_message", "state_message", "reason", "cause",
    "body", "details", "info", "text",
)  # fmt: skip

TOPICS = frozenset(
    (
        "alert", "alarm", "rule", "monitor", "check", "problem", "trigger", "incident", "issue", "event", "search", "policy", "condition",
        "detector", "query", "watch", "probe", "violation", "finding", "notification", "anomaly", "test", "defect", "ticket", "error",
        "fault",
    )
)  # fmt: skip
_HEADS = frozenset(["name", "title", "subject", "summary", "headline"])
_WORDS = frozenset(
    ["message", "msg", "description", "text", "reason", "output", "body", "content", "detail", "info", "cause"]
)
_BESIDE = frozenset(
    (
        "user", "owner", "account", "org", "organization", "organisation", "team", "company", "customer", "author", "assignee", "actor",
        "client", "file", "domain", "sender", "receiver", "contact", "tenant", "space", "workflow", "channel", "environment", "env",
        "region", "zone", "cloud", "provider", "vendor", "product", "integration", "creator", "reporter", "recipient", "host", "server",
        "node", "service", "metric", "unit", "old", "previous", "prev", "last", "schema", "field", "column", "first", "database", "table",
        "label", "tag", "color", "colour", "id", "uuid", "token", "secret", "url", "uri", "link", "icon", "image", "version", "type",
        "kind", "format", "email", "mail", "phone", "time", "date", "timestamp", "key", "cluster", "namespace", "device", "agent",
        "manager", "decoder", "platform", "project", "repository", "network", "group", "location", "site",
    )
)  # fmt: skip
_STATED = frozenset(["status", "state", "condition", "transition", "phase", "action", "outcome", "result"])
_GRADED = frozenset(["severity", "sev", "priority", "prio", "urgency", "criticality", "importance"])
_WATCHED = frozenset(
    (
        "service", "application", "app", "component", "host", "hostname", "server", "node", "device", "instance", "resource", "entity",
        "target", "machine", "vm", "container", "pod", "database", "queue", "topic", "bucket", "site", "endpoint", "workload", "function",
        "system", "asset", "fqdn",
    )
)  # fmt: skip
_FORMS = frozenset(["name", "label"])
_PAST = frozenset(["old", "previous", "prev", "last", "before", "from", "former", "prior"])
_CHANGING = frozenset(
    (
        "status", "state", "transition", "phase", "action", "at", "on", "time", "date", "timestamp", "duration", "count", "value", "by", "response",
        "resolved", "recovered", "closed", "cleared", "previous", "last", "message", "description", "output", "reason", "cause", "link", "url",
    )
)  # fmt: skip
_OVER = frozenset(["resolved", "recovered", "closed", "cleared"])
_WHEN = frozenset(["at", "on", "time", "date", "timestamp"])
_BESIDE_ALERTS = _BESIDE | _WATCHED
# Where a payload says little, a host or a cluster is at least something.
_UNTELLING = _BESIDE - _WATCHED - {"cluster"}

Words = tuple[str, ...]


def may_name(around: Words) -> bool:
    """A `name` is the alert's unless it stands in what is about a person or a thing: `{"agent": {"name": ...}}`."""
    return not around or around[-1] not in _BESIDE_ALERTS


def names_topic(words: Words) -> bool:
    """`search_title`, `problemSummary`."""
    return bool(words) and words[-1] in _HEADS and not TOPICS.isdisjoint(words[:-1])


def names_something(words: Words) -> bool:
    """`headline`, `short_title`: but not a `user_name`."""
    return bool(words) and words[-1] in _HEADS and _BESIDE.isdisjoint(words[:-1])


def tells(words: Words) -> bool:
    """`error_text`, `plainDescription`."""
    return bool(words) and words[-1] in _WORDS and _PAST.isdisjoint(words)


def says_anything(words: Words) -> bool:
    """Not an id, an address, a time or a person."""
    return _UNTELLING.isdisjoint(words)


def states(words: Words) -> bool:
    """`nodeState`, `check-status`: but not the one before."""
    return _head(words) in _STATED and _PAST.isdisjoint(words)


def grades(words: Words) -> bool:
    """`ticket_priority`, `sev`, `severityLabel`."""
    return not _GRADED.isdisjoint(words) and _PAST.isdisjoint(words)


def watches(words: Words) -> bool:
    """`affectedHost`, `server_name`."""
    return _head(words) in _WATCHED and _PAST.isdisjoint(words)


def _head(words: Words) -> str:
    """The word that the others qualify: `server` of `server_name`."""
    of = words[:-1] if words[1:] and words[-1] in _FORMS else words
    return of[-1] if of else ""


def changes(words: Words) -> bool:
    """What is one thing at the beginning of an alert and another at its end: its state, times, counts."""
    return not _CHANGING.isdisjoint(words)


def is_over(words: Words) -> bool:
    """`resolved`, `is_closed`: true says that it has ended."""
    return (
        bool(words)
        and words[-1] in _OVER
        and words[:-1] in ((), ("is",), ("was",), ("has",), ("alert",), ("incident",))
    )


def ends(words: Words) -> bool:
    """`resolved_at`, `dateClosed`: a time there says that it has ended."""
    return len(words) == 2 and not _OVER.isdisjoint(words) and not _WHEN.isdisjoint(words)
