/* sdk.js - what a page has of Firebase, in one module. esbuild takes its browser build, which speaks WebChannel. */
'use strict';

module.exports = { ...require('firebase/app'), ...require('firebase/firestore') };
