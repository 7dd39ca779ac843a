/* @google-cloud/firestore over both transports: documents, one at a time and in batches. */
'use strict';

const assert = require('node:assert/strict');
const { FieldPath, FieldValue, GeoPoint, Timestamp } = require('@google-cloud/firestore');
const { connect, onBoth, refused } = require('./harness');

onBoth('create, then get returns what was written, and when', async db => {
    const ref = db.doc('api_audit_logs/e1');
    const entry = { request_id: 'r1', status_code: 200, at: new Timestamp(1764000000, 123456000) };
    const { writeTime } = await ref.create(entry);
    const snapshot = await ref.get();
    assert.deepEqual(snapshot.data(), entry);
    assert.ok(snapshot.createTime.isEqual(writeTime) && snapshot.updateTime.isEqual(writeTime));
    assert.ok(snapshot.readTime.valueOf() >= writeTime.valueOf());
});

onBoth('every type of value survives', async (db, transport) => {
    const data = {
        'null': null, 'yes': true, 'no': false, 'int': -42, 'large': Number.MAX_SAFE_INTEGER, 'double': 1.5, 'nan': NaN,
        'inf': -Infinity, 'text': 'größe \u{1F600} end', 'nul': 'a\0b', 'empty': '',
        'bytes': Buffer.from([0, 1, 254, 255]),
        'when': new Timestamp(253402300799, 999999000), 'where': new GeoPoint(-12.5, 170.25), 'ref': db.doc('c/d'),
        'list': [1, 'two', { three: [4] }, null], 'map': { a: { b: { c: 1 } } }, 'no list': [], 'no map': {},
        'vector': FieldValue.vector([1, 2.5, -3]),
    };
    const ref = db.doc('types/all');
    await ref.set(data);
    const back = (await ref.get()).data();
    for (const name of ['ref', 'vector', 'where']) {
        assert.ok(back[name].isEqual(data[name]), name);
        delete back[name];
        delete data[name];
    }
    assert.deepEqual(back, data);
});

onBoth('64-bit integers come back whole', async (db, transport) => {
    db.settings({ useBigInt: true });
    const ref = db.doc('c/d');
    await ref.set({ least: -(2n ** 63n), most: 2n ** 63n - 1n });
    assert.deepEqual((await ref.get()).data(), { least: -(2n ** 63n), most: 2n ** 63n - 1n });
});

onBoth('set replaces, merge merges', async db => {
    const ref = db.doc('c/d');
    await ref.set({ a: { b: 1, c: 2 }, n: 1 });
    await ref.set({ a: { b: 5 } }, { merge: true });
    assert.deepEqual((await ref.get()).data(), { a: { b: 5, c: 2 }, n: 1 });
    await ref.set({ a: { b: 6, c: 7 }, n: 8 }, { mergeFields: ['a.c', 'n'] });
    assert.deepEqual((await ref.get()).data(), { a: { b: 5, c: 7 }, n: 8 });
    await ref.set({ n: FieldValue.delete(), z: 1 }, { merge: true });
    assert.deepEqual((await ref.get()).data(), { a: { b: 5, c: 7 }, z: 1 });
    await ref.set({ only: true });
    assert.deepEqual((await ref.get()).data(), { only: true });
    await db.doc('c/new').set({}, { merge: true });
    assert.deepEqual((await db.doc('c/new').get()).data(), {});
});

onBoth('update changes the named fields, by path too, and knows the version', async (db, transport) => {
    const ref = db.doc('c/d');
    const { writeTime } = await ref.set({ 'a': { b: 1, c: 2 }, 'odd.name': { 'x y': 1 }, 'gone': 1 });
    await ref.update('a.b', 3, new FieldPath('odd.name', 'x y'), 4, 'gone', FieldValue.delete());
    assert.deepEqual((await ref.get()).data(), { 'a': { b: 3, c: 2 }, 'odd.name': { 'x y': 4 } });
    await refused(ref.update({ a: 1 }, { lastUpdateTime: writeTime }), transport, 'FAILED_PRECONDITION');
    await ref.update({ a: 1 }, { lastUpdateTime: (await ref.get()).updateTime });
    assert.equal((await ref.get()).get('a'), 1);
});

