/* @google-cloud/firestore over both transports: queries, their plans and the nearest neighbours. */
'use strict';

const assert = require('node:assert/strict');
const { FieldPath, FieldValue, Filter } = require('@google-cloud/firestore');
const { found, ids, onBoth, refused } = require('./harness');

async function fill(collection, documents) {
    const batch = collection.firestore.batch();
    for (const [id, data] of Object.entries(documents))
        batch.set(collection.doc(id), data);
    await batch.commit();
    return collection;
}

const entries = db => fill(db.collection('logs'), {
    a: { status: 200, method: 'GET', tags: ['x'], latency: 5 },
    b: { status: 404, method: 'GET', tags: ['x', 'y'], latency: 1 },
    c: { status: 500, method: 'POST', tags: ['z'], latency: 90, user: null },
    d: { status: 200, method: 'PUT', tags: [], latency: NaN },
    e: { status: 201, method: 'POST', latency: 7, user: 'u1' },
});

onBoth('equality and inequalities in the order that the filters imply', async db => {
    const logs = await entries(db);
    assert.deepEqual(await found(logs.where('method', '==', 'GET')), ['a', 'b']);
    assert.deepEqual(await found(logs.where('status', '>', 200)), ['e', 'b', 'c']);
    assert.deepEqual(await found(logs.where('status', '>=', 200).where('status', '<', 404)), ['a', 'd', 'e']);
    assert.deepEqual(await found(logs.where('status', '<=', 200).where('method', '==', 'PUT')), ['d']);
    assert.deepEqual(await found(logs.where('status', '!=', 200)), ['e', 'b', 'c']);
});

onBoth('in, not-in, array-contains and array-contains-any', async db => {
    const logs = await entries(db);
    assert.deepEqual(await found(logs.where('method', 'in', ['PUT', 'POST', 'PATCH'])), ['c', 'd', 'e']);
    assert.deepEqual(await found(logs.where('status', 'not-in', [200, 404])), ['e', 'c']);
    assert.deepEqual(await found(logs.where('tags', 'array-contains', 'x')), ['a', 'b']);
    assert.deepEqual(await found(logs.where('tags', 'array-contains-any', ['y', 'z'])), ['b', 'c']);
});

onBoth('null, NaN and what a document lacks', async db => {
    const logs = await entries(db);
    assert.deepEqual(await found(logs.where('user', '==', null)), ['c']);
    assert.deepEqual(await found(logs.where('user', '!=', null)), ['e']);
    assert.deepEqual(await found(logs.where('latency', '==', NaN)), ['d']);
    assert.deepEqual(await found(logs.where('latency', '!=', NaN)), ['b', 'a', 'e', 'c']);
    assert.deepEqual(await found(logs.orderBy('user')), ['c', 'e']);
});

onBoth('composite filters, one within another, over several fields', async db => {
    const logs = await entries(db);
    const either = Filter.or(Filter.where('status', '>=', 500), Filter.and(Filter.where('method', '==', 'GET'),
                                                                           Filter.where('latency', '<', 3)));
    assert.deepEqual(await found(logs.where(either).orderBy('status')), ['b', 'c']);
    const both = Filter.and(Filter.where('status', '>', 200), Filter.where('latency', '>', 1));
    assert.deepEqual(await found(logs.where(both).orderBy('latency', 'desc')), ['c', 'e']);
    const methods = Filter.or(Filter.where('method', '==', 'PUT'), Filter.where('tags', 'array-contains', 'y'));
    assert.deepEqual(await found(logs.where(methods)), ['b', 'd']);
});

onBoth('order, limit, limitToLast, offset and selected fields', async db => {
    const logs = await entries(db);
    assert.deepEqual(await found(logs.orderBy('status', 'desc').orderBy('method')), ['c', 'b', 'e', 'a', 'd']);
    assert.deepEqual(await found(logs.orderBy('status').limit(2)), ['a', 'd']);
    assert.deepEqual(await found(logs.orderBy('status').limitToLast(2)), ['b', 'c']);
    assert.deepEqual(await found(logs.orderBy('status').offset(3).limit(5)), ['b', 'c']);
    assert.deepEqual(await found(logs.orderBy('status').offset(50)), []);
    const chosen = await logs.where('method', '==', 'GET').select('status', 'none').get();
    assert.deepEqual(chosen.docs.map(d => d.data()), [{ status: 200 }, { status: 404 }]);
    assert.deepEqual((await logs.select().limit(1).get()).docs[0].data(), {});
});

