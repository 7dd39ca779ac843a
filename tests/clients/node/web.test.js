/* firebase/firestore, the web SDK, in Node: one Listen stream for all its reads, one Write stream for its writes. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const web = require('firebase/firestore');
const { newProject, PATIENCE } = require('./harness');
const { listening, snapshots, changes, ids } = require('./harness_listen');
const { connectWeb } = require('./harness_web');

const step = (name, fn) => test(`web: ${name}`, PATIENCE, t => fn(connectWeb(t), t));
const listen = (t, query) => snapshots(t, (next, error) => web.onSnapshot(query, next, error));

step('documents are written, read, merged, counted and deleted', async db => {
    const ref = web.doc(db, 'c/a');
    await web.setDoc(ref, { n: 1, map: { x: 1 } });
    await web.setDoc(ref, { map: { y: 2 }, at: web.serverTimestamp() }, { merge: true });
    await web.updateDoc(ref, { n: web.increment(4), tags: web.arrayUnion('t') });
    const { at, ...rest } = (await web.getDoc(ref)).data();
    assert.ok(at instanceof web.Timestamp);
    assert.deepEqual(rest, { n: 5, map: { x: 1, y: 2 }, tags: ['t'] });
    await web.addDoc(web.collection(db, 'c'), { n: 9 });
    assert.equal((await web.getCountFromServer(web.collection(db, 'c'))).data().count, 2);
    assert.deepEqual((await web.getDocs(web.query(web.collection(db, 'c'), web.where('n', '>', 6)))).docs.map(d => d.data().n), [9]);
    await web.deleteDoc(ref);
    assert.equal((await web.getDoc(ref)).exists(), false);
});

step('batches in a row are sent without waiting and land in order', async db => {
    const writes = [];
    for (let i = 0; i < 30; i++) {
        const batch = web.writeBatch(db);
        batch.set(web.doc(db, 'c/last'), { n: i });
        batch.set(web.doc(db, `c/${i}`), { n: i });
        writes.push(batch.commit());
    }
    await Promise.all(writes);
    assert.equal((await web.getDocFromServer(web.doc(db, 'c/last'))).data().n, 29);
    assert.equal((await web.getCountFromServer(web.collection(db, 'c'))).data().count, 31);
});

step('a refused write is told to its caller, and later ones go on', async db => {
    await assert.rejects(web.updateDoc(web.doc(db, 'c/none'), { n: 1 }), e => e.code === 'not-found');
    await web.setDoc(web.doc(db, 'c/a'), { n: 1 });
    assert.equal((await web.getDocFromServer(web.doc(db, 'c/a'))).data().n, 1);
});

step('a transaction', async db => {
    await web.setDoc(web.doc(db, 'c/a'), { n: 1 });
    await web.runTransaction(db, async txn => txn.update(web.doc(db, 'c/a'), { n: (await txn.get(web.doc(db, 'c/a'))).data().n + 1 }));
    assert.equal((await web.getDocFromServer(web.doc(db, 'c/a'))).data().n, 2);
});

test('web: several listeners of one client hear what another one does', PATIENCE, listening(async t => {
    const projectId = newProject(), db = connectWeb(t, { projectId }), other = connectWeb(t, { projectId });
    const all = listen(t, web.collection(db, 'c'));
    const some = listen(t, web.query(web.collection(db, 'c'), web.where('n', '>=', 2), web.orderBy('n'), web.limit(2)));
    const one = listen(t, web.doc(db, 'c/a'));
    assert.equal(ids(await all.next()) + ids(await some.next()), '');
    assert.equal((await one.next()).exists(), false);
    await web.setDoc(web.doc(other, 'c/a'), { n: 2 });
    assert.deepEqual(changes(await all.next()), ['added c/a 2']);
    assert.deepEqual(changes(await some.next()), ['added c/a 2']);
    assert.deepEqual((await one.next()).data(), { n: 2 });
    await web.setDoc(web.doc(other, 'c/a'), { n: 1 });
    assert.deepEqual(changes(await all.next()), ['modified c/a 1']);
    assert.deepEqual(changes(await some.next()), ['removed c/a 2']);
}));

test('web: a listener goes on after its stream was away', PATIENCE, listening(async t => {
    const projectId = newProject(), db = connectWeb(t, { projectId }), other = connectWeb(t, { projectId });
    await web.setDoc(web.doc(other, 'c/a'), { n: 1 });
    await web.setDoc(web.doc(other, 'c/b'), { n: 1 });
    const s = listen(t, web.collection(db, 'c'));
    assert.equal(ids(await s.next()), 'a b');
    await web.disableNetwork(db);
    await web.deleteDoc(web.doc(other, 'c/a'));
    await web.setDoc(web.doc(other, 'c/c'), { n: 3 });
    await web.enableNetwork(db);
    let now = await s.next();
    while (now.metadata.fromCache)
        now = await s.next();
    assert.equal(ids(now), 'b c');
}));

test('web: a listener that rules deny ends with permission-denied', PATIENCE, listening(async t => {
    const projectId = newProject();
    const rules = "rules_version = '2'; service cloud.firestore { match /databases/{d}/documents { match /{all=**} { allow read: if false; } } }";
    await fetch(`http://${process.env.FIRESTORE_EMULATOR_HOST}/emulator/v1/projects/${projectId}:securityRules`, {
        method: 'PUT', body: JSON.stringify({ rules: { files: [{ name: 'r', content: rules }] } }) });
    await assert.rejects(listen(t, web.collection(connectWeb(t, { projectId, user: null }), 'c')).next(),
                         e => e.code === 'permission-denied');
}));
