"""Who the server is, and who logs in: host keys, fingerprints, keys, passwords, the agent."""

import base64
import hashlib
import hmac
import os
import socket
import subprocess
import threading
import traceback
import warnings
from pathlib import Path

import pytest

from remote_store import BackendUnavailable, ConfigError, PermissionDenied, RetryPolicy, Secret, Store
from remote_store.backends.sftp import SFTPBackend
from remote_store.testing import clause
from tests.servers.sftp import OpenSSH, make_key

PATIENT = RetryPolicy(attempts=5, base=2.0)
"""A policy that would take long: what it does not repeat fails at once."""
TRANSPORTS = ["paramiko", "ssh"]


@pytest.fixture
def known(tmp_path):
    return tmp_path / "known_hosts"


@pytest.fixture
def strictly(sshd, known):
    """Make a backend that knows hosts by a file."""

    def make(**options):
        return SFTPBackend(**sshd.options(fingerprint=None, known_hosts=known, **options))

    return make


def line_of(address, key=None, name=None):
    kind, text = (key or address.host_key).split()[:2]
    return f"{name or f'[{address.host}]:{address.port}'} {kind} {text}\n"


def refusal(backend):
    with Store(backend, retry=PATIENT) as store, pytest.raises(PermissionDenied) as refused:
        store.exists("a")
    assert not refused.value.retryable
    assert (refused.value.path, refused.value.backend) == ("a", "sftp")
    return refused.value


def works(backend):
    with Store(backend) as store:
        store.write("a", b"trusted", overwrite=True)
        return store.read_bytes("a") == b"trusted"


@clause("SFTP-01")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_unknown_host_key_is_refused_at_once(transport, strictly, known, sshd):
    error = refusal(strictly(transport=transport))
    assert "the host key of [127.0.0.1]:" in error.message
    if transport == "paramiko":
        assert sshd.fingerprint in error.message
    assert not known.exists() or not known.read_text()


@clause("SFTP-01")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_known_host_key_is_trusted(transport, strictly, known, sshd):
    known.write_text("# a comment\n\nother.example ssh-ed25519 AAAA\n" + line_of(sshd))
    assert works(strictly(transport=transport))


@clause("SFTP-01")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_changed_host_key_is_refused(transport, strictly, known, sshd, tmp_path):
    make_key(tmp_path / "other")
    known.write_text(line_of(sshd, (tmp_path / "other.pub").read_text()))
    before = known.read_text()
    assert "changed" in refusal(strictly(transport=transport)).message
    if transport == "paramiko":
        assert "changed" in refusal(strictly(trust="tofu")).message
    assert known.read_text() == before


@clause("SFTP-01")
def test_a_host_is_found_under_a_hashed_name_and_under_a_pattern(strictly, known, sshd):
    place = f"[{sshd.host}]:{sshd.port}"
    salt = os.urandom(20)
    digest = hmac.new(salt, place.encode(), hashlib.sha1).digest()
    hashed = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
    known.write_text(line_of(sshd, name=hashed))
    assert works(strictly())
    known.write_text(line_of(sshd, name=f"far.example,[127.0.0.*]:{sshd.port}"))
    assert works(strictly())
    known.write_text(line_of(sshd, name=f"[127.0.0.*]:{sshd.port},!{place}"))
    assert "unknown" in refusal(strictly()).message


@clause("SFTP-01")
def test_a_revoked_host_key_is_refused(strictly, known, sshd):
    known.write_text(line_of(sshd) + "@revoked " + line_of(sshd, name="*"))
    assert "revoked" in refusal(strictly()).message


@clause("SFTP-01")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_trust_on_first_use_keeps_the_key(transport, strictly, known, sshd):
    known.write_text("other.example ssh-ed25519 AAAA" + "\n" * (transport == "ssh"))  # ssh itself needs the newline
    assert works(strictly(trust="tofu", transport=transport))
    assert sshd.host_key.split()[1] in known.read_text()
    assert known.read_text().startswith("other.example ssh-ed25519 AAAA\n")
    assert works(strictly())


@clause("SFTP-01")
def test_a_pinned_fingerprint_is_all_that_counts(sshd, tmp_path):
    other = make_key(tmp_path / "other")
    assert works(SFTPBackend(**sshd.options(fingerprint=f"{other}, {sshd.fingerprint}")))
    error = refusal(SFTPBackend(**sshd.options(fingerprint=other)))
    assert sshd.fingerprint in error.message


@clause("SFTP-01")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_check_at_all_has_a_name_and_a_warning(transport, strictly, known):
    with pytest.warns(RuntimeWarning, match="is not checked"):
        assert works(strictly(accept_any_host_key=True, transport=transport))
    assert not known.exists()


@clause("SFTP-02")
@pytest.mark.parametrize("given", ["key_file", "key"])
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_keys_of_every_kind_log_in(kind, passphrase, given, sshd, tmp_path):
    make_key(tmp_path / "key", kind, passphrase)
    authorized = Path(sshd.key_file).with_name("authorized_keys")
    with authorized.open("a") as file:
        file.write((tmp_path / "key.pub").read_text())
    options = {"key_file": tmp_path / "key"} if given == "key_file" else {"key": (tmp_path / "key").read_text()}
    if passphrase:
        options["passphrase"] = passphrase
    assert works(SFTPBackend(**{"key_file": None} | sshd.options() | {"key_file": None} | options))


