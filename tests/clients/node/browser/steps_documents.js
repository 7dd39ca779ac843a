/* steps_documents.js - documents of a page: read, written, counted, in batches and in transactions. */
'use strict';

const sdk = require('./sdk');
const { same, codeOf, current } = require('./run');

/* One code unit, two of a surrogate pair, a family of seven code points, a line separator and a NUL. */
const TEXTS = ['é', '😀', 'a😀b', '👨‍👩‍👧‍👦', '𝒳𝒴', '日本語', '\u2028', '\u0000', '"\\\n', '😀'.repeat(4000)];

const count = async query => (await sdk.getCountFromServer(query)).data().count;

module.exports = {
    async 'documents are written, read, merged and deleted'(run) {
        const db = run.connect(), ref = sdk.doc(db, 'c/a');
        await sdk.setDoc(ref, { n: 1, map: { x: 1 } });
        await sdk.setDoc(ref, { map: { y: 2 }, at: sdk.serverTimestamp() }, { merge: true });
        await sdk.updateDoc(ref, { n: sdk.increment(4), tags: sdk.arrayUnion('t') });
        const { at, ...rest } = (await sdk.getDocFromServer(ref)).data();
        same(at instanceof sdk.Timestamp, true, 'a server time');
        same(rest, { n: 5, map: { x: 1, y: 2 }, tags: ['t'] });
        same(await run.outside.get('c/a'), { n: 5, map: { x: 1, y: 2 }, tags: ['t'], at: 'timestampValue' });
        await sdk.deleteDoc(ref);
        same((await sdk.getDoc(ref)).exists(), false);
        same(await run.outside.get('c/a'), null);
    },

    async 'every kind of value comes back as it went'(run) {
        const db = run.connect(), ref = sdk.doc(db, 'c/a');
        const whole = { z: null, yes: true, i: 7, big: Number.MAX_SAFE_INTEGER, d: 1.5, list: [1, { a: [{}] }],
            map: { empty: {}, list: [] }, text: 'x', point: new sdk.GeoPoint(1.5, -2), bytes: sdk.Bytes.fromBase64String('AP+A'),
            ref: sdk.doc(db, 'c/b'), time: new sdk.Timestamp(1, 123456000), vector: sdk.vector([1, 2.5]) };
        await sdk.setDoc(ref, { ...whole, nan: NaN, inf: -Infinity });
        const { nan, inf, ...back } = (await sdk.getDocFromServer(ref)).data();
        same([Number.isNaN(nan), inf === -Infinity], [true, true]);
        const plain = ({ ref: r, bytes, vector, point, time, ...rest }) => ({ ...rest, ref: r.path, bytes: bytes.toBase64(),
            vector: vector.toArray(), point: point.toJSON(), time: time.toJSON() });
        same(plain(back), plain(whole));
    },

    async 'text outside the basic plane: values, names and ids'(run) {
        const db = run.connect(), tape = run.listen(sdk.collection(db, 'ü😀'), { includeMetadataChanges: true });
        for (const [i, text] of TEXTS.entries())
            await sdk.setDoc(sdk.doc(db, `ü😀/${i}-😀`), { text, [`k😀${i}`]: i });
        const told = await tape.until(s => s.size === TEXTS.length && current(s));
        same(told.docs.map(d => [d.id, d.data()]), TEXTS.map((text, i) => [`${i}-😀`, { text, [`k😀${i}`]: i }]));
        const other = await sdk.getDocsFromServer(sdk.query(sdk.collection(run.connect(), 'ü😀'), sdk.where('text', '==', '😀')));
        same(other.docs.map(d => d.id), ['1-😀']);
    },

    async 'writes in a row are not waited for and land in order'(run) {
        const db = run.connect(), writes = [];
        for (let n = 0; n < 40; n++) {
            const batch = sdk.writeBatch(db);
            batch.set(sdk.doc(db, 'c/last'), { n });
            batch.set(sdk.doc(db, `c/${n}`), { n });
            writes.push(batch.commit());
        }
        await Promise.all(writes);
        same(await run.outside.get('c/last'), { n: 39 });
        same(await count(sdk.collection(db, 'c')), 41);
    },

    async 'a refused write is told to its caller, a batch of it leaves nothing, and later ones go on'(run) {
        const db = run.connect(), batch = sdk.writeBatch(db);
        batch.set(sdk.doc(db, 'c/of the batch'), { n: 1 });
        batch.update(sdk.doc(db, 'c/none'), { n: 1 });
        const codes = await Promise.all([codeOf(sdk.updateDoc(sdk.doc(db, 'c/none'), { n: 1 })), codeOf(batch.commit()),
                                         codeOf(sdk.setDoc(sdk.doc(db, 'c/a'), { n: 1 }))]);
        same(codes, ['not-found', 'not-found', 'ok']);
        same([await run.outside.get('c/of the batch'), await run.outside.get('c/a')], [null, { n: 1 }]);
    },

    async 'a transaction is tried again when what it read has changed'(run) {
        const db = run.connect(), ref = sdk.doc(db, 'c/a');
        await sdk.setDoc(ref, { n: 1 });
        let attempts = 0;
        await sdk.runTransaction(db, async txn => {
            const { n } = (await txn.get(ref)).data();
            if (!attempts++)
                await run.outside.set('c/a', { n: 10 });
            txn.update(ref, { n: n + 1 });
        });
        same([attempts, await run.outside.get('c/a')], [2, { n: 11 }]);
        same(await codeOf(sdk.runTransaction(db, async txn => txn.update(sdk.doc(db, 'c/none'), { n: 1 }))), 'not-found');
    },

    async 'counts, sums and averages'(run) {
        const db = run.connect(), all = sdk.collection(db, 'c');
        await Promise.all([1, 2, 3, 6].map(n => sdk.setDoc(sdk.doc(all, `${n}`), { n })));
        same(await count(sdk.query(all, sdk.where('n', '>', 1))), 3);
        const both = await sdk.getAggregateFromServer(all, { sum: sdk.sum('n'), average: sdk.average('n'), count: sdk.count() });
        same(both.data(), { sum: 12, average: 3, count: 4 });
    },

    async 'queries: filters, orders, cursors, groups'(run) {
        const db = run.connect(), all = sdk.collection(db, 'c');
        await Promise.all([1, 2, 3, 4, 5].map(n => sdk.setDoc(sdk.doc(all, `${n}`), { n, even: n % 2 === 0 })));
        await sdk.setDoc(sdk.doc(db, 'c/1/deep/x'), { n: 9 });
        const found = async (...parts) => (await sdk.getDocsFromServer(sdk.query(...parts))).docs.map(d => d.data().n);
        same(await found(all, sdk.where('n', 'in', [2, 5, 7])), [2, 5]);
        same(await found(all, sdk.orderBy('n', 'desc'), sdk.startAfter(4), sdk.limit(2)), [3, 2]);
        same(await found(all, sdk.orderBy('n'), sdk.limitToLast(2)), [4, 5]);
        same(await found(all, sdk.or(sdk.where('n', '==', 1), sdk.where('even', '==', true))), [1, 2, 4]);
        same(await found(sdk.collectionGroup(db, 'deep')), [9]);
    },

    async 'a document near the largest size goes up and comes down'(run) {
        const db = run.connect(), ref = sdk.doc(db, 'c/a'), text = '😀é'.repeat(150000);
        await sdk.setDoc(ref, { text });
        same((await sdk.getDocFromServer(sdk.doc(run.connect(), 'c/a'))).data().text === text, true, 'the same text');
    },

    async 'nothing is kept in the browser: a new client asks the server'(run) {
        const before = run.connect();
        await sdk.setDoc(sdk.doc(before, 'c/a'), { n: 1 });
        same((await sdk.getDocFromCache(sdk.doc(before, 'c/a'))).data(), { n: 1 });
        const after = run.connect();
        same(await codeOf(sdk.getDocFromCache(sdk.doc(after, 'c/a'))), 'unavailable');
        same((await sdk.getDoc(sdk.doc(after, 'c/a'))).data(), { n: 1 });
    },
};
