#!/usr/bin/env python3
"""Every RPC row over both transports: what any of them must do, whatever it is for.

usage: contract.py BINARY PYTHON      (PYTHON has grpcio)      last line: N passed, M failed

For each row of `cinderlog --list-rpcs`: an empty request, bytes or JSON that are none, an unknown field, a message over 10 MiB, a bad
token and a foreign origin get an answer of the 4xx class that says why, at once, and change nothing; a row that is not
answered yet says UNIMPLEMENTED with its name; a deadline that has passed is DEADLINE_EXCEEDED.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


def start(binary, folder, data=":memory:"):
    port_file = os.path.join(folder, "port")
    env = {k: v for k, v in os.environ.items() if not k.startswith("CINDERLOG_")}
    process = subprocess.Popen([binary, "serve", "--port", "0", "--port-file", port_file, "--data", data], env=env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not os.path.exists(port_file):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    with open(port_file) as f:
        return process, int(f.read())


PASSED, FAILED = [], []


def check(name, ok, detail=""):
    (PASSED if ok else FAILED).append(name)
    if not ok:
        print("FAILED %s: %s" % (name, detail))


def ask(port, method, path, body, headers):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), method=method, data=body,
                                     headers={"Authorization": "Bearer owner", "Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as a:
            return a.status, a.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode(errors="replace")


def concrete(template):
    path = template
    for name, value in (("projects/*/databases/*", "projects/p/databases/(default)"), ("/documents/*/**", "/documents/c/d"),
                        ("/documents/**", "/documents/c/d")):
        path = path.replace(name, value)
    out, at = "", 0
    while at < len(path):  # {name=value} -> value, {name} -> c
        if path[at] == "{":
            end = path.index("}", at)
            inside = path[at + 1:end]
            out += inside.split("=", 1)[1] if "=" in inside else "c"
            at = end + 1
        else:
            out += path[at]
            at += 1
    return out


def rest(port, rows):
    for name, answered, method, template in rows:
        if method == "-":
            continue
        path = concrete(template)
        has_body = method in ("POST", "PATCH")
        cases = [("a bad token", b"{}" if has_body else None, {"Authorization": "Bearer x.y"}, 400, "invalid jwt"),
                 ("a scheme that is none", b"{}" if has_body else None, {"Authorization": "Basic x"}, 401, "Bearer"),
                 ("a foreign origin", b"{}" if has_body else None, {"Origin": "https://evil.example"}, 403, "rigin"),
                 ("a foreign host", b"{}" if has_body else None, {"Host": "evil.example"}, 403, "ost")]
        if has_body:
            cases += [("no JSON", b"{\"", {}, 400, "Payload"), ("an unknown field", b'{"bogus":1}', {}, 400, "bogus"),
                      ("a list", b"[]", {}, 400, "Payload"), ("bad UTF-8", b'{"\xff":1}', {}, 400, "Payload"),
                      ("deep nesting", b'{"a":' * 5000 + b"1" + b"}" * 5000, {}, 400, "Payload")]
        if not answered:
            cases = [c for c in cases if c[3] in (401, 403)] + [("a call", b"{}", {}, 501, name)]
        for what, body, headers, status, text in cases:
            started = time.monotonic()
            got, answer = ask(port, method, path, body, headers)
            took = time.monotonic() - started
            check("rest %s: %s" % (name, what), got == status and text in answer and took < 20, "%d %s" % (got, answer[:300]))
        if has_body and answered:
            got, answer = ask(port, method, path, b" " * (10 * 1024 * 1024 + 4096), {})
            check("rest %s: over 10 MiB" % name, got in (400, 413, 429), "%d %s" % (got, answer[:300]))


def grpc_half(port, rows):
    import grpc
    raw = lambda b: b
    channel = grpc.insecure_channel("127.0.0.1:%d" % port, options=[("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0)])
    owner = (("authorization", "Bearer owner"),)

    def call(name, message, metadata=owner, timeout=20):
        stream = channel.unary_stream("/google.firestore.v1.Firestore/" + name, request_serializer=raw, response_deserializer=raw)
        try:
            return "OK", b"".join(stream(message, metadata=metadata, timeout=timeout))
        except grpc.RpcError as e:
            return e.code().name, e.details() or ""

    for name, answered, *_ in rows:
        if not answered:
            code, text = call(name, b"")
            check("grpc %s: not there yet" % name, code == "UNIMPLEMENTED" and name in text, "%s %s" % (code, text))
            continue
        for what, message, metadata, codes in (
                ("an empty request", b"", owner, ("INVALID_ARGUMENT",)),
                ("bytes that are none", b"\xff\xff\xff\xff\x0f", owner, ("INVALID_ARGUMENT",)),
                ("a cut field", b"\x0a\x7f", owner, ("INVALID_ARGUMENT",)),
                ("bad UTF-8", b"\x0a\x02\xff\xfe", owner, ("INVALID_ARGUMENT",)),
                ("a bad token", b"", (("authorization", "Bearer x.y"),), ("INVALID_ARGUMENT",)),
                ("over 10 MiB", b"\x0a\x80\x80\xc0\x05" + b"x" * (11 * 1024 * 1024), owner, ("RESOURCE_EXHAUSTED",))):
            code, text = call(name, message, metadata)
            check("grpc %s: %s" % (name, what), code in codes and text, "%s %s" % (code, text))
    code, text = call("NoSuchMethod", b"")
    check("grpc: an unknown method", code == "UNIMPLEMENTED" and "NoSuchMethod" in text, "%s %s" % (code, text))
    channel.close()


def main():
    binary, python = os.path.abspath(sys.argv[1]), sys.argv[2]
    if "--child" not in sys.argv:  # the interpreter that has grpcio
        return subprocess.run([python, os.path.abspath(__file__), binary, "-", "--child"]).returncode
    rows = []
    for line in subprocess.run([binary, "--list-rpcs"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines():
        name, answered, method, template = line.split("\t")
        rows.append((name, answered == "yes", method, template))
    with tempfile.TemporaryDirectory() as folder:
        process, port = start(binary, folder)
        try:
            before = json.loads(ask(port, "GET", "/cinderlog/v1/stats", None, {})[1])["entries"]
            rest(port, rows)
            grpc_half(port, rows)
            after = json.loads(ask(port, "GET", "/cinderlog/v1/stats", None, {})[1])["entries"]
            check("nothing was written", before == after, "%d entries more" % (after - before))
        finally:
            process.terminate()
            check("the server ends well", process.wait(20) == 0)
    print("%d passed, %d failed" % (len(PASSED), len(FAILED)))
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
