#!/usr/bin/env python3
"""`cinderlog rules check` as people and code scanners use it: verdicts, levels, formats, fingerprints.

usage: test_rules_check.py BINARY [NAME ...]       last line: N passed, M failed

SARIF is checked against what the standard (OASIS SARIF 2.1.0) says of the objects that are written here: which
properties they may have, which they must, and what each is. The names and types are those of its JSON schema.
"""
import json
import os
import re
import shutil
import sys
import tempfile

from test_cli import ROOT, main, run

PUBLISHED = "fixtures/rules/as_published.rules"
LINTS = os.path.join(ROOT, "tests", "rules", "lint")


def check(*args, cwd=ROOT):
    return run("rules", "check", *args, cwd=cwd)


def bad_scripts():
    return sorted(os.path.join(LINTS, name) for name in os.listdir(LINTS) if ".bad." in name)


# ---- verdicts and levels ----

def test_a_granted_update_is_named_and_fails():
    r = check("--append-only", "api_audit_logs", PUBLISHED)
    assert r.returncode == 1, r.stdout
    assert "error[append-only]: line 10 grants update, delete when request.auth.token.source == 'fastapi_service'" in r.stdout
    assert "append-only 'api_audit_logs': 1 line grants update or delete" in r.stdout, r.stdout


def test_that_nothing_is_found_is_called_no_proof():
    r = check("--append-only", "api_audit_logs", "--append-only=tenants/*/logs", "fixtures/rules/audit_log.rules")
    assert r.returncode == 0, r.stdout
    assert r.stdout.splitlines() == ["append-only 'api_audit_logs': no granting path found (not a proof)",
                                     "append-only 'tenants/*/logs': no granting path found (not a proof)",
                                     "fixtures/rules/audit_log.rules: 0 errors, 0 warnings"], r.stdout


def test_patterns_reach_what_serve_protects():
    rules = ("rules_version = '2'; service cloud.firestore { match /databases/{d}/documents { match /%s {"
             " allow delete: if request.auth.token.admin == true; } } }")
    for pattern, match, granted in [("logs", "logs/{id}", True), ("logs", "logs/{id}/c/{x}", False), ("**", "a/{id}", True),
                                    ("tenants/*/logs", "tenants/t/logs/{id}", True), ("tenants/*/logs", "{rest=**}", True),
                                    ("tenants/**", "tenants/{t}/a/{b}", True), ("logs/one", "logs/{id}", True),
                                    ("logs/one", "logs/two", False), ("**/logs", "logs/{id}", True)]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "firestore.rules")
            with open(path, "w") as f:
                f.write(rules % match)
            r = check("--append-only", pattern, path)
            assert ("error[append-only]" in r.stdout) == granted, (pattern, match, r.stdout)


def test_fail_on_warning():
    warned = os.path.join(LINTS, "open-list.bad.rules")
    assert check(warned).returncode == 0
    assert check("--fail-on", "error", warned).returncode == 0
    assert check("--fail-on", "warning", warned).returncode == 1
    assert check("--fail-on", "warning", "fixtures/rules/audit_log.rules").returncode == 0


def test_wrong_options_are_exit_2():
    for args in (["--format", "xml"], ["--fail-on", "info"], ["--append-only", "a//b"], ["--format"], ["--colour"]):
        r = check(*args, PUBLISHED)
        assert r.returncode == 2 and r.stdout == "" and args[0] in r.stderr, (args, r.stderr)
    assert check("/nonexistent.rules").returncode == 2


def test_errors_are_for_four_lints_only():
    may_be_errors = {"useless-deny", "append-only", "incomplete-schema", "own-role"}
    driver = sarif(PUBLISHED)["runs"][0]["tool"]["driver"]
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in driver["rules"]}
    assert {i for i, level in levels.items() if level == "error"} == may_be_errors | {"compile-error"}
    r = check("--format", "json", "--append-only", "logs", *bad_scripts())
    found = [f for file in json.loads(r.stdout)["files"] for f in file["findings"]]
    assert {f["id"] for f in found if f["level"] == "error"} <= may_be_errors, found
    assert {f["id"] for f in found} >= set(levels) - {"compile-error"}


