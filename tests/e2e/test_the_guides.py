"""Do the guides come out as they are written?"""

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from deploy.local.places import PROJECT
from deploy.local.process import run
from deploy.local.system import System

_GUIDE: Final = PROJECT / "docs" / "guides" / "protect-a-site.md"
_WRITTEN_FOR: Final = "URL=http://127.0.0.1:8080\n"


@pytest.fixture(scope="module")
async def answers(system: System, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the guide's commands print, those that print JSON, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", _GUIDE.read_text(), re.DOTALL)
    here = tmp_path_factory.mktemp("guide")
    (here / "siteward").symlink_to(PROJECT / "siteward")
    script = f"cd {shlex.quote(str(here))}\n" + "".join(blocks)
    assert _WRITTEN_FOR in script
    output = await run(("bash", "-euc", script.replace(_WRITTEN_FOR, f"URL={system.url}\n")))
    return [orjson.loads(line) for line in output.splitlines() if line.startswith("{")]


async def test_the_site_is_protected(answers: list[Any]) -> None:
    problems = [answer for answer in answers if "type" in answer and "problems" in answer["type"]]
    assert not problems
    (activated,) = [answer for answer in answers if answer.get("activation_state") == "active"]
    assert (activated["site"], activated["zone"]) == ("hall-1", "Packing")
    (observed,) = [answer for answer in answers if "detected_devices" in answer and "accepted" in answer]
    assert (observed["accepted"], observed["detected_devices"], len(observed["ignored"])) == (3, 2, 1)
    (checked,) = [answer["results"] for answer in answers if "results" in answer]
    assert [one["code"] for one in checked] == ["VALID", "NOT_FOUND"]


async def test_ending_it_is_refused_as_long_as_a_sensor_is_there_and_can_be_withdrawn(
    answers: list[Any],
) -> None:
    tried, confirmed = (answer for answer in answers if "removes" in answer)
    assert [one["code"] for one in tried["blockers"]] == ["SensorsStillRegistered"]
    assert confirmed["plan"]["status"] == "cancel_pending"
    assert answers[-1]["status"] == "active"


async def test_a_service_that_lives_on_the_events_sees_it(
    system: System, answers: list[Any], tmp_path: Path
) -> None:
    (subscription,) = {answer["subscription_id"] for answer in answers if "service_state" in answer}
    consumer = (sys.executable, "examples/site_access.py", str(tmp_path / "sites.sqlite"))
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": system.kafka_bootstrap_servers}
    told = await run((*consumer, "--until-quiet", "1"), environment=environment)
    assert f"{subscription}  hall-1: may be monitored" in told
    again = await run((*consumer, "--until-quiet", "1"), environment=environment)
    assert subscription not in again, "what it has had is not told twice"
