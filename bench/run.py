"""./dev bench [NAME…] [--json FILE]: each line prints ours, the peer's and the ratio, from one run."""

import argparse
import json
import pathlib
import signal
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "e2e")]

import api  # noqa: E402
import launch  # noqa: E402

BENCHES = {"launch": launch.run, "describe": api.describe, "register": api.register}


def show(value):
    return "-" if value is None else f"{value:g}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []])
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that what runs is cleaned up
    rows = []
    print(f"{'what':36} {'unit':6} {'ours':>10} {'peer':>10} {'ratio':>7} {'target':>7}")
    for name in arguments.names or BENCHES:
        with tempfile.TemporaryDirectory(prefix="boxship-bench-") as directory:
            for row in BENCHES[name](pathlib.Path(directory)):
                rows.append(row)
                verdict = {True: "ok", False: "below target", None: ""}[row["pass"]]
                print(f"{row['name']:36} {row['unit']:6} {show(row['ours']):>10} {show(row['peer']):>10} {show(row['ratio']):>7} "
                      f"{show(row['target']):>7} {verdict}  {row['detail']}", flush=True)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
