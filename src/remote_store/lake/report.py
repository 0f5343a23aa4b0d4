"""The report: one HTML page that shows what lies in a lake, with everything it needs inside it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from remote_store.lake import chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from remote_store.ext.parquet import Manifest
    from remote_store.lake.bronze import Provenance
    from remote_store.lake.chart import Chart
    from remote_store.lake.tables import Table

__all__ = ["page", "shown_bytes"]

MOST_PARTITIONS = 48
"""Bars of a partition chart; of more partitions the biggest are shown."""
LAST_YEAR = 9999
"""Whole numbers up to here may be years, which are written without separators."""
MOST_FILES = 200
"""Raw files that are listed one by one."""

STYLE = (
    f":root{{color-scheme:light dark;{chart.LIGHT};--card:#fff}}"
    f"@media(prefers-color-scheme:dark){{:root{{{chart.DARK};--card:#1b1f24}}}}{chart.STYLE}"
    """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);line-height:1.5;
font:15px/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1040px;margin:0 auto;padding:40px 24px 72px}
h1{font-size:30px;letter-spacing:-.02em;margin:0}h2{font-size:20px;margin:44px 0 12px;letter-spacing:-.01em}
h3{font-size:17px;margin:0}h4{font-size:13px;font-weight:600;margin:20px 0 4px;color:var(--soft)}
.where{color:var(--soft);margin:4px 0 0;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:14px;margin:28px 0 0}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:12px}
.tile{padding:14px 18px}.tile b{display:block;font-size:25px;font-weight:650;letter-spacing:-.02em}
.tile span{color:var(--soft);font-size:13px}
.card{padding:20px 22px;margin:0 0 18px;overflow:hidden}
.head{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline;justify-content:space-between}
.fresh{color:var(--soft);font-size:13px;white-space:nowrap}
.facts{display:flex;flex-wrap:wrap;gap:4px 26px;margin:8px 0 0;color:var(--soft);font-size:14px}
.facts b{color:var(--ink);font-weight:600;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;margin:10px -22px 0;padding:0 22px}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:500;color:var(--soft);padding:6px 18px 6px 0;border-bottom:1px solid var(--line)}
td{padding:6px 18px 6px 0;border-bottom:1px solid var(--line);white-space:nowrap}tr:last-child td{border-bottom:0}
td.r,th.r{text-align:right}code{font:12.5px ui-monospace,"SFMono-Regular",Menlo,"DejaVu Sans Mono",monospace}
td.wide{white-space:normal;overflow-wrap:anywhere;min-width:220px}
.soft{color:var(--soft)}.layer{display:inline-block;font-size:12px;border-radius:99px;padding:1px 9px;margin-right:8px;
background:var(--none);color:var(--soft);vertical-align:2px}
svg{max-width:100%;height:auto;display:block;margin-top:8px}
summary{cursor:pointer;color:var(--soft);font-size:13px;margin-top:14px}footer{color:var(--soft);font-size:13px;margin-top:40px}
"""
)


def page(
    title: str,
    where: str,
    raw: Sequence[Provenance],
    tables: Sequence[tuple[Table, Manifest]],
    charts: Mapping[str, Chart],
) -> str:
    """Return the page. Everything that comes from the lake is escaped."""
    states = [state for _, state in tables]
    size = sum([entry.size for entry in raw]) + sum([state.size for state in states])
    tiles = [
        (f"{len(tables):,}", "tables"),
        (f"{sum([state.rows for state in states]):,}", "rows in tables"),
        (f"{len(raw):,}", "raw files"),
        (f"{sum([len(state.files) for state in states]):,}", "Parquet files"),
        (shown_bytes(size), "in all"),
    ]
    body = "".join(
        [f"<div class=tile><b>{escape(value)}</b><span>{escape(name)}</span></div>" for value, name in tiles]
    )
    made = _stamp(time.time())
    parts = [
        (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            """<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'">"""
            f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
            f"<p class=where><code>{escape(where)}</code></p><div class=tiles>{body}</div>"
        )
    ]
    if charts:
        parts.append("<h2>Charts</h2>")
        parts += [f"<section class=card><h3>{escape(name)}</h3>{drawn.svg}</section>" for name, drawn in charts.items()]
    parts += _sizes(raw, tables)
    for layer in ("gold", "silver"):
        found = [(table, state) for table, state in tables if table.name.startswith(f"{layer}.")]
        if found:
            parts.append(f"<h2>{layer.capitalize()}</h2>")
            parts += [_table(table, state) for table, state in found]
    if raw:
        parts += ["<h2>Bronze</h2>", _raw(raw)]
    if not tables and not raw:
        parts.append("<section class=card>Nothing is in this lake yet.</section>")
    parts.append(f"<footer>Made {made} by remote-store</footer></main></body></html>")
    return "".join(parts)


