"""`python -m services.plans api|worker|migrate`, and `… import-legacy FILE`."""

from services.plans.app import api, worker
from services.plans.legacy_file import import_file
from services.plans.migrate import migrate
from shared.command_line import run_command

run_command(
    "plans", {"api": api, "worker": worker, "migrate": migrate}, of_a_file={"import-legacy": import_file}
)
