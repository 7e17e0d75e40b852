#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An agent keeps a simulated director's plan in asyncio, as agent.c does in a plain loop.

On a real machine the loop waits for the agent's descriptor; a simulated one has its own time.
"""
import asyncio
import sys

import lsvm


class Keeper:
    """An agent in the running loop; prints what happens."""

    def __init__(self, host, agent):
        self.host, self.agent = host, agent

    def dispatch(self):
        self.agent.dispatch()
        for event in self.agent.events():
            print(event)

    async def wait_for(self, tenths):
        if self.agent.fileno() >= 0:
            await asyncio.sleep(tenths / 10)
            return
        for _ in range(tenths):
            self.host.simulate_pass(100)
            self.dispatch()
            await asyncio.sleep(0)

    async def run(self, server):
        agent = self.agent
        agent.start()
        if agent.fileno() >= 0:
            asyncio.get_running_loop().add_reader(agent.fileno(), self.dispatch)
        await self.wait_for(10)
        self.host.flush()
        await self.wait_for(150)
        agent.drain(server)
        await self.wait_for(10)
        agent.enable(server)
        await self.wait_for(10)
        print("duty:", agent.duty.word)
        agent.stop()
        while not agent.is_finished:
            await self.wait_for(1)
        for event in agent.events():
            print(event)


def main():
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} CLUSTER-FILE DIRECTOR SERVER")
    host = lsvm.Host.simulated(sys.argv[2])
    agent = lsvm.Agent(host, lsvm.load(sys.argv[1]), sys.argv[2])
    asyncio.run(Keeper(host, agent).run(sys.argv[3]))


if __name__ == "__main__":
    try:
        main()
    except lsvm.Error as error:
        sys.exit(str(error))