onBoth('transforms work on what is there and leave the rest alone', async db => {
    const ref = db.doc('c/d');
    await ref.set({ n: 1, tags: ['x', 'y'], keep: true });
    await ref.update({ n: FieldValue.increment(2.5), tags: FieldValue.arrayUnion('y', 'z') });
    await ref.update({ tags: FieldValue.arrayRemove('x'), at: FieldValue.serverTimestamp() });
    const snapshot = await ref.get();
    const { at, ...rest } = snapshot.data();
    assert.deepEqual(rest, { n: 3.5, tags: ['y', 'z'], keep: true });
    assert.ok(at instanceof Timestamp && at.valueOf() <= snapshot.updateTime.valueOf());
    await ref.set({ made: FieldValue.increment(7) }, { merge: true });
    assert.equal((await ref.get()).get('made'), 7);
});

onBoth('a write that changes nothing keeps the time of the last change', async db => {
    const ref = db.doc('c/d');
    const first = await ref.set({ n: 1 });
    const second = await ref.set({ n: 1 });
    assert.ok(second.writeTime.isEqual(first.writeTime));
    assert.ok((await ref.get()).updateTime.isEqual(first.writeTime));
});

onBoth('add makes a twenty-character id; delete takes the document away', async (db, transport) => {
    const ref = await db.collection('c').add({ n: 1 });
    assert.match(ref.id, /^[A-Za-z0-9]{20}$/);
    await ref.delete({ exists: true });
    assert.equal((await ref.get()).exists, false);
    await ref.delete();
    await refused(ref.delete({ exists: true }), transport, 'NOT_FOUND');
});

onBoth('ids of every kind of character', async db => {
    const odd = ['a b', 'x:y', 'run:runQuery', '%2F', 'a+b', 'q?x=1', '#', 'größe', '\u{1F600}', "it's (here)", 'a.b', '~',
                 '"'];
    for (const id of odd)
        await db.collection('odd :commit').doc(id).set({ id });
    for (const id of odd)
        assert.deepEqual((await db.collection('odd :commit').doc(id).get()).data(), { id });
    const names = (await db.collection('odd :commit').get()).docs.map(document => document.id);
    const inOrder = [...odd].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(names, inOrder);
});

onBoth('getAll in the order asked, with missing ones, twice the same, and a mask', async db => {
    await db.doc('c/a').set({ x: 1, y: { z: 2, w: 3 } });
    await db.doc('c/b').set({ x: 4 });
    const asked = ['c/b', 'c/none', 'c/a', 'c/b'].map(name => db.doc(name));
    const all = await db.getAll(...asked);
    assert.deepEqual(all.map(s => [s.ref.path, s.exists, s.data()]),
                     [['c/b', true, { x: 4 }], ['c/none', false, undefined], ['c/a', true, { x: 1, y: { z: 2, w: 3 } }],
                      ['c/b', true, { x: 4 }]]);
    const masked = await db.getAll(db.doc('c/a'), db.doc('c/b'), { fieldMask: ['y.z', new FieldPath('none')] });
    assert.deepEqual(masked.map(s => s.data()), [{ y: { z: 2 } }, {}]);
});

onBoth('a batch applies in order and all at one time', async db => {
    const [a, b, c] = ['a', 'b', 'c'].map(id => db.collection('c').doc(id));
    await b.set({ old: true });
    const results = await db.batch().create(a, { n: 1 }).update(a, { n: FieldValue.increment(1) }).delete(b)
        .set(c, { m: { x: 1 } }).set(c, { m: { y: 2 } }, { merge: true }).commit();
    assert.equal(results.length, 5);
    assert.ok(results[0].writeTime.isEqual(results[3].writeTime));
    assert.deepEqual((await db.getAll(a, b, c)).map(s => s.data()), [{ n: 2 }, undefined, { m: { x: 1, y: 2 } }]);
});

onBoth('a batch of which one write fails leaves nothing', async (db, transport) => {
    const batch = db.batch();
    for (let i = 0; i < 5; i++)
        batch.create(db.doc(`c/${i}`), { i });
    batch.update(db.doc('c/missing'), { i: 1 });
    await refused(batch.commit(), transport, 'NOT_FOUND', /missing/);
    assert.equal((await db.collection('c').get()).size, 0);
});

onBoth('a document of 900 kB', async db => {
    const text = 'ä'.repeat(450000);
    await db.doc('c/large').set({ text });
    assert.equal((await db.doc('c/large').get()).get('text'), text);
});

onBoth('databases and projects are apart', async (db, transport, t) => {
    const named = connect(t, transport, { projectId: db.projectId, databaseId: 'second' });
    await db.doc('c/d').set({ in: 'default' });
    await named.doc('c/d').set({ in: 'second' });
    assert.deepEqual((await db.doc('c/d').get()).data(), { in: 'default' });
    assert.deepEqual((await named.doc('c/d').get()).data(), { in: 'second' });
    assert.equal((await connect(t, transport).doc('c/d').get()).exists, false);
});
