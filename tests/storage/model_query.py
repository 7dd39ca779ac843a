#!/usr/bin/env python3
"""model_query.py - random queries over random documents, answered by query_model.py and compared.

  model_query.py DRIVER [CASES [SEED]]                   against query_driver (ctest: 2,000 cases)
  model_query.py --live HOST:PORT CASES SEED             against a live emulator: is the model right?
  model_query.py --record HOST:PORT CASES SEED FILE      keeps a live emulator's answers
  model_query.py --replay FILE DRIVER                    those answers against both the model and query_driver

Queries, aggregations and findNearest of the present and of earlier times, and lists page by page. Standard library
only; same seed, same cases.
"""
import json
import math
import random
import subprocess
import sys

import query_model
from oracle_queries import request
from query_generator import Generator

NOW = "0"  # the view of what is there now


def request_of(case, root):
    """The RunQuery or RunAggregationQuery request of a case."""
    body = {"parent": root + ("/" + case["parent"] if case["parent"] else "")}
    if "aggregations" not in case:
        return {**body, "structuredQuery": case["query"]}
    return {**body, "structuredAggregationQuery": {"structuredQuery": case["query"],
                                                             "aggregations": case["aggregations"]}}


# ---- who is asked ----


class Driver:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.root = "projects/demo-m/databases/(default)/documents"

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")

    def start(self, documents):
        self.send("X")
        for path, fields in documents.items():
            self.send("D" + json.dumps({"name": f"{self.root}/{path}", "fields": fields}))

    def change(self, changes):
        for path, fields in changes.items():
            document = {"name": f"{self.root}/{path}", "fields": fields or {}}
            self.send(("R" if fields is None else "D") + json.dumps(document))

    def view(self):
        """Of what is there now, for ask()."""
        self.send("V")
        return self.read()["view"]

    def read(self):
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def ask(self, case, view):
        self.send("@" + view)
        self.send(("A" if "aggregations" in case else "Q") + json.dumps(request_of(case, self.root)))
        return self.read()

    def list_all(self, collection, order_by, page_size):
        """Every page of a list, as names."""
        names, token = [], ""
        self.send("@" + NOW)
        for _ in range(100):
            self.send("L" + json.dumps({"parent": self.root, "collectionId": collection, "order_by": order_by,
                                        "page_size": page_size, "page_token": token}))
            reply = self.read()
            names += [d["name"] for d in reply["documents"]]
            token = reply.get("token")
            if not token:
                return names
        return names + ["a list without end"]

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


class Live:
    def __init__(self, host):
        self.host, self.worlds, self.root = host, 0, "projects/demo-m0/databases/(default)/documents"

    def start(self, documents):
        request(self.host, "DELETE", "emulator/v1/" + self.root)
        writes = [{"update": {"name": f"{self.root}/{path}", "fields": fields}} for path, fields in documents.items()]
        self.commit(writes)

    def commit(self, writes):
        reply = request(self.host, "POST", f"v1/{self.root}:commit", {"writes": writes})
        assert "error" not in reply, reply
        self.time = reply["commitTime"]

    def change(self, changes):
        self.commit([{"delete": f"{self.root}/{path}"} if fields is None else
                     {"update": {"name": f"{self.root}/{path}", "fields": fields}} for path, fields in changes.items()])

    def view(self):
        return self.time

    def ask(self, case, view):
        body = request_of(case, self.root)
        if view != NOW:
            body["readTime"] = view
        verb = "runAggregationQuery" if "aggregations" in case else "runQuery"
        reply = request(self.host, "POST", f"v1/{body.pop('parent')}:{verb}", body)
        if isinstance(reply, dict):
            return {"error": [reply["error"]["status"], reply["error"].get("message")]}
        if "aggregations" in case:
            return reply[0]
        return {"documents": [r["document"] for r in reply if "document" in r]}

    def close(self):
        return 0


def normal(value):
    """Forms that mean the same to both sides: -0.0, empty lists and maps, zeros of a geo point."""
    if isinstance(value, list):
        return [normal(x) for x in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"doubleValue"}:
        return {"doubleValue": repr(float(value["doubleValue"]) + 0.0)}
    if set(value) == {"geoPointValue"}:
        return {"geo": [float(value["geoPointValue"].get(k, 0)) for k in ("latitude", "longitude")]}
    if set(value) == {"timestampValue"}:
        seconds, _, fraction = value["timestampValue"].rstrip("Z").partition(".")
        return {"timestampValue": f"{seconds}.{fraction:0<6}"}
    out = {k: normal(v) for k, v in value.items()}
    return {k: v for k, v in out.items() if not (k in ("values", "fields") and v in ([], {}))}


