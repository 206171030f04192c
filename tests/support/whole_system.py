"""The whole system as a user starts it, in a folder of its own, gone when the tests are done."""

import logging
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local.system import System


def _new_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="siteward-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user where we are root
    return folder


@asynccontextmanager
async def whole_system(session: pytest.Session) -> AsyncIterator[System]:
    """A system on free ports. Its folder, with the logs, is kept when a test of the session has failed."""
    # That a broker which is starting cannot be reached yet is no news.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = _new_folder()
    failed_before = session.testsfailed
    system = System(folder, say=logging.getLogger(__name__).info)
    try:
        await system.start()
        yield system
    finally:
        await system.stop()
        if session.testsfailed > failed_before:
            logging.getLogger(__name__).warning("logs are kept in %s", folder / "logs")
        else:
            shutil.rmtree(folder)
