/* What an application sees of each fault through @google-cloud/firestore over gRPC and firebase/firestore/lite: how
 * often they ask, what they throw, and what the ledger has. tests/clients/faults.md is the same for people.
 *
 * A fault is about a collection of its own and every call has a client of its own, so that all of them run at once: the
 * Node client waits for seconds before it asks again. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const lite = require('firebase/firestore/lite');
const { connect, PATIENCE, serve } = require('./harness');
const { connectLite } = require('./harness_lite');

/* "attempts outcome" of a write, a get and a query: 'ok' or the code thrown; and how many entries the write leaves. */
const all = seen => [seen, seen, seen];
const GRPC = {
    'RESOURCE_EXHAUSTED': ['2 ok', '1 8', '1 8', 1], /* at once, whatever RetryInfo says */
    'UNAVAILABLE': [...all('2 ok'), 1],
    'DEADLINE_EXCEEDED': ['1 4', '2 ok', '2 ok', 0],
    'ABORTED': ['2 ok', '1 10', '1 10', 1],
    'PERMISSION_DENIED': [...all('1 7'), 0],
    'UNAUTHENTICATED': [...all('1 16'), 0],
    'INTERNAL': ['1 13', '2 ok', '2 ok', 0],
    'UNKNOWN': [...all('1 2'), 0],
    'CANCELLED': [...all('1 1'), 0],
    'INVALID_ARGUMENT': [...all('1 3'), 0],
    'NOT_FOUND': [...all('1 5'), 0],
    'ALREADY_EXISTS': [...all('1 6'), 0],
    'FAILED_PRECONDITION': [...all('1 9'), 0],
    'OUT_OF_RANGE': [...all('1 11'), 0],
    'UNIMPLEMENTED': [...all('1 12'), 0],
    'DATA_LOSS': [...all('1 15'), 0],
    'delay latency=50ms': [...all('1 ok'), 1],
    'reset': [...all('2 ok'), 1],
    /* The write is there, its answer is not: the second attempt meets what the first one wrote. */
    'lost-answer': ['2 6', '2 ok', '2 ok', 1],
    'UNAVAILABLE when=after': ['2 6', '2 ok', '2 ok', 1],
    'DEADLINE_EXCEEDED when=after': ['1 4', '2 ok', '2 ok', 1],
    'truncate messages=0': ['1 13', '2 ok', '2 ok', 1],
    'goaway': [...all('1 ok'), 1],
};
/* It never asks again, and takes its codes from the HTTP status. */
const LITE = {
    'RESOURCE_EXHAUSTED': [...all('1 resource-exhausted'), 0],
    'UNAVAILABLE': [...all('1 unavailable'), 0],
    'DEADLINE_EXCEEDED': [...all('1 deadline-exceeded'), 0],
    'ABORTED': [...all('1 aborted'), 0],
    'PERMISSION_DENIED': [...all('1 permission-denied'), 0],
    'UNAUTHENTICATED': [...all('1 unauthenticated'), 0],
    'INTERNAL': [...all('1 unknown'), 0],
    'UNKNOWN': [...all('1 unknown'), 0],
    'CANCELLED': [...all('1 cancelled'), 0],
    'INVALID_ARGUMENT': [...all('1 failed-precondition'), 0],
    'NOT_FOUND': [...all('1 not-found'), 0],
    'ALREADY_EXISTS': [...all('1 aborted'), 0],
    'FAILED_PRECONDITION': [...all('1 failed-precondition'), 0],
    'OUT_OF_RANGE': [...all('1 failed-precondition'), 0],
    'UNIMPLEMENTED': [...all('1 unimplemented'), 0],
    'DATA_LOSS': [...all('1 unknown'), 0],
    'delay latency=50ms': [...all('1 ok'), 1],
    'reset': [...all('1 unknown'), 0],
    'lost-answer': [...all('1 unknown'), 1],
    'UNAVAILABLE when=after': [...all('1 unavailable'), 1],
    'DEADLINE_EXCEEDED when=after': [...all('1 deadline-exceeded'), 1],
    'truncate messages=0': [...all('1 unknown'), 1],
    'goaway': [...all('1 ok'), 1],
};

/* Three calls of each library about documents d0, d1, d2 of a collection, which a write creates and a read finds. */
const CALLS = {
    gRPC: {
        write: (db, name) => db.doc(`${name}/d0`).create({ n: 0 }),
        get: async (db, name) => assert.equal((await db.doc(`${name}/d0`).get()).get('n'), 0),
        query: async (db, name) =>
            assert.deepEqual((await db.collection(name).get()).docs.map(d => d.get('n')), [0, 1, 2]),
    },
    lite: {
        write: (db, name) => lite.setDoc(lite.doc(db, `${name}/d0`), { n: 0 }),
        get: async (db, name) => assert.equal((await lite.getDoc(lite.doc(db, `${name}/d0`))).get('n'), 0),
        query: async (db, name) =>
            assert.deepEqual((await lite.getDocs(lite.collection(db, name))).docs.map(d => d.get('n')), [0, 1, 2]),
    },
};

