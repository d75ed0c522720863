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
# Observed, not documented: from here on Slack answers msg_blocks_too_long.
MESSAGE_BLOCK_CHARACTERS: Final = 13_200
VALIDATE_CHARACTERS: Final = 100_000
MESSAGE_ATTACHMENTS: Final = 100
METADATA_BYTES: Final = 8_000
VIEW_BYTES: Final = 250_000
VIEW_STACK: Final = 3
LOADING_MESSAGES: Final = 10
HISTORY_PAGE: Final = 999
REPLIES_PAGE: Final = 1_000
LIST_PAGE: Final = 1_000
SOCKET_CONNECTIONS: Final = 10

# Times, seconds
ACK_SECONDS: Final = 3.0
TRIGGER_SECONDS: Final = 3.0
TICKET_SECONDS: Final = 30.0
RESPONSE_URL_SECONDS: Final = 30 * 60.0
RESPONSE_URL_USES: Final = 5
RETRY_DELAYS_SECONDS: Final = (0.0, 60.0, 300.0)
CONNECTION_SECONDS: Final = 18_060
DISCONNECT_NOTICE_SECONDS: Final = 10.0
EVENTS_PER_HOUR: Final = 30_000

# How slackbox behaves where Slack names no figure: its own pings (real seconds, since they keep a real connection),
# how long a reordered event is held when no other follows, and how often neighbours swap places after a gap.
PING_SECONDS: Final = 10.0
PONG_SECONDS: Final = 20.0
REORDER_SECONDS: Final = 1.0
GAP_SWAP_CHANCE: Final = 0.3

# Identifiers and small texts
ID: Final = 255
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2_000
AGENT_PROMPT: Final = 4_000
URL: Final = 3_000
ACCESSIBILITY_LABEL: Final = 75
VISIBLE_TO_USERS: Final = 10
PLACEHOLDER: Final = 150
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
OPTION_DESCRIPTION: Final = 75
OPTION_GROUP_LABEL: Final = 75
SELECT_OPTIONS: Final = 100
OPTION_GROUPS: Final = 100
OVERFLOW_OPTIONS: Final = 5
CHOICE_OPTIONS: Final = 10
CONFIRM_TITLE: Final = 100
CONFIRM_TEXT: Final = 300
CONFIRM_BUTTON: Final = 30
TRIGGER_ACTIONS: Final = 2
CONVERSATION_KINDS: Final = 4

# Layout blocks
HEADER_TEXT: Final = 150
HEADER_LEVEL: Final = 4
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
# Slack says "less than" 200 and 50 of a video.
VIDEO_TITLE: Final = 199
VIDEO_DESCRIPTION: Final = 199
VIDEO_AUTHOR: Final = 49
AUTH_PROVIDER_VALUE: Final = 150
AUTH_PROVIDER_NAME: Final = 75
AUTH_PROVIDER_DESCRIPTION: Final = 150
AUTH_PROVIDER_CONNECTED: Final = 75
LIST_INDENT: Final = 8
SKIN_TONE: Final = 6

# Inputs and views
INPUT_LABEL: Final = 2_000
PLAIN_TEXT_INPUT: Final = 3_000
RICH_TEXT_INPUT_LINES: Final = 100
FILE_INPUT_FILES: Final = 10
FILE_INPUT_BYTES: Final = 10_000_000
# Characters typed before a menu asks the app for options, unless its min_query_length says otherwise.
MIN_QUERY_LENGTH: Final = 3
DATE_TIME: Final = 9_999_999_999
MODAL_TITLE: Final = 24
MODAL_BUTTON: Final = 24
PRIVATE_METADATA: Final = 3_000
ALERT_TEXT: Final = 200

# Tables
TABLE_ROWS: Final = 100
TABLE_CELLS: Final = 20
TABLE_CHARACTERS: Final = 10_000
TABLES_PER_MESSAGE: Final = 1
# With the header; 100 rows and 10,000 characters were the limits until mid 2026.
DATA_TABLE_ROWS: Final = 201
DATA_TABLE_CHARACTERS: Final = 20_000
DATA_TABLE_PAGE: Final = 100

