// `hardkey demo`: the whole round on this machine, without account, device or trace. Every act is checked, and one that
// does not end as it must makes the demo fail. Out: at most 40 lines on standard output.
//
// `--then FILE` runs `node FILE` once the acts are through and while the STS still answers; the clone's `npm run demo`
// adds its checks with the AWS SDK so. The program finds
//   in its environment: HARDKEY_HOME, AWS_CONFIG_FILE with the profile `demo`, whose credential_process is this command
//     (AssumeRole by record), AWS_SHARED_CREDENTIALS_FILE (none), AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_STS,
//     AWS_ENDPOINT_URL, AWS_EC2_METADATA_DISABLED;
//   on standard input, as JSON: { request: { method, url, headers, body }, region, service, date, accessKeyId,
//     secretAccessKey }: the signed GetCallerIdentity, and the throw-away secret to sign it a second time.
// Each line that it prints becomes a line of the demo. A status other than 0 fails the demo.

import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { openKey } from '../../backends/open.ts'
import { checkIn } from '../../lifecycle/check-in.ts'
import type { AwsFiles } from '../../profiles/aws-config.ts'
import { writeCredentialProcess } from '../../profiles/credential-process.ts'
import { recordUri } from '../../profiles/open-record.ts'
import { credentialProcessLine } from '../../profiles/process-line.ts'
import type { StoredRecord } from '../../profiles/record-store.ts'
import type { SignedRequest } from '../../sigv4/header-form.ts'
import { stsClient } from '../../sts/client.ts'
import type { CommandContext } from '../command.ts'
import { runFollowUp } from '../demo/follow-up.ts'
import { counted, getSessions, type Round, showRefusals, signAndSend } from '../demo/round.ts'
import { demoRegion, demoRole, setStage } from '../demo/stage.ts'

/** Plays the round and cleans up. */
export async function demo(context: CommandContext): Promise<number> {
  const { args, now, output, report, signal } = context
  const tell: Round['tell'] = (where, what) => output.line(`  ${where.padEnd(7)} ${what}`)
  let acts = 0
  const act = (title: string): void => {
    acts += 1
    output.line(`${acts}. ${title}`)
  }
  output.line('hardkey demo: a throw-away access key and an STS on loopback; nothing leaves this machine')
  const stage = await setStage(now)
  try {
    const round: Round = { stage, now, signal, tell }
    act('A secret checks in')
    const stored = await report.waiting('the keyset (its passphrase is slow to try on purpose)', checkInDemo(round))
    const device = counted(await openKey(recordUri(stored), { signal }))
    try {
      act('A request is signed, step by step, and checked')
      const signed = await signAndSend(round, device)
      act('Temporary credentials come out, and work')
      await getSessions(round, device)
      act('What is refused')
      await showRefusals(round, device, signed)
      const script = args.value('then')
      if (script !== undefined) {
        act('Other programs agree')
        await followUp(context, round, script, stored, signed)
      }
    } finally {
      await device.key.close()
    }
    act(`${stage.sts.accepted()} requests accepted, ${stage.sts.refused()} refused`)
  } finally {
    await stage.close()
  }
  tell('host', 'temporary folder, keyset and STS are gone')
  report.next('hardkey import NAME --to embedded, or with a device from hardkey devices')
  return 0
}

async function checkInDemo({ stage, now, signal, tell }: Round): Promise<StoredRecord> {
  const { accessKeyId, secret, target, folder, sts } = stage
  const { stored, info, identity } = await checkIn({
    name: 'demo',
    accessKeyId,
    secret,
    to: target,
    prove: (keys, ended) =>
      stsClient({ keys, region: demoRegion, endpoint: sts.url, now }).getCallerIdentity({ signal: ended }),
    settings: { region: demoRegion, endpointUrl: sts.url, roleArn: demoRole },
    folder: join(folder, 'keys'),
    now,
    signal,
  })
  tell('host', `${accessKeyId} and a throw-away secret of 40 characters`)
  tell('device', `${info.device}, protection: ${info.protection}; a token keeps it in hardware`)
  tell('device', 'its HMAC equals the one made in software; the secret is not needed any more')
  tell('STS', `knows the key as ${identity?.arn ?? 'nobody'}`)
  return stored
}

async function followUp(
  { environment, output, now }: CommandContext,
  { stage, signal }: Round,
  script: string,
  stored: StoredRecord,
  request: SignedRequest,
): Promise<void> {
  const files: AwsFiles = { config: join(stage.folder, 'config'), credentials: join(stage.folder, 'credentials') }
  const command = [process.execPath, realpathSync(process.argv[1] ?? process.execPath)]
  const line = credentialProcessLine(command, stored.name)
  await writeCredentialProcess({ files, profile: 'demo', line, region: demoRegion })
  await runFollowUp({
    script,
    environment: {
      ...environment.forPrograms,
      HARDKEY_HOME: stage.folder,
      AWS_CONFIG_FILE: files.config,
      AWS_SHARED_CREDENTIALS_FILE: files.credentials,
      AWS_PROFILE: 'demo',
      AWS_REGION: demoRegion,
      AWS_ENDPOINT_URL: stage.sts.url,
      AWS_ENDPOINT_URL_STS: stage.sts.url,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    told: {
      request,
      region: demoRegion,
      service: 'sts',
      date: request.headers['X-Amz-Date'] ?? now().toISOString(),
      accessKeyId: stage.accessKeyId,
      // A string, as every other signer wants it; this secret opens nothing.
      secretAccessKey: stage.secret.lend((bytes) => Buffer.from(bytes).toString('latin1')),
    },
    signal,
    onLine: (printed) => output.line(`  ${printed}`),
  })
}
