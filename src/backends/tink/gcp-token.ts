// An access token for Google Cloud KMS from the application default credentials. In: nothing. Out: its bytes, by the optional
// package google-auth-library, which reads the environment itself. No other file imports that package.

import { HardkeyError } from '../../errors.ts'

/** https://cloud.google.com/kms/docs/reference/rest: the narrowest scope that Cloud KMS takes. */
const scope = 'https://www.googleapis.com/auth/cloudkms'

/** @throws ERR_BACKEND_NOT_INSTALLED, ERR_PIN_REQUIRED where there are no such credentials */
export async function applicationDefaultToken(): Promise<Uint8Array> {
  const { GoogleAuth } = await load()
  let token: string | null | undefined
  try {
    token = await new GoogleAuth({ scopes: [scope] }).getAccessToken()
  } catch (error) {
    const words = error instanceof Error ? error.message.slice(0, 300) : 'the library failed'
    throw noToken(`no token for Google Cloud KMS was found: ${words}`)
  }
  if (typeof token === 'string' && token !== '') return new TextEncoder().encode(token)
  throw noToken('the application default credentials gave no token for Google Cloud KMS')
}

/** What of the package is used here. */
interface GoogleLibrary {
  readonly GoogleAuth: new (options: { scopes: string[] }) => { getAccessToken(): Promise<string | null | undefined> }
}

async function load(): Promise<GoogleLibrary> {
  try {
    return await import('google-auth-library')
  } catch (error) {
    throw new HardkeyError('ERR_BACKEND_NOT_INSTALLED', 'no token for Google Cloud KMS was given', {
      hint: 'name a token-source in the key URI, give googleToken, or npm install google-auth-library, which finds one',
      cause: error,
    })
  }
}

function noToken(message: string): HardkeyError {
  return new HardkeyError('ERR_PIN_REQUIRED', message, {
    hint: 'name a token-source in the key URI, or run gcloud auth application-default login',
  })
}
