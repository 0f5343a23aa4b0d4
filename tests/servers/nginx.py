"""nginx with dav: the fastest server that takes PUT, GET, HEAD and DELETE, for measuring clients."""

from dataclasses import dataclass

from tests.servers.process import LOOPBACK, Server, accepts, free_ports

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
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port} backlog=1024;
        location / {{
            root {folder}/files;
            dav_methods PUT DELETE;
            create_full_put_path on;
            add_header ETag '"put"' always;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class WebAddress:
    """Where a web server is, and the folder it serves."""

    url: str
    folder: str

    def environment(self) -> dict[str, str]:
        return {"NGINX_URL": self.url}


class NginxDav(Server):
    """One nginx process over an empty folder."""

    name = "nginx"
    program = "nginx"
    install = "the Debian package nginx-light: `make test` as root installs it"

    def command(self) -> list[str]:
        (self._port,) = free_ports(1)
        (self.folder / "files").mkdir()
        text = CONFIGURATION.format(folder=self.folder, host=LOOPBACK, port=self._port)
        (self.folder / "nginx.conf").write_text(text)
        return ["-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def is_ready(self) -> bool:
        return accepts(self._port)

    @property
    def address(self) -> WebAddress:
        return WebAddress(f"http://{LOOPBACK}:{self._port}", str(self.folder / "files"))
