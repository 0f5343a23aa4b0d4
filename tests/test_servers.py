"""The test servers do what tests rely on."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import botocore.exceptions
import pytest

from tests.servers import SERVERS, Link, Moto, S3Endpoint, SeaweedFS, Server, ServerError
from tests.servers.process import accepts, wait_until
from tests.servers.proxy import ProxyProcess

ROOT = Path(__file__).parents[1]


def port_of(address):
    return int(address.rsplit(":", 1)[1])


class TestS3Servers:
    @pytest.fixture(params=["seaweedfs", "moto"])
    def endpoint(self, request) -> S3Endpoint:
        return request.getfixturevalue(request.param)

    def test_an_object_comes_back(self, endpoint):
        client = endpoint.client()
        bucket = endpoint.make_bucket()
        client.put_object(Bucket=bucket, Key="a/b", Body=b"content")
        assert client.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"content"
        client.close()

    def test_a_missing_bucket_is_missing(self, endpoint):
        client = endpoint.client()
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            client.put_object(Bucket="nobody-made-this", Key="a", Body=b"")
        assert caught.value.response["Error"]["Code"] == "NoSuchBucket"
        client.close()

    def test_a_second_exclusive_create_is_refused(self, endpoint):
        client = endpoint.client()
        bucket = endpoint.make_bucket()
        client.put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            client.put_object(Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
        client.close()

    def test_seaweedfs_refuses_a_wrong_secret(self, seaweedfs, seaweedfs_bucket):
        client = S3Endpoint(seaweedfs.endpoint_url, seaweedfs.access_key, "wrong").client()
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            client.list_objects_v2(Bucket=seaweedfs_bucket)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        client.close()

    def test_the_same_server_serves_the_whole_run(self, seaweedfs, pytestconfig):
        from tests.servers import plugin

        assert plugin._address(pytestconfig, "seaweedfs") == seaweedfs


def test_nginx_takes_and_returns_files(nginx):
    put = urllib.request.Request(nginx.url + "/deep/file", data=b"content", method="PUT")  # noqa: S310 - loopback
    with urllib.request.urlopen(put) as answer:  # noqa: S310 - loopback
        assert answer.headers["ETag"] is not None
    assert (Path(nginx.folder) / "deep/file").read_bytes() == b"content"


class TestLifetime:
    @pytest.mark.parametrize("kind", [SeaweedFS, Moto])
    def test_a_stopped_server_leaves_nothing(self, kind):
        with kind() as server:
            port = port_of(server.address.endpoint_url)
            assert accepts(port)
        assert not accepts(port)
        assert not server.folder.exists()

    def test_a_missing_program_is_named_with_what_brings_it(self):
        class Absent(Server):
            name = "absent"
            program = "no-such-program"
            install = "the package absent"

            command = is_ready = address = None

        with pytest.raises(ServerError, match="absent is missing: no-such-program comes with the package absent"):
            Absent().start()

    def test_a_program_that_fails_is_shown_with_what_it_said(self):
        class Failing(Moto):
            def command(self):
                super().command()
                return ["--no-such-option"]

        with pytest.raises(ServerError, match="no-such-option"):
            Failing().start()

    def test_a_server_dies_with_a_killed_owner(self, tmp_path):
        script = "import os, sys; open(sys.argv[1], 'w').write(os.environ['AWS_ENDPOINT_URL']); sys.stdin.read()"
        note = tmp_path / "address"
        command = [sys.executable, "-m", "tests.servers", "moto", "--", sys.executable, "-c", script, str(note)]
        environment = {**os.environ, "TMPDIR": str(tmp_path)}  # a killed owner cannot remove its files
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL}
        with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as owner:
            assert wait_until(lambda: note.exists() and note.read_text(), 60)
            port = port_of(note.read_text())
            assert accepts(port)
            owner.send_signal(signal.SIGKILL)
            assert wait_until(lambda: not accepts(port), 10)

    def test_a_command_gets_the_address_and_gives_its_status(self):
        script = "import os, sys; sys.exit(7 if os.environ['S3_BUCKET'].startswith('bucket-') else 1)"
        command = [sys.executable, "-m", "tests.servers", "moto", "--", sys.executable, "-c", script]
        done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
        assert done.returncode == 7

    @pytest.mark.parametrize("arguments", [[], ["moto", "true"], ["moto", "--"], ["no-such-server", "--", "true"]])
    def test_a_wrong_command_line_is_told_the_right_one(self, arguments):
        command = [sys.executable, "-m", "tests.servers", *arguments]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("usage: python -m tests.servers [seaweedfs | ")

    def test_every_server_has_a_name_and_says_what_brings_it(self):
        assert all(SERVERS[name].name == name and SERVERS[name].install for name in SERVERS)


class TestProxy:
    @pytest.fixture
    def served(self, nginx):
        path = Path(nginx.folder) / f"served-{os.getpid()}"
        path.write_bytes(bytes(4_000_000))
        yield path.name
        path.unlink()

    @staticmethod
    def get(port, name):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", f"/{name}")
            return connection.getresponse().read()
        finally:
            connection.close()

    def test_it_forwards(self, make_proxy, nginx, served):
        proxy = make_proxy(port_of(nginx.url))
        assert len(self.get(proxy.port, served)) == 4_000_000
        assert proxy.accepted == 1
        assert proxy.bytes_down > 4_000_000 > proxy.bytes_up > 0

    def test_latency_is_added_once_a_round_trip(self, make_proxy, nginx, served):
        proxy = make_proxy(port_of(nginx.url), Link(latency=0.2))
        began = time.monotonic()
        self.get(proxy.port, served)
        assert time.monotonic() - began >= 0.2

    def test_bandwidth_is_limited(self, make_proxy, nginx, served):
        proxy = make_proxy(port_of(nginx.url), Link(bandwidth=10e6))
        began = time.monotonic()
        self.get(proxy.port, served)
        assert time.monotonic() - began >= 0.39

    def test_a_lost_answer_is_a_reset_after_the_request_arrived(self, make_proxy, nginx, served):
        proxy = make_proxy(port_of(nginx.url), Link(reset_after_down=0))
        with pytest.raises(ConnectionResetError):
            self.get(proxy.port, served)
        assert proxy.bytes_up > 0
        assert proxy.bytes_down == 0

    def test_a_reset_comes_after_the_bytes_before_it(self, make_proxy, nginx, served):
        proxy = make_proxy(port_of(nginx.url), Link(reset_after_down=1_000_000))
        with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
            self.get(proxy.port, served)
        assert proxy.bytes_down == 1_000_000

    def test_a_planned_fault_meets_one_connection(self, make_proxy, nginx, served):
        proxy = make_proxy(port_of(nginx.url))
        proxy.plan(Link(reset_after_up=0))
        with pytest.raises(ConnectionResetError):
            self.get(proxy.port, served)
        assert len(self.get(proxy.port, served)) == 4_000_000

    def test_a_stall_keeps_the_connection_open_and_silent(self, make_proxy, nginx, served):
        proxy = make_proxy(port_of(nginx.url), Link(stall_after_down=100_000))
        with pytest.raises(TimeoutError):
            self.get(proxy.port, served)

    def test_open_connections_can_be_reset(self, make_proxy, nginx):
        proxy = make_proxy(port_of(nginx.url))
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(1)  # by now it is open on both sides
            proxy.reset_all()
            with pytest.raises(ConnectionResetError):
                list(iter(lambda: connection.recv(1 << 16), b""))

    def test_a_port_nobody_serves_resets(self, make_proxy):
        from tests.servers import free_ports

        proxy = make_proxy(free_ports(1)[0])
        with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
            self.get(proxy.port, "x")

    def test_it_runs_in_a_process_of_its_own(self, nginx, served):
        with ProxyProcess(port_of(nginx.url), latency=0.05) as proxy:
            assert len(self.get(proxy.port, served)) == 4_000_000
