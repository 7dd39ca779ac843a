#!/usr/bin/env python3
"""Runs everything that must pass, stage by stage, and counts. Called by ./dev test.

Each stage prints one line when it ends; what a failed one printed follows. The last line is
"N passed, M failed". A stage is skipped only where its reason is printed, and never silently.
Usage: tests/run.py [STAGE ...]   (names as printed; default: all)
"""
import filecmp
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = str(os.cpu_count() or 2)
TTY = sys.stderr.isatty()
VENV = os.path.join(ROOT, "build", "venv")
BINARY = os.path.join(ROOT, "build", "ci", "cinderlog")
PYTHON = os.path.join(VENV, "bin", "python")
# Versions are pinned; they are what the suites were written against.
PIP = ["google-cloud-firestore==2.34.1", "fastapi==0.165.0", "uvicorn==0.54.0", "httpx==0.28.1", "pytest==9.2.0",
       "pytest-asyncio==1.5.0", "PyYAML==6.0.3", "prometheus-client==0.26.0", "hpack==4.2.0",
       "grpcio-health-checking==1.85.1", "grpcio-reflection==1.85.1", "websocket-client==1.9.2"]


class Failed(Exception):
    pass


def run(args, timeout=1500, env=None, cwd=ROOT):
    """Runs a command; returns its output. Raises Failed with the output when it fails."""
    full = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **(env or {}))
    try:
        p = subprocess.run(args, cwd=cwd, env=full, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                           stdin=subprocess.DEVNULL, text=True, errors="replace")
    except subprocess.TimeoutExpired as e:
        raise Failed("timed out after %d s: %s\n%s" % (timeout, " ".join(args), (e.stdout or b"")[-4000:]))
    except FileNotFoundError as e:
        raise Failed(str(e))
    return p.returncode, p.stdout


def must(args, **kw):
    code, out = run(args, **kw)
    if code:
        raise Failed("exit %d: %s\n%s" % (code, " ".join(args), out[-12000:]))
    return out


def counted(args, **kw):
    """A command whose last line is 'N passed, M failed[, ...]' (pytest's closing line counts too)."""
    return tally(*run(args, **kw))


def tally(code, out):
    found = re.findall(r"(\d+) passed", out)
    bad = re.findall(r"(\d+) failed", out)
    passed, failed = int(found[-1]) if found else 0, int(bad[-1]) if bad else 0
    if code and not failed:
        failed = 1
    if not code and not passed:
        failed, out = 1, out + "\n(nothing was run)"
    return passed, failed, out if failed else ""


def build(preset):
    must(["cmake", "--preset", preset])
    code, out = run(["cmake", "--build", "--preset", preset, "-j", JOBS, "--", "-k", "0"])
    if code:
        raise Failed("\n".join(l for l in out.splitlines() if not re.match(r"\[\d+/\d+\]", l))[-12000:])


def ctest(preset, *extra, env=None):
    code, out = run(["ctest", "--test-dir", "build/" + preset, "-j", JOBS, "--output-on-failure", "--timeout", "600",
                     "--no-tests=error", *extra], env=env)
    m = re.search(r"(\d+) tests? failed out of (\d+)", out)
    if not m:
        raise Failed(out[-12000:])
    failed, total = int(m.group(1)), int(m.group(2))
    return total - failed, failed, out[-20000:] if failed or code else ""


def stage_gcc():
    build("ci")
    return ctest("ci")


def stage_clang():
    build("clang")
    return 1, 0, ""


def stage_asan():
    build("asan")
    return ctest("asan", env={"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"})


def stage_tsan():
    build("tsan")
    return ctest("tsan", "-L", "threads", env={"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"})


def stage_venv():
    if not os.path.exists(PYTHON):
        must([sys.executable, "-m", "venv", VENV])
    must([PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PIP])
    return 1, 0, ""


def stage_cli():
    return counted([sys.executable, "tests/server/test_cli.py", BINARY])


def stage_request_log():
    return counted([PYTHON, "tests/server/test_request_log.py", BINARY])


def stage_rules_check():
    return counted([sys.executable, "tests/server/test_rules_check.py", BINARY])


def stage_rules_test():
    return counted([sys.executable, "tests/server/test_rules_test.py", BINARY])


def stage_action():
    return counted([PYTHON, "tests/server/test_action.py", BINARY])


def stage_faults():
    return counted([sys.executable, "tests/server/test_faults.py", BINARY])


def stage_http2():
    return counted([sys.executable, "tests/server/test_http2.py", BINARY])


def stage_feed():
    return counted([PYTHON, "tests/server/test_feed.py", BINARY])


def stage_shim():
    return counted([sys.executable, "tests/server/test_shim.py", BINARY])


