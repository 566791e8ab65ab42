// Before every test file: the variables by which this machine would change what a test sees are taken away, and so is its
// umask, which would narrow the files that a test makes for others to read. What a test starts gets an environment built for
// it (test/peers/peer.ts).

for (const name of Object.keys(process.env)) {
  if (/^(AWS_|HARDKEY_|SOFTHSM2_|KRYOPTIC_|P11_|PKCS11_|XDG_|CREDENTIALS_DIRECTORY$)/.test(name))
    delete process.env[name]
}

process.umask(0o022)

// The AWS SDK would tell of Node versions to come, in the midst of the report.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
