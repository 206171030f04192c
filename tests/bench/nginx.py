"""The limit of the gateway: nginx as a proxy of the same service, and as the fastest of upstreams."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from string import Template
from typing import Final

from deploy.local.ports import HOST
from deploy.local.process import Program
from deploy.local.servers import Server
from tests.bench.testbed import FOLDER
from tests.support.listens import listens

_MAIN: Final = Template("""
daemon off;
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/error.log;
events { worker_connections 512; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    $servers
}
""")
_PROXY: Final = Template("""
    upstream to_$port { server $upstream; keepalive 64; keepalive_requests 1000000000; }
    server {
        listen $host:$port;
        location / {
            proxy_pass http://to_$port;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
""")
_STATIC: Final = Template("""
    server {
        listen $host:$port;
        default_type application/json;
        location / { return 200 '{"status":"static"}'; }
    }
""")


def installed() -> bool:
    return shutil.which("nginx") is not None


@asynccontextmanager
async def proxy(name: str, upstreams: Mapping[int, str]) -> AsyncIterator[None]:
    """One worker that passes what comes to a port on to `host:port`, over connections that stay open."""
    servers = [
        _PROXY.substitute(host=HOST, port=port, upstream=upstream) for port, upstream in upstreams.items()
    ]
    async with _nginx(name, servers, next(iter(upstreams))):
        yield


@asynccontextmanager
async def static(name: str, port: int) -> AsyncIterator[None]:
    """One worker that answers everything with the same few bytes."""
    async with _nginx(name, [_STATIC.substitute(host=HOST, port=port)], port):
        yield


@asynccontextmanager
async def _nginx(name: str, servers: list[str], port: int) -> AsyncIterator[None]:
    folder = FOLDER / name
    folder.mkdir(parents=True)
    settings = folder / "nginx.conf"
    settings.write_text(_MAIN.substitute(folder=folder, servers="".join(servers)))
    program = Program(
        name=name,
        command=(
            shutil.which("nginx") or "nginx",
            "-p",
            str(folder),
            "-c",
            str(settings),
            "-e",
            str(folder / "error.log"),
        ),
        record=folder / "record",
        serves=lambda: listens(port),
    )
    async with running(program, folder):
        yield


@asynccontextmanager
async def running(program: Program, folder: Path) -> AsyncIterator[None]:
    """The program serves within the block."""
    server = Server(program, "", folder)
    try:
        await server.start()
        yield
    finally:
        await server.stop()
