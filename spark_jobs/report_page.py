"""The frame of a report as an HTML page for people: how it looks, and what its content may not do."""

from html import escape

HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1a2330; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0; }
p { margin: .3rem 0; color: #4c5a6b; overflow-wrap: anywhere; }
section { border-top: 1px solid #d5dce4; padding: 1rem 0; display: grid; grid-template-columns: 1fr 1fr; gap: 0 2rem; }
header, section > h2, section > p { grid-column: 1 / -1; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .15rem .5rem; text-align: left; font-weight: normal; }
th { color: #4c5a6b; width: 10rem; } td { overflow-wrap: anywhere; } .number { text-align: right; white-space: nowrap; }
.bar { width: 8rem; } .bar div { height: .7rem; background: #3b73b9; border-radius: 2px; min-width: 1px; }
.index td, .index th { border-bottom: 1px solid #e6ebf0; } .index th { width: auto; } a { color: #1d55a0; }
@media (max-width: 44rem) { section { display: block; } }
</style>
</head>
<body>
"""


def page(title: str, content: str) -> str:
    """A whole page around content that is HTML already."""
    return HEAD.replace("{title}", escape(title)) + content + "</body>\n</html>\n"


def bar(part: int, whole: int) -> str:
    """A cell that shows a part of a whole as a bar."""
    return f'<td class="bar"><div style="width: {100 * part / whole if whole else 0:.1f}%"></div></td>'
