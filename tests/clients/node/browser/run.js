/* run.js - what one run of a step has: clients of the web SDK, their listeners, and somebody outside the page.
 *
 * Runs in a page and, through xhr.js, in Node. Steps are functions of a Run; they throw when a check fails. */
'use strict';

const sdk = require('./sdk');

/* How the back channel is had. Every application has the first, unless it asks for another one: a stream by fetch, once a
 * probe has found that nobody on the way keeps answers until they are whole. */
const TRANSPORTS = {
    'detected': {},
    'fetch': { experimentalAutoDetectLongPolling: false },
    'XHR': { experimentalAutoDetectLongPolling: false, useFetchStreams: false },
    'long polling': { experimentalForceLongPolling: true, useFetchStreams: false },
};

/* Equal as JSON, in any order of the keys of objects. */
function same(got, wanted, what = '') {
    const sorted = (_, v) => (v?.constructor === Object ? Object.fromEntries(Object.entries(v).sort()) : v);
    const [g, w] = [got, wanted].map(v => String(JSON.stringify(v, sorted)));
    if (g !== w)
        throw new Error(`${what} wanted: ${w.slice(0, 2000)}\n got: ${g.slice(0, 2000)}`);
}

/* The code with which the promise fails; 'ok' when it does not. */
const codeOf = promise => promise.then(() => 'ok', error => error.code ?? String(error));

/* What a listener was told, taken one by one: next() resolves to the oldest snapshot not taken yet and rejects with the
 * listener's error. */
class Tape {
    constructor() {
        this.got = [];
        this.waiting = [];
    }

    put(item) {
        this.got.push(item);
        this.waiting.shift()?.();
    }

    async next() {
        if (!this.got.length)
            await new Promise(resolve => this.waiting.push(resolve));
        const { value, error } = this.got.shift();
        if (error)
            throw error;
        return value;
    }

    /* The first one that holds; those before it are lost. */
    async until(holds) {
        for (;;) {
            const snapshot = await this.next();
            if (holds(snapshot))
                return snapshot;
        }
    }
}

class Run {
    /* where: { host, port, project, settings }; outside: see outside.js, every method of which answers a promise. */
    constructor(where, outside) {
        Object.assign(this, where);
        this.outside = outside;
        this.apps = [];
        this.listeners = [];
    }

    /* A client. user: 'owner' for one whom no rules govern, claims for a signed-in user, null for nobody. */
    connect({ user = 'owner', ...settings } = {}) {
        const app = sdk.initializeApp({ projectId: this.project, apiKey: 'none' }, `${this.project} ${Math.random()}`);
        const db = sdk.initializeFirestore(app, { ...this.settings, ...settings });
        sdk.connectFirestoreEmulator(db, this.host, this.port, user ? { mockUserToken: user } : {});
        this.apps.push(app);
        return db;
    }

    /* A Tape of a document or a query. */
    listen(query, options = {}) {
        const tape = new Tape();
        tape.end = sdk.onSnapshot(query, options, value => tape.put({ value }), error => tape.put({ error }));
        this.listeners.push(tape.end);
        return tape;
    }

    async end() {
        this.listeners.forEach(end => end());
        await Promise.all(this.apps.map(app => sdk.deleteApp(app)));
    }
}

/* Runs one step and lets go of everything it opened. */
async function play(step, where, outside) {
    const run = new Run(where, outside);
    try {
        await step(run);
    } finally {
        await run.end();
    }
}

/* ["added a 1", ...]: what changed in a query's snapshot, and its field n. */
const changes = snapshot => snapshot.docChanges().map(c => `${c.type} ${c.doc.id} ${c.doc.data().n}`);
const ids = snapshot => snapshot.docs.map(d => d.id).join(' ');
/* Once the server has said it: what a cache could tell by itself is over. */
const current = snapshot => !snapshot.metadata.fromCache && !snapshot.metadata.hasPendingWrites;

module.exports = { TRANSPORTS, same, codeOf, play, changes, ids, current };
