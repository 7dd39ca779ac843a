/* harness_listen.js - snapshots of a listener, taken one by one. */
'use strict';

const { EventEmitter, once } = require('node:events');

const ends = new WeakMap();

/* A test that listens: its listeners are ended before its clients, which are ended by hooks. */
const listening = fn => async t => {
    ends.set(t, []);
    try {
        await fn(t);
    } finally {
        ends.get(t).forEach(end => end());
    }
};

/* subscribe(onNext, onError) returns what ends it. next() resolves to the next snapshot not taken yet, and rejects with
 * the listener's error. Ended with the test. */
function snapshots(t, subscribe) {
    const news = new EventEmitter(), got = [];
    const put = item => { got.push(item); news.emit('item'); };
    ends.get(t).push(subscribe(value => put({ value }), error => put({ error })));
    return {
        async next() {
            while (!got.length)
                await once(news, 'item');
            const { value, error } = got.shift();
            if (error)
                throw error;
            return value;
        },
    };
}

/* ["added c/a 1", ...] of a query snapshot: what changed, where, and its field n. */
const changes = snapshot => snapshot.docChanges().map(c => `${c.type} ${c.doc.ref.path} ${c.doc.data().n}`);
const ids = snapshot => snapshot.docs.map(d => d.id).join(' ');

module.exports = { listening, snapshots, changes, ids };
