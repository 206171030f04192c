"""As whom does PostgreSQL run, which refuses to run as root?"""

import os
import pwd
from dataclasses import dataclass
from typing import Any, Final

from deploy.local.errors import SetupError

_CANDIDATES: Final = ("nobody", "postgres", "daemon")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    uid: int
    gid: int

    def as_options(self) -> dict[str, Any]:
        """For `subprocess`: run as this user, and with no more rights than it has."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def unprivileged() -> Account | None:
    """None where we are no root ourselves; else a user with no rights to speak of.

    Raises SetupError where there is no such user.
    """
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall() if user.pw_uid != 0}
    for name in (*_CANDIDATES, *users):
        if user := users.get(name):
            return Account(user.pw_uid, user.pw_gid)
    raise SetupError("PostgreSQL refuses to run as root and there is no other user: run this as one.")
