"""Retries: what servers say about them in every form, and what cannot be read."""

import datetime
import email.utils
from typing import Any

import pytest

from hfwidgets import errors
from hfwidgets.calls.call import Call
from hfwidgets.calls.prepared_request import PreparedRequest
from hfwidgets.calls.retries import backoff_seconds, may_retry, parse_retry_after
from hfwidgets.calls.settings import Settings
from hfwidgets.core import auth
from hfwidgets.core.flow import Flow, Reply, Sleep
from hfwidgets.tasks import TASKS

URL = "https://me.example/x"


def start(**settings: Any) -> Flow[Any]:
    """Return a call that has sent its first request."""
    task = TASKS["text-classification"]
    settings = {"model": URL, "token": auth.explicit_token("secret"), **settings}
    flow = Call(Settings(**settings), task).drive(task.flow(None, "Fine!"))
    assert isinstance(next(flow), PreparedRequest)
    return flow


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "1, 1"}, 1.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"ratelimit": '"api";r=0;t=41'}, 42.0),
        ({"retry-after": "soon", "ratelimit": '"api";r=0;t=41'}, 42.0),
    ],
)
def test_a_pause_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_retry_after(headers) == seconds


@pytest.mark.parametrize("hours", [None, 0, 2, -7])
def test_a_date_is_a_pause_until_then(hours: int | None) -> None:
    """In the zone that it names, else in GMT."""
    zone = datetime.timezone(datetime.timedelta(hours=hours or 0))
    moment = datetime.datetime.now(zone) + datetime.timedelta(seconds=600)
    date = email.utils.format_datetime(moment)
    date = date.rpartition(" ")[0] if hours is None else date
    assert 500 < (parse_retry_after({"retry-after": date}) or 0) <= 600
    assert parse_retry_after({"retry-after": email.utils.formatdate(0, usegmt=True)}) is None


UNREADABLE = [
    *("soon", "Foo, bar", "Wed, 21 Oct 2015", "Wed, 21 Oct 99999 07:28:00 GMT", "inf", "nan"),
    *("1e999", "-inf", "21 Oct", ",", "1, soon", "Wed, 99 Oct 2015 07:28:00 GMT", "\u0661x", "GMT"),
]


@pytest.mark.parametrize("text", [*UNREADABLE, "0", "-5", "0.0", "Wed, 21 Oct 2015 07:28:00 GMT"])
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms"])
def test_what_cannot_be_read_or_waited_leaves_the_back_off(name: str, text: str) -> None:
    assert parse_retry_after({name: text}) is None
    flow = start()
    pause = flow.send(Reply(429, {name: text}, b"{}"))
    assert isinstance(pause, Sleep)
    assert 0.5 < pause.seconds < 2


@pytest.mark.parametrize("reset", ["t=", "t=x", "t=" + "9" * 400, "r=0"])
def test_a_rate_limit_that_cannot_be_read(reset: str) -> None:
    assert parse_retry_after({"ratelimit": reset}) is None


@pytest.mark.parametrize(
    "estimate", ["NaN", "Infinity", "-Infinity", "1e308", "-1", '"soon"', "null", "[]", "1e400"]
)
def test_an_estimate_that_cannot_be_read_is_absent(estimate: str) -> None:
    flow = start()
    body = f'{{"error": "loading", "estimated_time": {estimate}}}'.encode()
    pause = flow.send(Reply(503, {}, body))
    assert isinstance(pause, Sleep)
    assert "loading" not in pause.reason
    assert 0.5 < pause.seconds < 2


@pytest.mark.parametrize(
    ("status", "advised", "again"),
    [
        (529, None, True),
        (500, None, False),
        (500, "true", True),
        (429, "false", False),
        (503, "perhaps", True),
        (504, None, False),
    ],
)
def test_which_replies_are_worth_another_try(status: int, advised: str | None, again: bool) -> None:
    headers = {} if advised is None else {"x-should-retry": advised}
    assert may_retry(status, headers) is again
    flow = start()
    if again:
        assert isinstance(flow.send(Reply(status, headers, b"{}")), Sleep)
    else:
        with pytest.raises(errors.HfHubHTTPError):
            flow.send(Reply(status, headers, b"{}"))


def test_the_back_off_grows_to_a_limit() -> None:
    pauses = [backoff_seconds(tries) for tries in range(60)]
    assert 0.8 <= pauses[0] <= 1.2
    assert all(6.4 <= pause <= 9.6 for pause in pauses[3:])
    assert 0.08 <= backoff_seconds(0, first=0.1) <= 0.12