def stage_contract():
    return counted([sys.executable, "tests/server/contract.py", BINARY, PYTHON])


def stage_listen():
    return counted([PYTHON, "tests/server/test_listen.py", BINARY])


def stage_webchannel():
    return counted([sys.executable, "tests/server/test_webchannel.py", BINARY])


def stage_write_stream():
    return counted([PYTHON, "tests/server/test_write_stream.py", BINARY])


def stage_listen_model():
    return counted([PYTHON, "tests/server/listen_model.py", BINARY, "--schedules", "300"])


def stage_oracle():
    return counted([sys.executable, "tests/oracle/run_replay.py", BINARY, PYTHON])


def promtool():
    """Prometheus' own checker: the system's, or the one file of Debian's package, so that no server comes with it. Its
    path, or why it is not to be had."""
    folder = os.path.join(ROOT, "build", "promtool")
    path = shutil.which("promtool") or os.path.join(folder, "promtool")
    if os.path.exists(path):
        return path, None
    os.makedirs(folder, exist_ok=True)
    code, out = run(["sh", "-c", "apt-get download -qq prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb |"
                     " tar -xO ./usr/bin/promtool >promtool.part && chmod +x promtool.part && mv promtool.part promtool;"
                     " status=$?; rm -f prometheus_*.deb promtool.part; exit $status"], cwd=folder)
    lines = out.strip().splitlines() or ["apt-get said nothing"]
    return path, "SKIPPED: no promtool: " + lines[-1] if code else None


def stage_monitoring():
    tool, skipped = promtool()
    if skipped:
        return 0, 0, skipped
    return counted([PYTHON, "tests/server/test_monitoring.py", BINARY, tool])


def under_exec(args, **kw):
    """A client suite under cinderlog exec, told where its requests are logged; returns its exit code and output."""
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as log:
        env = dict(kw.pop("env", {}), EMULATOR_BINARY=BINARY, REQUEST_LOG=log.name)
        return run([BINARY, "exec", "--request-log", log.name, "--", *args], env=env, **kw)


def must_download(args, tries=3, **kw):
    """A command that fetches packages: a registry may fail now and then."""
    for left in reversed(range(tries)):
        try:
            return must(args, **kw)
        except Failed:
            if not left:
                raise
            time.sleep(5)


def lacks(args, pattern, least):
    """Why a tool cannot be used here: it is missing or older than `least`. None when it can."""
    wanted = ".".join(map(str, least))
    try:
        found = re.search(pattern, run(args)[1])
    except Failed:
        return "SKIPPED: %s is not installed (%s or later is needed)" % (args[0], wanted)
    if not found or tuple(map(int, found.groups())) < least:
        version = ".".join(found.groups()) if found else "of an unknown version"
        return "SKIPPED: %s is %s, %s or later is needed" % (args[0], version, wanted)
    return None


