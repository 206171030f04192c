"""Where all share the cores, is what was answered already carried to its end before more is taken on?"""

import os

from deploy.local.system import System


async def test_who_takes_requests_gives_way_to_the_workers(system: System) -> None:
    takes, works = (
        {os.getpriority(os.PRIO_PROCESS, system.pid(name)) for name in names}
        for names in (
            ("gateway", "licensing-api", "plans-api"),
            ("licensing-worker", "plans-worker", "kafka", "postgres"),
        )
    )
    assert min(takes) > max(works)
