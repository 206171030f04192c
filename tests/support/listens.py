"""Is somebody there?"""

import asyncio

from deploy.local.ports import HOST


async def listens(port: int) -> bool:
    """Whether a connection to the port is taken."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True
