"""What the request log costs: two servers of the same binary, with and without --request-log, taking turns.

The machine's noise is larger than the cost, so that turns are short and many, and what counts is the median of the
differences within a turn."""
import os
import statistics


def turns(measure, loads, servers, load, count):
    """The CPU per request of each server, turn by turn; which goes first changes each time."""
    out = []
    for n in range(count):
        turn = {}
        for name in (list(servers) if n % 2 == 0 else list(servers)[::-1]):
            m = measure(servers[name], lambda: load(loads, servers[name].port))
            if m["bad"]:
                raise SystemExit("log: %d answers of %s were no success" % (m["bad"], name))
            turn[name] = m["us"]
        out.append(turn)
    return out


def run(bench, count, folder, scratch, results):
    binary = bench.find(folder, "cinderlog")
    now = bench.datetime.datetime.now(bench.datetime.timezone.utc)
    message = bench.field(1, bench.DOCS.encode()) + bench.field(2, b"api_audit_logs") + bench.field(4, bench.entry(now))
    one = "%s/api_audit_logs/one" % bench.DOCS
    servers = {"without": bench.serve(binary, os.path.join(scratch, "log-without")),
               "with": bench.serve(binary, os.path.join(scratch, "log-with"), "--request-log", os.path.join(scratch, "requests.ndjson"))}
    for s in servers.values():
        bench.http(s.port, "PATCH", "/v1/" + one, bench.entry_json(now))
    loads = bench.Loads(scratch, 1)
    cases = {
        "rest create c64": lambda l, port: l.rest(port, "POST", "/v1/%s/api_audit_logs" % bench.DOCS, bench.entry_json(now), bench.SERVICE, 64),
        "grpc create c64": lambda l, port: l.grpc(port, "CreateDocument", message, bench.SERVICE, 64),
        "rest get c64": lambda l, port: l.rest(port, "GET", "/v1/" + one, "", bench.AUDITOR, 64),
        "grpc get c64": lambda l, port: l.grpc(port, "GetDocument", bench.field(1, one.encode()), bench.AUDITOR, 64),
        "rest create c1": lambda l, port: l.rest(port, "POST", "/v1/%s/api_audit_logs" % bench.DOCS, bench.entry_json(now), bench.SERVICE, 1),
    }
    for case, load in cases.items():
        seen = turns(bench.measure, loads, servers, load, count)
        cost = [t["with"] - t["without"] for t in seen]
        results.append("request log, %-16s %6.1f us without, %+5.1f us with (median of %d turns; quartiles %+.1f, %+.1f)" % (
            case, statistics.median(t["without"] for t in seen), statistics.median(cost), count, *statistics.quantiles(cost, n=4)[::2]))
    for s in servers.values():
        s.stop()
