"""Refusals, as the API server words them: every one is a `Status` object with reason and code.

Forms: k8s.io/apimachinery/pkg/api/errors.
"""

from typing import Any

JsonObject = dict[str, Any]


class ApiError(Exception):
    """A request that is refused; `status` is the body to send, `code` the HTTP status."""

    def __init__(self, code: int, reason: str, message: str, details: JsonObject | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status: JsonObject = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }
        if details:
            self.status["details"] = details


def not_found(resource: str, group: str, name: str) -> ApiError:
    details = {"name": name, "group": group, "kind": resource} if group else {"name": name, "kind": resource}
    return ApiError(404, "NotFound", f'{_qualified(resource, group)} "{name}" not found', details)


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: str, group: str, name: str) -> ApiError:
    details = {"name": name, "group": group, "kind": resource}
    return ApiError(409, "AlreadyExists", f'{_qualified(resource, group)} "{name}" already exists', details)


def conflict(resource: str, group: str, name: str, why: str = "") -> ApiError:
    words = why or ("the object has been modified; please apply your changes to the latest version and try again")
    message = f'Operation cannot be fulfilled on {_qualified(resource, group)} "{name}": {words}'
    return ApiError(409, "Conflict", message, {"name": name, "group": group, "kind": resource})


def invalid(kind: str, group: str, name: str, field: str, why: str) -> ApiError:
    shown = f"{kind}.{group}" if group else kind
    cause = {"reason": "FieldValueInvalid", "message": why, "field": field}
    details = {"name": name, "group": group, "kind": kind, "causes": [cause]}
    return ApiError(422, "Invalid", f'{shown} "{name}" is invalid: {field}: {why}', details)


def patch_failed() -> ApiError:
    """A JSON patch whose `test` does not hold, or whose path is not there: the server gives no detail."""
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(user: str, verb: str, resource: str, group: str, namespace: str, name: str) -> ApiError:
    api_group = f'in API group "{group}"'
    where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
    named = f' "{name}"' if name else ""
    message = (
        f'{_qualified(resource.partition("/")[0], group)}{named} is forbidden: User "{user}" cannot {verb} resource '
        f'"{resource}" {api_group}{where}'
    )
    details = {"name": name, "group": group, "kind": resource.partition("/")[0]}
    return ApiError(403, "Forbidden", message, {key: value for key, value in details.items() if value})


def method_not_allowed() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def unsupported_media_type(sent: str, accepted: list[str]) -> ApiError:
    message = (
        f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
        f"{'' if not sent else f' (sent: {sent})'}"
    )
    return ApiError(415, "UnsupportedMediaType", message)


def expired(message: str = "too old resource version") -> ApiError:
    return ApiError(410, "Expired", message)


def _qualified(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource
