// Refuses a secret among the arguments, which every user of the machine can read there (B-013, B-101).
// In: the words of the command line. Out: nothing, or ERR_USAGE that names the position and never the word.

import { HardkeyError } from '../../errors.ts'

/**
 * Refuses 40 base64 characters in a row, or 44 with the prefix, between characters that base64 does not have. Spared
 * are words that no secret access key looks like: pure hex (a digest), no mixed case, no digit or sign at all. In URLs,
 * ARNs and names of files each part between slashes is a word of its own, since whole paths often have 40 characters.
 *
 * @throws ERR_USAGE
 */
export function refuseSecretWords(words: readonly string[]): void {
  words.forEach((word, position) => {
    if (partsOf(word).some(looksLikeSecret)) {
      throw new HardkeyError('ERR_USAGE', `argument ${position + 1} looks like a secret access key`, {
        hint:
          'it is now in your shell history and was visible to others: deactivate that access key; ' +
          'a secret goes in by the hidden prompt, --from stdin or --from fd:N',
      })
    }
  })
}

function partsOf(word: string): readonly string[] {
  const hasPath = /^(?:--[a-z-]+=)?(?:arn:|pkcs11:|tpm2:|vault:|tink:|file:|csv:|json:|[a-z][a-z0-9+.-]*:\/\/)/i.test(
    word,
  )
  const separators = hasPath ? /[^A-Za-z0-9+]+/ : /[^A-Za-z0-9+/]+/
  return word.split(separators)
}

function looksLikeSecret(part: string): boolean {
  const bare = part.length === 44 && part.startsWith('AWS4') ? part.slice(4) : part
  if (bare.length !== 40 || /^[0-9a-f]+$/i.test(bare)) return false
  return /[a-z]/.test(bare) && /[A-Z]/.test(bare) && /[0-9+/]/.test(bare)
}
