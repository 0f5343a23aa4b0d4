"""A server that answers ListObjectsV2 for a bucket of as many keys as asked, quickly, and nothing else.

Named what it is: a stub for measuring what a client does with a listing. `python -m benchmarks.fake_listing PORT N`.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = 1000
ENTRY = (
    "<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    '<ETag>"d41d8cd98f00b204e9800998ecf8427e"</ETag><Size>1</Size><StorageClass>STANDARD</StorageClass></Contents>'
)
ANSWER = (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Name>bench</Name><Prefix>{prefix}</Prefix><KeyCount>{count}</KeyCount><MaxKeys>1000</MaxKeys>"
    "<IsTruncated>{more}</IsTruncated>{next}{entries}</ListBucketResult>"
)


class Listing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    total = 0

    def do_GET(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        prefix = asked.get("prefix", "")
        start = int(asked.get("continuation-token", "0"))
        end = min(start + min(PAGE, int(asked.get("max-keys", PAGE))), self.total)
        following = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < self.total else ""
        text = ANSWER.format(
            prefix=prefix,
            count=end - start,
            more="true" if following else "false",
            next=following,
            entries="".join(ENTRY.format(f"{prefix}{number:07}") for number in range(start, end)),
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    Listing.total = int(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Listing).serve_forever()


if __name__ == "__main__":
    main()
