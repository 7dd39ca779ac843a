/* firebase-admin over both transports: the server client in another wrapping and an earlier version; what an audited
 * service does with it. */
'use strict';

const assert = require('node:assert/strict');
const { generateKeyPairSync } = require('node:crypto');
const { test } = require('node:test');
const { cert, deleteApp, initializeApp } = require('firebase-admin/app');
const { FieldValue, Filter, initializeFirestore, Timestamp } = require('firebase-admin/firestore');
const { found, newProject, PATIENCE, serve, toward } = require('./harness');

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/* preferRest wants credentials although it says "Bearer owner" to an emulator whatever they are. */
function credential(projectId) {
    const clientEmail = `svc@${projectId}.iam.gserviceaccount.com`;
    return cert({ projectId, clientEmail, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) });
}

/* host: of a server of the test's own; absent for the shared one. */
function connectAdmin(t, transport, host) {
    const projectId = newProject();
    const rest = transport === 'REST';
    const app = initializeApp(rest ? { projectId, credential: credential(projectId) } : { projectId }, projectId);
    const db = toward(host, () => initializeFirestore(app, { preferRest: rest }));
    t.after(async () => {
        await db.terminate();
        await deleteApp(app);
    });
    return db;
}

function step(name, fn) {
    for (const transport of ['gRPC', 'REST'])
        test(`admin over ${transport}: ${name}`, PATIENCE, t => fn(t, transport));
}

step('add, get, merge, update and delete', async (t, transport) => {
    const db = connectAdmin(t, transport);
    const at = new Timestamp(1764000000, 1000);
    const ref = await db.collection('c').add({ request_id: 'r1', at, m: { x: 1 } });
    await ref.set({ m: { y: 2 } }, { merge: true });
    await ref.update({ 'm.x': FieldValue.delete(), 'n': FieldValue.increment(3) });
    assert.deepEqual((await ref.get()).data(), { request_id: 'r1', at, m: { y: 2 }, n: 3 });
    await ref.delete();
    assert.equal((await ref.get()).exists, false);
    await assert.rejects(ref.update({ n: 1 }), { code: 5 });
});

step('batch, bulk writer, transaction', async (t, transport) => {
    const db = connectAdmin(t, transport);
    const c = db.collection('c');
    await db.batch().create(c.doc('a'), { n: 1 }).create(c.doc('b'), { n: 2 }).commit();
    /* REST: this version takes the HTTP status 409 for ABORTED and asks for minutes. */
    if (transport === 'gRPC')
        await assert.rejects(db.batch().create(c.doc('x'), {}).create(c.doc('b'), {}).commit(), { code: 6 });
    const writer = db.bulkWriter();
    for (let i = 0; i < 30; i++)
        writer.create(c.doc(`bulk${i}`), { n: 0 }).catch(() => {});
    await writer.close();
    const total = await db.runTransaction(async transaction => {
        const sum = (await transaction.get(c.orderBy('n', 'desc').limit(2))).docs.reduce((s, d) => s + d.get('n'), 0);
        transaction.set(c.doc('total'), { sum });
        return sum;
    });
    assert.equal(total, 3);
    assert.equal((await c.doc('total').get()).get('sum'), 3);
    assert.equal((await c.count().get()).data().count, 33);
});

step('queries, a collection group, lists and recursiveDelete', async (t, transport) => {
    const db = connectAdmin(t, transport);
    for (const [name, n] of [['a/1/g/x', 1], ['g/y', 2], ['a/2/g/z', 3]])
        await db.doc(name).set({ n });
    const either = Filter.or(Filter.where('n', '==', 1), Filter.where('n', '>', 2));
    assert.deepEqual(await found(db.collectionGroup('g').where(either)), ['x', 'z']);
    assert.deepEqual((await db.listCollections()).map(c => c.id), ['a', 'g']);
    assert.deepEqual((await db.collection('a').listDocuments()).map(d => d.id), ['1', '2']);
    await db.recursiveDelete(db.collection('a'));
    assert.deepEqual(await found(db.collectionGroup('g')), ['y']);
});

step('an append-only collection takes entries and refuses their change, once and by name', async (t, transport) => {
    const server = await serve(t, '--append-only', 'api_audit_logs');
    const db = connectAdmin(t, transport, server.host);
    const entry = await db.collection('api_audit_logs').add({ request_id: 'r1', status_code: 200 });
    const named = error => error.code === 7 && error.message.includes('api_audit_logs');
    for (const change of [() => entry.set({ x: 1 }), () => entry.update({ status_code: 500 }), () => entry.delete(),
                          () => db.batch().create(db.doc('api_audit_logs/e2'), {}).delete(entry).commit()]) {
        const attempts = await server.attempts(() => assert.rejects(change(), named));
        assert.deepEqual(attempts, ['Commit PERMISSION_DENIED']);
    }
    let runs = 0;
    await assert.rejects(db.runTransaction(async transaction => {
        runs++;
        await transaction.get(entry);
        transaction.delete(entry);
    }), named);
    assert.equal(runs, 1);
    assert.deepEqual((await db.collection('api_audit_logs').get()).docs.map(d => d.data()),
                     [{ request_id: 'r1', status_code: 200 }]);
    await assert.rejects(db.recursiveDelete(db.collection('api_audit_logs')));
    assert.equal((await entry.get()).exists, true);
});
