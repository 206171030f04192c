"""Can the containers of the Compose file write where they have to? (No Docker engine is asked.)"""

import re
from typing import Final

import yaml

from deploy.local.places import PROJECT

_COMPOSE: Final = PROJECT / "deploy" / "compose"


def test_every_volume_of_our_image_is_on_a_folder_that_its_user_owns() -> None:
    # A new volume takes the owner of the folder it is mounted on; on one that the image lacks it is root's.
    document = yaml.safe_load((_COMPOSE / "compose.yaml").read_text())
    ours = [service for service in document["services"].values() if "build" in service]
    mounted = {volume.split(":")[1] for service in ours for volume in service.get("volumes", ())}
    made = re.search(r"install -d -o siteward -m 700 (.+)", (_COMPOSE / "Dockerfile").read_text())
    assert made is not None
    assert mounted == set(made[1].split())
