"""`make demo`: the story of a purchase that reaches its price plan, told to the running system step by step.

It goes on when a part of the system is killed in its middle, as any careful client would: a request without an
answer is sent again, with the same Idempotency-Key.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp
import orjson

from deploy.local import services
from deploy.local.client import Answer, Client, NotAnswered

FOLLOWS_WITHIN: Final = 30.0
"""Seconds that a plan may take to follow; usually it is some milliseconds, unless something was killed."""
_FIRST_ANSWER_WITHIN: Final = 4.0
_POLL: Final = 0.005
_INDENT: Final = " " * 5


class DidNotComeOut(Exception):
    """A step of the story went another way; the message says which."""


class NotRunning(Exception):
    """There is no system to tell the story to; the message says what to do."""


def main() -> int:
    """Returns the exit code."""
    port = os.environ.get("SITEWARD_PORT") or services.PORTS[services.GATEWAY]
    url = os.environ.get("SITEWARD_URL") or f"http://127.0.0.1:{port}"
    pause = float(os.environ.get("SITEWARD_DEMO_PAUSE") or 0)
    began = time.monotonic()
    try:
        asyncio.run(_tell(url, pause))
    except NotRunning as problem:
        _say(f"The demo cannot start: {problem}")
        return 1
    except (DidNotComeOut, NotAnswered) as problem:
        _say(f"\nThe story did not come out: {problem}")
        return 1
    except KeyboardInterrupt:
        return 130
    _say(f"\nThe story came out, in {time.monotonic() - began:.1f} s.")
    return 0


async def _tell(url: str, pause: float) -> None:
    tenant = uuid4()
    async with aiohttp.ClientSession() as session:
        try:
            client = await _first_contact(Client(session, url), url, tenant)
            _say(f"Siteward at {url}; a new tenant, {tenant}.")
            await Story(client, pause).tell()
        except aiohttp.InvalidURL:
            raise NotRunning(f"SITEWARD_URL is no address: {url}") from None


async def _first_contact(client: Client, url: str, tenant: UUID) -> Client:
    """Raises NotRunning."""
    waiting = False

    def wait(_: str) -> None:
        nonlocal waiting
        if not waiting:
            _say(f"Nothing answers at {url} yet; trying for {_FIRST_ANSWER_WITHIN:.0f} s.")
        waiting = True

    try:
        await client.insist("GET", "/livez", patience=_FIRST_ANSWER_WITHIN, on_failure=wait)
        return await client.with_token(tenant)
    except NotAnswered:
        raise NotRunning(
            f"no Siteward answers at {url}. Start it with `make run` first, in another terminal "
            "(or name its address in SITEWARD_URL)."
        ) from None
    except PermissionError as problem:
        raise NotRunning(
            f"{problem}. The demo needs the development issuer, which `make run` brings."
        ) from None


class Story:
    """What is told to the system, in order, and what has to come out."""

    def __init__(self, client: Client, pause: float) -> None:
        """`pause`: seconds between two steps, for whoever wants to watch, or to kill something."""
        self._client = client
        self._pause = pause
        self._steps = 0
        self._subscription = f"/v1/subscriptions/{uuid4()}"

    async def tell(self) -> None:
        """Raises DidNotComeOut, NotAnswered."""
        plan, entitlements = f"{self._subscription}/plan", f"{self._subscription}/entitlements"

        await self._step("Register a subscription")
        linked = await self._write("PUT", self._subscription, {"display_name": "Plant Hamburg"}, 201, 200)
        self._check("the caller is its Owner", linked["roles"] == ["Owner"])

        await self._step("Preview a plan: without a license nothing can be added")
        preview = await self._write("POST", f"{plan}/preview", {}, 200)
        self._check("the blocker is NoActiveLicense", _codes(preview) == ["NoActiveLicense"])

        await self._step("Buy three licenses for large sites")
        await self._buy("OT_SITE_L", 3)
        await self._step("Buy one license for an extra small site")
        await self._buy("OT_SITE_XS", 1)

        await self._step("Preview again: the purchases have arrived")
        licensed = {"XS": 1, "L": 3}
        preview = await self._follows(
            "POST", f"{plan}/preview", lambda body: _sites(body) == licensed, said="the preview shows"
        )
        self._check("nothing blocks the plan", _codes(preview) == [])

        await self._step("Add the plan, with the terms accepted")
        await self._add_plan(plan)

        await self._step("Read the plan: its price plan is derived from the licenses")
        read = await self._read(plan)
        first = read["version"]
        self._check("it is active", read["status"] == "active")
        self._check("its price plan is microsoft_365", read["price_plan"] == "microsoft_365")
        self._check(f"it has the licensed sites: {_shown(licensed)}", _sites(read) == licensed)

        await self._step("Buy two licenses for medium sites: the plan follows, and nobody writes on it")
        bought = await self._buy("OT_SITE_M", 2)
        read = await self._follows(
            "GET", plan, lambda body: _sites(body) == {**licensed, "M": 2}, said="the plan reads"
        )
        self._check(f"one new version, {first + 1}", read["version"] == first + 1)

        await self._step("Cancel these two inside their window: the plan loses them again")
        cancelled = await self._write("POST", f"/v1/licenses/{bought['id']}/cancel", {}, 200)
        refund = cancelled["refund"]
        _detail(f"refund {refund['amount']} {refund['currency']}")
        self._check("the license is disabled", cancelled["license"]["status"] == "disabled")
        read = await self._follows("GET", plan, lambda body: _sites(body) == licensed, said="the plan reads")
        self._check(f"one new version, {first + 2}", read["version"] == first + 2)

        await self._step("Read the entitlements: they show it")
        read = await self._read(entitlements)
        self._check("the service is running", read["service_state"] == "running")
        self._check(f"it is for {_shown(licensed)}", _sites(read) == licensed)

    async def _buy(self, sku: str, quantity: int) -> Mapping[str, Any]:
        order = {"sku": sku, "quantity": quantity, "billing_frequency": "annual"}
        bought: Mapping[str, Any] = await self._write("POST", "/v1/licenses", order, 201)
        price = bought["price"]["total"]
        _detail(f"license {bought['id']}, {price['amount']} {price['currency']} a year")
        self._check("it is active", bought["status"] == "active")
        return bought

    async def _add_plan(self, path: str) -> None:
        wish = {"terms_accepted": True}
        answer = await self._answered("PUT", path, wish)
        if answer.sent > 1 and answer.code == "PlanAlreadyExists":
            _detail("an earlier sending took effect after all; its answer was lost")
            answer = await self._answered("GET", path)
        self._expect(answer, 201, 200)

    async def _write(self, method: str, path: str, body: Any, *statuses: int) -> Any:
        return self._expect(await self._answered(method, path, body), *statuses)

    async def _read(self, path: str) -> Any:
        return self._expect(await self._answered("GET", path), HTTPStatus.OK)

    async def _answered(self, method: str, path: str, body: Any = None) -> Answer:
        _say_call(method, path, body)
        return await self._client.insist(method, path, body, on_failure=_say_again())

    async def _follows(self, method: str, path: str, holds: Callable[[Any], bool], *, said: str) -> Any:
        """Ask until the answer is as it should be, which an event on its way brings about."""
        began = time.monotonic()
        body: dict[str, Any] | None = None if method == "GET" else {}
        _say_call(method, path, body)
        again = _say_again()
        while True:
            answer = await self._client.insist(method, path, body, on_failure=again)
            read = self._expect(answer, HTTPStatus.OK, silent=True)
            took = time.monotonic() - began
            if holds(read):
                _detail(f"200, {said} {_shown(_sites(read))}, {1000 * took:.0f} ms later")
                return read
            if took > FOLLOWS_WITHIN:
                raise DidNotComeOut(
                    f"step {self._steps}: after {took:.0f} s {said} still {_shown(_sites(read))}."
                )
            await asyncio.sleep(_POLL)

    async def _step(self, title: str) -> None:
        if self._steps:
            await asyncio.sleep(self._pause)
        self._steps += 1
        _say(f"\n{self._steps:>2}.  {title}")

    def _expect(self, answer: Answer, *statuses: int, silent: bool = False) -> Any:
        if answer.status not in statuses:
            came = answer.content.decode(errors="replace")
            raise DidNotComeOut(f"step {self._steps} was answered with {answer.status}: {came}")
        if not silent:
            _detail(f"{answer.status} {HTTPStatus(answer.status).phrase}")
        return answer.body

    def _check(self, what: str, holds: bool) -> None:  # noqa: FBT001 - read aloud: check that something holds
        if not holds:
            raise DidNotComeOut(f"step {self._steps}: it is not so that {what}.")
        _detail(f"✓ {what}")


def _codes(preview: Mapping[str, Any]) -> list[str]:
    return [blocker["code"] for blocker in preview["blockers"]]


def _sites(body: Mapping[str, Any]) -> dict[str, int]:
    return {sites["site_size"]: sites["quantity"] for sites in body["licensed_sites"]}


def _shown(sites: Mapping[str, int]) -> str:
    times = "×"
    return ", ".join(f"{quantity} {times} {size}" for size, quantity in sites.items()) or "no sites"


def _say_call(method: str, path: str, body: Any) -> None:
    sent = f"  {orjson.dumps(body).decode()}" if body else ""
    _detail(f"{method} {path}{sent}")


def _say_again() -> Callable[[str], None]:
    """Tells of a failure once, however often it is met in a row."""
    last = ""

    def again(failure: str) -> None:
        nonlocal last
        if failure != last:
            _detail(f"no answer ({failure}); sending it again until there is one")
        last = failure

    return again


def _detail(line: str) -> None:
    _say(_INDENT + line)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
