/* steps_listen.js - listeners of a page, while somebody else writes. */
'use strict';

const sdk = require('./sdk');
const { same, codeOf, changes, ids, current } = require('./run');

/* Rules of a collection with owners: a signed-in user lists and writes their own. */
const OWNERS = `
    match /notes/{id} {
      allow read: if request.auth != null && resource.data.owner == request.auth.uid;
      allow create: if request.auth != null && request.resource.data.owner == request.auth.uid;
    }
    match /staff/{id} { allow read: if request.auth.token.role == 'staff'; }
    match /open/{id} { allow read: if true; }`;

module.exports = {
    async 'a listener hears what is added, changed and removed'(run) {
        const tape = run.listen(sdk.collection(run.connect(), 'c'));
        same(ids(await tape.next()), '');
        await run.outside.set('c/a', { n: 1 });
        same(changes(await tape.next()), ['added a 1']);
        await run.outside.set('c/b', { n: 2 });
        same(changes(await tape.next()), ['added b 2']);
        await run.outside.set('c/a', { n: 3 });
        same(changes(await tape.next()), ['modified a 3']);
        await run.outside.remove('c/b');
        const last = await tape.next();
        same([changes(last), ids(last), current(last)], [['removed b 2'], 'a', true]);
    },

    async 'a document that comes and goes'(run) {
        const tape = run.listen(sdk.doc(run.connect(), 'c/a')), told = [];
        for (const n of [1, 2, null, 3]) {
            told.push((await tape.next()).data()?.n ?? null);
            await (n ? run.outside.set('c/a', { n }) : run.outside.remove('c/a'));
        }
        told.push((await tape.next()).data().n);
        same(told, [null, 1, 2, null, 3]);
    },

    async 'a limit is filled again when a document leaves it'(run) {
        for (const n of [1, 2, 3, 4])
            await run.outside.set(`c/${n}`, { n });
        const tape = run.listen(sdk.query(sdk.collection(run.connect(), 'c'), sdk.orderBy('n'), sdk.limit(2)));
        same(ids(await tape.next()), '1 2');
        await run.outside.remove('c/1');
        const refilled = await tape.until(s => s.size === 2 && current(s));
        same(ids(refilled), '2 3');
        await run.outside.set('c/2', { n: 9 });
        same(ids(await tape.until(s => s.size === 2 && current(s) && ids(s) !== '2 3')), '3 4');
        await run.outside.set('c/0', { n: 0 });
        same(ids(await tape.until(s => ids(s).startsWith('0') && current(s))), '0 3');
    },

    async 'several listeners of one client, and one of them ends'(run) {
        const db = run.connect(), c = sdk.collection(db, 'c');
        const all = run.listen(c), large = run.listen(sdk.query(c, sdk.where('n', '>', 5))), one = run.listen(sdk.doc(c, 'a'));
        same([ids(await all.next()), ids(await large.next()), (await one.next()).exists()], ['', '', false]);
        await run.outside.set('c/a', { n: 7 });
        same([changes(await all.next()), changes(await large.next()), (await one.next()).data()], [['added a 7'], ['added a 7'], { n: 7 }]);
        all.end();
        await run.outside.set('c/a', { n: 1 });
        same([changes(await large.next()), (await one.next()).data(), all.got.length], [['removed a 7'], { n: 1 }, 0]);
    },

    async 'its own write is told at once, pending, and again when the server has it'(run) {
        const db = run.connect(), tape = run.listen(sdk.doc(db, 'c/a'), { includeMetadataChanges: true });
        await tape.until(s => !s.metadata.fromCache);
        const written = sdk.setDoc(sdk.doc(db, 'c/a'), { at: sdk.serverTimestamp() });
        const pending = await tape.next();
        same([pending.metadata.hasPendingWrites, pending.data().at], [true, null]);
        const guess = pending.data({ serverTimestamps: 'estimate' }).at;
        same(guess instanceof sdk.Timestamp, true, 'an estimate');
        const settled = await tape.until(s => !s.metadata.hasPendingWrites);
        same(settled.data().at instanceof sdk.Timestamp, true, 'a server time');
        await written;
        same(await run.outside.get('c/a'), { at: 'timestampValue' });
    },

    async 'three hundred documents are one snapshot'(run) {
        const db = run.connect(), filler = '😀x'.repeat(500), writes = sdk.writeBatch(db);
        for (let n = 0; n < 300; n++)
            writes.set(sdk.doc(db, `c/${String(n).padStart(3, '0')}`), { n, filler });
        await writes.commit();
        const tape = run.listen(sdk.query(sdk.collection(run.connect(), 'c'), sdk.orderBy('n')));
        const first = await tape.next();
        same([first.size, first.docChanges().length, current(first)], [300, 300, true]);
        same(first.docs.every((d, n) => d.data().n === n && d.data().filler === filler), true, 'every document whole');
        await run.outside.set('c/150', { n: 150 });
        same(changes(await tape.next()), ['modified 150 150']);
    },

    async 'a hundred commits are all heard, in order'(run) {
        const db = run.connect(), tape = run.listen(sdk.doc(db, 'c/a')), told = [];
        await tape.next();
        const writer = run.connect(), writes = [];
        for (let n = 1; n <= 100; n++)
            writes.push(sdk.setDoc(sdk.doc(writer, 'c/a'), { n }));
        await Promise.all(writes);
        while (told.at(-1) !== 100)
            told.push((await tape.next()).data().n);
        same(told, [...told].sort((a, b) => a - b), 'never backwards');
    },

    async 'a listener that rules deny is told so, and others of its client go on'(run) {
        await run.outside.rules(OWNERS);
        const db = run.connect({ user: null }), open = run.listen(sdk.collection(db, 'open'));
        same(ids(await open.next()), '');
        same(await codeOf(run.listen(sdk.collection(db, 'notes')).next()), 'permission-denied');
        same(await codeOf(run.listen(sdk.doc(db, 'notes/a')).next()), 'permission-denied');
        same(await codeOf(sdk.getDoc(sdk.doc(db, 'notes/a'))), 'permission-denied');
        same(await codeOf(sdk.setDoc(sdk.doc(db, 'notes/a'), { owner: 'ann' })), 'permission-denied');
        same(await codeOf(sdk.getCountFromServer(sdk.collection(db, 'open'))), 'ok');
        await run.outside.set('open/a', { n: 1 });
        same(changes(await open.next()), ['added a 1']);
    },

    async 'rules see the user and their claims'(run) {
        await run.outside.rules(OWNERS);
        const ann = run.connect({ user: { sub: 'ann', role: 'staff' } }), bob = run.connect({ user: { sub: 'bob' } });
        const own = (db, uid) => sdk.query(sdk.collection(db, 'notes'), sdk.where('owner', '==', uid));
        const tape = run.listen(own(ann, 'ann'), { includeMetadataChanges: true });
        same(ids(await tape.until(current)), '');
        await sdk.setDoc(sdk.doc(ann, 'notes/a'), { owner: 'ann', n: 1 });
        same(ids(await tape.until(current)), 'a');
        same(await codeOf(sdk.setDoc(sdk.doc(bob, 'notes/b'), { owner: 'ann' })), 'permission-denied');
        same(await codeOf(run.listen(own(bob, 'ann')).next()), 'permission-denied');
        same(ids(await run.listen(own(bob, 'bob')).next()), '');
        same([await codeOf(sdk.getDoc(sdk.doc(ann, 'staff/x'))), await codeOf(sdk.getDoc(sdk.doc(bob, 'staff/x')))],
             ['ok', 'permission-denied']);
    },
};
