"""`python -m services.plans api|worker|migrate`."""

from services.plans.app import api, worker
from services.plans.migrate import migrate
from shared.command_line import run_command

run_command("plans", {"api": api, "worker": worker, "migrate": migrate})
