#!/usr/bin/env node
// The `omma` command. Kept thin so that npm can link it before anything is built: the program is dist/main.js.
import '../dist/main.js';
