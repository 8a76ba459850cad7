"""Numbers as they are printed: with a true minus, and as many decimals as can be read."""

from datetime import datetime
from math import isfinite

MINUS, ABSENT = "\N{MINUS SIGN}", "\N{EN DASH}"
_MINUTE, _HOUR = 60, 3600


def number(value: float | None, decimals: int | None = None) -> str:
    """Return a number with thousands apart.

    >>> number(1234), number(0.12345), number(15.1, 1)
    ('1,234', '0.123', '15.1')
    >>> number(-0.0001, 3)
    '0.000'
    >>> number(-7) == f"{MINUS}7", number(None) == ABSENT
    (True, True)
    """
    if value is None or not isfinite(value):
        return ABSENT
    if decimals is None:
        decimals = 0 if value == int(value) else decimals_for(abs(value))
    text = f"{abs(value):,.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 and text.strip("0.") else text


def decimals_for(size: float) -> int:
    """Return how many decimals numbers of this size are printed with."""
    return 1 if size >= 10 else 2 if size >= 1 else 3  # noqa: PLR2004


def signed(value: float | None, decimals: int) -> str:
    """Return a change with its sign.

    >>> signed(11.1, 1), signed(0.04, 1), signed(-11.1, 1) == f"{MINUS}11.1"
    ('+11.1', '±0.0', True)
    """
    if value is None or not isfinite(value):
        return ABSENT
    text = f"{abs(value):,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        return f"±{text}"
    return f"{'+' if value > 0 else MINUS}{text}"


def percent(value: float | None) -> str:
    """Return a relative change; a small one with a decimal.

    >>> percent(0.735), percent(0.0123)
    ('+74 %', '+1.2 %')
    """
    if value is None or not isfinite(value):
        return ABSENT
    return f"{signed(100 * value, 0 if abs(value) >= 0.1 else 1)} %"  # noqa: PLR2004


def seconds(value: float | None) -> str:
    """Return a duration.

    >>> seconds(7.31), seconds(75), seconds(7502)
    ('7.3 s', '1 min 15 s', '2 h 05 min')
    """
    if value is None:
        return ABSENT
    if value < _MINUTE:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def day(text: object) -> str:
    """Return an ISO time as a date to read, or the text where it is none.

    >>> day("2026-11-21T05:04:20+00:00"), day("yesterday")
    ('21 November 2026, 05:04 UTC', 'yesterday')
    """
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text)
    return f"{moment.day} {moment:%B %Y, %H:%M} {moment.tzname() or ''}".rstrip()
