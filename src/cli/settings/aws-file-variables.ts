// Where the AWS files are. In: the environment. Out: the two that every AWS SDK reads, as the SDK for JavaScript finds them, and
// those that botocore reads in their place or besides. AWS SDKs and Tools Reference Guide, "Shared config and credentials
// files: location"; botocore, configloader.py and BotoProvider.

import { devNull } from 'node:os'
import type { Variables } from './environment.ts'

export interface AwsFileVariables {
  readonly awsConfigFile: string
  readonly awsCredentialsFile: string
  /** The same two with `$NAME` filled in, and the files of boto 2 in which a key may stand. */
  readonly botocoreFiles: () => {
    readonly config: string
    readonly credentials: string
    readonly boto: readonly string[]
  }
}

/** `read` gives a variable that is set and not empty; `inHome` undefined where there is no home folder. */
export function readAwsFileVariables(
  read: (name: string) => string | undefined,
  variables: Variables,
  inHome: (path: string) => string | undefined,
): AwsFileVariables {
  // No shell may have seen the variable.
  const atHome = (path: string): string => (/^~[/\\]/.test(path) ? (inHome(path.slice(2)) ?? devNull) : path)
  const filled = (path: string): string =>
    atHome(path.replace(/\$(?:(\w+)|\{([^}]*)\})/g, (whole, plain, braced) => variables[plain ?? braced] ?? whole))
  const config = read('AWS_CONFIG_FILE') ?? '~/.aws/config'
  const credentials = read('AWS_SHARED_CREDENTIALS_FILE') ?? '~/.aws/credentials'
  return {
    awsConfigFile: atHome(config),
    awsCredentialsFile: atHome(credentials),
    botocoreFiles: () => {
      // Set to nothing it means no file.
      const boto = variables.BOTO_CONFIG === undefined ? ['/etc/boto.cfg', '~/.boto'] : [variables.BOTO_CONFIG]
      const named = boto.filter((path) => path !== '' && !path.includes('\0'))
      return { config: filled(config), credentials: filled(credentials), boto: named.map(filled) }
    },
  }
}
