"""Slack's limits in one dated table, so that a change at Slack is a change in one place.

Independent of any app's own builders on purpose: a bot that clips to the wrong length must fail here.
Sources: Slack's Block Kit and method reference and its published design guidance as of `AS_OF`.
"""

from collections.abc import Mapping
from typing import Final

AS_OF: Final = "2026-11-23"

# Messages and methods
MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
MESSAGE_TEXT: Final = 40_000
UPDATE_TEXT: Final = 4_000
MESSAGE_BLOCK_CHARACTERS: Final = 13_200
MESSAGE_ATTACHMENTS: Final = 100
METADATA_BYTES: Final = 8_000
VIEW_BYTES: Final = 250_000
VIEW_STACK: Final = 3
LOADING_MESSAGES: Final = 10
HISTORY_PAGE: Final = 999
REPLIES_PAGE: Final = 1_000
SOCKET_CONNECTIONS: Final = 10

# Times, seconds
ACK_SECONDS: Final = 3.0
TRIGGER_SECONDS: Final = 3.0
TICKET_SECONDS: Final = 30.0
RESPONSE_URL_SECONDS: Final = 30 * 60.0
RESPONSE_URL_USES: Final = 5
RETRY_DELAYS_SECONDS: Final = (0.0, 60.0, 300.0)

# Identifiers and small texts
ID: Final = 255
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2_000
URL: Final = 3_000
ACCESSIBILITY_LABEL: Final = 75
PLACEHOLDER: Final = 150
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
SELECT_OPTIONS: Final = 100
OPTION_GROUPS: Final = 100
OVERFLOW_OPTIONS: Final = 5
CHOICE_OPTIONS: Final = 10
CONFIRM_TITLE: Final = 100
CONFIRM_TEXT: Final = 300
CONFIRM_BUTTON: Final = 30
VISIBLE_TO_USERS: Final = 10

# Layout blocks
HEADER_TEXT: Final = 150
SECTION_TEXT: Final = 3_000
SECTION_FIELDS: Final = 10
SECTION_FIELD_TEXT: Final = 2_000
CONTEXT_ELEMENTS: Final = 10
CONTEXT_TEXT: Final = 3_000
ACTIONS_ELEMENTS: Final = 25
CONTEXT_ACTIONS_ELEMENTS: Final = 5
ALT_TEXT: Final = 2_000
IMAGE_TITLE: Final = 2_000
MARKDOWN_TOTAL: Final = 12_000
INPUT_LABEL: Final = 2_000
PLAIN_TEXT_INPUT: Final = 3_000
MODAL_TITLE: Final = 24
PRIVATE_METADATA: Final = 3_000
ALERT_TEXT: Final = 200

# Tables
TABLE_ROWS: Final = 100
TABLE_CELLS: Final = 20
TABLE_CHARACTERS: Final = 10_000
TABLES_PER_MESSAGE: Final = 1
DATA_TABLE_ROWS: Final = 201
DATA_TABLE_CHARACTERS: Final = 20_000
DATA_TABLE_PAGE: Final = 100

# Charts
CHARTS_PER_MESSAGE: Final = 2
CHART_TITLE: Final = 50
CHART_AXIS_LABEL: Final = 50
CHART_SERIES: Final = 12
CHART_SERIES_NAME: Final = 20
CHART_POINTS: Final = 20
CHART_POINT_LABEL: Final = 20
PIE_SLICES: Final = 12

# Progress, cards and containers
PLAN_TASKS: Final = 50
PLAN_TITLE: Final = 256
TASK_TITLE: Final = 256
CARD_TITLE: Final = 150
CARD_BODY: Final = 200
CARD_ACTIONS: Final = 3
CAROUSEL_CARDS: Final = 10
CONTAINER_CHILDREN: Final = 10
CONTAINER_TITLE: Final = 150

_EVERYWHERE: Final = frozenset({"message", "modal", "home"})
_NOT_MODAL: Final = frozenset({"message", "home"})
_MESSAGE: Final = frozenset({"message"})

SURFACES: Final[Mapping[str, frozenset[str]]] = {
    "actions": _EVERYWHERE,
    "alert": frozenset({"modal"}),
    "card": _EVERYWHERE,
    "carousel": _NOT_MODAL,
    "container": _NOT_MODAL,
    "context": _EVERYWHERE,
    "context_actions": _MESSAGE,
    "data_table": _NOT_MODAL,
    "data_visualization": _NOT_MODAL,
    "divider": _EVERYWHERE,
    "header": _EVERYWHERE,
    "image": _EVERYWHERE,
    "input": _EVERYWHERE,
    "markdown": _MESSAGE,
    "plan": _MESSAGE,
    "rich_text": _EVERYWHERE,
    "section": _EVERYWHERE,
    "table": _NOT_MODAL,
    "task_card": _MESSAGE,
}

# What may stand inside a container.
CONTAINER_REFUSES: Final = frozenset({"card", "carousel", "container", "data_table", "plan"})

# Calls a minute by Slack's tiers; used only when rate limits are switched on.
TIER_CALLS_PER_MINUTE: Final[Mapping[int, int]] = {1: 1, 2: 20, 3: 50, 4: 100}
SPECIAL_CALLS_PER_MINUTE: Final = 600
POSTS_PER_SECOND: Final = 1.0
POST_BURST: Final = 5
