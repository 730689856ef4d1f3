"""Everything that touches a socket, a task or a file handle: the only floor with asyncio and aiohttp."""
