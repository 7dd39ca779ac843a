/* firebase/firestore/lite under rules: nobody, users by mock token, and the admin. What is denied reaches the caller
 * as permission-denied at the first attempt; the attempts are counted in the server's request log. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const lite = require('firebase/firestore/lite');
const { ids, newProject, PATIENCE, serveRules } = require('./harness');
const { connectLite, codeOf } = require('./harness_lite');

const RULES = `
    match /public/{id} { allow read: if true; }
    match /notes/{id} {
      allow read: if request.auth != null && resource.data.owner == request.auth.uid;
      allow create: if request.auth != null && request.resource.data.owner == request.auth.uid
                    && request.resource.data.text is string;
      allow update: if request.auth.uid == resource.data.owner && request.resource.data.owner == resource.data.owner;
    }
    match /{path=**}/group/{id} { allow read: if request.auth.token.role == 'auditor'; }
    match /audit/{id} { allow read, write: if request.auth.token.role == 'auditor'; }`;

async function world(t) {
    const server = await serveRules(t, RULES);
    const projectId = newProject();
    return { server, as: user => connectLite(t, { host: server.host, projectId, user }) };
}

const step = (name, fn) => test(`lite under rules: ${name}`, PATIENCE, async t => fn(await world(t)));

step('nobody reads what is public and nothing else', async ({ server, as }) => {
    const [nobody, owner] = [as(), as('owner')];
    await lite.setDoc(lite.doc(owner, 'public/p'), { n: 1 });
    await lite.setDoc(lite.doc(owner, 'notes/n'), { owner: 'alice', text: 'x' });
    assert.deepEqual((await lite.getDoc(lite.doc(nobody, 'public/p'))).data(), { n: 1 });
    assert.deepEqual(ids(await lite.getDocs(lite.collection(nobody, 'public'))), ['p']);
    const calls = { BatchGetDocuments: () => lite.getDoc(lite.doc(nobody, 'notes/n')),
                    RunQuery: () => lite.getDocs(lite.collection(nobody, 'notes')),
                    RunAggregationQuery: () => lite.getCount(lite.collection(nobody, 'notes')),
                    Commit: () => lite.setDoc(lite.doc(nobody, 'public/q'), { n: 1 }) };
    for (const [rpc, call] of Object.entries(calls)) {
        const attempts = await server.attempts(async () => assert.equal(await codeOf(call()), 'permission-denied'));
        assert.deepEqual(attempts, [`${rpc} PERMISSION_DENIED`]);
    }
    assert.equal((await lite.getDoc(lite.doc(owner, 'public/q'))).exists(), false);
});

step('a user reaches what is the user\'s', async ({ as }) => {
    const [alice, bob] = [as({ sub: 'alice' }), as({ sub: 'bob' })];
    const mine = lite.doc(alice, 'notes/mine');
    await lite.setDoc(mine, { owner: 'alice', text: 'hello' });
    await lite.updateDoc(mine, { text: 'again' });
    assert.deepEqual((await lite.getDoc(mine)).data(), { owner: 'alice', text: 'again' });
    const own = (db, uid) => lite.query(lite.collection(db, 'notes'), lite.where('owner', '==', uid));
    assert.deepEqual(ids(await lite.getDocs(own(alice, 'alice'))), ['mine']);
    assert.equal((await lite.getCount(own(alice, 'alice'))).data().count, 1);
    assert.deepEqual(ids(await lite.getDocs(own(bob, 'bob'))), []);
    assert.equal(await codeOf(lite.getDocs(own(bob, 'alice'))), 'permission-denied');
    assert.equal(await codeOf(lite.getDoc(lite.doc(bob, 'notes/mine'))), 'permission-denied');
    assert.equal(await codeOf(lite.updateDoc(lite.doc(bob, 'notes/mine'), { text: 'x' })), 'permission-denied');
    assert.equal(await codeOf(lite.updateDoc(mine, { owner: 'bob' })), 'permission-denied');
    assert.equal(await codeOf(lite.deleteDoc(mine)), 'permission-denied');
    const odd = lite.setDoc(lite.doc(alice, 'notes/odd'), { owner: 'alice', text: 7 });
    assert.equal(await codeOf(odd), 'permission-denied');
});

step('claims of the token decide, for a collection group too', async ({ as }) => {
    const [auditor, user, owner] = [as({ sub: 'eve', role: 'auditor' }), as({ sub: 'bob' }), as('owner')];
    await lite.setDoc(lite.doc(owner, 'a/1/group/x'), { n: 1 });
    assert.deepEqual(ids(await lite.getDocs(lite.collectionGroup(auditor, 'group'))), ['x']);
    assert.equal(await codeOf(lite.getDocs(lite.collectionGroup(user, 'group'))), 'permission-denied');
});

step('one denied write of a batch keeps the others out', async ({ server, as }) => {
    const alice = as({ sub: 'alice' });
    const batch = lite.writeBatch(alice).set(lite.doc(alice, 'notes/n'), { owner: 'alice', text: 'x' })
        .set(lite.doc(alice, 'public/p'), { n: 1 });
    const attempts = await server.attempts(async () => assert.equal(await codeOf(batch.commit()), 'permission-denied'));
    assert.deepEqual(attempts, ['Commit PERMISSION_DENIED']);
    assert.equal((await lite.getDoc(lite.doc(as('owner'), 'notes/n'))).exists(), false);
});

step('a transaction is judged as a whole, and once', async ({ as }) => {
    const auditor = as({ sub: 'eve', role: 'auditor' });
    const [a, b] = ['a', 'b'].map(id => lite.doc(auditor, 'audit', id));
    await lite.setDoc(a, { n: 1 });
    await lite.runTransaction(auditor, async transaction => {
        transaction.set(b, { n: (await transaction.get(a)).get('n') + 1 });
    });
    assert.deepEqual((await lite.getDoc(b)).data(), { n: 2 });
    let runs = 0;
    const denied = lite.runTransaction(auditor, async transaction => {
        runs++;
        await transaction.get(a);
        transaction.set(lite.doc(auditor, 'public/p'), { n: 1 });
    });
    assert.equal(await codeOf(denied), 'permission-denied');
    assert.equal(runs, 1);
});

step('the admin passes by the rules', async ({ as }) => {
    const owner = as('owner');
    await lite.setDoc(lite.doc(owner, 'anywhere/d'), { n: 1 });
    await lite.updateDoc(lite.doc(owner, 'anywhere/d'), { n: 2 });
    assert.deepEqual((await lite.getDoc(lite.doc(owner, 'anywhere/d'))).data(), { n: 2 });
    await lite.deleteDoc(lite.doc(owner, 'anywhere/d'));
    assert.equal((await lite.getCount(lite.collection(owner, 'anywhere'))).data().count, 0);
});
