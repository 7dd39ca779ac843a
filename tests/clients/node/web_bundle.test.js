/* Bundles: the server SDK puts a query's result in one, the web SDK loads it and asks for what came since its time. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const web = require('firebase/firestore');
const { connect, newProject, PATIENCE } = require('./harness');
const { connectWeb } = require('./harness_web');

/* A bundle of one query over collection c, as of that time, with these documents in it: {id: n}. */
function bundleOf(projectId, readTime, docs) {
    const root = `projects/${projectId}/databases/(default)/documents`;
    const structuredQuery = { from: [{ collectionId: 'c' }], orderBy: [{ field: { fieldPath: '__name__' }, direction: 'ASCENDING' }] };
    const elements = [{ namedQuery: { name: 'all', readTime, bundledQuery: { parent: root, structuredQuery, limitType: 'FIRST' } } }];
    for (const [id, n] of Object.entries(docs)) {
        const name = `${root}/c/${id}`;
        elements.push({ documentMetadata: { name, readTime, exists: true, queries: ['all'] } });
        elements.push({ document: { name, createTime: readTime, updateTime: readTime, fields: { n: { integerValue: n } } } });
    }
    const prefixed = element => { const text = JSON.stringify(element); return Buffer.byteLength(text) + text; };
    const body = elements.map(prefixed).join('');
    const metadata = { id: 'b', createTime: readTime, version: 1, totalDocuments: elements.length >> 1, totalBytes: Buffer.byteLength(body) };
    return prefixed({ metadata }) + body;
}

/* What the bundle's query finds on the server, once the bundle is loaded. */
async function askedWith(t, projectId, bundle, name) {
    const db = connectWeb(t, { projectId });
    await web.loadBundle(db, bundle);
    const found = await web.getDocsFromServer(await web.namedQuery(db, name));
    return found.docs.map(d => `${d.id} ${d.data().n}`);
}

test('bundle: its query goes on from the time at which the server SDK asked', PATIENCE, async t => {
    const projectId = newProject(), db = connect(t, 'gRPC', { projectId }), c = db.collection('c');
    await Promise.all([c.doc('kept').set({ n: 1 }), c.doc('gone').set({ n: 2 }), c.doc('changed').set({ n: 3 })]);
    const bundle = db.bundle('b').add('all', await c.orderBy('n').get()).build();
    await Promise.all([c.doc('gone').delete(), c.doc('changed').set({ n: 4 }), c.doc('new').set({ n: 5 })]);
    assert.deepEqual(await askedWith(t, projectId, bundle, 'all'), ['kept 1', 'changed 4', 'new 5']);
});

for (const [what, readTime] of [
    ['older than all history', { seconds: 1000, nanos: 0 }],
    ['older than all history, and finer than a microsecond', { seconds: 1000, nanos: 9999 }],
])
    test(`bundle: a time ${what} is no reason to refuse its query`, PATIENCE, async t => {
        const projectId = newProject(), db = connect(t, 'gRPC', { projectId });
        await db.doc('c/a').set({ n: 1 });
        assert.deepEqual(await askedWith(t, projectId, bundleOf(projectId, readTime, { a: 7, b: 8 }), 'all'), ['a 1']);
    });

test('bundle: a recent time finer than a microsecond is the microsecond that it lies in', PATIENCE, async t => {
    const projectId = newProject(), db = connect(t, 'gRPC', { projectId });
    const { writeTime } = await db.doc('c/a').set({ n: 1 });
    const readTime = { seconds: writeTime.seconds, nanos: writeTime.nanoseconds + 999 };
    await db.doc('c/b').set({ n: 2 });
    assert.deepEqual(await askedWith(t, projectId, bundleOf(projectId, readTime, { a: 1 }), 'all'), ['a 1', 'b 2']);
});
