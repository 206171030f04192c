"""What is raised when the database cannot be reached, whoever asks it."""

from typing import Final

import asyncpg

UNREACHABLE: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg says of an idle connection that the server has just ended
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""Trouble that passes and has nothing to do with what was asked; after it the outcome of a commit may be unknown."""
