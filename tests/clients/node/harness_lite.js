/* harness_lite.js - clients of firebase/firestore/lite. */
'use strict';

const { deleteApp, initializeApp } = require('firebase/app');
const lite = require('firebase/firestore/lite');
const { newProject } = require('./harness');

/* user: absent for nobody, {sub, ...claims} for a mock token, 'owner' for the admin. Ended with the test. */
function connectLite(t, { host = process.env.FIRESTORE_EMULATOR_HOST, projectId = newProject(), user } = {}) {
    const app = initializeApp({ projectId, apiKey: 'none' }, `${projectId} ${Math.random()}`);
    const db = lite.getFirestore(app);
    const [name, port] = host.split(':');
    lite.connectFirestoreEmulator(db, name, Number(port), user ? { mockUserToken: user } : {});
    t.after(() => deleteApp(app));
    return db;
}

/* The code with which the promise fails; 'ok' when it does not. */
const codeOf = promise => promise.then(() => 'ok', error => error.code);

module.exports = { connectLite, codeOf };