onBoth('cursors by value and by document', async db => {
    const logs = await entries(db);
    const ordered = logs.orderBy('status');
    assert.deepEqual(await found(ordered.startAt(201)), ['e', 'b', 'c']);
    assert.deepEqual(await found(ordered.startAfter(201)), ['b', 'c']);
    assert.deepEqual(await found(ordered.endBefore(404)), ['a', 'd', 'e']);
    assert.deepEqual(await found(ordered.startAt(201).endAt(404)), ['e', 'b']);
    const d = await logs.doc('d').get();
    assert.deepEqual(await found(ordered.startAt(d)), ['d', 'e', 'b', 'c']);
    assert.deepEqual(await found(ordered.startAfter(d)), ['e', 'b', 'c']);
    assert.deepEqual(await found(ordered.endAt(d)), ['a', 'd']);
    assert.deepEqual(await found(logs.orderBy('status', 'desc').startAfter(d)), ['a']);
    const e = await logs.doc('e').get();
    assert.deepEqual(await found(logs.where('status', '>', 200).startAfter(e)), ['b', 'c']);
});

onBoth('paging by cursor sees every document once', async db => {
    const documents = Array.from({ length: 25 }, (_, i) => [`d${i}`, { n: i % 4 }]);
    const c = await fill(db.collection('pages'), Object.fromEntries(documents));
    const seen = [];
    for (let page = await c.orderBy('n').limit(7).get(); !page.empty;) {
        seen.push(...ids(page));
        page = await c.orderBy('n').startAfter(page.docs.at(-1)).limit(7).get();
    }
    assert.equal(seen.length, 25);
    assert.equal(new Set(seen).size, 25);
    assert.deepEqual(seen, await found(c.orderBy('n')));
});

onBoth('filters and order by document id', async (db, transport) => {
    const logs = await entries(db);
    const id = FieldPath.documentId();
    assert.deepEqual(await found(logs.where(id, '>=', 'b').where(id, '<', 'd')), ['b', 'c']);
    assert.deepEqual(await found(logs.where(id, 'in', ['e', 'a', 'none'])), ['a', 'e']);
    assert.deepEqual(await found(logs.where(id, '!=', 'a')), ['b', 'c', 'd', 'e']);
    assert.deepEqual(await found(logs.orderBy('method').orderBy(id, 'desc').limit(3)), ['b', 'a', 'e']);
    await refused(logs.orderBy(id, 'desc').get(), transport, 'FAILED_PRECONDITION', /descending key scans/);
});

onBoth('a collection group: every depth, one name', async db => {
    for (const name of ['a/1/logs/x', 'a/2/b/3/logs/y', 'logs/z', 'a/1/other/w'])
        await db.doc(name).set({ name });
    const group = db.collectionGroup('logs');
    assert.deepEqual((await group.get()).docs.map(d => d.ref.path), ['a/1/logs/x', 'a/2/b/3/logs/y', 'logs/z']);
    assert.deepEqual(await found(group.where('name', '>=', 'a/2')), ['y', 'z']);
    const within = await group.orderBy(FieldPath.documentId()).startAt('a/2').endBefore('b/0').get();
    assert.deepEqual(ids(within), ['y']);
});

onBoth('stream() gives two thousand documents in order', async db => {
    const c = db.collection('many');
    for (let start = 0; start < 2000; start += 500)
        await fill(c, Object.fromEntries(Array.from({ length: 500 }, (_, i) => {
            const n = start + i;
            return [String(n).padStart(5, '0'), { n, pad: 'x'.repeat(200) }];
        })));
    const seen = [];
    for await (const snapshot of c.stream())
        seen.push(snapshot.get('n'));
    assert.deepEqual(seen, Array.from({ length: 2000 }, (_, i) => i));
});

