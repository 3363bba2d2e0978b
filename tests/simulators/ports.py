"""Owns the choice of a port for a server that a test starts, and starts again."""

import random
import socket

# Below the ports that the system gives to connections and to whoever asks for any (32768 and up on
# Linux): one of these could take the port between its choice and the server's start, or between two starts.
FIRST, LAST = 20_000, 32_000

_chance = random.SystemRandom()


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    while True:
        port = _chance.randint(FIRST, LAST)
        with socket.socket() as probe:
            # As servers do: what ended a moment ago is not in the way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
