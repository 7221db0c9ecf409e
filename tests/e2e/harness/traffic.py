"""Traffic at a steady rate, however the answers come: what a load balancer must not lose."""

import http.client
import socket
import threading
import time


class Traffic:
    """Requests from several threads, half of them with a new connection each time. `with Traffic(…) as traffic: …`, then counts."""

    def __init__(self, host, port, path="/", name=None, threads=4, rate=100, tls=None):
        self.host, self.port, self.path, self.headers = host, port, path, {"Host": name} if name else {}
        self.tls = tls          # an ssl.SSLContext, or none
        self.good, self.failures = 0, []
        self._pause = threads / rate
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(i % 2 == 0,)) for i in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _connect(self):
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port, timeout=10, context=self.tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=10)

    def _run(self, keep_alive):
        connection = None
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                if connection is None:
                    connection = self._connect()
                connection.request("GET", self.path, headers=self.headers)
                answer = connection.getresponse()
                body = answer.read()
                outcome = None if answer.status == 200 else f"{answer.status} {body[:80]!r}"
                if answer.will_close or not keep_alive:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                outcome, connection = f"{type(error).__name__}: {error}", None
            with self._lock:
                if outcome is None:
                    self.good += 1
                else:
                    self.failures.append(outcome)
            self._stop.wait(max(0.0, self._pause - (time.monotonic() - begun)))


class Websockets(Traffic):
    """Clients that switch protocols, say a line, hear it again, and after a few of them close and come anew. A lost line is a failure, and
    so is a switch that is refused. What echoes: SERVER, on port 81, beside a page on port 80."""

    LINES = 8
    SWITCH = (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
              b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    SPEAK = ("#!/bin/sh\\nwhile read -r line && [ ${#line} -gt 1 ]; do :; done\\n"
             "printf \"HTTP/1.1 101 Switching Protocols\\\\r\\\\nConnection: Upgrade\\\\r\\\\nUpgrade: websocket\\\\r\\\\n"
             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\\\r\\\\n\\\\r\\\\n\"\\nexec cat\\n")
    SERVER = ["sh", "-c", f"printf '{SPEAK}' > /tmp/speak; chmod 755 /tmp/speak; mkdir /tmp/w; echo ok > /tmp/w/index.html; httpd -p 80 -h /tmp/w; "
              "exec nc -ll -p 81 -e /tmp/speak"]

    def _run(self, _):
        while not self._stop.is_set():
            try:
                with socket.create_connection((self.host, self.port), timeout=10) as wire:
                    self._converse(wire)
            except OSError as error:
                with self._lock:
                    self.failures.append(f"{type(error).__name__}: {error}")

    def _converse(self, wire):
        wire.sendall(self.SWITCH)
        head = b""
        while b"\r\n\r\n" not in head:
            more = wire.recv(1000)
            if not more:
                raise OSError(f"no switch: {head[:80]!r}")
            head += more
        if not head.startswith(b"HTTP/1.1 101"):
            raise OSError(f"no switch: {head[:80]!r}")
        for _ in range(self.LINES):
            wire.sendall(b"ping\n")
            heard = wire.recv(100)
            if heard != b"ping\n":
                raise OSError(f"no echo: {heard!r}")
            with self._lock:
                self.good += 1
            self._stop.wait(self._pause)
