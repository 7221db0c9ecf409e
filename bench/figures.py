"""bench/figures.py FILE…: puts the lines of `./dev bench --json FILE` into docs/performance.md, between its two marks."""

import json
import os
import pathlib
import platform
import re
import sys
import time

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "performance.md"


def show(value):
    return "–" if value is None else f"{value:,g}" if abs(value) < 10_000 else f"{value:,.0f}"


def main():
    rows = [row for name in sys.argv[1:] for row in json.loads(pathlib.Path(name).read_text())]
    lines = [f"Linux {platform.release()}, {os.cpu_count()} processors, {time.strftime('%Y-%m-%d', time.gmtime())}. “ok” and “below” are against the target.", "",
             "| line | unit | ours | peer | ratio | target | | what |", "|---|---|---:|---:|---:|---:|---|---|"]
    for row in rows:
        if row["ours"] is None:
            lines.append(f"| | | | | | | | `{row['name'].strip()}` {row['detail'].replace('|', '/')} |")
            continue
        verdict = {True: "ok", False: "below", None: ""}[row["pass"]]
        lines.append(f"| {row['name']} | {row['unit']} | {show(row['ours'])} | {show(row['peer'])} | {show(row['ratio'])} | {show(row['target'])} | {verdict} | {row['detail']} |")
    text = PAGE.read_text()
    text = re.sub(r"(<!-- figures -->\n).*?(<!-- end of figures -->)", lambda m: m[1] + "\n".join(lines) + "\n" + m[2], text, flags=re.S)
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
