/* steps.js - every step by the name of its file, and what plays it. */
'use strict';

module.exports = {
    ...require('./run'),
    sdk: require('./sdk'),
    documents: require('./steps_documents'),
    listen: require('./steps_listen'),
    network: require('./steps_network'),
};
