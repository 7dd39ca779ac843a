/* @google-cloud/firestore over both transports: count, sum and average. */
'use strict';

const assert = require('node:assert/strict');
const { AggregateField } = require('@google-cloud/firestore');
const { onBoth } = require('./harness');

async function numbers(db) {
    const c = db.collection('n');
    const batch = db.batch();
    [1, 2, 3, 4.5, 'text'].forEach((n, i) => batch.set(c.doc(`d${i}`), { n, even: i % 2 === 0 }));
    batch.set(c.doc('without'), { even: true });
    await batch.commit();
    return c;
}

onBoth('count of a collection, a query, a limit and of nothing', async db => {
    const c = await numbers(db);
    const count = async query => {
        const snapshot = await query.count().get();
        assert.ok(snapshot.readTime.toMillis() > 0);
        return snapshot.data();
    };
    assert.deepEqual(await count(c), { count: 6 });
    assert.deepEqual(await count(c.where('even', '==', true)), { count: 4 });
    assert.deepEqual(await count(c.where('n', '>', 1)), { count: 3 });
    assert.deepEqual(await count(c.limit(2)), { count: 2 });
    assert.deepEqual(await count(c.orderBy('n').startAfter(2)), { count: 3 });
    assert.deepEqual(await count(db.collection('none')), { count: 0 });
});

onBoth('sum and average of what is a number', async db => {
    const c = await numbers(db);
    const aggregate = async (query, of) => (await query.aggregate(of).get()).data();
    assert.deepEqual(await aggregate(c, { s: AggregateField.sum('n') }), { s: 10.5 });
    assert.deepEqual(await aggregate(c, { a: AggregateField.average('n') }), { a: 2.625 });
    const both = { s: AggregateField.sum('n'), a: AggregateField.average('n') };
    assert.deepEqual(await aggregate(c.where('n', '<', 3), both), { s: 3, a: 1.5 });
    assert.deepEqual(await aggregate(db.collection('none'), both), { s: 0, a: null });
});

onBoth('several at once look only at documents that have every field', async db => {
    const c = await numbers(db);
    const all = await c.aggregate({ 'how many': AggregateField.count(), 'sum': AggregateField.sum('n'),
                                    'avg': AggregateField.average('n') }).get();
    assert.deepEqual(all.data(), { 'how many': 5, 'sum': 10.5, 'avg': 2.625 });
});

onBoth('of a collection group', async db => {
    for (const [name, n] of [['a/1/g/x', 1], ['g/y', 2], ['a/2/b/3/g/z', 4], ['h/w', 8]])
        await db.doc(name).set({ n });
    const wanted = { c: AggregateField.count(), s: AggregateField.sum('n') };
    assert.deepEqual((await db.collectionGroup('g').aggregate(wanted).get()).data(), { c: 3, s: 7 });
});

onBoth('within a transaction, and in the past', async db => {
    const c = await numbers(db);
    const seen = await db.runTransaction(async transaction => {
        const { count } = (await transaction.get(c.where('even', '==', true).count())).data();
        transaction.set(c.doc('total'), { count });
        return count;
    });
    assert.equal(seen, 4);
    const { updateTime } = await c.doc('total').get();
    assert.deepEqual((await c.doc('total').get()).data(), { count: 4 });
    await c.doc('later').set({ n: 1 });
    const past = await db.runTransaction(t => t.get(c.count()), { readOnly: true, readTime: updateTime });
    assert.deepEqual(past.data(), { count: 7 });
    assert.deepEqual((await c.count().get()).data(), { count: 8 });
});

onBoth('explain tells the plan, and the result when it analyzes', async db => {
    const c = await numbers(db);
    const plan = await c.count().explain();
    assert.ok(plan.metrics.planSummary.indexesUsed.length > 0);
    assert.equal(plan.snapshot, null);
    const run = await c.where('n', '>', 1).count().explain({ analyze: true });
    assert.deepEqual(run.snapshot.data(), { count: 3 });
    assert.equal(run.metrics.executionStats.resultsReturned, 1);
});
