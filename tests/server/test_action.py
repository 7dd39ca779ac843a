#!/usr/bin/env python3
"""The GitHub Action: its steps run here as GitHub's runner runs those of a composite action, without a network.

usage: test_action.py BINARY [NAME ...]       last line: N passed, M failed

The runner is imitated as far as the action uses it: steps in order, `if`, ${{ inputs.x }} and ${{ steps.x.outputs.y }},
`shell: bash`, GITHUB_OUTPUT and GITHUB_STEP_SUMMARY. Steps that use another action are written down, not run.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml
from test_cli import BINARY, CLEAN, ROOT, main

ACTION = os.path.join(ROOT, ".github", "actions", "cinderlog")
TERM = re.compile(r"(inputs|steps)\.([\w-]+)(?:\.outputs\.([\w-]+))?$")


def definition(folder=ACTION):
    with open(os.path.join(folder, "action.yml")) as f:
        return yaml.safe_load(f)


class Job:
    """A workspace with rules files, and the action run in it."""

    def __init__(self, action=ACTION, rules="fixtures/rules/audit_log.rules", path=None, **inputs):
        self.action, self.spec = action, definition(action)
        self.folder = tempfile.mkdtemp(prefix="cinderlog-action-")
        self.workspace = os.path.join(self.folder, "work space")
        os.makedirs(os.path.join(self.workspace, "fixtures"))
        shutil.copytree(os.path.join(ROOT, "fixtures", "rules"), os.path.join(self.workspace, "fixtures", "rules"))
        self.env = dict(CLEAN, GITHUB_WORKSPACE=self.workspace, GITHUB_ACTION_PATH=action,
                        RUNNER_TEMP=os.path.join(self.folder, "temp"), PATH=path or CLEAN["PATH"])
        os.mkdir(self.env["RUNNER_TEMP"])
        given = {"binary": BINARY, "rules": rules, **{name.replace("_", "-"): value for name, value in inputs.items()}}
        assert set(given) <= set(self.spec["inputs"]), given
        self.inputs = {name: given.get(name, i.get("default", "")) for name, i in self.spec["inputs"].items()}
        self.outputs, self.used, self.ran, self.log, self.exit = {}, [], [], "", None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def value(self, term):
        kind, name, output = TERM.match(term.strip()).groups()
        return self.inputs[name] if kind == "inputs" else self.outputs.get(name, {}).get(output, "")

    def filled(self, text):
        return re.sub(r"\$\{\{(.*?)\}\}", lambda m: self.value(m[1]), text)

    def wanted(self, condition):
        for part in condition.split(" && "):
            term, operator, text = re.match(r"(\S+) (==|!=) '(.*)'$", part).groups()
            if (self.value(term) == text) != (operator == "=="):
                return False
        return True

    def read(self, name):
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as f:
            return f.read()

    def step(self, step):
        if "uses" in step:
            self.used.append({"uses": step["uses"], **{key: self.filled(text) for key, text in step["with"].items()}})
            return True
        assert step["shell"] == "bash"
        script, answers = os.path.join(self.folder, "step.sh"), os.path.join(self.folder, "output")
        with open(script, "w") as f:
            f.write(step["run"])
        open(answers, "w").close()
        env = dict(self.env, GITHUB_OUTPUT=answers, GITHUB_STEP_SUMMARY=os.path.join(self.folder, "summary"),
                   **{name: self.filled(text) for name, text in step.get("env", {}).items()})
        where = os.path.join(self.workspace, self.filled(step.get("working-directory", ".")))
        p = subprocess.run(["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script], cwd=where, env=env, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=120)
        self.log += p.stdout
        self.outputs[step.get("id", step["name"])] = dict(line.split("=", 1) for line in self.read("output").splitlines())
        return p.returncode == 0

    def run(self):
        """True when the job would be green."""
        for step in self.spec["runs"]["steps"]:
            if "if" not in step or self.wanted(step["if"]):
                self.ran.append(step["name"])
                if not self.step(step) and not step.get("continue-on-error"):
                    return False
        self.result = {name: self.filled(o["value"]) for name, o in self.spec["outputs"].items()}
        return True

    @property
    def summary(self):
        return self.read("summary")


WRITE = """curl -fsS -X POST -H 'Authorization: Bearer owner' -H 'Content-Type: application/json' -d '{"fields":{}}' \\
  "http://$FIRESTORE_EMULATOR_HOST/v1/projects/$GCLOUD_PROJECT/databases/(default)/documents/notes"