@clause("SFTP-01")
@pytest.mark.parametrize("trust", ["known", "tofu"])
def test_known_hosts_that_cannot_be_read_or_kept_are_named(trust, tmp_path, sshd):
    error = refusal(SFTPBackend(**sshd.options(fingerprint=None, known_hosts=tmp_path, trust=trust)))
    assert error.message == f"the host keys in {str(tmp_path)!r} cannot be read: Is a directory"
    if trust == "tofu":
        nowhere = "/proc/nowhere/known_hosts"
        error = refusal(SFTPBackend(**sshd.options(fingerprint=None, known_hosts=nowhere, trust=trust)))
        assert f"is new and cannot be kept in {nowhere!r}" in error.message


@clause("SFTP-01", "SFTP-02")
def test_the_program_ssh_takes_paths_as_they_stand(sshd, tmp_path):
    for name in ("a known %h", "known"):
        (tmp_path / name).write_text(line_of(sshd))
        key = tmp_path / f"key of {name}"
        key.write_text(Path(sshd.key_file).read_text())
        key.chmod(0o600)
        options = sshd.options(fingerprint=None, known_hosts=tmp_path / name, transport="ssh", key_file=key)
        assert works(SFTPBackend(**options))
    error = refusal(SFTPBackend(**options | {"key_file": tmp_path / "missing"}))
    assert f"{tmp_path}/missing: No such file" in error.message


@clause("SFTP-02")
@pytest.mark.parametrize("passphrase", [None, "canary-passphrase"])
def test_a_wrong_or_missing_passphrase_says_so(passphrase, sshd, tmp_path):
    make_key(tmp_path / "key", passphrase="another")
    error = refusal(SFTPBackend(**sshd.options(key_file=tmp_path / "key", passphrase=passphrase)))
    assert "passphrase" in error.message
    assert "canary" not in shown(error)


@clause("SFTP-02")
def test_what_is_no_key_says_so(sshd, tmp_path):
    (tmp_path / "text").write_text("hello")
    for file, says in ((tmp_path / "text", "is not an ed25519"), (tmp_path / "missing", "cannot be read")):
        assert says in refusal(SFTPBackend(**sshd.options(key_file=file))).message


@clause("SFTP-02")
@pytest.mark.parametrize("says", [b"", b"garbage", b"ssh-ed25519-cert-v01@openssh.com AAAA x", b"\xff\xfe"])
def test_a_certificate_that_is_none_is_named(says, sshd, tmp_path):
    key, certificate = tmp_path / "key", tmp_path / "key-cert.pub"
    key.write_text(Path(sshd.key_file).read_text())
    certificate.write_bytes(says)
    assert (
        f"the certificate {str(certificate)!r} cannot be read"
        in refusal(SFTPBackend(**sshd.options(key_file=key))).message
    )


def shown(error):
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()) + repr(error)


@clause("SFTP-02", "SECRET-03")
def test_a_password_logs_in_and_a_wrong_one_is_refused_without_being_shown(asyncssh):
    right = asyncssh.options(key_file=None, password=Secret(asyncssh.password))
    assert works(SFTPBackend(**right))
    error = refusal(SFTPBackend(**right | {"password": "canary-password"}))
    assert "refused 'nobody' with the password" in error.message or "with the password" in error.message
    assert "canary" not in shown(error)


@clause("SFTP-02")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_key_that_the_server_does_not_know_is_refused(transport, sshd, known, tmp_path):
    known.write_text(line_of(sshd))
    make_key(tmp_path / "stranger")
    options = sshd.options(fingerprint=None, known_hosts=known, key_file=tmp_path / "stranger", transport=transport)
    assert "refused" in refusal(SFTPBackend(**options)).message


@clause("SFTP-02")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_agent_logs_in(transport, sshd, known, tmp_path, monkeypatch):
    known.write_text(line_of(sshd))
    socket = tmp_path / "agent"
    monkeypatch.setenv("HOME", str(tmp_path))
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", sshd.key_file], check=True)
        options = sshd.options(key_file=None, fingerprint=None, known_hosts=known, transport=transport)
        assert works(SFTPBackend(**options))
        if transport == "paramiko":
            assert "no password, key or agent" in refusal(SFTPBackend(**options | {"agent": False})).message
    finally:
        agent.kill()
        agent.wait()


