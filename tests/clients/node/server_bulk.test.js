/* @google-cloud/firestore over both transports: bulk writer, lists of what is there, partitions, recursive delete. */
'use strict';

const assert = require('node:assert/strict');
const { FieldPath } = require('@google-cloud/firestore');
const { connect, found, onBoth } = require('./harness');

onBoth('the bulk writer does every kind of write, each for itself', async db => {
    const c = db.collection('bulk');
    await Promise.all([c.doc('old').set({ n: 1 }), c.doc('gone').set({ n: 1 })]);
    const writer = db.bulkWriter();
    const asked = [writer.create(c.doc('new'), { n: 1 }), writer.set(c.doc('set'), { n: 2 }),
                   writer.update(c.doc('old'), { n: 3 }),
                   writer.set(c.doc('merged'), { m: { x: 1 } }, { merge: true }), writer.delete(c.doc('gone'))];
    await writer.close();
    /* The result of a delete has no time; the library says 1970. */
    const times = (await Promise.all(asked)).map(result => result.writeTime.toMillis());
    assert.deepEqual(times.map(time => time > 0), [true, true, true, true, false]);
    assert.deepEqual((await c.get()).docs.map(d => [d.id, d.data()]),
                     [['merged', { m: { x: 1 } }], ['new', { n: 1 }], ['old', { n: 3 }], ['set', { n: 2 }]]);
});

onBoth('one refused write of a bulk fails alone and at once', async db => {
    const c = db.collection('bulk');
    await c.doc('there').set({ n: 1 });
    const writer = db.bulkWriter();
    const attempts = [];
    writer.onWriteError(error => {
        attempts.push([error.documentRef.id, error.code, error.failedAttempts]);
        return false;
    });
    const asked = [writer.create(c.doc('there'), { n: 2 }), writer.update(c.doc('missing'), { n: 2 }),
                   writer.create(c.doc('fine'), { n: 2 }), writer.close()];
    const results = await Promise.all(asked.map(p => p.then(() => 'ok', error => error.code)));
    assert.deepEqual(results, [6, 5, 'ok', 'ok']);
    assert.deepEqual(attempts.sort(), [['missing', 5, 1], ['there', 6, 1]]);
    assert.deepEqual((await c.get()).docs.map(d => [d.id, d.get('n')]), [['fine', 2], ['there', 1]]);
});

onBoth('three hundred writes in bulk', async db => {
    const writer = db.bulkWriter();
    for (let i = 0; i < 300; i++)
        writer.create(db.doc(`bulk/${i}`), { i }).catch(() => {});
    await writer.close();
    const numbers = (await db.collection('bulk').get()).docs.map(d => d.get('i'));
    assert.deepEqual(numbers.sort((a, b) => a - b), Array.from({ length: 300 }, (_, i) => i));
});

async function forest(db) {
    for (const name of ['a/1', 'a/1/b/x', 'a/1/c/y', 'a/2/b/z', 'a/3/b/w/d/deep', 'e/1'])
        await db.doc(name).set({ name });
}

onBoth('listCollections of the database and of a document, missing ones too', async db => {
    await forest(db);
    const names = async from => (await from.listCollections()).map(c => c.path);
    assert.deepEqual(await names(db), ['a', 'e']);
    assert.deepEqual(await names(db.doc('a/1')), ['a/1/b', 'a/1/c']);
    assert.deepEqual(await names(db.doc('a/3/b/w')), ['a/3/b/w/d']);
    assert.deepEqual(await names(db.doc('a/none')), []);
});

onBoth('listDocuments names the missing ones that have something below', async db => {
    await forest(db);
    assert.deepEqual((await db.collection('a').listDocuments()).map(d => d.path), ['a/1', 'a/2', 'a/3']);
    assert.deepEqual((await db.collection('a/3/b').listDocuments()).map(d => d.path), ['a/3/b/w']);
    assert.deepEqual(await db.collection('none').listDocuments(), []);
    const snapshots = await db.getAll(...await db.collection('a').listDocuments());
    assert.deepEqual(snapshots.map(s => s.exists), [true, false, false]);
});

onBoth('listDocuments goes on from page to page', async db => {
    const writer = db.bulkWriter();
    const all = Array.from({ length: 400 }, (_, i) => `d${String(i).padStart(3, '0')}`);
    all.forEach(id => writer.create(db.collection('c').doc(id), {}));
    await writer.close();
    assert.deepEqual((await db.collection('c').listDocuments()).map(d => d.id), all);
});

onBoth('the partitions of a group are apart and have every document', async db => {
    const writer = db.bulkWriter();
    for (let i = 0; i < 300; i++)
        writer.create(db.doc(i % 2 ? `p/${i % 7}/g/${i}` : `g/${i}`), { i });
    await writer.close();
    const partitions = [];
    for await (const partition of db.collectionGroup('g').getPartitions(4))
        partitions.push(partition);
    assert.ok(partitions.length >= 1 && partitions.length <= 4);
    assert.equal(partitions[0].startAt, undefined);
    assert.equal(partitions.at(-1).endBefore, undefined);
    const seen = [];
    for (const partition of partitions)
        seen.push(...(await partition.toQuery().get()).docs.map(d => d.ref.path));
    assert.equal(seen.length, 300);
    const all = await db.collectionGroup('g').orderBy(FieldPath.documentId()).get();
    assert.deepEqual(seen, all.docs.map(d => d.ref.path));
    const single = [];
    for await (const partition of db.collectionGroup('g').getPartitions(1))
        single.push((await partition.toQuery().get()).size);
    assert.deepEqual(single, [300]);
});

onBoth('recursiveDelete of a document and of a collection takes what is below, and nothing beside', async db => {
    await forest(db);
    await db.doc('a!/1').set({ beside: true });
    await db.collection('a').doc('__id7__').set({ numeric: true });
    await db.recursiveDelete(db.doc('a/1'));
    const left = async () => (await Promise.all(['a', 'b', 'c', 'd', 'e', 'a!'].map(c => db.collectionGroup(c).get())))
        .flatMap(s => s.docs.map(d => d.ref.path)).sort();
    assert.deepEqual(await left(), ['a!/1', 'a/2/b/z', 'a/3/b/w/d/deep', 'a/__id7__', 'e/1']);
    await db.recursiveDelete(db.collection('a'));
    assert.deepEqual(await left(), ['a!/1', 'e/1']);
    assert.deepEqual((await db.listCollections()).map(c => c.id), ['a!', 'e']);
});

onBoth('recursiveDelete leaves another database and another project alone', async (db, transport, t) => {
    const others = [connect(t, transport), connect(t, transport, { projectId: db.projectId, databaseId: 'second' })];
    for (const each of [db, ...others])
        await forest(each);
    await db.recursiveDelete(db.collection('a'));
    assert.deepEqual(await found(db.collectionGroup('b')), []);
    for (const other of others)
        assert.deepEqual(await found(other.collectionGroup('b')), ['x', 'z']);
});
