"""Fetches Apache Kafka ahead of the tests, so that they need not wait for it in silence."""

import asyncio
import os
import sys

from deploy.local import java
from deploy.local.errors import SetupError
from deploy.local.jars import ensure_jars


def main() -> int:
    """Returns the exit code."""
    if "KAFKA_BOOTSTRAP_SERVERS" in os.environ:
        return 0
    try:
        asyncio.run(ensure_jars(java.find(), print))
    except SetupError as problem:
        print(f"The tests cannot start: {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
