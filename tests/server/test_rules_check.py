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
import subprocess
import sys
import tempfile

from test_cli import BINARY, CLEAN, ROOT, main, run

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
    assert "append-only 'api_audit_logs': line 10 grants update, delete when request.auth.token.source == 'fastapi_service'\n" in r.stdout


def test_that_nothing_is_found_is_called_no_proof():
    r = check("--append-only", "api_audit_logs", "--append-only=tenants/*/logs", "fixtures/rules/audit_log.rules")
    assert r.returncode == 0, r.stdout
    assert r.stdout.splitlines() == ["append-only 'api_audit_logs': no granting path found (not a proof)",
                                     "append-only 'tenants/*/logs': no granting path found (not a proof)",
                                     "fixtures/rules/audit_log.rules: 0 errors, 0 warnings"], r.stdout


def test_a_verdict_names_the_first_lines_that_grant():
    rules = ("rules_version = '2'; service cloud.firestore { match /databases/{d}/documents/logs/{id} {\n%s\n} }" %
             "\n".join("allow delete: if request.auth.token.a == %d;" % n for n in range(5)))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "firestore.rules")
        with open(path, "w") as f:
            f.write(rules)
        assert ("append-only 'logs': line 2 grants delete when request.auth.token.a == 0; line 3 grants delete when "
                "request.auth.token.a == 1; line 4 grants delete when request.auth.token.a == 2; and 2 more\n"
                ) in check("--append-only", "logs", path).stdout


def test_many_findings_are_counted_by_their_lints():
    rules = ("rules_version = '2'; service cloud.firestore { match /databases/{d}/documents/logs/{id} {\n%s\n} }")
    for n, last in [(8, "0 errors, 9 warnings\n"), (9, "0 errors, 10 warnings\n  9 signed-in-only, 1 unknown-method\n")]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "firestore.rules")
            with open(path, "w") as f:
                f.write(rules % "\n".join(["allow delete: if request.auth != null;"] * n + ["allow reed;"]))
            assert check(path).stdout.endswith("firestore.rules: " + last), check(path).stdout


def test_an_error_for_which_there_is_no_room_counts():
    unused = "".join("function f%d() { return true; }\n" % n for n in range(1000))
    rules = "rules_version = '2'; service cloud.firestore { match /databases/{d}/documents/a/{id} {\n%s\n%s\n} }"
    grant = "allow write: if request.auth.token.a == 1; allow update, delete: if false;"
    for allows, code, words in [(grant, 1, "; at least 1 more are not shown, 1 of them errors"), ("allow get: if resource.data.a == 1;", 0, "")]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "firestore.rules")
            with open(path, "w") as f:
                f.write(rules % (unused, allows))
            r = check(path)
            assert r.returncode == code and "0 errors, 1000 warnings%s\n" % words in r.stdout, r.stdout[-300:]


def test_what_is_too_large_to_be_looked_at_is_said():
    rules = "rules_version = '2'; service cloud.firestore { match /databases/{d}/documents/a/{id} {\n%s} }"
    for n, said in [(2000, False), (2001, True)]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "firestore.rules")
            with open(path, "w") as f:
                f.write(rules % ("allow get: if resource.data.a == 1;\n" * n))
            assert ("these rules are too large for 'useless-deny': it looked at a part of them" in check(path).stdout) == said


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


def test_colours_are_for_terminals_that_want_them():
    def seen(**env):
        terminal, inside = os.openpty()
        p = subprocess.Popen([BINARY, "rules", "check", PUBLISHED], cwd=ROOT, env=dict(CLEAN, **env), stdout=inside)
        os.close(inside)
        text = b""
        try:
            while piece := os.read(terminal, 65536):
                text += piece
        except OSError:  # Linux's way to say that the other side is closed
            pass
        os.close(terminal)
        assert p.wait() == 1
        return text
    assert b"\x1b[1;31merror[useless-deny]\x1b[0m" in seen(NO_COLOR="")
    assert b"\x1b" not in seen(NO_COLOR="1") and b"error[useless-deny]" in seen(NO_COLOR="1")
    assert "\x1b" not in check(PUBLISHED).stdout


