/* firebase/firestore in a real browser: headless Chromium, a page of another origin than the server. CHROMIUM names the
 * browser, SCREENSHOTS a folder for pictures. No page may print an error or a warning, but what ALLOWED
 * says. */
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { chromium } = require('playwright-core');
const { newProject, PATIENCE, serve } = require('../harness');
const { behindGate, Outside, sharedServer } = require('./outside');
const { servePages } = require('./pages');
const steps = require('./steps');

/* What Chromium and Firebase say of a network that was taken away on purpose, */
const AWAY = [/net::ERR_/, /WebChannelConnection RPC '\w+' stream \w+ transport errored/, /Could not reach Cloud Firestore backend/];
/* ... of a session that the server before this one had, */
const FORGOTTEN = /status of 400 /;
/* ... and of a commit that is refused. */
const REFUSED = [/status of 40[04] /, /RestConnection RPC 'Commit' \w+ failed with error/];
/* What a step may have them say. Every other step is silent. */
const ALLOWED = {
    'a transaction is tried again when what it read has changed': REFUSED,
    'connections break while the page works': AWAY,
    'the browser is offline for a while': AWAY,
    'the server is started again on the same data': [...AWAY, FORGOTTEN],
};

const STAFF_READS = `
    match /api_audit_logs/{id} { allow read: if request.auth.token.role == 'staff'; }`;
const NOBODY_READS = `
    match /api_audit_logs/{id} { allow read: if false; }`;

/* A browser that ends with the test. */
async function launch(t) {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
    t.after(() => browser.close());
    return browser;
}

/* A folder for a server's data, removed with the test. */
function dataFolder(t) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'browser-data-'));
    t.after(() => fs.rmSync(folder, { recursive: true }));
    return folder;
}

async function picture(page, name) {
    if (process.env.SCREENSHOTS)
        await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`) });
}

/* A page whose errors and warnings are kept in page.said. Ended with the test. */
async function open(t, browser, url) {
    const context = await browser.newContext({ viewport: { width: 900, height: 520 } });
    t.after(() => context.close());
    const page = await context.newPage();
    page.said = [];
    page.on('console', m => ['error', 'warning', 'assert'].includes(m.type()) && page.said.push(`${m.type()}: ${m.text()}`));
    page.on('pageerror', error => page.said.push(`uncaught: ${error.message}`));
    await page.goto(url);
    return page;
}

function quiet(page, allowed = []) {
    assert.deepEqual(page.said.filter(line => !allowed.some(one => one.test(line))), []);
}

/* Plays a step in a page of its own. outside answers what the page asks of it. */
async function play(t, browser, url, [file, name], where, outside) {
    const page = await open(t, browser, `${url}/page_steps`);
    outside.offline = offline => page.context().setOffline(offline);
    await page.exposeFunction('outside', (method, args) => outside[method](...args));
    await page.evaluate(([f, n, w]) => window.play(f, n, w), [file, name, where]);
    quiet(page, ALLOWED[name]);
}

/* A new project behind a gate: of the shared server ... */
async function unsteady(t, address = process.env.FIRESTORE_EMULATOR_HOST) {
    const project = newProject(), outside = await behindGate(t, address, project);
    return { host: '127.0.0.1', port: outside.gate.port, project, outside };
}

/* ... and of a server that keeps its data while it is away. */
async function restartable(t) {
    const server = await serve(t, '--data', dataFolder(t));
    const where = await unsteady(t, server.host);
    where.outside.stop = () => (where.outside.cut(), server.end());
    where.outside.start = async () => {
        await server.start();
        where.outside.host = server.host;
        await where.outside.mend();
    };
    return where;
}

const everyStep = (...files) => files.flatMap(file => Object.keys(steps[file]).map(name => [file, name]));
/* What each way of listening is tried with. */
const PLAYED = {
    'detected': everyStep('documents', 'listen'),
    'fetch': everyStep('listen'),
    'XHR': everyStep('listen'),
    'long polling': everyStep('documents', 'listen'),
};

test('Chromium', { concurrency: 3 }, async t => {
    const browser = await launch(t);
    const url = await servePages(t, ['page_steps']), { host, port } = sharedServer();

    await Promise.all(Object.entries(PLAYED).flatMap(([transport, all]) => all.map(step =>
        t.test(`${transport}: ${step[1]}`, PATIENCE, t => {
            const project = newProject(), outside = new Outside(`${host}:${port}`, project);
            return play(t, browser, url, step, { host, port, project, transport }, outside);
        }))));
});

/* The steps take seconds in which a client waits before it tries again: all of them at once. */
test('Chromium without a network', { concurrency: 8 }, async t => {
    const browser = await launch(t);
    const url = await servePages(t, ['page_steps']);
    const cases = ['detected', 'long polling'].flatMap(transport => Object.keys(steps.network).map(name => [transport, name]));

    await Promise.all(cases.map(([transport, name]) => t.test(`${transport}: ${name}`, PATIENCE, async t => {
        const { host, port, project, outside } = await (name.includes('started again') ? restartable : unsteady)(t);
        await play(t, browser, url, ['network', name], { host, port, project, transport }, outside);
    })));
});

test('Chromium: a page of an audit log is live', PATIENCE, async t => {
    const browser = await launch(t), url = await servePages(t, ['page_log']);
    const { host, port } = sharedServer(), project = newProject(), outside = new Outside(`${host}:${port}`, project);
    await outside.rules(STAFF_READS);
    const entry = (id, action, outcome, second) => outside.set(`api_audit_logs/${id}`, {
        actor: 'user-7', action, target: `orders/${id}`, outcome, at: `2026-01-02T03:04:${second}Z` });
    await entry('e1', 'order.create', 'ok', '05');
    const page = await open(t, browser, `${url}/page_log?${new URLSearchParams({ host, port, project, transport: 'detected' })}`);
    await page.waitForSelector('#e1');
    await picture(page, 'audit-log-1');
    await entry('e2', 'order.refund', 'denied', '06');
    await entry('e3', 'order.ship 😀', 'ok', '07');
    await page.waitForSelector('#e3.new');
    assert.deepEqual(await page.locator('tr[id]').evaluateAll(rows => rows.map(row => row.id)), ['e3', 'e2', 'e1']);
    await picture(page, 'audit-log-2');
    await outside.rules(NOBODY_READS);
    await page.waitForFunction(() => document.querySelector('#state').textContent.startsWith('not shown: '));
    assert.equal(await page.textContent('#state'), 'not shown: permission-denied');
    await picture(page, 'audit-log-3');
    quiet(page);
});
