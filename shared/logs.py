"""Logs: one JSON object a line on standard error, with the request it belongs to."""

import logging
import sys

import structlog

from shared import tracing


def set_up_logs(process: str, level: str) -> None:
    """Send everything that is logged, our own lines and the libraries', through one formatter."""

    def name_the_work(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        event["process"] = process
        if (request_id := tracing.request_id.get()) is not None:
            event["request_id"] = request_id
        return event

    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso"),
            name_the_work,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # aiokafka reports every attempt to reconnect; what it means for us is said by our own loops.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
