"""nginx over one folder, seen in many ways: with indexes, behind credentials, without ranges, over TLS."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.process import LOOPBACK, Server, accepts, free_ports

USER, PASSWORD, TOKEN, SIGNATURE = "someone", "canary-password", "canary-token", "canary-signature"

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nodelay on;
    keepalive_requests 1000000;
    default_type application/octet-stream;
    types {{ text/csv csv; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port} backlog=1024;
        listen {host}:{tls_port} ssl;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.key;
        location /data/ {{ alias {folder}/files/data/; autoindex on; }}
        location /plain/ {{ alias {folder}/files/; }}
        location /json/ {{ alias {folder}/files/; autoindex on; autoindex_format json; }}
        location /html/ {{ alias {folder}/files/; autoindex on; }}
        location /rounded/ {{ alias {folder}/files/; autoindex on; autoindex_exact_size off; }}
        location /basic/ {{ alias {folder}/files/; auth_basic files; auth_basic_user_file {folder}/users; }}
        location /bearer/ {{ alias {folder}/files/; if ($http_authorization != "Bearer {token}") {{ return 401; }} }}
        location /keyed/ {{ alias {folder}/files/; if ($http_x_key != "{token}") {{ return 403; }} }}
        location /signed/ {{ alias {folder}/files/; if ($arg_sig != "{signature}") {{ return 403; }} }}
        location /headless/ {{ alias {folder}/files/; if ($request_method = HEAD) {{ return 405; }} }}
        location /whole/ {{ alias {folder}/files/; max_ranges 0; }}
        location /unnamed/ {{ alias {folder}/files/; etag off; }}
        location /packed/ {{ alias {folder}/files/; gzip_static always; }}
        location /moved/ {{ rewrite ^/moved/(.*)$ /plain/$1 redirect; }}
        location /downgraded/ {{ return 302 http://{host}:{port}/plain/; }}
        location /busy/ {{ add_header Retry-After 1 always; return 503; }}
        location /forbidden/ {{ return 403; }}
    }}
}}
"""


@dataclass(frozen=True)
class WebServer:
    """Where the files are served, where they lie, and what opens them."""

    url: str
    tls_url: str
    folder: str
    ca: str

    def environment(self) -> dict[str, str]:
        return {"WEB_URL": self.url}


class NginxWeb(Server):
    """One nginx process; the first part of a path says in which way the folder is served."""

    name = "web"
    program = "nginx"
    install = "the Debian package nginx-light: `make test` as root installs it"

    def command(self) -> list[str]:
        self._port, self._tls_port = free_ports(2)
        (self.folder / "files").mkdir()
        (self.folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        make_certificates(self.folder)
        text = CONFIGURATION.format(
            folder=self.folder,
            host=LOOPBACK,
            port=self._port,
            tls_port=self._tls_port,
            token=TOKEN,
            signature=SIGNATURE,
        )
        (self.folder / "nginx.conf").write_text(text)
        return ["-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def is_ready(self) -> bool:
        return accepts(self._port) and accepts(self._tls_port)

    @property
    def address(self) -> WebServer:
        return WebServer(
            f"http://{LOOPBACK}:{self._port}",
            f"https://{LOOPBACK}:{self._tls_port}",
            str(self.folder / "files"),
            str(self.folder / "ca.pem"),
        )


def make_certificates(folder: Path) -> None:
    """Write the certificate of an authority that nobody else trusts, and one that it gives to this machine."""
    authority, ca_key = _certificate("authority of the tests", None)
    server, key = _certificate(LOOPBACK, (authority, ca_key))
    (folder / "ca.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(server.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    plain = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (folder / "server.key").write_bytes(plain)


def _certificate(
    name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key
