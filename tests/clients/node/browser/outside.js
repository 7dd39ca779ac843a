/* outside.js - who is outside the page: an administrator over REST, and whoever pulls plugs. */
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');

/* A port that leads to a server while it is open. Shut, it ends its connections and takes no new ones. */
class Gate {
    constructor() {
        this.connections = new Set();
        this.listener = net.createServer(client => this.pass(client));
    }

    async open(target) {
        this.target = target;
        if (this.port)
            return;
        this.listener.listen(0, '127.0.0.1');
        await once(this.listener, 'listening');
        this.port = this.listener.address().port;
    }

    pass(client) {
        const [host, port] = (this.target ?? ':').split(':');
        client.on('error', () => {});
        if (!host)
            return client.destroy();
        const server = net.connect({ host, port, noDelay: true });
        server.on('error', () => {});
        for (const [from, to] of [[client, server], [server, client]]) {
            this.connections.add(from);
            from.pipe(to);
            from.on('close', () => { this.connections.delete(from); to.destroy(); });
        }
    }

    shut() {
        this.target = null;
        this.connections.forEach(connection => connection.destroy());
    }

    close() {
        this.shut();
        this.listener.close();
    }
}

/* The administrator of one project of the server at host. Numbers and text only. */
class Outside {
    constructor(host, project) {
        this.host = host;
        this.project = project;
    }

    /* What the server answers: its status and the body's JSON. */
    async ask(method, path, body) {
        /* A connection each: Google's emulator closes kept ones under the next request. */
        const request = http.request(`http://${this.host}${path}`, {
            method, agent: false, headers: { 'Authorization': 'Bearer owner', 'Content-Type': 'application/json' } });
        request.end(body && JSON.stringify(body));
        const [answer] = await once(request, 'response');
        const text = (await answer.setEncoding('utf8').toArray()).join('');
        assert.ok(answer.statusCode < 300 || answer.statusCode === 404, text);
        return [answer.statusCode, JSON.parse(text || '{}')];
    }

    document(path) {
        return `/v1/projects/${this.project}/databases/(default)/documents/${path.split('/').map(encodeURIComponent).join('/')}`;
    }

    async set(path, fields) {
        const value = v => (typeof v === 'number' ? { integerValue: String(v) } : { stringValue: v });
        const all = Object.fromEntries(Object.entries(fields).map(([name, v]) => [name, value(v)]));
        await this.ask('PATCH', this.document(path), { fields: all });
    }

    async remove(path) {
        await this.ask('DELETE', this.document(path));
    }

    /* The fields of a document, null when there is none. Of what is not a number, text or a collection, its kind. */
    async get(path) {
        const plain = ([kind, v]) => ({
            integerValue: () => Number(v),
            stringValue: () => v,
            arrayValue: () => (v.values ?? []).map(one => plain(Object.entries(one)[0])),
            mapValue: () => whole(v.fields),
        }[kind]?.() ?? kind);
        const whole = fields => Object.fromEntries(Object.entries(fields ?? {}).map(([name, v]) => [name, plain(Object.entries(v)[0])]));
        const [status, found] = await this.ask('GET', this.document(path));
        return status === 404 ? null : whole(found.fields);
    }

    async rules(body) {
        const content = `rules_version = '2';\nservice cloud.firestore {\n  match /databases/{d}/documents {${body}\n  }\n}\n`;
        await this.ask('PUT', `/emulator/v1/projects/${this.project}:securityRules`, { rules: { files: [{ name: 'firestore.rules', content }] } });
    }
}

/* An Outside of a project of the server at host whose pages come in by outside.gate.port. Ended with the test. */
async function behindGate(t, host, project) {
    const outside = new Outside(host, project), gate = new Gate();
    await gate.open(host);
    t.after(() => gate.close());
    return Object.assign(outside, { gate, cut: () => gate.shut(), mend: () => gate.open(outside.host) });
}

/* The server that the tests share. */
function sharedServer() {
    const [host, port] = process.env.FIRESTORE_EMULATOR_HOST.split(':');
    return { host, port: Number(port) };
}

module.exports = { behindGate, Outside, sharedServer };
