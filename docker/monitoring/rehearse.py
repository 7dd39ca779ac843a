#!/usr/bin/env python3
"""Runs a command and says which alerts would have fired: no Prometheus, no waiting for windows of minutes.

  cinderlog exec --append-only api_audit_logs -- \\
      python3 docker/monitoring/rehearse.py [--service URL] [--expect ALERT ...] [--forbid ALERT ...] -- CMD [ARG ...]

While CMD runs, /metrics of Cinderlog (FIRESTORE_EMULATOR_HOST) and of the service (--service http://127.0.0.1:8000/metrics)
are read twice a second. What was read is given to promtool (Debian's package prometheus; or the variable PROMTOOL) as if a
quarter of a minute had passed between two readings, with the rules of this folder, which then tells what fired.

Prints one line an alert. Exit code: CMD's when it is not 0; 1 when an expected alert did not fire, or a forbidden one did.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
RULES = [os.path.join(HERE, "rules", name) for name in ("cinderlog.yml", "as_firestore.yml", "firestore.yml")]
EVERY = 0.5  # seconds between two readings, which count as STEP
STEP = 15
# Each reads what the one before it recorded; promtool takes them in a random order unless told.
GROUPS = ["cinderlog", "as-firestore", "firestore"]
WANTED = re.compile(r"^((?:cinderlog|audit_log)_\w+|http_requests_total)(?:\{(.*)\})? (\S+)", re.MULTILINE)
# Over the whole time, so that an alert that came and went is told too.
FIRED = 'count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[%ds]))'


class Readings:
    """Every series, and its value at each reading; None where it was not there."""

    def __init__(self, targets):
        self.targets, self.count, self.series = targets, 0, {}

    def read(self):
        for job, url in self.targets.items():
            try:
                with urllib.request.urlopen(url, timeout=10) as page:
                    self.add_page(job, page.read().decode())
                self.add("up", job, "", "1")
            except OSError:
                self.add("up", job, "", "0")
        self.count += 1

    def add_page(self, job, page):
        for name, labels, value in WANTED.findall(page):
            self.add(name, job, labels, value)

    def add(self, name, job, labels, value):
        key = '%s{job="%s",instance="%s"%s}' % (name, job, job, "," + labels if labels else "")
        values = self.series.setdefault(key, [])
        values += [None] * (self.count - len(values)) + [value]

    def never_up(self):
        """Targets that told nothing: that no alert fired would mean nothing."""
        return [url for job, url in self.targets.items() if "1" not in self.series['up{job="%s",instance="%s"}' % (job, job)]]

    def as_input(self):
        for key, values in self.series.items():
            padded = values + [None] * (self.count - len(values))
            yield {"series": key, "values": " ".join("_" if v is None else v for v in padded)}


def run(command, readings):
    """Reads before, during and after the command; its exit code."""
    over = threading.Event()

    def read_on():
        while not over.wait(EVERY):
            readings.read()

    readings.read()
    reader = threading.Thread(target=read_on)
    reader.start()
    try:
        code = subprocess.run(command).returncode
    finally:
        over.set()
        reader.join()
    readings.read()
    readings.read()  # a rule looks at what the one before it recorded
    return code


def fired(readings, promtool):
    """Names of alerts, by a unit test that expects none: promtool tells what it got instead."""
    end = STEP * (readings.count - 1)
    test = {
        "rule_files": RULES, "evaluation_interval": "%ds" % STEP, "group_eval_order": GROUPS,
        "tests": [{"interval": "%ds" % STEP, "input_series": list(readings.as_input()),
                   "promql_expr_test": [{"expr": FIRED % (end + STEP), "eval_time": "%ds" % end, "exp_samples": []}]}]}
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
        json.dump(test, f)  # YAML reads it
        f.flush()
        done = subprocess.run([promtool, "test", "rules", f.name], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    names = re.findall(r'alertname=\\?"(\w+)\\?"', done.stdout)
    if done.returncode and not names:
        sys.exit("promtool could not judge the readings:\n" + done.stdout)
    return sorted(names)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", metavar="URL")
    parser.add_argument("--expect", metavar="ALERT", action="append", default=[])
    parser.add_argument("--forbid", metavar="ALERT", action="append", default=[])
    parser.add_argument("command", nargs="+", metavar="CMD")
    a = parser.parse_args()
    host = os.environ.get("FIRESTORE_EMULATOR_HOST")
    if not host:
        parser.error("FIRESTORE_EMULATOR_HOST is not set: run it under cinderlog exec")
    promtool = shutil.which(os.environ.get("PROMTOOL", "promtool"))
    if not promtool:
        parser.error("promtool is not there: install Debian's package prometheus, or set PROMTOOL to its path")
    # The service first: what it has answered by then has its entry in Cinderlog's page, or has none at all. The other way
    # round, requests between the two readings look like a silent log.
    targets = {"service": a.service} if a.service else {}
    targets["cinderlog"] = "http://%s/metrics" % host
    readings = Readings(targets)
    code = run(a.command, readings)
    if readings.never_up():
        sys.exit("never answered: " + ", ".join(readings.never_up()))
    names = fired(readings, promtool)
    for name in names or ["no alert"]:
        print("fired: " + name)
    missing, wrong = [n for n in a.expect if n not in names], [n for n in a.forbid if n in names]
    for name in missing:
        print("did not fire: " + name, file=sys.stderr)
    for name in wrong:
        print("must not fire: " + name, file=sys.stderr)
    return code or (1 if missing or wrong else 0)


if __name__ == "__main__":
    sys.exit(main())