# Charts; six series and slices were the limit at first.
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
# Documented for a streamed chunk; taken for the same text in a posted message.
PLAN_TITLE: Final = 256
TASK_TITLE: Final = 256
CARD_TITLE: Final = 150
CARD_SUBTITLE: Final = 150
CARD_BODY: Final = 200
CARD_SUBTEXT: Final = 200
CARD_ACTIONS: Final = 3
CAROUSEL_CARDS: Final = 10
CONTAINER_CHILDREN: Final = 10
CONTAINER_TITLE: Final = 150

_EVERYWHERE: Final = frozenset({"message", "modal", "home"})
_NOT_MODAL: Final = frozenset({"message", "home"})
_MESSAGE: Final = frozenset({"message"})
# Slack makes these itself; they come back from it but no app may send one.
_NOWHERE: Final = frozenset[str]()

SURFACES: Final[Mapping[str, frozenset[str]]] = {
    "actions": _EVERYWHERE,
    "alert": frozenset({"modal"}),
    "auth_provider": _NOT_MODAL,
    "call": _MESSAGE,
    "card": _EVERYWHERE,
    "carousel": _NOT_MODAL,
    "container": _NOT_MODAL,
    "context": _EVERYWHERE,
    "context_actions": _MESSAGE,
    "data_table": _NOT_MODAL,
    "data_visualization": _NOT_MODAL,
    "divider": _EVERYWHERE,
    "file": _NOWHERE,
    "header": _EVERYWHERE,
    "image": _EVERYWHERE,
    "input": _EVERYWHERE,
    "markdown": _MESSAGE,
    "plan": _MESSAGE,
    "rich_text": _EVERYWHERE,
    "section": _EVERYWHERE,
    "table": _NOT_MODAL,
    "task_card": _MESSAGE,
    "video": _EVERYWHERE,
}

# What may stand inside a container.
CONTAINER_HOLDS: Final = frozenset(
    {"actions", "context", "divider", "header", "image", "input", "rich_text", "section", "table", "video"}
)

# Calls a minute by Slack's tiers; used only when rate limits are switched on.
TIER_CALLS_PER_MINUTE: Final[Mapping[int, int]] = {1: 1, 2: 20, 3: 50, 4: 100}
SPECIAL_CALLS_PER_MINUTE: Final = 600
POSTS_PER_SECOND: Final = 1.0
POST_BURST: Final = 5
# Slack says only "several hundred a minute" for all channels of a workspace together.
WORKSPACE_POSTS_PER_MINUTE: Final = 300
# The strict profile lets a method use this part of its minute at once, and lets no posts come in a burst.
STRICT_BURST: Final = 0.1

# Streams: seconds; Slack documents neither time. The 256 characters hold for the fields of tasks and plans.
STREAM_IDLE_SECONDS: Final = 30.0
STREAM_LIFE_SECONDS: Final = 300.0
CHUNK_TEXT: Final = 256

# Scheduled messages: how far ahead, how many for a channel within a window, and how late one can be taken back; seconds
SCHEDULE_AHEAD_SECONDS: Final = 120 * 24 * 3600
SCHEDULE_WINDOW_SECONDS: Final = 300
SCHEDULE_PER_WINDOW: Final = 30
SCHEDULE_LOCK_SECONDS: Final = 60

# Assistant threads
STATUS_SECONDS: Final = 120.0
SUGGESTED_PROMPTS: Final = 4

# Files
FILE_ALT_TEXT: Final = 1_000
FILE_SNIPPET_BYTES: Final = 1_000_000
FILE_CHANNELS: Final = 100

# Reactions, pins, bookmarks
REACTION_NAMES: Final = 50
REACTIONS_PER_PERSON: Final = 23
PINS: Final = 100
BOOKMARKS: Final = 100
BOOKMARK_TITLE: Final = 256
BOOKMARK_LINK: Final = 2_048

# Conversations
CHANNEL_NAME: Final = 80
CHANNEL_TOPIC: Final = 250
DIRECT_MESSAGE_PEOPLE: Final = 8
INVITED_AT_ONCE: Final = 100