def test_a_default_with_an_exception_below_it_is_a_warning():
    rules = ("rules_version = '2'; service cloud.firestore { match /databases/{d}/documents { match /a/{id} {\n%s\n%s\n} } }")
    grant, writes = "allow write: if request.auth.token.admin == true;", "allow write: if false;"
    some = "allow update, delete: if false;"
    for first, second, level in [(writes, grant, "warning"), (grant, writes, "error"), (some, grant, "error"),
                                 (writes, "allow write;", "error")]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "firestore.rules")
            with open(path, "w") as f:
                f.write(rules % (first, second))
            assert level + "[useless-deny]" in check(path).stdout, (first, second)


def test_a_test_mode_that_is_over_is_told_from_one_that_is_not():
    rules = ("rules_version = '2'; service cloud.firestore { match /databases/{d}/documents { match /{x=**} {"
             " allow read: if request.time < timestamp.date(%d, 1, 31); } } }")
    for year, said in [(2020, "this date is over"), (9000, "until this date everyone may")]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "firestore.rules")
            with open(path, "w") as f:
                f.write(rules % year)
            assert said in check(path).stdout, check(path).stdout


def test_errors_that_do_not_name_their_cause_get_a_note():
    rules = "service cloud.firestore { match /databases/{d}/documents/a/{b} { allow get: if %s; } }"
    for condition, note in [("resource.data.n == 4/2", "a '/' right before"), (r"b.matches('\d+')", "for a regular expression"),
                            ("request.auth = null", None), ("true; } /c/{d} { allow get: if true", None)]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "firestore.rules")
            with open(path, "w") as f:
                f.write(rules % condition)
            r = check(path)
            assert r.returncode == 1 and (note in r.stdout if note else "note:" not in r.stdout), r.stdout


# ---- JSON ----

def test_json_says_what_text_says():
    found = json.loads(check("--format", "json", "--append-only", "api_audit_logs", PUBLISHED).stdout)["files"][0]
    deny = [f for f in found["findings"] if f["id"] == "useless-deny"]
    assert len(deny) == 1 and (deny[0]["line"], deny[0]["column"], deny[0]["level"]) == (18, 7, "error")
    assert "leaving out update, delete" in deny[0]["fix"]
    assert deny[0]["related"] == [{"line": 10, "column": 7, "file": PUBLISHED, "message": "this grants it"}]
    assert found["appendOnly"][0]["verdict"].startswith("1 line grants")


# ---- SARIF ----

def sarif(*args):
    r = check("--format", "sarif", *args)
    assert r.returncode in (0, 1), r.stderr
    return json.loads(r.stdout)


TEXT = {"text": (str, True)}
REGION = {"startLine": (int, True), "startColumn": (int, False), "charOffset": (int, False), "charLength": (int, False)}
PHYSICAL = {"artifactLocation": ({"uri": (str, True)}, True), "region": (REGION, False)}
LOCATION = {"physicalLocation": (PHYSICAL, True)}
RULE = {"id": (str, True), "shortDescription": (TEXT, True), "defaultConfiguration": ({"level": (str, True)}, True),
        "properties": ({"tags": ([str], True)}, True)}
RESULT = {"ruleId": (str, True), "level": (str, True), "message": (TEXT, True), "locations": ([LOCATION], True),
          "relatedLocations": ([dict(LOCATION, id=(int, True), message=(TEXT, True))], False), "partialFingerprints": (dict, True)}
LOG = {"$schema": (str, True), "version": (str, True),
       "runs": ([{"tool": ({"driver": ({"name": (str, True), "version": (str, True), "rules": ([RULE], True)}, True)}, True),
                  "columnKind": (str, True), "results": ([RESULT], True)}], True)}


