// Loaded into a command before it starts: collects what nobody holds every second, so that the memory that the kernel counts is what
// the command holds.

const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')

setFlagsFromString('--expose-gc')
// A function that V8 adds to new contexts under that flag.
setInterval(runInNewContext('gc'), 1000).unref()
