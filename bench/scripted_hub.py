"""The tests' scripted hub in a process of its own: identity for benchmarks that need no real hub.

Reads ``{"people": […], "groups": {…}}`` from standard input, answers with one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys

from tests.fakes.hub import fake_hub


async def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    async with fake_hub() as hub:
        for person in wanted["people"]:
            hub.add_person(person)
        for group, members in wanted["groups"].items():
            hub.add_group(group, members)
        tokens = {person: hub.visitor_token(person) for person in wanted["people"]}
        told = {"api_url": hub.api_url, "service_token": hub.service_token, "tokens": tokens}
        print(json.dumps(told), flush=True)
        while True:
            await asyncio.sleep(5)
            hub.requests.clear()  # it remembers every one, for tests


if __name__ == "__main__":
    asyncio.run(main())
