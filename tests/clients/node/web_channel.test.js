/* firebase/firestore's browser build in Node: WebChannel, by an XMLHttpRequest of our own. The steps are those that
 * Chromium runs in browser/chromium.test.js. */
'use strict';

const Module = require('node:module');
const { test } = require('node:test');
const { bundle } = require('./browser/pages');
const { Outside, sharedServer } = require('./browser/outside');
const { XMLHttpRequest } = require('./browser/xhr');
const { newProject, PATIENCE } = require('./harness');

const BY_ITSELF = 'disableNetwork and enableNetwork';

/* What a bundle exports. */
function load(text) {
    const made = new Module('bundle');
    made._compile(text, 'bundle.js');
    return made.exports;
}

/* What the browser build takes from a page. Its timers, of a minute and more, do not keep the page open. */
function likeAPage(t) {
    const plain = globalThis.setTimeout, awake = setInterval(() => {}, 1000);
    globalThis.setTimeout = (...all) => plain(...all).unref();
    globalThis.XMLHttpRequest = XMLHttpRequest;
    t.after(() => clearInterval(awake));
}

test('WebChannel', async t => {
    likeAPage(t);
    const steps = load(await bundle('steps.js', 'cjs'));
    const { host, port } = sharedServer(), played = { ...steps.documents, ...steps.listen, [BY_ITSELF]: steps.network[BY_ITSELF] };
    steps.sdk.setLogLevel('silent');

    for (const transport of ['XHR', 'long polling'])
        for (const [name, step] of Object.entries(played))
            await t.test(`${transport}: ${name}`, PATIENCE, () => {
                const project = newProject();
                return steps.play(step, { host, port, project, settings: steps.TRANSPORTS[transport] }, new Outside(`${host}:${port}`, project));
            });
});
