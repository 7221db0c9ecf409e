#!/usr/bin/env python3
"""Runs the hello server and talks to it: hello_test.py PATH-OF-HELLO."""
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

CONTAINER = {"Name": "web", "Image": "localhost:4566/hello:v1", "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": ["172.31.5.9"]}]}
TASK = {"Cluster": "arn:aws:ecs:us-east-1:000000000000:cluster/lab", "TaskARN": "arn:aws:ecs:us-east-1:000000000000:task/lab/0123abcd",
        "Family": "hello", "Revision": "3", "LaunchType": "FARGATE", "AvailabilityZone": "us-east-1a", "ServiceName": "<\u00e9&\"\n>"}


class Metadata(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"/v4/id": CONTAINER, "/v4/id/task": TASK}[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Hello(unittest.TestCase):
    def start(self, **variables):
        self.port = free_port()
        self.process = subprocess.Popen([binary], env={"PORT": str(self.port), **variables}, stdout=subprocess.PIPE, text=True)
        self.assertIn("listening", self.process.stdout.readline())
        self.addCleanup(self.stop)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.stdout.close()
        self.process.wait()

    def get(self, path, **options):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", **options)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        self.addCleanup(connection.close)
        return connection

    def exchange(self, data):
        connection = self.connect()
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))

    def test_facts_of_the_task(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.start(ECS_CONTAINER_METADATA_URI_V4=f"http://127.0.0.1:{server.server_port}/v4/id", SECRET="do-not-show")
        facts = json.loads(self.get("/json")[1])
        self.assertEqual(facts["taskArn"], TASK["TaskARN"])
        self.assertEqual(facts["cluster"], "lab")
        self.assertEqual(facts["taskDefinition"], "hello:3")
        self.assertEqual(facts["networkMode"], "awsvpc")
        self.assertEqual(facts["privateIp"], "172.31.5.9")
        self.assertEqual(facts["service"], TASK["ServiceName"])
        page = self.get("/")[1]
        self.assertIn("&lt;\u00e9&amp;&quot;", page)
        self.assertIn("us-east-1a", page)
        self.assertNotIn("do-not-show", page)

    def test_without_ecs(self):
        self.start()
        self.assertEqual(json.loads(self.get("/json")[1])["underEcs"], False)
        self.assertIn("not running under ECS", self.get("/")[1])

    def test_with_a_metadata_endpoint_that_does_not_answer(self):
        self.start(ECS_CONTAINER_METADATA_URI_V4=f"http://127.0.0.1:{free_port()}/v4/id")
        self.assertEqual(self.get("/health"), (200, "ok\n"))
        self.assertIn("has not answered yet", self.get("/")[1])

    def test_methods_and_refusals(self):
        self.start()
        self.assertEqual(self.get("/nothing")[0], 404)
        self.assertEqual(self.get("/health?x=1")[0], 200)
        self.assertEqual(self.get("/", data=b"x" * 1000)[0], 405)
        self.assertEqual(self.get("/", headers={"X-Long": "x" * 9000})[0], 431)
        head = self.exchange(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").decode()
        self.assertTrue(head.endswith("\r\n\r\n"))
        self.assertNotIn("Content-Length: 0", head)
        for data, status in ((b"nonsense\r\n\r\n", b"400"), (b"GET / HTTP/2.0\r\n\r\n", b"505"), (b"GET x HTTP/1.1\r\n\r\n", b"400"),
                             (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
                             (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
                             (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400")):
            self.assertEqual(self.exchange(data)[9:12], status, data)

    def test_several_requests_on_one_connection(self):
        self.start()
        one = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        self.assertEqual(self.exchange(one * 400).count(b"\r\n\r\nok\n"), 400)
        with_body = b"POST /health HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345"
        self.assertEqual(self.exchange(with_body + one).count(b"HTTP/1.1 "), 2)
        closing = b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n"
        self.assertEqual(self.exchange(closing + one).count(b"HTTP/1.1 "), 1)
        connection = self.connect()
        for byte in one:
            connection.send(bytes([byte]))
        self.assertIn(b"ok\n", connection.recv(1000))

    def test_many_connections(self):
        self.start()
        connections = [self.connect() for _ in range(300)]
        for connection in connections:
            connection.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        for connection in connections:
            self.assertIn(b"ok\n", connection.recv(1000))

    def test_ends_at_once_but_answers_what_was_begun(self):
        self.start()
        idle = self.connect()
        begun = self.connect()
        begun.sendall(b"GET /health HTTP/1.1\r\n")
        self.assertEqual(self.get("/health")[0], 200)  # by now both connections are known
        os.kill(self.process.pid, signal.SIGTERM)
        self.assertEqual(idle.recv(10), b"")
        with self.assertRaises(ConnectionRefusedError):
            while True:
                self.connect().close()
                time.sleep(0.01)
        begun.sendall(b"\r\n")
        answer = b"".join(iter(lambda: begun.recv(1000), b""))
        self.assertIn(b"Connection: close", answer)
        self.assertIn(b"ok\n", answer)
        self.assertEqual(self.process.wait(timeout=10), 0)
        self.assertIn("GET /health 200", self.process.stdout.read())


binary = os.path.realpath(sys.argv.pop())
unittest.main()