@clause("SFTP-02", "DEADLINE-01")
@pytest.mark.parametrize("says", [b"\0\0\0\1\5", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", None])
def test_an_agent_that_is_confused_or_silent_is_passed_over(says, sshd, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        answering = threading.Thread(target=answer, args=(agent, says))
        answering.start()
        error = refusal(SFTPBackend(**sshd.options(key_file=None, connect_timeout=1)))
        answering.join()
    assert "no password, key or agent" in error.message


def answer(agent, says):
    """Play an agent that takes one question, and says one thing or nothing."""
    asking, _ = agent.accept()
    with asking:
        asking.recv(5)
        asking.sendall(says or b"")
        if says is None:
            asking.recv(1)


@clause("SFTP-02")
def test_who_has_no_name_on_the_machine_is_asked_for_one(sshd, monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with Store(SFTPBackend(**sshd.options(user=None))) as store, pytest.raises(ConfigError, match="pass user"):
        store.exists("a")


@clause("SFTP-02")
def test_what_is_no_ssh_server_says_so(nginx):
    backend = SFTPBackend("127.0.0.1", port=int(nginx.url.rpartition(":")[2]), user="me", password="x")
    once = RetryPolicy(attempts=1)
    with Store(backend, retry=once) as store, pytest.raises(BackendUnavailable, match="is no SSH server"):
        store.exists("a")


@clause("SFTP-01", "SFTP-02")
def test_the_usual_files_of_the_user_are_found(sshd, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    folder = tmp_path / ".ssh"
    folder.mkdir()
    make_key(folder / "id_ecdsa", "ecdsa", passphrase="nobody knows")  # left alone
    (folder / "id_ed25519").write_bytes(b"\xff\xfe")  # no text at all
    (folder / "id_rsa").write_text(Path(sshd.key_file).read_text())
    (folder / "known_hosts").write_text(line_of(sshd))
    assert works(SFTPBackend(sshd.host, port=sshd.port, user=sshd.user, root=sshd.make_place()))
    given = {"key_file": "~/.ssh/id_rsa", "known_hosts": "~/.ssh/known_hosts", "fingerprint": None}
    assert works(SFTPBackend(**sshd.options(**given)))


class WithoutFiles(OpenSSH):
    """sshd that lets users in and serves no files."""

    def command(self):
        arguments = super().command()
        configuration = self.folder / "sshd.conf"
        configuration.write_text(configuration.read_text().replace("Subsystem", "# Subsystem"))
        return arguments


@clause("SFTP-02")
def test_a_server_without_sftp_says_so_at_once():
    with WithoutFiles() as server, Store(SFTPBackend(**server.address.options()), retry=PATIENT) as store:
        with pytest.raises(BackendUnavailable, match="has no SFTP") as lacking:
            store.exists("a")
        assert not lacking.value.retryable


@clause("SFTP-03")
def test_options_that_cannot_be_meant_are_refused_before_any_connection():
    wrong = [
        {"host": ""},
        {"host": "-oProxyCommand=x"},
        {"host": "a b"},
        {"host": "me@there"},
        {"host": "a..b"},
        {"host": "a" * 64},
        {"host": "h\udcff"},
        {"host": "h", "user": "a\ud800"},
        {"host": "h", "password": "a\udcff"},
        {"host": "h", "key": "a\udcff"},
        {"host": "h", "user": "-l"},
        {"host": "h", "user": "a b"},
        {"host": "h", "port": 0},
        {"host": "h", "port": 70000},
        {"host": "h", "key": "text", "key_file": "path"},
        {"host": "h", "passphrase": "x"},
        {"host": "h", "fingerprint": "MD5:aa"},
        {"host": "h", "fingerprint": ""},
        {"host": "h", "trust": "yes"},
        {"host": "h", "trust": "tofu", "accept_any_host_key": True},
        {"host": "h", "transport": "telnet"},
        {"host": "h", "transport": "ssh", "password": "x"},
        {"host": "h", "transport": "ssh", "agent": False},
        {"host": "h", "read_timeout": 0},
        {"host": "h", "connect_timeout": -1},
        {"host": "h", "channels": 0},
        {"host": "h", "root": ""},
        {"host": "h", "root": "a\0b"},
        {"host": "h", "root": "a\ud800"},
    ]
    for options in wrong:
        with pytest.raises((ConfigError, ValueError)):
            SFTPBackend(**options)
    for options in ({"host": 7}, {"port": "22"}, {"password": 7}, {"read_timeout": True}, {"create": 1}, {"root": 7}):
        with pytest.raises(TypeError):
            SFTPBackend(**{"host": "h"} | options)


@clause("SFTP-03")
def test_a_uri_names_server_user_port_and_folder(monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for uri, options in (
            ("sftp://me@host:2222/data/in", {"host": "host", "user": "me", "port": 2222, "root": "/data/in"}),
            ("sftp://host/~/in/", {"host": "host", "root": "in"}),
            ("sftp://host", {"host": "host"}),
            ("sftp://host/~", {"host": "host", "root": "."}),
            ("sftp://host/", {"host": "host", "root": "/"}),
            ("sftp://[::1]:22/x", {"host": "::1", "port": 22, "root": "/x"}),
        ):
            with Store.from_uri(uri) as store:
                assert store.unwrap(SFTPBackend) == SFTPBackend(**options)
    with pytest.raises(ConfigError, match="no password"):
        Store.from_uri("sftp://me:secret@host/x")
    with pytest.raises(ConfigError, match="carries no secrets"):
        Store.from_uri("sftp://host/x?password=secret")
