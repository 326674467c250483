"""aiohttp_save.py LIST OUT JOBS [CACERT]: URLs to files with aiohttp at its best: one session, JOBS workers, bodies by pieces.

LIST has a URL, a tab and a file name on each line. Exit status 1 when a URL failed.
"""
import asyncio
import ssl
import sys
from pathlib import Path

import aiohttp

PIECE = 64 * 1024


async def work(session, lines, out):
    failed = 0
    for line in lines:
        url, name = line.rstrip("\n").split("\t")
        try:
            async with session.get(url) as response:
                response.raise_for_status()
                with open(out / name, "wb", buffering=0) as file:
                    async for piece in response.content.iter_chunked(PIECE):
                        file.write(piece)
        except (aiohttp.ClientError, OSError) as error:
            print(f"{url}: {error!r}", file=sys.stderr)
            failed += 1
    return failed


async def main(source, out, jobs, cacert=None):
    with open(source) as lines:  # one iterator for all workers: each takes the next line
        trust = ssl.create_default_context(cafile=cacert) if cacert else True
        connector = aiohttp.TCPConnector(limit=jobs, ssl=trust)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=2 * PIECE) as session:
            return sum(await asyncio.gather(*(work(session, lines, Path(out)) for _ in range(jobs))))


sys.exit(1 if asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])) else 0)
