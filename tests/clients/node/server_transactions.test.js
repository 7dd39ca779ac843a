/* @google-cloud/firestore over both transports: transactions. */
'use strict';

const assert = require('node:assert/strict');
const { FieldValue } = require('@google-cloud/firestore');
const { ids, onBoth, refused } = require('./harness');

onBoth('reads, then writes, all at one time', async db => {
    const [from, to, gone] = ['from', 'to', 'gone'].map(id => db.collection('bank').doc(id));
    await Promise.all([from.set({ n: 10 }), to.set({ n: 1 }), gone.set({ n: 0 })]);
    const moved = await db.runTransaction(async transaction => {
        const [a, b] = await transaction.getAll(from, to, { fieldMask: ['n'] });
        transaction.update(from, { n: a.get('n') - 4 });
        transaction.set(to, { n: b.get('n') + 4, last: FieldValue.serverTimestamp() }, { merge: true });
        transaction.delete(gone);
        transaction.create(db.doc('bank/receipt'), { amount: 4 });
        return 4;
    });
    assert.equal(moved, 4);
    const after = await db.getAll(from, to, gone, db.doc('bank/receipt'));
    assert.deepEqual(after.map(s => s.get('n') ?? s.get('amount')), [6, 5, undefined, 4]);
    assert.ok(after[0].updateTime.isEqual(after[1].updateTime) && after[0].updateTime.isEqual(after[3].createTime));
});

onBoth('reads of a query', async db => {
    const c = db.collection('c');
    await Promise.all([1, 2, 3].map(n => c.doc(`d${n}`).set({ n })));
    await db.runTransaction(async transaction => {
        const found = await transaction.get(c.where('n', '>=', 2));
        assert.deepEqual(ids(found), ['d2', 'd3']);
        found.docs.forEach(d => transaction.update(d.ref, { n: FieldValue.increment(10) }));
    });
    assert.deepEqual((await c.get()).docs.map(d => d.get('n')), [1, 12, 13]);
});

onBoth('what throws leaves nothing, and lets the next one in', async db => {
    const ref = db.doc('c/d');
    await ref.set({ n: 1 });
    await assert.rejects(db.runTransaction(async transaction => {
        await transaction.get(ref);
        transaction.update(ref, { n: 2 });
        throw new Error('changed my mind');
    }), /changed my mind/);
    assert.equal((await ref.get()).get('n'), 1);
    await ref.set({ n: 3 });
    assert.equal((await ref.get()).get('n'), 3);
});

onBoth('a refused commit is not tried again', async (db, transport) => {
    await db.doc('c/there').set({ n: 1 });
    let runs = 0;
    await refused(db.runTransaction(async transaction => {
        runs++;
        await transaction.get(db.doc('c/other'));
        transaction.update(db.doc('c/missing'), { n: 2 });
    }), transport, 'NOT_FOUND');
    assert.equal(runs, 1);
    assert.equal((await db.doc('c/other').get()).exists, false);
});

onBoth('read-only, now and at an earlier time', async db => {
    const ref = db.doc('c/d');
    const { writeTime } = await ref.set({ n: 1 });
    await ref.set({ n: 2 });
    await db.doc('c/later').set({ n: 3 });
    const now = await db.runTransaction(transaction => transaction.get(ref), { readOnly: true });
    assert.equal(now.get('n'), 2);
    const then = await db.runTransaction(async transaction => [await transaction.get(ref),
        await transaction.get(db.collection('c'))], { readOnly: true, readTime: writeTime });
    assert.equal(then[0].get('n'), 1);
    assert.deepEqual(ids(then[1]), ['d']);
});

onBoth('no increment is lost among those that run at once', async (db, transport) => {
    const ref = db.doc('c/counter');
    await ref.set({ n: 0 });
    /* REST: the library takes the HTTP status 409 for no reason to try again, so there they come one by one. */
    const width = transport === 'gRPC' ? 5 : 1;
    const add = async () => {
        for (let i = 0; i < 4; i++)
            await db.runTransaction(async transaction => {
                const n = (await transaction.get(ref)).get('n');
                transaction.update(ref, { n: n + 1 });
            }, { maxAttempts: 50 });
    };
    await Promise.all(Array.from({ length: width }, add));
    assert.equal((await ref.get()).get('n'), 4 * width);
});

onBoth('a plain write waits for the transaction that read the document', async db => {
    const ref = db.doc('c/d');
    await ref.set({ by: 'nobody' });
    let plain;
    await db.runTransaction(async transaction => {
        await transaction.get(ref);
        plain ??= ref.set({ by: 'plain' });
        transaction.update(ref, { by: 'transaction' });
    }, { maxAttempts: 1 });
    await plain;
    assert.equal((await ref.get()).get('by'), 'plain');
});
