/* harness.js - clients of the official libraries, and servers with flags of their own.
 *
 * Every test has a project of its own, so tests need not clean up after each other. FIRESTORE_EMULATOR_HOST
 * names the server all of them share (`cinderlog exec` sets it); EMULATOR_BINARY starts further ones. */
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { test } = require('node:test');

const { Firestore } = require('@google-cloud/firestore');
const { OAuth2Client } = require('google-auth-library');

const ROOT = path.resolve(__dirname, '..', '..', '..');
/* No wait of a test that passes comes near it. */
const PATIENCE = { timeout: 120000 };

const newProject = () => 'test-' + randomUUID().slice(0, 13);

/* preferRest asks for Google credentials even where an emulator is named: one that says "Bearer owner", as the
 * gRPC half does by itself. */
function ownerCredentials() {
    const client = new OAuth2Client();
    client.setCredentials({ access_token: 'owner', expiry_date: Date.now() + 24 * 3600 * 1000 });
    return client;
}

/* make()'s client of the server at host: the libraries read the variable, once, while the client is made. */
function toward(host, make) {
    const ambient = process.env.FIRESTORE_EMULATOR_HOST;
    process.env.FIRESTORE_EMULATOR_HOST = host ?? ambient;
    try {
        return make();
    } finally {
        process.env.FIRESTORE_EMULATOR_HOST = ambient;
    }
}

/* A Firestore client over 'gRPC' or 'REST', ended with the test: of a project of its own, on the shared server if
 * the settings name no host. */
function connect(t, transport, { host, ...settings } = {}) {
    const all = { projectId: newProject(), preferRest: transport === 'REST', ...settings };
    if (all.preferRest && !all.credentials)
        all.authClient = ownerCredentials();
    const db = toward(host, () => new Firestore(all));
    t.after(() => db.terminate());
    return db;
}

/* One test for each transport: fn(t, transport); onBoth gives fn(db, transport, t) a client of the shared server. */
function perTransport(name, fn) {
    for (const transport of ['gRPC', 'REST'])
        test(`${transport}: ${name}`, PATIENCE, t => fn(t, transport));
}

const onBoth = (name, fn) => perTransport(name, (t, transport) => fn(connect(t, transport), transport, t));

const CODES = {
    INVALID_ARGUMENT: { gRPC: 3, REST: 400 },
    NOT_FOUND: { gRPC: 5, REST: 404 },
    ALREADY_EXISTS: { gRPC: 6, REST: 409 },
    PERMISSION_DENIED: { gRPC: 7, REST: 403 },
    FAILED_PRECONDITION: { gRPC: 9, REST: 400 },
    UNIMPLEMENTED: { gRPC: 12, REST: 501 },
};

/* The promise fails with that status and a message that matches. Over REST this library has the HTTP status for a
 * code and the whole answer for a message. */
async function refused(promise, transport, status, message = /./) {
    await assert.rejects(promise, error => {
        assert.match(error.message, message);
        assert.equal(Number(error.code), CODES[status][transport], error.message);
        if (transport === 'REST')
            assert.ok(error.message.includes(`"status":"${status}"`), error.message);
        return true;
    });
}

class Server {
    constructor(folder) {
        this.folder = folder;
        this.log = path.join(folder, 'requests');
    }

    /* Also after end(), with the same flags. */
    async start(args = this.args) {
        this.args = args;
        const portFile = path.join(this.folder, 'port');
        const plain = Object.entries(process.env).filter(([name]) => !name.startsWith('CINDERLOG_'));
        const common = ['--port', '0', '--port-file', portFile, '--request-log', this.log];
        if (!args.includes('--data'))
            common.push('--data', ':memory:');
        fs.rmSync(portFile, { force: true });
        this.process = spawn(process.env.EMULATOR_BINARY, ['serve', ...common, ...args],
                             { cwd: ROOT, env: Object.fromEntries(plain), stdio: ['ignore', 'ignore', 'inherit'] });
        this.ended = new Promise(resolve => this.process.on('exit', resolve));
        while (!fs.existsSync(portFile)) {
            assert.equal(this.process.exitCode, null, 'the server ended');
            await sleep(10);
        }
        this.host = '127.0.0.1:' + fs.readFileSync(portFile, 'utf8').trim();
    }

    async end() {
        this.process.kill('SIGTERM');
        assert.equal(await this.ended, 0, 'exit code of the server');
    }

    async stop() {
        await this.end();
        fs.rmSync(this.folder, { recursive: true });
    }

    /* What /cinderlog/v1/... answers, as text. */
    async control(method, path, body) {
        const answer = await fetch(`http://${this.host}/cinderlog/v1/${path}`, { method, body });
        const text = await answer.text();
        assert.ok(answer.ok, text);
        return text;
    }

    lines() {
        const text = fs.readFileSync(this.log, 'utf8');
        return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter(Boolean).map(line => JSON.parse(line));
    }

    /* Every line up to now. Those of reads come a moment after their answers: a read of our own is asked for, and once
     * its line is there, so are those before it. */
    async settled() {
        const marker = randomUUID();
        const url = `http://${this.host}/v1/projects/marker/databases/(default)/documents/marker/missing`;
        await (await fetch(url, { headers: { 'Authorization': 'Bearer owner', 'User-Agent': `marker ${marker}` } })).text();
        for (;;) {
            const lines = this.lines();
            if (lines.some(line => line.user_agent === `marker ${marker}`))
                return lines;
            await sleep(5);
        }
    }

    /* The requests logged while work() ran: the client's attempts. */
    async attempts(work) {
        const before = (await this.settled()).length;
        await work();
        const since = (await this.settled()).slice(before);
        return since.filter(line => !line.user_agent.startsWith('marker ')).map(line => `${line.rpc} ${line.code}`);
    }
}

/* A server of the test's own, started with the flags, stopped with the test. */
async function serve(t, ...args) {
    const server = new Server(fs.mkdtempSync(path.join(os.tmpdir(), 'node-client-')));
    await server.start(args);
    t.after(() => server.stop());
    return server;
}

/* The same, under these rules. */
async function serveRules(t, rules, ...args) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-rules-'));
    const file = path.join(folder, 'firestore.rules');
    fs.writeFileSync(file, `rules_version = '2';\nservice cloud.firestore {\n` +
                           `  match /databases/{database}/documents {\n${rules}\n  }\n}\n`);
    t.after(() => fs.rmSync(folder, { recursive: true }));
    return serve(t, '--rules', file, ...args);
}

const ids = snapshot => snapshot.docs.map(document => document.id);
const found = async query => ids(await query.get());

module.exports = {
    PATIENCE, newProject, toward, connect, perTransport, onBoth, refused, serve, serveRules, ids, found,
};
