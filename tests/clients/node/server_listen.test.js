/* @google-cloud/firestore and firebase-admin: onSnapshot. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const admin = require('firebase-admin/app');
const { getFirestore } = require('firebase-admin/firestore');
const { connect, newProject, PATIENCE } = require('./harness');
const { listening, snapshots, changes, ids } = require('./harness_listen');

const step = (name, fn) => test(`listen: ${name}`, PATIENCE, listening(t => fn(connect(t, 'gRPC'), t)));

step('a query is told what comes, changes, leaves and goes', async (db, t) => {
    const c = db.collection('c');
    await c.doc('a').set({ n: 1 });
    const s = snapshots(t, (next, error) => c.where('n', '>', 0).onSnapshot(next, error));
    assert.deepEqual(changes(await s.next()), ['added c/a 1']);
    await c.doc('b').set({ n: 2 });
    assert.deepEqual(changes(await s.next()), ['added c/b 2']);
    await c.doc('a').update({ n: 5 });
    assert.deepEqual(changes(await s.next()), ['modified c/a 5']);
    await c.doc('b').update({ n: -1 });
    assert.deepEqual(changes(await s.next()), ['removed c/b 2']);
    await c.doc('a').delete();
    assert.deepEqual(changes(await s.next()), ['removed c/a 5']);
});

step('one commit is one snapshot', async (db, t) => {
    const s = snapshots(t, (next, error) => db.collection('c').onSnapshot(next, error));
    assert.equal((await s.next()).size, 0);
    const batch = db.batch();
    for (let i = 0; i < 20; i++)
        batch.create(db.doc(`c/${i}`), { n: i });
    await batch.commit();
    assert.equal((await s.next()).docChanges().length, 20);
});

step('what moves into a limit comes with what leaves it', async (db, t) => {
    for (let i = 0; i < 5; i++)
        await db.doc(`c/d${i}`).set({ n: i });
    const s = snapshots(t, (next, error) => db.collection('c').orderBy('n').limit(2).onSnapshot(next, error));
    assert.equal(ids(await s.next()), 'd0 d1');
    await db.doc('c/d0').delete();
    assert.equal(ids(await s.next()), 'd1 d2');
    await db.doc('c/first').set({ n: -1 });
    assert.equal(ids(await s.next()), 'first d1');
});

step('a document is told of before it is there, while it is, and after', async (db, t) => {
    const s = snapshots(t, (next, error) => db.doc('c/d').onSnapshot(next, error));
    assert.equal((await s.next()).exists, false);
    await db.doc('c/d').set({ n: 1 });
    assert.deepEqual((await s.next()).data(), { n: 1 });
    await db.doc('c/d').delete();
    assert.equal((await s.next()).exists, false);
});

step('a collection group and a projection', async (db, t) => {
    await db.doc('c/a').set({ n: 1, more: 'x' });
    const group = snapshots(t, (next, error) => db.collectionGroup('c').onSnapshot(next, error));
    const named = snapshots(t, (next, error) => db.collection('c').select('n').onSnapshot(next, error));
    assert.equal(ids(await group.next()), 'a');
    assert.deepEqual((await named.next()).docs[0].data(), { n: 1 });
    await db.doc('d/p/c/b').set({ n: 2, more: 'y' });
    assert.deepEqual(changes(await group.next()), ['added d/p/c/b 2']);
    await db.doc('c/a').update({ n: 3 });
    assert.deepEqual((await named.next()).docs[0].data(), { n: 3 });
});

step('a query that cannot be is an error of that listener', async (db, t) => {
    const s = snapshots(t, (next, error) => db.collection('c').where('n', 'in', Array.from({ length: 40 }, (_, i) => i)).onSnapshot(next, error));
    await assert.rejects(s.next(), e => { assert.match(e.message, /IN|disjunction/i); return true; });
});

test('listen: firebase-admin hears what another client writes', PATIENCE, listening(async t => {
    const projectId = newProject(), app = admin.initializeApp({ projectId }, projectId);
    t.after(() => admin.deleteApp(app));
    const s = snapshots(t, (next, error) => getFirestore(app).collection('c').onSnapshot(next, error));
    assert.equal((await s.next()).size, 0);
    await connect(t, 'gRPC', { projectId }).doc('c/a').set({ n: 1 });
    assert.deepEqual(changes(await s.next()), ['added c/a 1']);
}));
