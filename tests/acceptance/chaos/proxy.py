"""A TCP proxy on 127.0.0.1 that can refuse connections, or keep them and answer nothing."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from local.ports import HOST, free_ports

CHUNK_BYTES = 65536


class Proxy:
    """Passes everything between its own `port` and another until told otherwise. Close it when it is over."""

    def __init__(self, upstream_port: int) -> None:
        (self.port,) = free_ports(1)
        self._upstream_port = upstream_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{upstream_port}", daemon=True)
        self._thread.start()
        self.forward()

    @property
    def url(self) -> str:
        """What clients are told."""
        return f"http://{HOST}:{self.port}"

    def forward(self) -> None:
        """Pass everything, what was held back too: late, as a network that comes back does."""
        self._do(self._forward())

    def refuse(self) -> None:
        """Cut all connections and refuse new ones."""
        self._do(self._refuse())

    def hang(self) -> None:
        """Keep and take connections, but pass nothing on."""
        self._do(self._hang())

    def close(self) -> None:
        """Refuse for ever."""
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _forward(self) -> None:
        self._passing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.port, backlog=512)

    async def _hang(self) -> None:
        await self._forward()
        self._passing.clear()

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        self._passing.set()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = {writer}
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(HOST, self._upstream_port)
            writers.add(upstream_writer)
            self._writers |= writers
            await asyncio.gather(self._pump(reader, upstream_writer), self._pump(upstream_reader, writer))
        except OSError:
            return  # one side is gone: so is the other
        finally:
            self._writers -= writers
            for each in writers:
                each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._passing.wait()
            writer.write(data)
            await writer.drain()
        writer.close()
