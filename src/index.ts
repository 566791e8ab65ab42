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
  type StreamedAnswer,
  type StreamedRequest,
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
export type { ChecksumAlgorithm } from './sigv4/checksum.ts'
export type { BodyStream } from './sigv4/chunked-body.ts'
export type { ChunkedOptions, ChunkedRequest, SignedStream } from './sigv4/chunked-form.ts'
export {
  type DateKeySource,
  type DeviceDateKeysOptions,
  deviceDateKeys,
  type SecretDateKeysOptions,
  secretDateKeys,
} from './sigv4/date-key.ts'
export { type EventHeader, type EventMessage, eventMessage } from './sigv4/event-message.ts'
export type { EventStreamRequest } from './sigv4/event-stream.ts'
export type { SignedRequest } from './sigv4/header-form.ts'
export { hashPayload, type PayloadChoice } from './sigv4/payload.ts'
export type { PostCondition, PostForm, PostPolicyInput, PostPolicyOptions } from './sigv4/post-policy.ts'
export type { HttpRequest } from './sigv4/request.ts'
export { type SignedFetch, type SignedFetchInit, type SignedFetchOptions, signedFetch } from './sigv4/signed-fetch.ts'
export {
  type PresignOptions,
  type SignOptions,
  type SigV4Signer,
  type SigV4SignerOptions,
  sigV4Signer,
} from './sigv4/signer.ts'
export { type SigV4aSigner, type SigV4aSignerOptions, sigV4aSigner } from './sigv4/sigv4a-signer.ts'
export {
  type CacheTokenOptions,
  type ElastiCacheTokenOptions,
  elastiCacheToken,
  memoryDbToken,
} from './sigv4/tokens/cache.ts'
export { type DsqlTokenOptions, dsqlToken } from './sigv4/tokens/dsql.ts'
export type { LoginToken, TokenOptions } from './sigv4/tokens/login-token.ts'
export { type MskTokenOptions, mskToken } from './sigv4/tokens/msk.ts'
export { type RdsTokenOptions, rdsToken } from './sigv4/tokens/rds.ts'
export type { CallerIdentity, StsSession, TemporaryCredentials } from './sts/answer.ts'
export { type StsCallOptions, type StsClient, type StsClientOptions, stsClient } from './sts/client.ts'
export { type EksTokenOptions, eksToken } from './sts/eks-token.ts'
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
