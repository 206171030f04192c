"""Does `make demo` tell its story, and say clearly when it cannot?"""

import re

from deploy.local.ports import Ports
from deploy.local.services import url
from deploy.local.system import System
from tests.support.demo import Demo


async def test_it_tells_the_story(system: System) -> None:
    demo = await Demo.start(system.url)
    assert await demo.ends() == 0, demo.told
    assert re.search(r"The story came out, in \d+\.\d s\.\n$", demo.told)
    assert "the plan reads 1 × XS, 2 × M, 3 × L" in demo.told
    assert "refund 2393.4" in demo.told


async def test_it_says_what_to_do_where_nothing_runs() -> None:
    nowhere = url(Ports().take())
    demo = await Demo.start(nowhere)
    assert await demo.ends() == 1
    assert f"no Siteward answers at {nowhere}. Start it with `make run` first" in demo.told
    assert "Traceback" not in demo.told
