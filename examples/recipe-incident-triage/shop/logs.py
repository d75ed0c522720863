"""Log files as ordinary services write them: RFC 3339 time in UTC, level, message, key=value, traceback below."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


class LineFormatter(logging.Formatter):
    """`2026-01-31T08:00:00.000Z INFO    message`, with the traceback of an error on the lines below."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = f"{at} {record.levelname:<7} {record.getMessage()}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line


class ServiceLog:
    """The log of one service, appended to one file."""

    def __init__(self, service: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handler = logging.FileHandler(path, encoding="utf-8")
        self._handler.setFormatter(LineFormatter())
        # A name of its own: two releases of a service in one process must not write into each other's files.
        self._logger = logging.getLogger(f"shop.{service}.{id(self)}")
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(self._handler)

    def info(self, message: str, **fields: object) -> None:
        self._logger.info("%s%s", message, _pairs(fields))

    def warning(self, message: str, **fields: object) -> None:
        self._logger.warning("%s%s", message, _pairs(fields))

    def failure(self, message: str, error: BaseException, **fields: object) -> None:
        """Log an error with its traceback."""
        self._logger.error("%s%s", message, _pairs(fields), exc_info=error)

    def close(self) -> None:
        self._logger.removeHandler(self._handler)
        self._handler.close()


def _pairs(fields: Mapping[str, object]) -> str:
    return "".join(f" {name}={_quoted(str(value))}" for name, value in fields.items())


def _quoted(text: str) -> str:
    flat = " ".join(text.split())
    return '"' + flat.replace('"', "'") + '"' if " " in flat or not flat else flat
