// The public names of 'hardkey/aws-sdk', one by one; a snapshot of them is a promise (test/package/public-names.txt).
// No type of the AWS SDK is among them: what goes to it and comes from it is described by its shape.

export type { PlaceholderCredentials } from './placeholder.ts'
export {
  type RequestPresigning,
  type RequestSignerOptions,
  type RequestSigning,
  requestSigner,
  type SdkRequestSigner,
} from './request-signer.ts'
export type { SdkRequest } from './sdk-request.ts'
export type { SdkAuthScheme, SdkExtension, SdkExtensionConfiguration, SdkSchemeSigner } from './self-test.ts'
export type { HashInput, SdkHash, SdkHashConstructor } from './sha256.ts'
export { type KeySigning, type SdkCredentialCall, type SignWithKeyOptions, signWithKey } from './sign-with-key.ts'