# ---- JSON ----

def test_json_says_what_text_says():
    found = json.loads(check("--format", "json", "--append-only", "api_audit_logs", PUBLISHED).stdout)["files"][0]
    deny = [f for f in found["findings"] if f["id"] == "useless-deny"]
    assert len(deny) == 1 and (deny[0]["line"], deny[0]["column"], deny[0]["level"]) == (18, 7, "error")
    assert "leaving out update, delete" in deny[0]["fix"]
    assert deny[0]["related"] == [{"line": 10, "column": 7, "file": PUBLISHED, "message": "this grants it"}]
    assert found["appendOnly"][0]["verdict"].startswith("line 10 grants update, delete when")


# ---- workflow commands ----

def test_github_annotates_the_line():
    lines = check("--format", "github", PUBLISHED).stdout.splitlines()
    deny = [line for line in lines if "title=useless-deny" in line]
    assert len(deny) == 1 and deny[0].startswith("::error file=%s,line=18,col=7,title=useless-deny::line 10 grants" % PUBLISHED)
    assert "%0AFix: write 'allow create' on line 10" in deny[0], deny[0]
    r = check("--format", "github", "fixtures/rules/audit_log.rules")
    assert (r.returncode, r.stdout, r.stderr) == (0, "", ""), r


def test_github_commands_are_one_line_whatever_the_file_says():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a,b:c%.rules")
        with open(path, "w") as f:
            f.write("rules_version = '2'; service cloud.firestore { match /a/{id} { allow read; } }\n::warning::no%0A")
        out = check("--format", "github", path).stdout
        assert out.startswith("::error file=%s/a%%2Cb%%3Ac%%25.rules,line=" % folder) and out.count("\n") >= 1, out
        assert all(line.startswith(("::error file=", "::warning file=")) for line in out.splitlines()), out


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
          "relatedLocations": ([dict(LOCATION, id=(int, True), message=(TEXT, True))], False), "partialFingerprints": (dict, True),
          "baselineState": (str, False)}
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


# ---- baseline ----