echo wrote"""


# ---- the verdict ----

def test_good_rules_and_good_tests_are_green():
    with Job(append_only="api_audit_logs\n", run=WRITE) as job:
        assert job.run(), job.log
        assert job.result["check-exit"] == "0" and job.result["tests-exit"] == "0" and job.result["binary"] == BINARY
        assert "\nwrote\n" in job.log and "::" not in job.log, job.log
        assert "| Security rules | :white_check_mark: nothing that fails |" in job.summary
        assert "| Tests under `cinderlog exec` | :white_check_mark: passed |" in job.summary
        assert "append-only 'api_audit_logs': no granting path found (not a proof)" in job.summary
        assert "cinderlog summary\n" in job.summary and "NOT exercised" in job.summary, job.summary
        with open(job.result["summary"]) as f:
            assert json.load(f)["owner"] == 1


def test_bad_rules_fail_after_the_tests_and_the_upload():
    with Job(rules="fixtures/rules/as_published.rules", run="echo ran") as job:
        assert not job.run()
        assert job.outputs["check"]["exit"] == "1" and job.outputs["tests"]["exit"] == "0"
        assert "::error file=fixtures/rules/as_published.rules,line=18,col=7,title=useless-deny::" in job.log
        assert job.ran == [step["name"] for step in job.spec["runs"]["steps"]] and len(job.used) == 1
        assert "| Security rules | :x: findings (exit 1) |" in job.summary and "takes nothing back" in job.summary


def test_failing_tests_fail_with_their_exit_code():
    with Job(run="echo before\nfalse | cat\necho not reached") as job:
        assert not job.run() and job.outputs["tests"]["exit"] == "1", job.outputs
        assert "before" in job.log and "not reached" not in job.log
    with Job(run="exit 7") as job:
        assert not job.run() and job.outputs["tests"]["exit"] == "7"
        assert "| Tests under `cinderlog exec` | :x: failed (exit 7) |" in job.summary


def test_what_a_baseline_has_is_green():
    with Job(rules="fixtures/rules/as_published.rules", baseline="known.tsv") as job:
        assert subprocess.run([BINARY, "rules", "check", "--baseline", "known.tsv", "--write-baseline", job.inputs["rules"]],
                              cwd=job.workspace, capture_output=True).returncode == 0
        assert job.run(), job.log
        assert "::error" not in job.log and "0 new errors, 0 new warnings; 3 known" in job.summary


def test_a_check_that_cannot_check_is_red():
    with Job(rules="missing.rules") as job:
        assert not job.run() and job.outputs["check"] == {"exit": "2"} and not job.used
        assert "::error title=cinderlog::" in job.log and "missing.rules" in job.log


# ---- what is asked for ----

def test_only_what_is_asked_for_runs():
    with Job(rules="", run="true") as job:
        assert job.run() and job.ran == ["Find or build Cinderlog", "Run tests under cinderlog exec", "Verdict"], job.ran
        assert job.result["check-exit"] == "" and "Security rules" not in job.summary
    with Job(upload_sarif="false") as job:
        assert job.run() and job.ran == ["Find or build Cinderlog", "Check rules", "Verdict"] and not job.used


def test_sarif_goes_to_code_scanning():
    with Job(rules="fixtures/rules/as_published.rules", fail_on="error", category="rules of the log") as job:
        job.run()
        assert job.used[0]["uses"].startswith("github/codeql-action/upload-sarif@") and job.used[0]["category"] == "rules of the log"
        with open(job.used[0]["sarif_file"]) as f:
            results = json.load(f)["runs"][0]["results"]
        places = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results}
        assert places == {"fixtures/rules/as_published.rules"}, "from the repository's root, where code scanning looks"


def test_options_reach_check_and_exec():
    with Job(rules="fixtures/rules/as_published.rules\n\n fixtures/rules/audit_log.rules", fail_on="warning",
             append_only="api_audit_logs\ntenants/*/logs", exec_options="--fail-if-unexercised", run="true") as job:
        assert not job.run()
        assert job.outputs["tests"]["exit"] == "1", "the rules were not exercised"
        assert "title=append-only" in job.log and "append-only 'tenants/*/logs'" in job.summary
        assert "audit_log.rules: 0 errors" in job.summary
    with Job(rules="a b.rules", run="true") as job:
        shutil.copy(os.path.join(ROOT, "fixtures", "rules", "audit_log.rules"), os.path.join(job.workspace, "a b.rules"))
        assert job.run() and "a b.rules: 0 errors" in job.summary, job.log
    with Job(run="pwd; echo $FIRESTORE_EMULATOR_HOST", working_directory="fixtures/rules") as job:
        assert job.run() and "work space/fixtures/rules\n" in job.log and re.search(r"^127\.0\.0\.1:\d+$", job.log, re.M)


def test_inputs_are_never_code():
    evil = "$(touch pwned)`touch pwned`;touch pwned;'\"\ntouch pwned"
    for name in ("rules", "append_only", "fail_on", "baseline", "exec_options", "binary"):
        with Job(run="true", **{name: evil}) as job:
            job.run()
            assert not glob.glob(job.folder + "/**/pwned", recursive=True), name
    for step in definition()["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), "inputs come by the environment"


# ---- which cinderlog ----

def test_a_cinderlog_on_the_path_is_taken():
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(BINARY, os.path.join(folder, "cinderlog"))
        with Job(binary="", path=folder + ":" + CLEAN["PATH"]) as job:
            assert job.run() and job.result["binary"] == os.path.join(folder, "cinderlog")


def test_else_it_is_built_from_the_source_of_the_action():
    with tempfile.TemporaryDirectory() as source:
        action = os.path.join(source, ".github", "actions", "cinderlog")
        shutil.copytree(ACTION, action)
        with open(os.path.join(source, "dev"), "w") as f:
            f.write('#!/bin/sh\nset -e\ncd "$(dirname "$0")"\ntest "$1" = build\nmkdir -p build/release\n'
                    'ln -s "%s" build/release/cinderlog\n' % BINARY)
        os.chmod(os.path.join(source, "dev"), 0o755)
        with Job(action=action, binary="", path="/usr/bin:/bin") as job:
            assert job.run(), job.log
            assert os.path.realpath(job.result["binary"]) == os.path.realpath(BINARY)


def test_a_binary_that_is_not_there_is_named():
    with Job(binary="build/none") as job:
        assert not job.run() and job.ran == ["Find or build Cinderlog"]
        assert "::error title=cinderlog::binary: there is no program %s/build/none" % job.workspace in job.log


# ---- the definition ----

def test_every_input_is_documented_and_used():
    spec = definition()
    with open(os.path.join(ACTION, "action.yml")) as f:
        text = f.read()
    for name, one in spec["inputs"].items():
        assert len(one["description"]) > 20 and isinstance(one["default"], str), name
        assert "inputs.%s " % name in text.split("runs:")[1], name
    for name, one in spec["outputs"].items():
        step, output = re.fullmatch(r"\$\{\{ steps\.([\w-]+)\.outputs\.([\w-]+) \}\}", one["value"]).groups()
        assert any(s.get("id") == step for s in spec["runs"]["steps"]), name


if __name__ == "__main__":
    sys.exit(main(globals()))
