// The names of the profiles in the AWS files. In: the two files. Out: names in the order of the files, each once.
// AWS SDKs and Tools Reference Guide, "Shared config and credentials files".

import { type AwsFiles, withAwsFiles } from './aws-config.ts'

/** @throws ERR_CONFIG_INVALID where a file cannot be read or others could change it */
export async function profileNames(files: AwsFiles): Promise<readonly string[]> {
  return await withAwsFiles(files, ([config, credentials]) => {
    const sections = (lines: typeof config.lines): string[] =>
      lines.flatMap(({ kind, section }) => (kind === 'section' && section !== undefined ? [section] : []))
    const ofConfig = sections(config.lines)
      .filter((section) => section === 'default' || section.startsWith('profile.'))
      .map((section) => section.replace('profile.', ''))
    return [...new Set([...ofConfig, ...sections(credentials.lines)])]
  })
}
