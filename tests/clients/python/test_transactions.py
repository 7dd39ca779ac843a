"""Transactions of the official client from many threads: money moves, names stay unique, sums are of one moment. What
each transaction read and wrote is replayed in the order of commit times, as tests/server/stress_transactions.c does
with many more clients."""
import random
import threading

from google.cloud import firestore
from google.cloud.firestore import FieldFilter

THREADS, ROUNDS, ACCOUNTS, BALANCE, ATTEMPTS = 8, 6, 5, 100, 60


def run_threads(work):
    """work(i) in THREADS threads; the first exception is raised here."""
    failures = []

    def guarded(i):
        try:
            work(i)
        except BaseException as e:  # noqa: B902 told to the test below
            failures.append(e)
    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    assert not any(t.is_alive() for t in threads), "a transaction hangs"
    if failures:
        raise failures[0]


def replay(commits, state):
    """Each commit is (time, what it read, what it wrote): in the order of times every read is what was there."""
    times = [c[0] for c in commits]
    assert len(set(times)) == len(times)
    for _, read, wrote in sorted(commits, key=lambda c: c[0]):
        assert {k: state[k] for k in read} == read
        state.update(wrote)
    return state


def test_transfers_are_serializable_and_sums_are_of_one_moment(connect):
    db = connect()
    accounts = [db.collection("accounts").document(str(i)) for i in range(ACCOUNTS)]
    for a in accounts:
        a.set({"n": BALANCE})
    commits, sums = [], []

    @firestore.transactional
    def move(transaction, a, b, amount):
        # Both reads in one request, or one after the other.
        if amount % 2:
            balance = {s.id: s.get("n") for s in db.get_all([a, b], transaction=transaction)}
        else:
            balance = {ref.id: ref.get(transaction=transaction).get("n") for ref in (a, b)}
        after = {a.id: balance[a.id] - amount, b.id: balance[b.id] + amount}
        transaction.update(a, {"n": after[a.id]})
        transaction.set(b, {"n": after[b.id]})
        return balance, after

    def work(i):
        pick = random.Random(i)
        for _ in range(ROUNDS):
            transaction = db.transaction(max_attempts=ATTEMPTS)
            read, wrote = move(transaction, *pick.sample(accounts, 2), pick.randint(1, 9))
            commits.append((transaction.commit_time, read, wrote))
            snapshot = db.transaction(read_only=True)
            snapshot._begin()
            sums.append(sum(s.get("n") for s in db.get_all(accounts, transaction=snapshot)))
            snapshot._rollback()

    run_threads(work)
    assert sums == [ACCOUNTS * BALANCE] * (THREADS * ROUNDS)
    state = replay(commits, {a.id: BALANCE for a in accounts})
    assert {a.id: a.get().get("n") for a in accounts} == state


def test_a_name_that_a_query_did_not_find_is_taken_once(connect):
    db = connect()
    people = db.collection("people")
    taken = []

    @firestore.transactional
    def take(transaction, name, me):
        if list(people.where(filter=FieldFilter("name", "==", name)).stream(transaction=transaction)):
            return False
        transaction.create(people.document(), {"name": name, "by": me})
        return True

    def work(me):
        for name in random.Random(me).sample(range(ROUNDS), ROUNDS):
            if take(db.transaction(max_attempts=ATTEMPTS), name, me):
                taken.append(name)

    run_threads(work)
    assert sorted(taken) == list(range(ROUNDS))
    assert sorted(s.get("name") for s in people.stream()) == list(range(ROUNDS))


def test_increments_of_many_threads_all_count(connect):
    db = connect()
    counter = db.collection("counters").document("c")

    @firestore.transactional
    def add_one(transaction):
        before = counter.get(transaction=transaction)
        transaction.set(counter, {"n": (before.get("n") if before.exists else 0) + 1})

    def work(i):
        for _ in range(ROUNDS):
            if i % 2:
                add_one(db.transaction(max_attempts=ATTEMPTS))
            else:
                counter.set({"n": firestore.Increment(1)}, merge=True)

    run_threads(work)
    assert counter.get().get("n") == THREADS * ROUNDS
    counter.set({"n": 0})  # nothing holds it any more
