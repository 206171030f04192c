"""`python -m services.licensing api|worker|migrate`, and `… catalog FILE`."""

from services.licensing.app import api, worker
from services.licensing.catalog_file import catalog
from services.licensing.migrate import migrate
from shared.command_line import run_command

run_command("licensing", {"api": api, "worker": worker, "migrate": migrate}, of_a_file={"catalog": catalog})
