/* page_steps.js - a page that plays steps when it is told to: play(FILE, STEP, where). What is outside is asked by
 * window.outside(METHOD, ARGUMENTS), a function of the driver. */
'use strict';

const steps = require('./steps');

const outside = new Proxy({}, { get: (_, method) => (...args) => window.outside(method, args) });

window.play = (file, name, where) => steps.play(steps[file][name], { ...where, settings: steps.TRANSPORTS[where.transport] }, outside);
