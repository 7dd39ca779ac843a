/* @google-cloud/firestore over both transports: what the server refuses reaches the caller with its code, at the
 * first attempt. The attempts are counted in the server's request log. */
'use strict';

const assert = require('node:assert/strict');
const { generateKeyPairSync } = require('node:crypto');
const { test } = require('node:test');
const { connect, PATIENCE, perTransport, refused, serve, serveRules } = require('./harness');

/* Runs one refused call and tells how often the client asked. */
async function once(server, transport, call, status, rpc) {
    const seen = await server.attempts(() => refused(call(), transport, status));
    assert.deepEqual(seen, [`${rpc} ${status}`]);
}

perTransport('preconditions that do not hold', async (t, transport) => {
    const server = await serve(t);
    const db = connect(t, transport, { host: server.host });
    const { writeTime } = await db.doc('c/there').set({ n: 1 });
    await db.doc('c/there').set({ n: 2 });
    await once(server, transport, () => db.doc('c/missing').update({ n: 1 }), 'NOT_FOUND', 'Commit');
    await once(server, transport, () => db.doc('c/there').update({ n: 3 }, { lastUpdateTime: writeTime }),
               'FAILED_PRECONDITION', 'Commit');
    assert.equal((await db.doc('c/there').get()).get('n'), 2);
});

perTransport('create of what is there', async (t, transport) => {
    const server = await serve(t);
    const db = connect(t, transport, { host: server.host });
    await db.doc('c/there').create({ n: 1 });
    await once(server, transport, () => db.doc('c/there').create({ n: 2 }), 'ALREADY_EXISTS', 'Commit');
    assert.equal((await db.doc('c/there').get()).get('n'), 1);
});

perTransport('queries that cannot be run', async (t, transport) => {
    const server = await serve(t);
    const db = connect(t, transport, { host: server.host });
    const bad = db.collection('c').where('a', 'in', Array.from({ length: 31 }, (_, i) => i));
    await once(server, transport, () => bad.get(), 'INVALID_ARGUMENT', 'RunQuery');
    await once(server, transport, () => bad.count().get(), 'INVALID_ARGUMENT', 'RunAggregationQuery');
});

perTransport('a pipeline, which only the Enterprise edition has', async (t, transport) => {
    const server = await serve(t);
    const db = connect(t, transport, { host: server.host });
    await once(server, transport, () => db.pipeline().collection('c').execute(), 'UNIMPLEMENTED', 'ExecutePipeline');
});

/* Every call goes through rules that allow only this. */
const RULES = 'match /open/{id} { allow read, write: if true; }';

perTransport('denied by the rules: every call, at the first attempt', async (t, transport) => {
    const server = await serveRules(t, RULES, '--owner-as', 'fixtures/principals/fastapi_service.json');
    const db = connect(t, transport, { host: server.host });
    await db.doc('open/d').set({ n: 1 });
    const denied = (call, rpc) => once(server, transport, call, 'PERMISSION_DENIED', rpc);
    await denied(() => db.doc('shut/d').get(), 'BatchGetDocuments');
    await denied(() => db.getAll(db.doc('open/d'), db.doc('shut/d')), 'BatchGetDocuments');
    await denied(() => db.collection('shut').get(), 'RunQuery');
    await denied(() => db.collection('shut').count().get(), 'RunAggregationQuery');
    await denied(() => db.doc('shut/d').set({ n: 1 }), 'Commit');
    await denied(() => db.batch().set(db.doc('open/e'), { n: 1 }).delete(db.doc('shut/d')).commit(), 'Commit');
    assert.deepEqual((await db.collection('open').get()).docs.map(d => d.id), ['d']);
});

perTransport('a denied stream() ends in its error', async (t, transport) => {
    const server = await serveRules(t, RULES, '--owner-as', 'fixtures/principals/fastapi_service.json');
    const db = connect(t, transport, { host: server.host });
    const read = async () => {
        for await (const snapshot of db.collection('shut').stream())
            assert.fail(snapshot.id);
    };
    await once(server, transport, read, 'PERMISSION_DENIED', 'RunQuery');
});

perTransport('a denied transaction runs once', async (t, transport) => {
    const server = await serveRules(t, RULES, '--owner-as', 'fixtures/principals/fastapi_service.json');
    const db = connect(t, transport, { host: server.host });
    let runs = 0;
    const seen = await server.attempts(() => refused(db.runTransaction(async transaction => {
        runs++;
        await transaction.get(db.doc('open/d'));
        transaction.set(db.doc('shut/d'), { n: 1 });
    }), transport, 'PERMISSION_DENIED'));
    assert.equal(runs, 1);
    assert.deepEqual(seen.slice(0, 2), ['BatchGetDocuments OK', 'Commit PERMISSION_DENIED']);
    assert.deepEqual(seen.slice(2).filter(line => line !== 'Rollback OK'), []);
});

perTransport('an append-only collection takes entries and refuses their change', async (t, transport) => {
    const server = await serve(t, '--append-only', 'api_audit_logs');
    const db = connect(t, transport, { host: server.host });
    const entry = await db.collection('api_audit_logs').add({ request_id: 'r1', status_code: 200 });
    const denied = call => once(server, transport, call, 'PERMISSION_DENIED', 'Commit');
    await denied(() => entry.set({ x: 1 }));
    await denied(() => entry.update({ status_code: 500 }));
    await denied(() => entry.delete());
    assert.deepEqual((await entry.get()).data(), { request_id: 'r1', status_code: 200 });
    const writer = db.bulkWriter();
    const asked = [writer.delete(entry), writer.set(db.doc('elsewhere/x'), { a: 1 }), writer.close()];
    const results = await Promise.all(asked.map(p => p.then(() => 'ok', error => error.code)));
    assert.deepEqual(results, [7, 'ok', 'ok']);
    assert.equal((await entry.get()).exists, true);
});

/* preferRest with the key file of a service account sends a token that the key signed, not "Bearer owner". Google's
 * emulator takes it for a user's (observed on 1.19.9), so rules decide and admin calls are refused; so do we. */
test("REST: a service account's own token is a user's", PATIENCE, async t => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const email = 'svc@example.iam.gserviceaccount.com';
    const credentials = { client_email: email, private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
    const server = await serveRules(t, `match /own/{id} { allow read, write: if request.auth.uid == '${email}'; }`);
    const db = connect(t, 'REST', { host: server.host, credentials });
    await db.doc('own/d').set({ n: 1 });
    assert.deepEqual((await db.doc('own/d').get()).data(), { n: 1 });
    await once(server, 'REST', () => db.doc('other/d').get(), 'PERMISSION_DENIED', 'BatchGetDocuments');
    await once(server, 'REST', () => db.doc('own/d').listCollections(), 'PERMISSION_DENIED', 'ListCollectionIds');
});
