"""Makes a service's own topic."""

import asyncio
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.events.topics import Topic

_TIMEOUT: Final = 30


async def ensure_topic(bootstrap: str, topic: Topic, *, partitions: int, replication: int) -> None:
    """Make `topic` unless it is there; one that is there is left as it is.

    Raises KafkaError where the broker refuses: `create_topics` by itself does not.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await asyncio.wait_for(admin.start(), _TIMEOUT)
        new = NewTopic(topic.name, partitions, replication, topic_configs=dict(topic.settings))
        response = await asyncio.wait_for(admin.create_topics([new]), _TIMEOUT)
        for name, code, *reason in response.topic_errors:
            if code not in {0, TopicAlreadyExistsError.errno}:
                raise for_code(code)(f"topic {name}: {reason}")
    finally:
        await admin.close()
