"""./dev bench [NAME…] [--json FILE]: each line prints ours, the peer's and the ratio, from one run."""

import argparse
import json
import pathlib
import signal
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "e2e")]

import alb  # noqa: E402
import api  # noqa: E402
import first_start  # noqa: E402
import idle  # noqa: E402
import launch  # noqa: E402
import placement  # noqa: E402
import pull  # noqa: E402
import push  # noqa: E402
import services  # noqa: E402

BENCHES = {"launch": launch.run, "first_start": first_start.first_start, "describe": api.describe, "register": api.register, "push": push.push, "pull": pull.pull,
           "place": placement.place, "restart": placement.restart, "alb": alb.run, "services": services.run, "scale": services.scale,
           "idle": idle.run}


def show(value):
    return "-" if value is None else f"{value:g}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []])
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that what runs is cleaned up
    rows = []
    print(f"{'what':36} {'unit':8} {'ours':>10} {'peer':>10} {'ratio':>7} {'target':>7}")
    for name in arguments.names or BENCHES:
        with tempfile.TemporaryDirectory(prefix="boxship-bench-") as directory:
            try:
                made = BENCHES[name](pathlib.Path(directory))
            except Exception as error:  # one that cannot be measured here does not keep the others from it
                made = [{"name": name, "unit": "", "ours": None, "peer": None, "ratio": None, "target": None, "pass": False,
                         "detail": f"not measured: {type(error).__name__}: {error}"[:300]}]
        for row in made:
            rows.append(row)
            verdict = {True: "ok", False: "below target", None: ""}[row["pass"]]
            print(f"{row['name']:36} {row['unit']:8} {show(row['ours']):>10} {show(row['peer']):>10} {show(row['ratio']):>7} "
                  f"{show(row['target']):>7} {verdict}  {row['detail']}", flush=True)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
