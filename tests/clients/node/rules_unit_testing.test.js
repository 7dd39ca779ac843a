/* @firebase/rules-unit-testing, unmodified: the way most teams test their rules. */
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { assertFails, assertSucceeds, initializeTestEnvironment } = require('@firebase/rules-unit-testing');
const web = require('firebase/firestore');
const { newProject, PATIENCE } = require('./harness');
const { listening, snapshots, ids } = require('./harness_listen');

const RULES = fs.readFileSync(path.join(__dirname, '..', '..', '..', 'fixtures', 'rules', 'audit_log.rules'), 'utf8');
const entry = changed => ({
    timestamp: new Date(), request_id: 'r', user_id: 'u', endpoint: '/', method: 'GET', status_code: 200, firestore_path: 'c/d', ...changed });

test('rules-unit-testing: contexts, assertions, rules off, clearing', PATIENCE, listening(async t => {
    web.setLogLevel('silent');
    const [host, port] = process.env.FIRESTORE_EMULATOR_HOST.split(':');
    const env = await initializeTestEnvironment({ projectId: newProject(), firestore: { host, port: Number(port), rules: RULES } });
    t.after(() => env.cleanup());
    const at = (context, name) => web.doc(context.firestore(), `api_audit_logs/${name}`);
    const service = env.authenticatedContext('svc', { source: 'fastapi_service' });
    const auditor = env.authenticatedContext('ann', { role: 'auditor' });
    const nobody = env.unauthenticatedContext();

    await assertSucceeds(web.setDoc(at(service, 'a'), entry()));
    await assertFails(web.setDoc(at(service, 'b'), entry({ method: 'BREW' })));
    await assertFails(web.updateDoc(at(service, 'a'), { status_code: 500 }));
    await assertFails(web.deleteDoc(at(service, 'a')));
    await assertFails(web.getDoc(at(service, 'a')));
    await assertFails(web.setDoc(at(nobody, 'c'), entry()));
    await assertSucceeds(web.getDoc(at(auditor, 'a')));

    const listener = snapshots(t, (next, error) => web.onSnapshot(web.collection(auditor.firestore(), 'api_audit_logs'), next, error));
    assert.equal(ids(await listener.next()), 'a');
    await env.withSecurityRulesDisabled(context => web.setDoc(at(context, 'seeded'), { n: 1 }));
    assert.equal(ids(await listener.next()), 'a seeded');
    await env.clearFirestore();
    assert.equal(ids(await listener.next()), '');
}));
