/* pages.js - bundles of Firebase's browser build with what a page does with it, and a server that has the pages. */
'use strict';

const { once } = require('node:events');
const http = require('node:http');
const path = require('node:path');
const esbuild = require('esbuild');

/* The text of one script: entry, a file of this folder, and all it requires. */
async function bundle(entry, format) {
    const { outputFiles } = await esbuild.build({
        entryPoints: [path.join(__dirname, entry)], bundle: true, write: false, platform: 'browser', format, logLevel: 'error',
        nodePaths: (process.env.NODE_PATH ?? '').split(path.delimiter).filter(Boolean) });
    return outputFiles[0].text;
}

/* The page at /NAME runs NAME.js of this folder. Of another origin than any emulator. Ended with the test. */
async function servePages(t, names) {
    const files = { '/favicon.ico': ['image/x-icon', ''] };
    for (const name of names) {
        files[`/${name}`] = ['text/html; charset=utf-8', `<!doctype html><html lang=en><title>${name}</title><body><script src=${name}.js></script>`];
        files[`/${name}.js`] = ['text/javascript; charset=utf-8', await bundle(`${name}.js`, 'iife')];
    }
    const server = http.createServer((request, answer) => {
        const [type, text] = files[request.url.split('?')[0]] ?? [];
        answer.writeHead(type ? 200 : 404, { 'Content-Type': type ?? 'text/plain' });
        answer.end(text);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => { server.closeAllConnections(); server.close(); });
    return `http://localhost:${server.address().port}`;
}

module.exports = { bundle, servePages };
