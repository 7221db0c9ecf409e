"""Traffic at a steady rate, however the answers come: what a load balancer must not lose."""

import http.client
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