onBoth('nothing found is an empty snapshot that has a time', async db => {
    const snapshot = await db.collection('none').where('a', '==', 1).get();
    assert.ok(snapshot.empty);
    assert.ok(snapshot.readTime.toMillis() > 0);
});

onBoth('a query that cannot be run says why', async (db, transport) => {
    const logs = db.collection('logs');
    const bad = (query, message) => refused(query.get(), transport, 'INVALID_ARGUMENT', message);
    await bad(logs.where('a', 'in', Array.from({ length: 31 }, (_, i) => i)), /'IN' supports up to 30 comparison values/);
    await bad(logs.where('a', '!=', 1).where('b', 'not-in', [1]), /NOT_IN/);
    await bad(logs.where('a', 'array-contains', 1).where('b', 'array-contains', 1), /ARRAY_CONTAINS/);
});

onBoth('explain plans without results, and with them when it analyzes', async db => {
    const logs = await entries(db);
    const query = logs.where('status', '>', 200);
    const plan = await query.explain();
    assert.ok(plan.metrics.planSummary.indexesUsed.length > 0);
    assert.equal(plan.metrics.executionStats, null);
    assert.equal(plan.snapshot, null);
    const run = await query.explain({ analyze: true });
    assert.deepEqual(ids(run.snapshot), ['e', 'b', 'c']);
    assert.equal(run.metrics.executionStats.resultsReturned, 3);
    assert.ok(run.metrics.executionStats.readOperations >= 3);
    assert.ok(run.metrics.planSummary.indexesUsed.length > 0);
});

onBoth('explainStream ends with the metrics', async db => {
    const logs = await entries(db);
    const parts = [];
    for await (const part of logs.where('status', '==', 200).explainStream({ analyze: true }))
        parts.push(part);
    assert.deepEqual(parts.filter(p => p.document).map(p => p.document.id), ['a', 'd']);
    assert.equal(parts.at(-1).metrics.executionStats.resultsReturned, 2);
});

const vectors = db => fill(db.collection('vectors'), {
    near: { v: FieldValue.vector([1, 1]), kind: 'a' },
    far: { v: FieldValue.vector([10, 0]), kind: 'a' },
    other: { v: FieldValue.vector([1, 2]), kind: 'b' },
    longer: { v: FieldValue.vector([1, 1, 1]), kind: 'a' },
    none: { v: [1, 1], kind: 'a' },
});

onBoth('findNearest by every measure', async db => {
    const c = await vectors(db);
    const nearest = async (distanceMeasure, more) => (await c.findNearest(
        { vectorField: 'v', queryVector: [1, 1], limit: 10, distanceMeasure, distanceResultField: 'd', ...more }).get())
        .docs.map(s => [s.id, Number(s.get('d').toFixed(6))]);
    assert.deepEqual(await nearest('EUCLIDEAN'), [['near', 0], ['other', 1], ['far', 9.055385]]);
    assert.deepEqual(await nearest('COSINE'), [['near', 0], ['other', 0.051317], ['far', 0.292893]]);
    assert.deepEqual(await nearest('DOT_PRODUCT'), [['far', 10], ['other', 3], ['near', 2]]);
    assert.deepEqual(await nearest('EUCLIDEAN', { distanceThreshold: 1 }), [['near', 0], ['other', 1]]);
    assert.deepEqual(await nearest('DOT_PRODUCT', { distanceThreshold: 3 }), [['far', 10], ['other', 3]]);
    assert.deepEqual(await nearest('EUCLIDEAN', { limit: 1 }), [['near', 0]]);
});

onBoth('findNearest within a filter, and with selected fields', async db => {
    const c = await vectors(db);
    const query = { vectorField: 'v', queryVector: FieldValue.vector([1, 2]), limit: 2, distanceMeasure: 'EUCLIDEAN' };
    const found = await c.where('kind', '==', 'a').findNearest(query).get();
    assert.deepEqual(ids(found), ['near', 'far']);
    const chosen = await c.select('kind', 'd').findNearest({ ...query, limit: 1, distanceResultField: 'd' }).get();
    assert.deepEqual(chosen.docs[0].data(), { kind: 'b', d: 0 });
});
