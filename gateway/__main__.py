"""`python -m gateway`: one process, configured by the environment (see settings.py)."""

import warnings
from typing import Final

from joserfc.errors import SecurityWarning

from gateway.app import Gateway
from gateway.settings import GatewaySettings
from shared.logs import set_up_logs
from shared.process import run, run_until_stopped, serve, settle_memory
from shared.settings import from_environment

_KEEP_IDLE: Final = 75
"""Seconds; more than the 60 s for which load balancers keep a connection, which else would send on one just closed."""


async def main() -> None:
    settings = from_environment(GatewaySettings)
    set_up_logs("gateway", settings.log_level)
    # EdDSA is what many issuers still send; that RFC 9864 renamed it is no news to an operator.
    warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)
    async with Gateway(settings) as gateway:
        settle_memory()
        await run_until_stopped(serve(gateway, host=settings.host, port=settings.port, keep_idle=_KEEP_IDLE))


if __name__ == "__main__":
    run(main)