def stage_python_clients():
    return tally(*under_exec([PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/clients/python"]))


def stage_go_clients():
    skipped = lacks(["go", "version"], r"go(\d+)\.(\d+)", (1, 26))
    if skipped:
        return 0, 0, skipped
    suite = {"cwd": os.path.join(ROOT, "tests/clients/go"), "env": {"GOTOOLCHAIN": "local"}}
    must_download(["go", "mod", "download"], **suite)
    must(["go", "vet", "./..."], **suite)
    code, out = under_exec(["go", "test", "-v", "-count=1", "./..."], **suite)
    passed, failed = (len(re.findall(r"^ *--- %s:" % word, out, re.MULTILINE)) for word in ("PASS", "FAIL"))
    return tally(code, "%s\n%d passed, %d failed" % (out, passed, failed))


def stage_java_clients():
    skipped = (lacks(["javac", "-version"], r"javac (\d+)", (17,)) or
               lacks(["mvn", "-version"], r"Maven (\d+)\.(\d+)", (3, 8)))
    if skipped:
        return 0, 0, skipped
    maven = ["mvn", "-B", "-Dstyle.color=never", "-f", "tests/clients/java",
             "-Doutput=" + os.path.join(ROOT, "build", "java")]
    must_download([*maven, "test", "-DskipTests"])  # fetches and compiles
    code, out = under_exec([*maven, "--offline", "test"])
    counts = re.findall(r"Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)", out)
    ran, failures, errors, left_out = map(int, counts[-1]) if counts else (0, 0, 0, 0)
    return tally(code, "%s\n%d passed, %d failed" % (out, ran - failures - errors - left_out, failures + errors))


def lacks_node(least):
    return lacks(["node", "--version"], r"v(\d+)\.(\d+)", least) or lacks(["npm", "--version"], r"(\d+)\.(\d+)", (8, 0))


def npm_installed(source, name):
    """Whether build/name has the exact packages of source's lock file."""
    stamp = os.path.join(ROOT, "build", name, "node_modules", ".installed")
    return os.path.exists(stamp) and filecmp.cmp(stamp, os.path.join(source, "package-lock.json"), shallow=False)


def npm_install(source, name):
    """The exact packages of source's lock file, in build/name; returns their folder. Installs only what has changed."""
    folder = os.path.join(ROOT, "build", name)
    os.makedirs(folder, exist_ok=True)
    files = ["package.json", ".npmrc", "package-lock.json"]
    stamp = os.path.join(folder, "node_modules", ".installed")
    if not npm_installed(source, name):
        for name in files:
            shutil.copy(os.path.join(source, name), folder)
        must_download(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)
        shutil.copy(os.path.join(folder, files[-1]), stamp)
    return os.path.join(folder, "node_modules")


def node_suites(source, name, tests="*.test.js", **env):
    """The tests of a folder, which has its package.json, with a server of their own."""
    skipped = lacks_node((18, 0))
    if skipped:
        return 0, 0, skipped
    source = os.path.join(ROOT, source)
    suites = sorted(glob.glob(os.path.join(source, tests)))
    code, out = under_exec(["node", "--test", "--test-reporter=tap", *suites],
                           env={"NODE_PATH": npm_install(source, name), **env})
    passed, failed = (sum(map(int, re.findall(r"^# %s (\d+)" % word, out, re.MULTILINE))) for word in ("pass", "fail"))
    return tally(code, "%s\n%d passed, %d failed" % (out, passed, failed))


def stage_node_clients():
    return node_suites("tests/clients/node", "node_clients")


def stage_browser():
    browser = shutil.which("chromium")
    if not browser:
        return 0, 0, "SKIPPED: chromium is not installed (Debian's package of that name)"
    pictures = os.path.join(ROOT, "build", "browser")
    os.makedirs(pictures, exist_ok=True)
    return node_suites("tests/clients/node", "node_clients", "browser/*.test.js", CHROMIUM=browser, SCREENSHOTS=pictures)


def stage_express():
    return node_suites("fixtures/express", "express")


def stage_firebase_tools():
    """Only by name, or when it is installed already: 625 packages and 310 MB take longer than all other suites' together."""
    source = os.path.join(ROOT, "tests/clients/firebase_tools")
    skipped = lacks_node((20, 0))
    if not skipped and "firebase_tools" not in sys.argv and not npm_installed(source, "firebase_tools"):
        skipped = "SKIPPED: firebase-tools is not installed; './dev test firebase_tools' installs it in build/firebase_tools"
    if skipped:
        return 0, 0, skipped
    modules = npm_install(source, "firebase_tools")
    return counted([sys.executable, os.path.join(source, "test_firebase_tools.py"), BINARY, modules])


def stage_fastapi():
    return counted([sys.executable, "tests/clients/run_fastapi.py", BINARY, PYTHON])


def stage_defects():
    return counted([sys.executable, "tests/clients/run_defects.py", BINARY, PYTHON])


def stage_malformed():
    build("asan")
    return counted([sys.executable, "tests/campaign/malformed.py", "build/asan/cinderlog", "--count", "1500"])


def stage_crash():
    return counted([sys.executable, "tests/crash/kill9.py", BINARY, "--rounds", "3", "--writes", "1500"])


def stage_readme():
    return counted([sys.executable, "tests/readme.py", BINARY])


def stage_docker():
    code, out = run(["sh", "docker/check.sh"], timeout=1200)
    skipped = re.search(r"^SKIPPED: .*", out, re.MULTILINE)
    if skipped and not code:
        return 0, 0, skipped.group()
    passed, failed, shown = tally(code, out)
    return passed, failed, shown or "\n".join(re.findall(r"^(?:image|start): .*", out, re.MULTILINE))


STAGES = [(name[6:], fn) for name, fn in list(globals().items()) if name.startswith("stage_")]


def main():
    wanted = sys.argv[1:]
    unknown = [w for w in wanted if w not in dict(STAGES)]
    if unknown:
        sys.exit("unknown stage %s; there are: %s" % (unknown[0], " ".join(n for n, _ in STAGES)))
    passed = failed = 0
    for name, fn in STAGES:
        if wanted and name not in wanted:
            continue
        if TTY:
            print("%-16s ..." % name, end="\r", file=sys.stderr, flush=True)
        start = time.monotonic()
        try:
            p, f, out = fn()
        except Failed as e:
            p, f, out = 0, 1, str(e)
        passed, failed = passed + p, failed + f
        if out:
            print(out)
        print("%-16s %5d passed, %d failed  (%.0f s)" % (name, p, f, time.monotonic() - start), flush=True)
    print("%d passed, %d failed" % (passed, failed), flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
