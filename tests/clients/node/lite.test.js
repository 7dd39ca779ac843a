/* firebase/firestore/lite: what it does without a user, where everything is allowed. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const lite = require('firebase/firestore/lite');
const { ids, PATIENCE } = require('./harness');
const { connectLite, codeOf } = require('./harness_lite');

const step = (name, fn) => test(`lite: ${name}`, PATIENCE, t => fn(connectLite(t), t));

step('addDoc and setDoc, then getDoc returns what was written', async db => {
    const data = {
        text: 'größe', int: 7, double: 1.5, nil: null, yes: true, list: [1, 'two', { three: 3 }], map: { a: { b: 1 } },
        at: new lite.Timestamp(1764000000, 123456000), where: new lite.GeoPoint(1.5, -2),
        bytes: lite.Bytes.fromUint8Array(new Uint8Array([0, 255])), vector: lite.vector([1, 2.5]),
    };
    const ref = await lite.addDoc(lite.collection(db, 'api_audit_logs'), data);
    assert.match(ref.id, /^[A-Za-z0-9]{20}$/);
    const back = (await lite.getDoc(ref)).data();
    for (const name of ['at', 'where', 'bytes', 'vector']) {
        assert.ok(back[name].isEqual(data[name]), name);
        delete back[name];
        delete data[name];
    }
    assert.deepEqual(back, data);
    const missing = await lite.getDoc(lite.doc(db, 'c/none'));
    assert.equal(missing.exists(), false);
    assert.equal(missing.data(), undefined);
});

step('setDoc replaces and merges, updateDoc updates, deleteDoc deletes', async db => {
    const ref = lite.doc(db, 'c/d');
    const now = async () => (await lite.getDoc(ref)).data();
    await lite.setDoc(ref, { a: { b: 1, c: 2 }, n: 1 });
    await lite.setDoc(ref, { a: { b: 5 } }, { merge: true });
    assert.deepEqual(await now(), { a: { b: 5, c: 2 }, n: 1 });
    await lite.setDoc(ref, { a: { c: 9 }, n: 9 }, { mergeFields: ['a.c'] });
    assert.deepEqual(await now(), { a: { b: 5, c: 9 }, n: 1 });
    await lite.updateDoc(ref, { 'a.b': lite.deleteField(), 'n': lite.increment(4), 'tags': lite.arrayUnion('x', 'y') });
    assert.deepEqual(await now(), { a: { c: 9 }, n: 5, tags: ['x', 'y'] });
    await lite.updateDoc(ref, { tags: lite.arrayRemove('x'), at: lite.serverTimestamp() });
    const { at, ...rest } = await now();
    assert.deepEqual(rest, { a: { c: 9 }, n: 5, tags: ['y'] });
    assert.ok(at instanceof lite.Timestamp);
    await lite.deleteDoc(ref);
    assert.equal(await now(), undefined);
    assert.equal(await codeOf(lite.updateDoc(ref, { n: 1 })), 'not-found');
});

step('a batch is all or nothing', async db => {
    await lite.writeBatch(db).set(lite.doc(db, 'c/a'), { n: 1 }).update(lite.doc(db, 'c/a'), { n: lite.increment(1) })
        .set(lite.doc(db, 'c/b'), { m: { x: 1 } }).delete(lite.doc(db, 'c/none')).commit();
    const failing = lite.writeBatch(db).set(lite.doc(db, 'c/c'), { n: 1 }).update(lite.doc(db, 'c/none'), { n: 1 });
    assert.equal(await codeOf(failing.commit()), 'not-found');
    const all = await lite.getDocs(lite.collection(db, 'c'));
    assert.deepEqual(all.docs.map(d => [d.id, d.data()]), [['a', { n: 2 }], ['b', { m: { x: 1 } }]]);
});

step('a transaction reads some documents and writes others', async db => {
    const [a, b, made] = ['a', 'b', 'made'].map(id => lite.doc(db, 'bank', id));
    await lite.setDoc(a, { n: 10 });
    await lite.setDoc(b, { n: 1 });
    const sum = await lite.runTransaction(db, async transaction => {
        const total = (await transaction.get(a)).get('n') + (await transaction.get(b)).get('n');
        assert.equal((await transaction.get(made)).exists(), false);
        transaction.set(made, { total }); /* a and b go along as `verify` */
        return total;
    });
    assert.equal(sum, 11);
    assert.deepEqual((await lite.getDoc(made)).data(), { total: 11 });
});

