"""The one table of all blocks, flat and nesting."""

import functools
from collections.abc import Mapping

from slackbox.blocks.layout import flat_blocks
from slackbox.blocks.nesting import nesting_blocks
from slackbox.blocks.primitives import Check


@functools.cache
def block_table() -> Mapping[str, Check]:
    """Every block by type."""
    return {**flat_blocks(), **nesting_blocks(block_table)}
