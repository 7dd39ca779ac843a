/* steps_network.js - a page that loses its network, by its own will, by the browser's, or because the server is away:
 * what it wrote meanwhile arrives once, and its listeners hear each change once.
 */
'use strict';

const sdk = require('./sdk');
const { same, current, ids } = require('./run');

/* Every "type id n" that a listener told, of snapshots that hold nothing pending. */
function collect(run, query) {
    const told = [];
    run.listeners.push(sdk.onSnapshot(query, s => s.docChanges().forEach(c =>
        c.doc.metadata.hasPendingWrites || told.push(`${c.type} ${c.doc.id} ${c.doc.data().n}`))));
    return told;
}

/* A listener and two writes while away: away(db) takes the network, back(db) gives it back, meanwhile() is what others do. */
async function catchUp(run, away, back) {
    const db = run.connect(), c = sdk.collection(db, 'c');
    for (const id of ['kept', 'changed', 'gone'])
        await run.outside.set(`c/${id}`, { n: 1 });
    const told = collect(run, c), tape = run.listen(c, { includeMetadataChanges: true });
    same(ids(await tape.until(current)), 'changed gone kept');
    await away(db);
    const writes = [sdk.setDoc(sdk.doc(db, 'c/mine'), { n: 1, times: sdk.increment(1) }),
                    sdk.updateDoc(sdk.doc(db, 'c/mine'), { n: 2, times: sdk.increment(1) })];
    same(ids(await tape.until(s => s.size === 4)), 'changed gone kept mine');
    await back(db, async () => {
        await run.outside.set('c/changed', { n: 2 });
        await run.outside.remove('c/gone');
    });
    await Promise.all(writes);
    same(ids(await tape.until(s => current(s) && s.size === 3)), 'changed kept mine');
    same(await run.outside.get('c/mine'), { n: 2, times: 2 }, 'each write once:');
    await run.outside.set('c/later', { n: 1 });
    await tape.until(s => current(s) && s.size === 4);
    /* 'mine' may be told before and after its second write. */
    const others = told.filter(line => !line.includes(' mine '));
    same([others.slice(0, 3), others.slice(3).sort()], [['added changed 1', 'added gone 1', 'added kept 1'],
         ['added later 1', 'modified changed 2', 'removed gone 1']], 'each change once:');
}

module.exports = {
    async 'disableNetwork and enableNetwork'(run) {
        await catchUp(run, db => sdk.disableNetwork(db), async (db, meanwhile) => {
            await meanwhile();
            await sdk.enableNetwork(db);
        });
    },

    async 'connections break while the page works'(run) {
        await catchUp(run, () => run.outside.cut(), async (db, meanwhile) => {
            await meanwhile();
            await run.outside.mend();
        });
    },

    async 'the browser is offline for a while'(run) {
        await catchUp(run, () => run.outside.offline(true), async (db, meanwhile) => {
            await meanwhile();
            await run.outside.offline(false);
        });
    },

    async 'the server is started again on the same data'(run) {
        await catchUp(run, () => run.outside.stop(), async (db, meanwhile) => {
            await run.outside.start();
            await meanwhile();
        });
    },
};
