/* xhr.js - as much of a browser's XMLHttpRequest as WebChannel uses, so that Firebase's browser build runs in Node.
 *
 * It is of another origin than the server and as strict as a browser about it: an answer that CORS does not allow is an
 * error, and a header that is not exposed is not there. It sends no preflight. */
'use strict';

const http = require('node:http');

const ORIGIN = 'http://localhost:5173';
const SAFE_HEADERS = ['cache-control', 'content-language', 'content-length', 'content-type', 'expires', 'last-modified', 'pragma'];

/* Whether a page of ORIGIN may read this answer. */
function allowed(headers, withCredentials) {
    const origin = headers['access-control-allow-origin'];
    if (withCredentials)
        return origin === ORIGIN && headers['access-control-allow-credentials'] === 'true';
    return origin === ORIGIN || origin === '*';
}

class XMLHttpRequest {
    constructor() {
        this.readyState = 0;
        this.status = 0;
        this.statusText = '';
        this.responseText = '';
        this.withCredentials = false;
        this.timeout = 0;
        this.headers = {};
    }

    get response() {
        return this.responseText;
    }

    open(method, url) {
        this.method = method;
        this.url = url;
        this.turn(1);
    }

    setRequestHeader(name, value) {
        this.headers[name] = value;
    }

    send(body) {
        this.request = http.request(this.url, { method: this.method, headers: { ...this.headers, Origin: ORIGIN } });
        this.request.on('response', answer => this.receive(answer));
        /* A kept connection may have been closed meanwhile: browsers take a new one without a word. */
        this.request.on('error', () => (this.request.reusedSocket && this.readyState === 1 ? this.send(body) : this.fail()));
        this.request.setTimeout(this.timeout, () => this.fail());
        this.request.end(body);
    }

    receive(answer) {
        if (!allowed(answer.headers, this.withCredentials))
            return this.fail();
        const exposed = (answer.headers['access-control-expose-headers'] ?? '').toLowerCase().split(/\s*,\s*/);
        const visible = ([name]) => SAFE_HEADERS.includes(name) || exposed.includes(name);
        this.answered = Object.fromEntries(Object.entries(answer.headers).filter(visible));
        this.status = answer.statusCode;
        this.statusText = answer.statusMessage;
        this.turn(2);
        answer.setEncoding('utf8'); /* a character cut in two by a chunk waits for its other half */
        answer.on('data', text => { this.responseText += text; this.turn(3); });
        answer.on('end', () => this.turn(4));
        answer.on('error', () => this.fail());
    }

    turn(state) {
        if (this.readyState === 4 && state !== 1)
            return; /* over: aborted or failed */
        this.readyState = state;
        this.onreadystatechange?.();
        if (state === 4)
            this.onload?.();
    }

    fail() {
        this.status = 0;
        this.turn(4);
        this.request?.destroy();
    }

    abort() {
        this.readyState = 4;
        this.request?.destroy();
    }

    getResponseHeader(name) {
        return this.answered?.[name.toLowerCase()] ?? null;
    }

    getAllResponseHeaders() {
        return Object.entries(this.answered ?? {}).map(([name, value]) => `${name}: ${value}\r\n`).join('');
    }
}

module.exports = { XMLHttpRequest };