def same(a, b):
    """Equal but for the last digits of a double: sums are added in any order."""
    if isinstance(a, dict) and isinstance(b, dict):
        if set(a) == set(b) == {"doubleValue"}:
            x, y = float(a["doubleValue"]), float(b["doubleValue"])
            return math.isclose(x, y, rel_tol=1e-12) or (x != x and y != y)
        return set(a) == set(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def expected_of(case, documents):
    if "aggregations" in case:
        return {"result": normal(query_model.aggregate(case["query"], case["aggregations"], case["parent"], documents))}
    return {"documents": [[p, normal(f)] for p, f in query_model.answer(case["query"], case["parent"], documents)]}


def got_of(reply, root):
    """A reply in the same form."""
    if "documents" in reply:
        return {"documents": [[d["name"][len(root) + 1:], normal(d.get("fields", {}))] for d in reply["documents"]]}
    return {"result": normal(reply["result"]["aggregateFields"])} if "result" in reply else reply


class Judge:
    """Counts, and shows the first ones that differ."""

    def __init__(self):
        self.cases = self.empty = self.failed = 0
        self.refused = {}

    def check(self, case, documents, expected, got, who="got"):
        self.cases += 1
        self.empty += expected == {"documents": []}
        if same(expected, got):
            return
        self.failed += 1
        message = got.get("error", ["", ""])[1]
        self.refused[message] = self.refused.get(message, 0) + 1
        if sum(min(n, 8 if not m else 2) for m,
               n in self.refused.items()) > 16 or self.refused[message] > (2 if message else 8):
            return
        print(f"case {json.dumps(case)}")
        if "documents" in expected and "documents" in got:
            names = [[row[0] for row in x["documents"]] for x in (expected, got)]
            print(f"expected {names[0]}\n{who} {names[1]}")
            for p in sorted(set(names[0]) ^ set(names[1])):
                print(f"  {p}: {json.dumps(documents.get(p))}")
            if names[0] == names[1]:
                print([x for x in zip(expected["documents"], got["documents"]) if not same(*x)][:1])
        else:
            print(f"expected {expected}\n{who} {got}")

    def report(self):
        for message, times in self.refused.items():
            if message:
                print(f"{times} refused: {message}")
        print(f"{self.cases} cases, {self.empty} with an empty answer, {self.failed} differ")
        return self.failed


CASES_A_WORLD = 20
CHANGES = 3  # commits after the first documents
def history(asked, generator):
    """[(view, documents)]: each state that the documents were in, the present one last and once more as NOW."""
    documents = generator.documents()
    asked.start(documents)
    states = [(asked.view(), documents)]
    for _ in range(CHANGES):
        changes = generator.changes()
        asked.change(changes)
        documents = {p: f for p, f in {**documents, **changes}.items() if f is not None}
        states.append((asked.view(), documents))
    return states + [(NOW, documents)]


def random_cases(asked, cases, seed):
    """(case, view, documents there, the present documents when they are new, random numbers)"""
    for n in range(cases):
        rng = random.Random(f"{seed}/{n}")
        generator = Generator(rng, asked.root)
        if n % CASES_A_WORLD == 0:
            states = history(asked, generator)
        view, documents = rng.choice(states if rng.random() < 0.5 else states[-1:])
        yield generator.case(documents), view, documents, states[-1][1] if n % CASES_A_WORLD == 0 else None, rng


def compare(asked, cases, seed):
    judge, bad_lists = Judge(), 0
    for case, view, documents, new, rng in random_cases(asked, cases, seed):
        judge.check(case, documents, expected_of(case, documents), got_of(asked.ask(case, view), asked.root))
        if new is not None and hasattr(asked, "list_all"):
            bad_lists += compare_list(asked, new, rng)
    return judge.report() + bad_lists


def compare_list(asked, documents, rng):
    order_by = rng.choice(["", "a", "a desc", "b,a desc", "__name__", "a, __name__ desc", "m.x desc", "`x y`"])
    orders = [{"field": {"fieldPath": x.split()[0] if x[0] != "`" else x},
               "direction": "DESCENDING" if x.endswith("desc") else "ASCENDING"}
              for x in order_by.replace(", ", ",").split(",") if x]
    query = {"from": [{"collectionId": "c"}], "orderBy": orders}
    expected = [p for p, _ in query_model.answer(query, "", documents)]
    got = [name.replace(asked.root + "/", "") for name in asked.list_all("c", order_by, rng.randint(1, 4))]
    if got != expected:
        print(f"list {order_by!r}\nmodel {expected}\ngot   {got}")
    return got != expected


# ---- recorded answers ----


def record(live, cases, seed, path):
    """A line {"documents"} where they change, and a line for each case with its answer. {D} is the documents root."""
    with open(path, "w") as out:
        def put(x):
            out.write(json.dumps(x, separators=(",", ":")).replace(live.root, "{D}") + "\n")
        for n in range(cases):
            generator = Generator(random.Random(f"{seed}/{n}"), live.root)
            if n % CASES_A_WORLD == 0:
                documents = generator.documents()
                live.start(documents)
                put({"documents": documents})
            case = generator.case(documents)
            put({**case, "answer": got_of(live.ask(case, NOW), live.root)})


def replay(path, driver):
    engine, model, documents = Judge(), Judge(), {}
    with open(path) as file:
        for line in file:
            case = json.loads(line.replace("{D}", driver.root))
            if "documents" in case:
                documents = case["documents"]
                driver.start(documents)
                continue
            answer = case.pop("answer")
            model.check(case, documents, answer, expected_of(case, documents), "model")
            engine.check(case, documents, answer, got_of(driver.ask(case, NOW), driver.root), "engine")
    return model.report() + engine.report()


def main(arguments):
    if arguments[0] == "--live":
        return compare(Live(arguments[1]), int(arguments[2]), arguments[3])
    if arguments[0] == "--record":
        return record(Live(arguments[1]), int(arguments[2]), arguments[3], arguments[4])
    if arguments[0] == "--replay":
        driver = Driver(arguments[2])
        bad = replay(arguments[1], driver)
    else:
        driver = Driver(arguments[0])
        bad = compare(driver, int((arguments[1:] or ["2000"])[0]), (arguments[2:] or ["cinderlog"])[0])
    return driver.close() or bad


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
