"""Loopback sockets for test servers."""

import socket


def listening_socket(port: int = 0) -> socket.socket:
    """A bound TCP socket; port 0 picks a free one, which stays ours until it is closed."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener
