"""How much may a caller ask: a token, its tenant, and an address that shows no valid token.

Fixed windows in memory, opened by the first request that they count. Each gateway process counts for itself.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from shared.http.problems import Refused, rate_limited

_REMEMBERED: Final = 50_000


@dataclass(slots=True)
class _Window:
    ends_at: float
    left: int


class RateLimited(Refused):
    """429; `item` and `policy` are what `RateLimit` and `RateLimit-Policy` say about it."""

    def __init__(self, retry_after: int, *, item: str, policy: str) -> None:
        super().__init__(rate_limited(retry_after))
        self.item = item
        self.policy = policy


class RateLimit:
    """One policy: `quota` requests in `seconds` for each key; a quota of 0 limits nothing."""

    def __init__(self, name: str, *, quota: int, seconds: int) -> None:
        self._name = name
        self._quota = quota
        self._seconds = seconds
        self._windows: dict[Hashable, _Window] = {}
        self.policy = f'"{name}";q={quota};w={seconds}' if quota else ""
        """The item for `RateLimit-Policy`, empty without a limit."""

    def count(self, key: Hashable, now: float) -> str:
        """Count one request of `key` at `now` (monotonic seconds).

        Answers the item for the `RateLimit` header, empty without a limit. Raises RateLimited.
        """
        if not self._quota:
            return ""
        window = self._windows.get(key)
        if window is None or now >= window.ends_at:
            if len(self._windows) >= _REMEMBERED:
                self._forget(now)
            window = self._windows[key] = _Window(now + self._seconds, self._quota)
        wait = int(window.ends_at - now) + 1
        if not window.left:
            raise RateLimited(wait, item=f'"{self._name}";r=0;t={wait}', policy=self.policy)
        window.left -= 1
        return f'"{self._name}";r={window.left};t={wait}'

    def _forget(self, now: float) -> None:
        open_ones = [(key, window) for key, window in self._windows.items() if window.ends_at > now]
        # Even a flood of keys must not fill the memory: the newer half stays.
        self._windows = dict(open_ones[-_REMEMBERED // 2 :])
