// The fuzzer as a process of its own, bundled by start.ts, so that a hang can be ended and only our code is counted.
// In: as arguments the target, the runs, the seed of the dice; as control a target that is broken on purpose.
// Out: the result as one line of JSON.

import { targetsOfControl } from './control-targets.ts'
import { Coverage } from './coverage.ts'
import { fuzz } from './fuzzer.ts'
import { fuzzTargets } from './targets.ts'

const [name = '', runs = '0', seed = '1'] = process.argv.slice(2)
const target = [...fuzzTargets, ...targetsOfControl].find((one) => one.name === name)
if (target === undefined) throw new Error(`no fuzz target "${name}"`)
const coverage = new Coverage(process.argv[1] ?? '')
const result = fuzz(target, coverage, Number(runs), Number(seed))
coverage.close()
process.stdout.write(`${JSON.stringify(result)}\n`)