class Project:
    """A folder with firestore.rules and a baseline of it."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        shutil.copy(os.path.join(ROOT, PUBLISHED), os.path.join(self.folder.name, "firestore.rules"))
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def check(self, *args):
        return check("--baseline", "known.tsv", *args, cwd=self.folder.name)

    def edit(self, old, new, name="firestore.rules"):
        path = os.path.join(self.folder.name, name)
        with open(path) as f:
            text = f.read()
        assert old in text
        with open(path, "w") as f:
            f.write(text.replace(old, new, 1))


def test_what_a_baseline_has_is_known():
    with Project() as project:
        assert check(cwd=project.folder.name).returncode == 1
        r = project.check("--write-baseline")
        assert (r.returncode, r.stderr) == (0, "cinderlog: known.tsv: 3 findings known from now on\n"), r
        with open(os.path.join(project.folder.name, "known.tsv")) as f:
            lines = f.read().splitlines()
        assert lines[0] == "# cinderlog rules baseline 1" and len(lines) == 5, lines
        assert [line.split("\t")[:2] for line in lines[2:]] == [["firestore.rules", i] for i in
                                                               ("incomplete-schema", "unpinned-time", "useless-deny")]
        r = project.check()
        assert (r.returncode, r.stdout) == (0, "firestore.rules: 0 new errors, 0 new warnings; 3 known\n"), r.stdout
        project.edit("  match /databases", "// a comment\n" * 20 + "  match /databases")
        assert project.check("./firestore.rules").stdout == "./firestore.rules: 0 new errors, 0 new warnings; 3 known\n"


def test_a_finding_that_a_baseline_has_not_fails():
    with Project() as project:
        project.check("--write-baseline")
        project.edit("allow read:", "allow reed: if true;\n      allow read:")
        r = project.check()
        assert r.returncode == 1 and r.stdout.splitlines()[-1] == "firestore.rules: 0 new errors, 1 new warning; 3 known"
        assert "[unknown-method]" in r.stdout and "[useless-deny]" not in r.stdout, r.stdout
        assert project.check("--fail-on", "error").returncode == 0
        project.edit("allow reed: if true;", "allow get: if request.auth != null;\n      allow get: if false;")
        assert project.check("--fail-on", "error").returncode == 1
        assert project.check("--write-baseline").returncode == 0
        assert project.check("--fail-on", "warning").returncode == 0


def test_a_second_finding_of_the_same_line_is_new():
    with Project() as project:
        project.check("--write-baseline")
        project.edit("allow update, delete: if false;", "allow update, delete: if false;\n      allow update, delete: if false;")
        project.edit("useless-deny", "useless-deny", "known.tsv")
        found = json.loads(project.check("--format", "json").stdout)["files"][0]["findings"]
        assert [f["new"] for f in found] == [False] * 3, "one allow's grants are told once"
        project.edit("    match /api_audit_logs/{entry} {", "    match /b/{entry} {\n      allow write: if request.auth.token.a == 1;\n"
                     "      allow update, delete: if false;\n    }\n    match /api_audit_logs/{entry} {")
        found = json.loads(project.check("--format", "json").stdout)["files"][0]["findings"]
        assert [f["new"] for f in found if f["id"] == "useless-deny"] == [False, True], found


def test_what_is_gone_is_counted():
    with Project() as project:
        project.check("--write-baseline")
        project.edit("allow write: if request.auth.token.source == 'fastapi_service';", "")
        r = project.check()
        assert r.returncode == 0, r.stdout
        assert r.stdout.endswith("2 known, 1 gone: --write-baseline forgets what is gone\n"), r.stdout


def test_rules_that_do_not_compile_are_never_known():
    with Project() as project:
        project.edit("service", "servise")
        assert project.check("--write-baseline").returncode == 1
        r = project.check()
        assert r.returncode == 1 and "error" in r.stdout and "0 known" in r.stdout, r.stdout


def test_no_baseline_is_exit_2():
    with Project() as project:
        r = project.check()
        assert r.returncode == 2 and "--baseline known.tsv --write-baseline makes it" in r.stderr, r.stderr
        with open(os.path.join(project.folder.name, "known.tsv"), "w") as f:
            f.write("something else\n")
        r = project.check()
        assert r.returncode == 2 and "no baseline of this version" in r.stderr, r.stderr
        assert check("--write-baseline", cwd=project.folder.name).returncode == 2


def test_reports_say_what_is_new():
    with Project() as project:
        project.check("--write-baseline")
        project.edit("allow read:", "allow reed: if true;\n      allow read:")
        r = project.check("--format", "sarif")
        fits(json.loads(r.stdout), LOG)
        states = {result["ruleId"]: result["baselineState"] for result in json.loads(r.stdout)["runs"][0]["results"]}
        assert states == {"unknown-method": "new", "unpinned-time": "unchanged", "useless-deny": "unchanged",
                          "incomplete-schema": "unchanged"}, states
        found = json.loads(project.check("--format", "json").stdout)["files"][0]["findings"]
        assert {f["id"]: f["new"] for f in found} == {i: state == "new" for i, state in states.items()}
    assert "baselineState" not in json.dumps(sarif(PUBLISHED)) and "new" not in json.loads(
        check("--format", "json", PUBLISHED).stdout)["files"][0]["findings"][0]


def test_help_names_every_lint_and_option():
    r = check("--help")
    assert r.returncode == 0
    for rule in sarif(PUBLISHED)["runs"][0]["tool"]["driver"]["rules"]:
        assert rule["id"].startswith("compile-") or "  %s " % rule["id"] in r.stdout, rule["id"]
    for option in ("--append-only", "--fail-on", "--format", "--baseline", "--write-baseline"):
        assert option in r.stdout


if __name__ == "__main__":
    sys.exit(main(globals()))