def fits(value, form, where="log"):
    if isinstance(form, dict):
        assert isinstance(value, dict), where
        assert set(value) <= set(form), (where, set(value) - set(form))
        for key, (inner, required) in form.items():
            assert key in value or not required, (where, key)
            if key in value:
                fits(value[key], inner, where + "." + key)
    elif isinstance(form, list):
        assert isinstance(value, list), where
        assert len({json.dumps(v, sort_keys=True) for v in value}) == len(value), (where, "items are to be different")
        for item in value:
            fits(item, form[0], where + "[]")
    else:
        assert type(value) is form, (where, value)


def test_sarif_has_the_form_of_the_standard():
    for files in [[PUBLISHED], ["fixtures/rules/audit_log.rules"], bad_scripts()]:
        log = sarif(*files)
        fits(log, LOG)
        run_ = log["runs"][0]
        rules = {rule["id"] for rule in run_["tool"]["driver"]["rules"]}
        assert log["version"] == "2.1.0" and run_["columnKind"] == "unicodeCodePoints"
        for result in run_["results"]:
            assert result["ruleId"] in rules and result["level"] in ("error", "warning")
            assert all(isinstance(v, str) for v in result["partialFingerprints"].values())
            for place in result["locations"] + result.get("relatedLocations", []):
                assert re.fullmatch(r"(file://)?[A-Za-z0-9/._~%-]+", place["physicalLocation"]["artifactLocation"]["uri"])
                region = place["physicalLocation"].get("region", {"startLine": 1})
                assert region["startLine"] >= 1 and region.get("startColumn", 1) >= 1 and region.get("charLength", 0) >= 0


def test_sarif_regions_are_the_text_that_is_meant():
    with open(os.path.join(ROOT, PUBLISHED)) as f:
        source = f.read()
    deny = [r for r in sarif(PUBLISHED)["runs"][0]["results"] if r["ruleId"] == "useless-deny"][0]
    region = deny["locations"][0]["physicalLocation"]["region"]
    start = region["charOffset"]
    assert source[start:start + region["charLength"]] == "allow update, delete: if false"
    assert deny["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 10


def test_lints_name_their_weakness():
    for rule in sarif(PUBLISHED)["runs"][0]["tool"]["driver"]["rules"]:
        tags = rule["properties"]["tags"]
        if not rule["id"].startswith("compile-"):
            assert [t for t in tags if re.fullmatch(r"external/cwe/cwe-\d+", t)], rule
            assert [t for t in tags if re.fullmatch(r"owasp/A\d\d:2021", t)], rule


def test_a_path_is_a_uri():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "my rules?#é.rules")
        shutil.copy(os.path.join(ROOT, PUBLISHED), path)
        result = sarif(path)["runs"][0]["results"][0]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri == "file://" + folder + "/my%20rules%3F%23%C3%A9.rules", uri


def fingerprints(text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "firestore.rules")
        with open(path, "w") as f:
            f.write(text)
        results = sarif("--append-only", "api_audit_logs", "--append-only", "logs", path)["runs"][0]["results"]
    return [(r["ruleId"], r["partialFingerprints"]) for r in results]


def test_fingerprints_survive_inserted_comments():
    for path in [os.path.join(ROOT, PUBLISHED), *bad_scripts()]:
        with open(path) as f:
            lines = f.read().split("\n")
        before = fingerprints("\n".join(lines))
        assert before and len({json.dumps(f) for f in before}) == len(before), "each finding has its own"
        comments = ["    // comment %d" % i for i in range(20)]
        at = next(i for i, line in enumerate(lines) if "match /databases" in line) + 1
        after = fingerprints("\n".join(lines[:at] + comments + lines[at:]))
        assert sorted(map(json.dumps, before)) == sorted(map(json.dumps, after)), path


def test_fingerprints_change_with_the_line():
    with open(os.path.join(ROOT, PUBLISHED)) as f:
        text = f.read()
    before, after = fingerprints(text), fingerprints(text.replace("allow update, delete: if false", "allow delete: if false"))
    assert [f for f in before if f[0] == "useless-deny"] != [f for f in after if f[0] == "useless-deny"]


if __name__ == "__main__":
    sys.exit(main(globals()))