step('no increment of transactions that run at once is lost', async db => {
    const ref = lite.doc(db, 'c/counter');
    await lite.setDoc(ref, { n: 0 });
    const add = () => lite.runTransaction(db, async transaction => {
        const n = (await transaction.get(ref)).get('n');
        transaction.update(ref, { n: n + 1 });
    }, { maxAttempts: 50 });
    await Promise.all([add(), add(), add()]);
    assert.equal((await lite.getDoc(ref)).get('n'), 3);
});

step('a transaction whose document is missing fails with the code of that', async db => {
    const missing = lite.doc(db, 'c/missing');
    let runs = 0;
    const refused = lite.runTransaction(db, async transaction => {
        runs++;
        transaction.update(missing, { n: 1 });
    });
    assert.equal(await codeOf(refused), 'not-found');
    assert.equal(runs, 1);
});

async function entries(db) {
    const logs = lite.collection(db, 'logs');
    const batch = lite.writeBatch(db);
    const all = {
        a: { n: 1, tags: ['x'] },
        b: { n: 2, tags: ['x', 'y'] },
        c: { n: 3, tags: [] },
        d: { n: 4, user: null },
    };
    Object.entries(all).forEach(([id, data]) => batch.set(lite.doc(logs, id), data));
    await batch.commit();
    return logs;
}

step('queries: filters, order, limits and cursors', async db => {
    const logs = await entries(db);
    const found = async (...parts) => ids(await lite.getDocs(lite.query(logs, ...parts)));
    const { and, documentId, endAt, limit, limitToLast, or, orderBy, startAfter, where } = lite;
    assert.deepEqual(await found(), ['a', 'b', 'c', 'd']);
    assert.deepEqual(await found(where('n', '>', 1), where('n', '<=', 3)), ['b', 'c']);
    assert.deepEqual(await found(where('n', 'in', [4, 1])), ['a', 'd']);
    assert.deepEqual(await found(where('n', 'not-in', [1, 2])), ['c', 'd']);
    assert.deepEqual(await found(where('tags', 'array-contains-any', ['y', 'z'])), ['b']);
    assert.deepEqual(await found(where('user', '==', null)), ['d']);
    const first = and(where('tags', 'array-contains', 'x'), where('n', '<', 2));
    assert.deepEqual(await found(or(where('n', '==', 4), first)), ['a', 'd']);
    assert.deepEqual(await found(orderBy('n', 'desc'), limit(2)), ['d', 'c']);
    assert.deepEqual(await found(orderBy('n'), limitToLast(2)), ['c', 'd']);
    assert.deepEqual(await found(orderBy('n'), startAfter(1), endAt(3)), ['b', 'c']);
    assert.deepEqual(await found(where(documentId(), '>=', 'c')), ['c', 'd']);
    assert.deepEqual(await found(where('n', '==', 99)), []);
});

step('a collection group', async db => {
    for (const name of ['a/1/g/x', 'g/y', 'a/1/h/z'])
        await lite.setDoc(lite.doc(db, name), { name });
    const all = await lite.getDocs(lite.collectionGroup(db, 'g'));
    assert.deepEqual(all.docs.map(d => d.ref.path), ['a/1/g/x', 'g/y']);
    const some = await lite.getDocs(lite.query(lite.collectionGroup(db, 'g'), lite.where('name', '==', 'g/y')));
    assert.deepEqual(ids(some), ['y']);
});

step('count, sum and average', async db => {
    const logs = await entries(db);
    assert.equal((await lite.getCount(logs)).data().count, 4);
    assert.equal((await lite.getCount(lite.query(logs, lite.where('tags', 'array-contains', 'x')))).data().count, 2);
    const all = await lite.getAggregate(logs, { how: lite.count(), total: lite.sum('n'), mean: lite.average('n') });
    assert.deepEqual(all.data(), { how: 4, total: 10, mean: 2.5 });
    const nothing = lite.collection(db, 'none');
    const none = await lite.getAggregate(nothing, { total: lite.sum('n'), mean: lite.average('n') });
    assert.deepEqual(none.data(), { total: 0, mean: null });
});