/* A client, and over gRPC a connection: otherwise those of one process share theirs. */
function own(t, library, server) {
    const where = { host: server.host, projectId: 'p' };
    return library === 'gRPC' ? connect(t, 'gRPC', { ...where, 'grpc.use_local_subchannel_pool': 1 })
                              : connectLite(t, { ...where, user: 'owner' });
}

async function entries(server, path) {
    const lines = (await server.control('GET', `entries?path=${path}`)).split('\n').filter(Boolean);
    return lines.map(line => JSON.parse(line).operation).filter(Boolean);
}

/* "attempts outcome" of one call under one fault. */
async function seen(t, server, library, call, name, fault) {
    const db = own(t, library, server);
    if (call !== 'write') {
        const batch = server.db.batch();
        for (let n = 0; n < 3; n++)
            batch.set(server.db.doc(`${name}/d${n}`), { n });
        await batch.commit();
    }
    const { id } = JSON.parse(await server.control('POST', 'faults', `${fault} count=1 path=${name}`));
    let outcome = 'ok';
    try {
        await CALLS[library][call](db, name);
    } catch (error) {
        outcome = error.code;
    }
    const { faults } = JSON.parse(await server.control('GET', 'faults'));
    const { matched, injected } = faults.find(f => f.id === id);
    await server.control('DELETE', `faults/${id}`);
    assert.equal(injected, 1);
    return `${matched} ${outcome}`;
}

async function oneOfEach(t, library, table, call) {
    const server = await serve(t);
    const column = Object.keys(CALLS[library]).indexOf(call);
    server.db = own(t, 'gRPC', server);
    await Promise.all(Object.entries(table).map(([fault, expected], row) => t.test(fault, async t => {
        assert.equal(await seen(t, server, library, call, `c${row}`, fault), expected[column]);
        if (call === 'write')
            assert.equal((await entries(server, `c${row}/d0`)).length, expected.at(-1));
    })));
}

for (const [library, table] of Object.entries({ gRPC: GRPC, lite: LITE }))
    for (const call of Object.keys(CALLS[library]))
        test(`${library}: a ${call} under`, { ...PATIENCE, concurrency: true },
             t => oneOfEach(t, library, table, call));

/* A minute passes before the Node client gives a Commit up, lite never does: removing the fault resets the
 * connection. */
for (const [library, end] of [['gRPC', '2 ok'], ['lite', '1 unknown']]) {
    test(`${library}: a stalled write waits until its connection ends`, PATIENCE, async t => {
        const server = await serve(t, '--fault', 'stall rpc=Commit count=1');
        const db = own(t, library, server);
        let over = false, outcome;
        const attempts = await server.attempts(async () => {
            const call = CALLS[library].write(db, 'c').then(() => 'ok', error => error.code).finally(() => over = true);
            while (!JSON.parse(await server.control('GET', 'faults')).injected)
                await new Promise(resolve => setImmediate(resolve));
            assert.equal(over, false);
            await server.control('DELETE', 'faults');
            outcome = await call;
        });
        assert.equal(`${attempts.length} ${outcome}`, end);
    });
}

test('gRPC: a transaction runs again when its commit is aborted', PATIENCE, async t => {
    const server = await serve(t, '--fault', 'ABORTED rpc=Commit count=2');
    const db = connect(t, 'gRPC', { host: server.host });
    let runs = 0;
    const attempts = await server.attempts(() => db.runTransaction(async transaction => {
        transaction.set(db.doc('c/d'), { runs: ++runs });
    }));
    assert.equal(runs, 3);
    assert.deepEqual(attempts.filter(a => a.startsWith('Commit')), ['Commit ABORTED', 'Commit ABORTED', 'Commit OK']);
    assert.deepEqual(await entries(server, 'c/d'), ['create']);
});

test('gRPC: after GOAWAY the next call takes a new connection', PATIENCE, async t => {
    const server = await serve(t, '--fault', 'goaway nth=2');
    const db = connect(t, 'gRPC', { host: server.host });
    for (const id of ['a', 'b', 'c'])
        await db.doc(`c/${id}`).set({});
    const [before, on, after] = server.lines().filter(line => line.rpc === 'Commit').map(line => line.connection);
    assert.equal(on, before);
    assert.notEqual(after, on);
});

test('lite: a read that breaks off is an error, never a short answer', PATIENCE, async t => {
    const server = await serve(t);
    const db = own(t, 'lite', server);
    for (let n = 0; n < 3; n++)
        await lite.setDoc(lite.doc(db, `c/d${n}`), { n });
    await server.control('POST', 'faults', 'truncate messages=2');
    await assert.rejects(CALLS.lite.query(db, 'c'), { code: 'unknown' });
});
