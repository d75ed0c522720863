"""What the bot says: pure functions from data to Slack messages."""

from bot.core.posts import (
    AlertCard,
    Announcement,
    ApprovalCard,
    Content,
    DigestDetails,
    DigestPost,
    EvidencePost,
    HypothesisCard,
    LevelChange,
    Notice,
    OutcomeOffer,
    OutcomePost,
    OutcomeRequest,
    Progress,
    RunCard,
    RunResult,
    SimilarPost,
)
from bot.slack.views.alert import alert_message
from bot.slack.views.approval import approval_message
from bot.slack.views.digest import details_message, digest_message
from bot.slack.views.evidence import evidence_message
from bot.slack.views.fallback import plain_variant
from bot.slack.views.hypothesis import hypothesis_message
from bot.slack.views.level import level_message
from bot.slack.views.message import Message
from bot.slack.views.notice import notice_message
from bot.slack.views.outcome import offer_message, outcome_message, request_message
from bot.slack.views.progress import progress_message
from bot.slack.views.run import announcement_message, result_message, run_message
from bot.slack.views.similar import similar_message

__all__ = ["Message", "plain_variant", "render"]


def render(content: Content) -> Message:  # noqa: C901, PLR0911, PLR0912 - one line per kind of content
    """The message for a post's content."""
    match content:
        case AlertCard():
            return alert_message(content)
        case Progress():
            return progress_message(content)
        case EvidencePost():
            return evidence_message(content)
        case HypothesisCard():
            return hypothesis_message(content)
        case SimilarPost():
            return similar_message(content)
        case Notice():
            return notice_message(content)
        case ApprovalCard():
            return approval_message(content)
        case RunCard():
            return run_message(content)
        case RunResult():
            return result_message(content)
        case OutcomeRequest():
            return request_message(content)
        case OutcomePost():
            return outcome_message(content)
        case OutcomeOffer():
            return offer_message(content)
        case LevelChange():
            return level_message(content)
        case DigestPost():
            return digest_message(content)
        case DigestDetails():
            return details_message(content)
        case Announcement():
            return announcement_message(content)