def _sizes(raw: Sequence[Provenance], tables: Sequence[tuple[Table, Manifest]]) -> list[str]:
    rows = [(table.name, float(state.size)) for table, state in tables]
    if raw:
        rows.append((f"bronze ({len(raw):,} {_plural(len(raw), 'file')})", float(sum([entry.size for entry in raw]))))
    if not rows:
        return []
    drawn = chart.bars("Bytes", sorted(rows, key=lambda row: -row[1])[:20], show=shown_bytes, width=940)
    return [f"<h2>Where the bytes are</h2><section class=card>{drawn.svg}</section>"]


def _table(table: Table, state: Manifest) -> str:
    layer, _, name = table.name.partition(".")
    facts = [
        (f"{state.rows:,}", _plural(state.rows, "row")),
        (shown_bytes(state.size), ""),
        (f"{len(state.files):,}", _plural(len(state.files), "file")),
    ]
    if state.partition_by:
        parts = _plural(len(state.partitions), "partition")
        facts.append((f"{len(state.partitions):,}", f"{parts} by {', '.join(state.partition_by)}"))
    width = _plural(len(state.schema), "column")
    facts.append((f"{len(state.schema):,}", width))
    told = "".join([f"<span><b>{escape(value)}</b> {escape(what)}</span>" for value, what in facts])
    columns = "".join([_column(state, field) for field in state.schema])
    return (
        f"<section class=card><div class=head><h3><span class=layer>{escape(layer)}</span>{escape(name)}</h3>"
        f"<span class=fresh>updated {_stamp(state.updated)}, "
        f"version {state.version}</span></div><div class=facts>{told}</div>{_partitions(state)}"
        f"<details{' open' if len(state.schema) <= 12 else ''}><summary>{len(state.schema):,} {width}</summary>"
        "<div class=scroll><table><thead><tr><th>Column<th>Type<th class=r>Nulls<th class=r>Least<th class=r>Greatest"
        f"</tr></thead><tbody>{columns}</tbody></table></div></details></section>"
    )


def _column(state: Manifest, field: Any) -> str:
    found = state.range_of(field.name)
    nulls = "" if found.nulls is None or not state.rows else f"{found.nulls / state.rows:.1%}"
    mark = " <span class=soft>partition</span>" if field.name in state.partition_by else ""
    return (
        f"<tr><td>{escape(field.name)}{mark}<td><code>{escape(str(field.type))}</code>"
        f"<td class=r>{nulls}<td class=r>{escape(_value(found.least))}<td class=r>{escape(_value(found.greatest))}</tr>"
    )


def _partitions(state: Manifest) -> str:
    groups = list(state.partitions.items())
    if not state.partition_by or len(groups) < 2:
        return ""
    note = "Rows by partition"
    if len(groups) > MOST_PARTITIONS:
        biggest = sorted(groups, key=lambda group: -sum([file.rows for file in group[1]]))[:MOST_PARTITIONS]
        groups = [group for group in groups if group in biggest]
        note = f"Rows of the {MOST_PARTITIONS} biggest of {len(state.partitions):,} partitions"
    rows = [
        ("/".join(["null" if value is None else str(value) for value in values]), float(sum([f.rows for f in files])))
        for values, files in groups
    ]
    return f"<h4>{escape(note)}</h4>{chart.columns(note, rows, width=940).svg}"


def _raw(raw: Sequence[Provenance]) -> str:
    rows = "".join(
        [
            f"<tr><td>{escape(entry.key)}<td class=r>{shown_bytes(entry.size)}"
            f"<td>{_stamp(entry.ingested)}"
            f"<td><code>{escape(entry.sha256[:12])}</code><td class=wide><code>{escape(entry.source)}</code></tr>"
            for entry in raw[:MOST_FILES]
        ]
    )
    more = len(raw) - MOST_FILES
    rest = f"<p class=soft>and {more:,} more</p>" if more > 0 else ""
    return (
        "<section class=card><div class=scroll><table><thead><tr><th>File<th class=r>Size<th>Ingested"
        f"<th>SHA-256<th>From</tr></thead><tbody>{rows}</tbody></table></div>{rest}</section>"
    )


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def shown_bytes(size: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        value += 0.0  # Parquet keeps the least of zeros as -0.0
        return f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LAST_YEAR:
        return f"{value:,}"
    return str(value)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
