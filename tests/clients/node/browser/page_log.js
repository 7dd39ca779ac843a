/* page_log.js - an audit log, live: what a page of an application would show of the collection that services write.
 * ?host=..&port=..&project=..&transport=.. say where it is. The viewer is signed in as staff. */
'use strict';

const { sdk, TRANSPORTS } = require('./steps');

const STYLE = `body { font: 15px system-ui, sans-serif; margin: 2em; color: #222 } h1 { font-size: 20px }
    table { border-collapse: collapse } td, th { padding: 4px 14px; text-align: left; border-bottom: 1px solid #ddd }
    .new { background: #fff3c4 } .denied td { color: #b00020 } #state { color: #666 }`;
const COLUMNS = ['at', 'actor', 'action', 'target', 'outcome'];

function element(name, text, parent) {
    const made = document.createElement(name);
    made.textContent = text;
    parent.append(made);
    return made;
}

const shown = value => (value instanceof sdk.Timestamp ? value.toDate().toISOString().slice(0, 19) : String(value ?? ''));

function main() {
    const where = new URLSearchParams(location.search);
    const app = sdk.initializeApp({ projectId: where.get('project'), apiKey: 'none' });
    const db = sdk.initializeFirestore(app, TRANSPORTS[where.get('transport')]);
    sdk.connectFirestoreEmulator(db, where.get('host'), Number(where.get('port')), { mockUserToken: { sub: 'viewer', role: 'staff' } });

    element('style', STYLE, document.head);
    element('h1', 'Audit log, live', document.body);
    const state = element('p', 'connecting', document.body), table = element('table', '', document.body);
    state.id = 'state';
    const latest = sdk.query(sdk.collection(db, 'api_audit_logs'), sdk.orderBy('at', 'desc'), sdk.limit(12));
    sdk.onSnapshot(latest, { includeMetadataChanges: true }, snapshot => {
        const fresh = snapshot.docChanges().filter(c => c.type === 'added').map(c => c.doc.id);
        table.replaceChildren();
        const head = element('tr', '', table);
        COLUMNS.forEach(name => element('th', name, head));
        for (const entry of snapshot.docs) {
            const row = element('tr', '', table);
            row.id = entry.id;
            row.className = `${fresh.includes(entry.id) ? 'new' : ''} ${entry.get('outcome')}`;
            COLUMNS.forEach(name => element('td', shown(entry.get(name)), row));
        }
        state.textContent = `${snapshot.size} entries${snapshot.metadata.fromCache ? ', not connected' : ''}`;
    }, error => {
        table.replaceChildren();
        state.textContent = `not shown: ${error.code}`;
    });
}

main();
