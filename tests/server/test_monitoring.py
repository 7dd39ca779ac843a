#!/usr/bin/env python3
"""/metrics as Prometheus reads it, and the alerts of docker/monitoring, judged by Prometheus' own promtool.

usage: test_monitoring.py BINARY PROMTOOL [NAME ...]       last line: N passed, M failed
"""
import glob
import http.client
import http.server
import os
import re
import subprocess
import sys
import threading
import time

from prometheus_client.openmetrics.parser import text_string_to_metric_families

PROMTOOL = os.path.abspath(sys.argv.pop(2))

from test_cli import DOCS, ROOT, Server, main, text  # noqa: E402 (reads argv)

MONITORING = os.path.join(ROOT, "docker", "monitoring")
RULES = "fixtures/rules/audit_log.rules"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def promtool(*args, stdin=None, cwd=MONITORING):
    p = subprocess.run([PROMTOOL, *args], cwd=cwd, input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert p.returncode == 0, p.stdout
    return p.stdout


def busy(server):
    """A bit of everything: entries written, refused by each judge, read and not, names that need care, a transaction."""
    assert server.ask("POST", DOCS + "/api_audit_logs?documentId=a", text("1"), {"x-request-id": "req-created"})[0] == 200
    assert server.ask("PATCH", DOCS + "/api_audit_logs/a", text("2"))[0] == 403
    assert server.ask("DELETE", DOCS + "/api_audit_logs/a")[0] == 403
    assert server.ask("POST", DOCS + "/api_audit_logs", text("1"), auth=None)[0] == 403
    assert server.ask("GET", DOCS + "/tenants/alice/logs/secret", auth=None)[0] == 403
    assert server.ask("GET", DOCS + "/a%22b%5Cc%0Ad/x")[0] == 404
    assert server.ask("GET", DOCS + "/items")[0] == 200
    assert server.ask("POST", DOCS + ":beginTransaction", {})[0] == 200
    assert server.ask("GET", DOCS.replace("/documents", "/nonsense"))[0] == 404


def scrape(server, accept=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
    answer = connection.getresponse()
    page = answer.read().decode()
    connection.close()
    assert answer.status == 200, page
    return answer.headers["content-type"], page


def served():
    return Server("--data", ":memory:", "--rules", RULES, "--append-only", "api_audit_logs")


# ---- the page ----

def test_promtool_accepts_the_page():
    with served() as server:
        busy(server)
        content_type, page = scrape(server)
    assert content_type == "text/plain; version=0.0.4; charset=utf-8", content_type
    assert promtool("check", "metrics", stdin=page) == ""


def test_what_happened_is_counted():
    with served() as server:
        busy(server)
        page = scrape(server)[1].splitlines()
    decided = 'cinderlog_decisions_total{collection="%s",method="%s",by="%s",verdict="%s"} %d'
    for line in (
            'cinderlog_requests_total{rpc="CreateDocument",transport="rest",code="OK"} 1',
            'cinderlog_requests_total{rpc="CreateDocument",transport="rest",code="PERMISSION_DENIED"} 1',
            'cinderlog_writes_total{collection="api_audit_logs",operation="create"} 1',
            decided % ("api_audit_logs", "create", "owner", "allowed", 1),
            decided % ("api_audit_logs", "create", "rules", "denied", 1),
            decided % ("api_audit_logs", "update", "append-only", "denied", 1),
            decided % ("api_audit_logs", "delete", "append-only", "denied", 1),
            decided % ("tenants/*/logs", "get", "rules", "denied", 1),
            decided % (r'a\"b\\c\nd', "get", "owner", "allowed", 1),
            'cinderlog_rule_decisions_total{rule="fixtures/rules/audit_log.rules:10",verdict="denied"} 1',
            "cinderlog_ledger_entries_total 5",  # the rules, the entry, three refusals
            "cinderlog_transactions 1", "cinderlog_listeners 0"):
        assert line in page, line + "\nis not in\n" + "\n".join(page)


def test_openmetrics_leads_from_a_slow_bucket_to_a_request():
    with served() as server:
        assert server.ask("POST", DOCS + "/logs", text("1"), {"x-request-id": "req-1"})[0] == 200
        content_type, page = scrape(server, OPENMETRICS)
    assert content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8", content_type
    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert families["cinderlog_requests"].type == "counter"
    exemplars = [sample.exemplar for sample in families["cinderlog_request_duration_seconds"].samples if sample.exemplar]
    assert [e.labels for e in exemplars] == [{"request_id": "req-1"}], exemplars
    assert 0 < exemplars[0].value < 30 and abs(float(exemplars[0].timestamp) - time.time()) < 60, exemplars


def test_both_formats_tell_the_same():
    with served() as server:
        busy(server)
        plain, opened = scrape(server)[1], scrape(server, OPENMETRICS)[1]
    changing = re.compile(r"process_|cinderlog_connection")
    numbers = lambda page: [line.split(" # ")[0] for line in page.splitlines() if line[0] != "#" and not changing.match(line)]
    assert numbers(plain) == numbers(opened)


def test_a_kept_connection_counts_once_and_a_client_per_request_each_time():
    with served() as server:
        kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for _ in range(5):
            kept.request("GET", DOCS + "/c/d", headers={"User-Agent": "kept/1 x", "Authorization": "Bearer owner"})
            kept.getresponse().read()
        kept.close()
        for _ in range(3):
            server.ask("GET", DOCS + "/c/d", headers={"User-Agent": "new/1 x"})
        page = scrape(server)[1]
    assert '\ncinderlog_client_connections_total{client="kept/1"} 1\n' in page, page
    assert '\ncinderlog_client_connections_total{client="new/1"} 3\n' in page, page


def test_collections_that_clients_make_up_do_not_grow_the_page_without_end():
    with served() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        sizes = []
        for i in range(800):
            connection.request("GET", DOCS + "/made_up_%d/d" % i, headers={"Authorization": "Bearer owner"})
            connection.getresponse().read()
            if i in (599, 799):
                sizes.append(len(re.findall("^cinderlog_decisions_total", scrape(server)[1], re.M)))
        connection.close()
        page = scrape(server)[1]
    assert sizes == [501, 501], sizes
    assert 'collection="__other__",method="get",by="owner",verdict="allowed"} 300\n' in page


def test_the_page_waits_for_readiness_and_is_no_place_for_strangers():
    with served() as server:
        assert server.ask("GET", "/metrics", headers={"Host": "evil.example"})[0] == 403
        assert server.ask("POST", "/metrics", b"")[0] == 404


# ---- the alerts ----

def test_promtool_accepts_rules_and_configuration():
    promtool("check", "config", "prometheus.yml")


def test_every_alert_fires_when_it_should_and_only_then():
    files = sorted(glob.glob(os.path.join(MONITORING, "tests", "*_test.yml")))
    assert len(files) == 3
    promtool("test", "rules", *files)


def alerts_of(name):
    with open(os.path.join(MONITORING, "rules", name)) as f:
        return re.findall(r"- alert: (\w+)", f.read())


def test_each_alert_has_its_twin_for_production():
    ours, production = alerts_of("cinderlog.yml"), alerts_of("firestore.yml")
    assert [a.replace("Cinderlog", "") for a in ours] == [a.replace("Firestore", "") for a in production]
    assert len(ours) == 6


def test_every_metric_of_an_alert_is_one_that_is_told():
    with served() as server:
        busy(server)
        families = set(re.findall(r"^# TYPE (\S+)", scrape(server)[1], re.M))
    named = set()
    for path in glob.glob(os.path.join(MONITORING, "rules", "*.yml")):
        with open(path) as f:
            named |= set(re.findall(r"\bcinderlog_[a-z_]+(?=[{ )\[]|$)", re.sub(r"#.*", "", f.read())))
    unknown = {n for n in named if n not in families and re.sub("_bucket$", "", n) not in families}
    assert named and not unknown, unknown


# ---- a rehearsal of them ----

def rehearse(server, *args, environment=None):
    env = dict(os.environ, PROMTOOL=PROMTOOL, FIRESTORE_EMULATOR_HOST="127.0.0.1:%d" % server.port, **(environment or {}))
    return subprocess.run([sys.executable, os.path.join(MONITORING, "rehearse.py"), *args], env=env, text=True, cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


class Service(http.server.ThreadingHTTPServer):
    """What a service shows of itself: how many requests it had."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/metrics":
                self.server.before_reading()
                # As prometheus_client tells a counter with labels: it comes with its first event.
                body = b'http_requests_total{code="200"} %d\n' % self.server.requests if self.server.requests else b""
            else:
                body = b"ok"
                with self.server.lock:
                    self.server.requests += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *unused):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.requests, self.lock, self.before_reading = 0, threading.Lock(), lambda: None
        threading.Thread(target=self.serve_forever, daemon=True).start()


# Asks the service 30 times; with LOGGED=1 an entry is written for each.
ASK = """
import os, urllib.request
for i in range(30):
    urllib.request.urlopen(os.environ["SERVICE"] + "/items").read()
    if os.environ["LOGGED"] == "1":
        urllib.request.urlopen(urllib.request.Request(
            "http://" + os.environ["FIRESTORE_EMULATOR_HOST"] + "/v1/projects/p/databases/(default)/documents/logs",
            data=b"{}", headers={"Authorization": "Bearer owner"})).read()
"""


def rehearse_asking(server, logged, *args):
    with Service() as service:
        url = "http://127.0.0.1:%d" % service.server_address[1]
        try:
            return rehearse(server, "--service", url + "/metrics", *args, "--", sys.executable, "-c", ASK,
                            environment={"SERVICE": url, "LOGGED": logged})
        finally:
            service.shutdown()


def test_a_rehearsal_names_ours_and_the_alert_for_production():
    with served() as server:
        assert server.ask("POST", DOCS + "/api_audit_logs?documentId=a", text("1"))[0] == 200
        tamper = "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:%d%s/api_audit_logs/a', method='DELETE'))"
        r = rehearse(server, "--", sys.executable, "-c", tamper % (server.port, DOCS))
    assert r.stdout == "fired: CinderlogTamperAttempt\nfired: FirestoreTamperAttempt\n", r.stdout + r.stderr
    assert r.returncode == 1  # the command's: its request was denied


def test_what_happened_before_a_rehearsal_is_no_part_of_it():
    with served() as server:
        busy(server)
        r = rehearse(server, "--expect", "CinderlogTamperAttempt", "--", "true")
    assert (r.returncode, r.stdout, r.stderr) == (1, "fired: no alert\n", "did not fire: CinderlogTamperAttempt\n"), r


def test_a_service_that_never_answers_is_no_success():
    with served() as server:
        r = rehearse(server, "--service", "http://127.0.0.1:9/metrics", "--", "true")
    assert (r.returncode, r.stdout, r.stderr) == (1, "", "never answered: http://127.0.0.1:9/metrics\n"), r


def test_a_service_without_entries_is_a_silent_log():
    with served() as server:
        r = rehearse_asking(server, "0", "--expect", "CinderlogSilentLog", "--expect", "FirestoreSilentLog")
        assert r.returncode == 0, r.stdout + r.stderr
        assert rehearse_asking(server, "0", "--forbid", "CinderlogSilentLog").returncode == 1


def test_a_service_that_logs_raises_no_alert():
    with served() as server:
        r = rehearse_asking(server, "1")
    assert (r.returncode, r.stdout) == (0, "fired: no alert\n"), r.stdout + r.stderr


def test_requests_between_two_readings_are_no_silence():
    with served() as server, Service() as service:
        def busy_second():
            for _ in range(30):
                assert server.ask("POST", DOCS + "/logs", {})[0] == 200
            service.requests += 30

        readings = iter([lambda: None, busy_second])
        service.before_reading = lambda: next(readings, lambda: None)()
        try:
            r = rehearse(server, "--service", "http://127.0.0.1:%d/metrics" % service.server_address[1], "--", "true")
        finally:
            service.shutdown()
    assert (r.returncode, r.stdout) == (0, "fired: no alert\n"), r.stdout + r.stderr


if __name__ == "__main__":
    sys.exit(main(globals()))
