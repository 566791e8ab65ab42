// The public names of 'hardkey', one by one; a snapshot of them is a promise (test/package/public-names.txt).
// What only one device knows is in 'hardkey/backends/NAME'.

export { type OpenOptions, openKey } from './backends/open.ts'
export {
  type CredentialProvider,
  type FromHardkeyOptions,
  fromHardkey,
  type ProviderCall,
  type StsAction,
} from './credentials/provider.ts'
export { type ErrorCode, errorCodes, HardkeyError, type HardkeyErrorOptions } from './errors.ts'
export {
  type HttpAnswer,
  type HttpClient,
  type HttpClientOptions,
  httpClient,
  type OutgoingRequest,
  type ProxySettings,
  type SendOptions,
} from './http/client.ts'
export type {
  DeviceContext,
  DeviceLister,
  DeviceListing,
  HmacKey,
  HmacOptions,
  ImportedKey,
  KeyBackend,
  KeyImporter,
  KeyInfo,
  Protection,
} from './key/hmac-key.ts'
export type { PinRequest, PinSource } from './key/pin-source.ts'
export { Secret } from './key/secret.ts'
export { KeyUri, type UriChanges, type UriValues } from './key/uri.ts'
export { type OpenedRecord, openRecord } from './profiles/open-record.ts'
export type { KeyRecord, RecordSettings } from './profiles/record.ts'
export {
  type DateKeySource,
  type DeviceDateKeysOptions,
  deviceDateKeys,
  type SecretDateKeysOptions,
  secretDateKeys,
} from './sigv4/date-key.ts'
export type { SignedRequest } from './sigv4/header-form.ts'
export { hashPayload, type PayloadChoice } from './sigv4/payload.ts'
export type { HttpRequest } from './sigv4/request.ts'
export {
  type PresignOptions,
  type SignOptions,
  type SigV4Signer,
  type SigV4SignerOptions,
  sigV4Signer,
} from './sigv4/signer.ts'
export type { CallerIdentity, StsSession, TemporaryCredentials } from './sts/answer.ts'
export { type StsCallOptions, type StsClient, type StsClientOptions, stsClient } from './sts/client.ts'
export type {
  AssumeRoleInput,
  GetFederationTokenInput,
  GetSessionTokenInput,
  MfaRequest,
  PolicyDescriptorType,
  ProvidedContext,
  Tag,
  TokenCode,
} from './sts/inputs.ts'
