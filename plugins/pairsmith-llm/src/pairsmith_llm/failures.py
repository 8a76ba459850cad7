"""What can go wrong with a request, and what is to be done about it."""

import json
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time

import openai
from attrs import frozen

_TOO_EARLY, _CONFLICT, _TIMEOUT, _TOO_MANY, _SERVER, _NOT_MADE = 425, 409, 408, 429, 500, 501
_HOPELESS = {
    401: "refused the key",
    402: "asks for payment",
    403: "refuses this",
    404: "does not know this",
    405: "takes no questions at this address",
    407: "cannot be reached without a password for the proxy",
    410: "no longer has this",
}
_SPENT = {"insufficient_quota", "billing_hard_limit_reached"}
_NOBODY_S = {"model_not_found", "invalid_api_key"}
"""Codes of errors that some servers send with 400, and that no other question will fare better with."""
_LONGEST = 300


class ItemError(Exception):
    """One sample could not be done; the message says why."""


class BadReplyError(Exception):
    """What came back is no reply of an endpoint; the message says why, to follow "the server"."""


@frozen(kw_only=True)
class Failure:
    """What a failed request means.

    ``again``: it may work another time, after ``wait`` seconds where the server said so. ``hopeless``: nothing else will
    work either. ``refused``: the server did not like what was asked.
    """

    reason: str
    again: bool = False
    wait: float | None = None
    hopeless: bool = False
    refused: bool = False


def understand(error: Exception, timeout: float) -> Failure:
    """Return what an error means."""
    if isinstance(error, BadReplyError):
        return Failure(reason=f"the server {error}", again=True)
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return Failure(reason=f"the server gave no whole reply within {timeout:g} s", again=True)
    if isinstance(error, openai.APIStatusError):
        return _status(error)
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        return Failure(reason=f"the connection failed: {type(cause).__name__}: {short(str(cause))}", again=True)
    return Failure(reason=f"{type(error).__name__}: {short(str(error))}")


def _status(error: openai.APIStatusError) -> Failure:
    status, said = error.status_code, _said(error)
    if status in _HOPELESS:
        return Failure(reason=f"the server {_HOPELESS[status]} ({status}): {said}", hopeless=True)
    if status == _TOO_MANY and _coded(error, _SPENT):
        return Failure(reason=f"the account has nothing left to spend ({status}): {said}", hopeless=True)
    if _coded(error, _NOBODY_S):
        return Failure(reason=f"the server refused the request ({status}): {said}", hopeless=True)
    if (status >= _SERVER and status != _NOT_MADE) or status in {_TIMEOUT, _CONFLICT, _TOO_EARLY, _TOO_MANY}:
        wait = retry_after(error.response.headers.get("retry-after-ms"), error.response.headers.get("retry-after"))
        return Failure(reason=f"the server answered {status}: {said}", again=True, wait=wait)
    return Failure(reason=f"the server refused the request ({status}): {said}", refused=True)


def _coded(error: openai.APIStatusError, codes: set[str]) -> bool:
    """Return whether an error says one of some codes; what a server puts there may be anything."""
    return any(isinstance(said, str) and said in codes for said in (error.code, error.type))


def _said(error: openai.APIStatusError) -> str:
    """Return what the server said in words, without the wrapping."""
    body = error.body
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail") or json.dumps(body, default=str)
    return short(str(body or error.response.reason_phrase or "nothing more"))


def retry_after(milliseconds: str | None, value: str | None) -> float | None:
    """Return the seconds that a server asks to wait: a number, or until a date.

    >>> retry_after(None, "1.5"), retry_after("250", "9"), retry_after(None, "soon"), retry_after(None, None)
    (1.5, 0.25, None, None)
    """
    for text, unit in ((milliseconds, 1000), (value, 1)):
        try:
            seconds = float(text or "") / unit
        except ValueError:
            continue
        return max(seconds, 0.0) if isfinite(seconds) else None
    try:
        return max(parsedate_to_datetime(value or "").timestamp() - time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def short(text: str) -> str:
    """Return a text on one line, and not too much of it.

    >>> short("a    b ")
    'a b'
    """
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
