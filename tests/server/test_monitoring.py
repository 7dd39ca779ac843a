#!/usr/bin/env python3
"""/metrics as Prometheus reads it, and the alerts of docker/monitoring, judged by Prometheus' own promtool.

usage: test_monitoring.py BINARY PROMTOOL [NAME ...]       last line: N passed, M failed
"""
import glob
import http.client
import os
import re
import subprocess
import sys
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


if __name__ == "__main__":
    sys.exit(main(globals()))
