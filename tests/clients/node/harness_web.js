/* harness_web.js - clients of firebase/firestore, the web SDK. */
'use strict';

const { deleteApp, initializeApp } = require('firebase/app');
const web = require('firebase/firestore');
const { newProject } = require('./harness');

web.setLogLevel('silent');

/* A client of a project of its own on the shared server, ended with the test. user: the claims of a mock token, 'owner'
 * for an admin, null for nobody. */
function connectWeb(t, { projectId = newProject(), user = 'owner', host = process.env.FIRESTORE_EMULATOR_HOST } = {}) {
    const app = initializeApp({ projectId, apiKey: 'none' }, `${projectId} ${Math.random()}`);
    const db = web.getFirestore(app);
    const [name, port] = host.split(':');
    web.connectFirestoreEmulator(db, name, Number(port), user ? { mockUserToken: user } : {});
    t.after(() => deleteApp(app));
    return db;
}

module.exports = { connectWeb };
