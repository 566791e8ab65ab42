// What hardkey must withstand, row by row: faults (F-), bad inputs (B-), leaks (L-), supply chain (S-). Out: each id with
// one line of what is expected, and where a row cannot apply yet, why. A test proves a row by carrying its id at the start
// of its name; scripts/reliability.mjs joins both into docs/reliability.md. More than 250 lines: one line for each row.

export interface Row {
  /** Such as `F-P01`. */
  readonly id: string
  /** The fault or input, and what is expected of hardkey. */
  readonly text: string
  /** Why no test can prove the row yet; such a row has no test. */
  readonly later?: string
  /** What of the row no test shows, and why. */
  readonly partly?: string
}

const published = 'nothing has been published yet'

/** PKCS#11, through a module that stands between hardkey and SoftHSM. */
const pkcs11: readonly Row[] = [
  { id: 'F-P01', text: 'a wrong PIN, under whatever status the token gives it, is tried once by all processes' },
  { id: 'F-P02', text: 'a locked PIN is not tried, and the token is named' },
  { id: 'F-P03', text: 'no PIN is tried where a wrong one would lock the token' },
  {
    id: 'F-P04',
    text: 'after a wrong PIN a person is warned before the next, and a file is refused until it was corrected',
  },
  { id: 'F-P05', text: 'an expired PIN, one of wrong length and one never set each have their error, without a retry' },
  { id: 'F-P06', text: 'being logged in already is success' },
  { id: 'F-P07', text: 'another user being logged in is a clear error' },
  { id: 'F-P08', text: 'a PIN pad that is cancelled or left alone ends in an error, without a retry' },
  { id: 'F-P09', text: 'a token that was taken out is named, and found again when it is back' },
  { id: 'F-P10', text: 'another token of the same label is refused' },
  { id: 'F-P11', text: 'a token is found again after slots were renumbered' },
  { id: 'F-P12', text: 'a lost session is opened anew once, and the same HMAC asked again' },
  { id: 'F-P13', text: 'a device error is tried once more on a new session; one that stays ends in an error' },
  { id: 'F-P14', text: 'too many sessions: waits, and fails only at the deadline' },
  { id: 'F-P15', text: 'an operation left active by a cancelled call does not stop the next' },
  { id: 'F-P16', text: 'an object that was removed is looked for again; gone and ambiguous have their errors' },
  { id: 'F-P17', text: 'a missing mechanism or permission is named, and the key is never read out instead' },
  {
    id: 'F-P18',
    text: 'an answer of 0, 31, 33 or 64 bytes is refused; a wrong HMAC is found by the check value or by STS',
  },
  { id: 'F-P19', text: 'a module that hangs is killed at the deadline, and the next call has a new one' },
  { id: 'F-P20', text: 'a module that crashes, aborts or exits is an error, and the program lives' },
  { id: 'F-P21', text: 'what a module prints never reaches standard output' },
  { id: 'F-P22', text: 'a module that is initialised already is used, and left so' },
  { id: 'F-P23', text: 'a module that is missing, of another machine or lacks a library: one clear line each' },
  { id: 'F-P24', text: 'an object that reads back as extractable is removed, and the token refused' },
  { id: 'F-P25', text: 'a full or write-protected token is an error before anything else changed' },
  { id: 'F-P26', text: 'many signatures at once on one session are all right' },
]

const tpmFaults: readonly Row[] = [
  { id: 'F-T01', text: 'TPM_RC_RETRY is answered by sending the same command again' },
  { id: 'F-T02', text: 'other passing states of the TPM are waited for' },
  { id: 'F-T03', text: 'a refused authorization is tried once' },
  { id: 'F-T04', text: 'in lockout nothing is sent, and the wait is told' },
  { id: 'F-T05', text: 'power cuts do not lock the key that set-up chooses' },
  { id: 'F-T06', text: 'full memory of the TPM: own handles are flushed, one retry' },
  { id: 'F-T07', text: 'no handle is left after an error: 2,000 times, 10,000 in the long run' },
  { id: 'F-T08', text: 'a killed process does not stop the next one' },
  { id: 'F-T09', text: 'a busy device is waited for, then named' },
  { id: 'F-T10', text: 'no device or no permission: node and group are named' },
  { id: 'F-T11', text: 'a cleared TPM is told for what it is' },
  { id: 'F-T12', text: 'another key under the same handle is refused by its Name' },
  { id: 'F-T13', text: 'changed PCRs are named, at no cost in tries' },
  { id: 'F-T14', text: 'an authorised policy that is old or of another date says which dates are allowed' },
  { id: 'F-T15', text: 'an answer that is cut or too long closes the connection' },
  { id: 'F-T16', text: 'a wrong HMAC or nonce of an answer is refused as tampering' },
  { id: 'F-T17', text: 'a storage key of another Name is refused before a secret leaves' },
  { id: 'F-T18', text: 'failure mode is not retried' },
  { id: 'F-T19', text: 'a session lost to a reset is begun anew once' },
  {
    id: 'F-T20',
    text: 'a connection closed in mid answer: one reconnect, an import never repeated blindly',
  },
  { id: 'F-T21', text: 'a slow TPM is asked once for 20 callers' },
]

const vaultFaults: readonly Row[] = [
  { id: 'F-V01', text: 'sealed is retried, then said' },
  { id: 'F-V02', text: '429 is throttling' },
  { id: 'F-V03', text: 'states of standby servers are retried' },
  { id: 'F-V04', text: '403 says expired or not allowed, and the path' },
  { id: 'F-V05', text: 'a token is renewed in time, or its end told' },
  { id: 'F-V06', text: 'only a redirect to a listed https origin is followed' },
  { id: 'F-V07', text: 'a missing key is named with its mount' },
  { id: 'F-V08', text: 'an unknown version of the key is refused' },
  { id: 'F-V09', text: 'an answer of another shape or length is refused' },
  { id: 'F-V10', text: 'a key that may be exported is warned of, and refused with --strict' },
  { id: 'F-V11', text: 'another wrapping key than RSA-4096 is refused' },
  { id: 'F-V12', text: 'a lost answer to an import makes no second key' },
  { id: 'F-V13', text: 'a wrong namespace or mount is a clear error' },
  { id: 'F-V14', text: 'a blocked audit device counts as 5xx' },
]

const keysetFaults: readonly Row[] = [
  { id: 'F-K01', text: 'throttling and outages of the KMS are retried' },
  { id: 'F-K02', text: 'a disabled key or refused access is named, without a retry' },
  { id: 'F-K03', text: 'decrypted bytes that are no keyset, or one of another kind, are refused' },
  { id: 'F-K04', text: 'a disabled or destroyed primary, two keys of one id and a prefix are refused with the reason' },
  { id: 'F-K05', text: 'other associated data is refused' },
  { id: 'F-K06', text: 'the name of another key in the answer is refused' },
  { id: 'F-K07', text: 'wrong checksums: one retry, then refused' },
  { id: 'F-K08', text: 'a second use after idling decrypts again, with no plaintext on disk' },
]

const httpFaults: readonly Row[] = [
  { id: 'F-H01', text: 'throttling under HTTP 400 is retried as throttling' },
  { id: 'F-H02', text: '500, 502, 503, 504 are retried' },
  { id: 'F-H03', text: 'refusals by STS are not retried, and each has its hint' },
  { id: 'F-H04', text: 'a name that does not resolve is told with host and region' },
  { id: 'F-H05', text: 'a reset before, in or after the headers is retried' },
  { id: 'F-H06', text: 'each kind of hang ends at its own limit' },
  { id: 'F-H07', text: 'an endless or huge body is cut at 64 KiB, and nothing is decompressed' },
  { id: 'F-H08', text: 'an answer cut at any byte never gives partial credentials' },
  { id: 'F-H09', text: 'XML of another namespace, with entities, doubled or empty elements is refused' },
  { id: 'F-H10', text: 'the answer to another call or of another role is refused' },
  { id: 'F-H11', text: 'an expiration that is missing, past, odd or too far is refused' },
  { id: 'F-H12', text: 'redirects are refused' },
  { id: 'F-H13', text: 'a proxy that refuses, hangs or cuts is a clear error, its password masked' },
  { id: 'F-H14', text: 'a certificate that is expired, of another name or root is refused, without a retry' },
  { id: 'F-H15', text: 'an IPv6 black hole falls to IPv4' },
  { id: 'F-H16', text: 'each partition has its host and signing region; a region that is off is named' },
  { id: 'F-H17', text: 'an MFA code is sent once' },
  { id: 'F-H18', text: 'a renewal that fails serves the old session while it is good, and never an empty success' },
  { id: 'F-H19', text: 'an outage of an hour with 50 callers stays within the bucket of retries' },
  { id: 'F-H20', text: 'a second answer on one socket, or an early one, closes it' },
]

const clockFaults: readonly Row[] = [
  { id: 'F-C01', text: 'a clock that is 20 minutes off is corrected by the answer, once' },
  { id: 'F-C02', text: 'no correction beyond a day, nor to a day outside yesterday to tomorrow' },
  { id: 'F-C03', text: "the cases of AWS's SDKs for skew all pass" },
  { id: 'F-C04', text: 'date and time stamp of a request come from one instant' },
  { id: 'F-C05', text: 'many requests across midnight make two device calls, all valid' },
  { id: 'F-C06', text: 'a leap second or a repeated one gives a valid stamp' },
  { id: 'F-C07', text: 'a clock that jumps back does not make an ended session good' },
  { id: 'F-C08', text: 'a clock that jumps ahead has a new session got' },
  { id: 'F-C09', text: 'after a sleep past the end the first call gets a new session or an error' },
  { id: 'F-C10', text: 'time zone and daylight saving have no effect' },
  {
    id: 'F-C11',
    text: 'a clock before 2000 or after 2100 is refused before the device is asked',
    partly: 'a clock at 2038 by mistake passes, since hardkey must still sign in the year 2038',
  },
  { id: 'F-C12', text: 'a month of days: a kDate is dropped at 00:15, one device call a day' },
]

const diskFaults: readonly Row[] = [
  { id: 'F-D01', text: 'a full disk leaves the old file, and the result is still delivered' },
  { id: 'F-D02', text: 'a cache folder that is odd or unsafe is not used' },
  { id: 'F-D03', text: 'a damaged, cut or foreign cache is replaced' },
  { id: 'F-D04', text: 'a kill at any system call of the write leaves old or new content' },
  { id: 'F-D05', text: 'so does a power cut at any prefix' },
  { id: 'F-D06', text: 'two processes that refresh make one STS call' },
  { id: 'F-D07', text: 'the lock of a dead holder is taken over' },
  { id: 'F-D08', text: 'without a home all stays in memory' },
  { id: 'F-D09', text: 'the cache of an old device key is replaced' },
  { id: 'F-D10', text: 'the cache is bounded' },
  { id: 'F-D11', text: 'no descriptor left: a clean error' },
]

const processFaults: readonly Row[] = [
  { id: 'F-W01', text: '1,000 starts at once: one login, two STS calls' },
  { id: 'F-W02', text: 'the same with a wrong PIN: one try' },
  { id: 'F-W03', text: 'the same with STS throttling half of the calls' },
  { id: 'F-W04', text: 'a closed or slow standard output: never half a JSON with status 0' },
  { id: 'F-W05', text: 'no terminal where one is needed: an error at once' },
  {
    id: 'F-W06',
    text: 'a signal ends the command cleanly, with its status and the echo back',
  },
  {
    id: 'F-W07',
    text: 'the module process ends with its parent; a run program gets signals, its endpoint ends with it',
  },
  {
    id: 'F-W08',
    text: 'what nobody foresaw: status 1 and one line, no dump',
    partly: 'where the heap is full, V8 ends the process by SIGABRT with a text of its own, in which no secret is',
  },
  {
    id: 'F-W09',
    text: 'NODE_OPTIONS that would show memory are warned of; debugger, reports and snapshots on a signal are switched off',
    partly: 'a profile, and a snapshot near the limit of the heap, cannot be switched off from within',
  },
  { id: 'F-W10', text: 'other locales and a long environment change no byte' },
  { id: 'F-W11', text: 'what a run program leaves behind has no token for long' },
]

const endpointFaults: readonly Row[] = [
  { id: 'F-E01', text: '10,000 requests at once: one device call, one STS call' },
  { id: 'F-E02', text: '5,000 half-open requests are closed, others served' },
  { id: 'F-E03', text: 'STS down: 503 with code and message' },
  { id: 'F-E04', text: 'a port that is taken: another one, or an error where it was asked for' },
  { id: 'F-E05', text: 'a token file that is gone or another: the old token stays good, SIGHUP makes a new one' },
  { id: 'F-E06', text: 'one client that goes does not stop the others' },
  { id: 'F-E07', text: 'SIGTERM ends it in two seconds' },
  { id: 'F-E08', text: 'never answers with less than a minute left' },
  { id: 'F-E09', text: 'odd requests: 4xx and closed' },
  {
    id: 'F-E10',
    text: 'ten requests a second with faults, outages and midnights: no wrong answer, memory and descriptors flat',
    partly: 'two minutes in `npm test` and an hour in the long run, not a day',
  },
]

const killedAt =
  'npm test kills it at each tenth system call that changes something, the long run at every one; where SoftHSM empties the file of the token itself, as at each login, the test puts that back'

const checkInFaults: readonly Row[] = [
  {
    id: 'F-R01',
    text: 'an import that ends early leaves no key, or the whole one',
    partly: killedAt,
  },
  {
    id: 'F-R02',
    text: 'a rotation killed anywhere leaves a working key',
    partly: killedAt,
  },
  { id: 'F-R03', text: 'a lost answer of CreateAccessKey makes no second key' },
  { id: 'F-R04', text: 'a failed import of the new key removes it in AWS again' },
  { id: 'F-R05', text: 'a new key that is not accepted yet is waited for' },
  { id: 'F-R06', text: 'a power cut at any prefix of the journal' },
  { id: 'F-R07', text: 'the second of two rotations refuses' },
  { id: 'F-R08', text: 'a refused deactivation names the missing right' },
  { id: 'F-R09', text: 'an interrupt at the secret prompt puts the echo back and wipes' },
  { id: 'F-R10', text: 'a secret of another key is found by asking STS, and removed again' },
  { id: 'F-R11', text: 'an object of the same name is never overwritten' },
  { id: 'F-R12', text: 'a rotation left for a year resumes' },
]

const secretInputs: readonly Row[] = [
  { id: 'B-001', text: 'no secret, or white space alone' },
  { id: 'B-002', text: '39 or 41 characters: how many there are and must be' },
  { id: 'B-003', text: 'one line ending is removed' },
  { id: 'B-004', text: 'spaces, invisible ones too, are named by position and not trimmed' },
  { id: 'B-005', text: 'two lines' },
  { id: 'B-006', text: 'a secret with the AWS4 prefix already on it' },
  { id: 'B-007', text: 'the access key ID in the place of the secret' },
  { id: 'B-008', text: 'temporary credentials' },
  { id: 'B-009', text: 'an assignment, quotes, JSON or CSV: the form is named' },
  { id: 'B-010', text: 'control and foreign characters: class and position' },
  { id: 'B-011', text: 'characters that no secret has: position' },
  { id: 'B-012', text: "the example of AWS's documentation" },
  {
    id: 'B-013',
    text: 'a secret as an argument',
    partly: 'a secret of another form than that of AWS cannot be told from a name',
  },
  { id: 'B-014', text: 'a secret in an environment variable' },
  { id: 'B-015', text: 'a huge or endless input ends after 4 KiB' },
  { id: 'B-016', text: 'a terminal without a prompt: a hint' },
]

const uriInputs: readonly Row[] = [
  { id: 'B-020', text: 'no scheme or an unknown one: the schemes are listed' },
  { id: 'B-021', text: 'an odd attribute is named, with its position' },
  { id: 'B-022', text: 'neither object nor id, as an unquoted ; or & leaves it' },
  { id: 'B-023', text: 'an id that is no bytes: the form is shown' },
  { id: 'B-024', text: 'an object of another type' },
  { id: 'B-025', text: 'a PIN in the URI is warned of and never shown' },
  { id: 'B-026', text: 'a command as PIN source' },
  { id: 'B-027', text: 'a PIN file that is missing, open to others, empty, long or of two lines' },
  { id: 'B-028', text: 'a module that is relative, missing or writable by others' },
  { id: 'B-029', text: 'a slot that is no number' },
  { id: 'B-030', text: 'a TPM handle out of range' },
  { id: 'B-031', text: 'an odd list of PCRs' },
  { id: 'B-032', text: 'an odd or unsafe address of Vault' },
  { id: 'B-033', text: 'an odd name of a Vault key' },
  { id: 'B-034', text: 'an odd URI of a cloud KMS' },
  { id: 'B-035', text: 'a URI of 64 KiB' },
]

const configInputs: readonly Row[] = [
  { id: 'B-040', text: 'a file that is missing, a folder, or open to others: path and mode' },
  { id: 'B-041', text: 'a file that is not UTF-8 or has NUL: the line' },
  { id: 'B-042', text: 'a malformed or doubled line: file and line' },
  { id: 'B-043', text: 'an unknown name: the one that was meant' },
  { id: 'B-044', text: 'an odd role ARN: the part' },
  {
    id: 'B-045',
    text: 'a duration out of range, by call',
    partly: 'the hour at most for a role that assumes another: here the key of a user signs, never that of a role',
  },
  { id: 'B-046', text: 'what is no region' },
  { id: 'B-047', text: 'an odd session name' },
  { id: 'B-048', text: 'an external ID, policy or tags beyond the limits' },
  { id: 'B-049', text: 'an odd MFA serial number or code' },
  { id: 'B-050', text: 'profiles that go round in a circle' },
  { id: 'B-051', text: 'an endpoint by plain http beyond this machine' },
  { id: 'B-052', text: 'an odd access key ID' },
  { id: 'B-053', text: 'names such as __proto__ are ordinary' },
]

const tpmInputs: readonly Row[] = [
  { id: 'B-060', text: 'an odd PEM file' },
  { id: 'B-061', text: 'odd base64 or DER: the offset' },
  { id: 'B-062', text: 'an unknown type of key file' },
  { id: 'B-063', text: 'an object that is no such HMAC key' },
  { id: 'B-064', text: 'a key that can be moved: a warning' },
  { id: 'B-065', text: 'a parent that is missing or odd' },
  { id: 'B-066', text: 'an odd policy' },
  { id: 'B-067', text: 'a password where none is set, and the reverse' },
  { id: 'B-068', text: 'a public part that was changed' },
]

const keysetInputs: readonly Row[] = [
  { id: 'B-070', text: 'a keyset in clear text' },
  { id: 'B-071', text: 'a malformed file: JSON, numbers, base64, size, depth' },
  { id: 'B-072', text: 'a keyset of another kind: primary, status, type, prefix, tag, hash, size' },
  { id: 'B-073', text: 'malformed protobuf: the offset; unknown fields are let be' },
  { id: 'B-074', text: 'an encrypted keyset that is too short' },
  { id: 'B-075', text: 'keysetInfo that tells of another key' },
  { id: 'B-080', text: 'an odd Vault backup; one of an exportable key is taken only where asked' },
  { id: 'B-081', text: 'a Vault backup of another server or kind' },
  { id: 'B-082', text: 'a Vault backup of another name' },
]

const endpointInputs: readonly Row[] = [
  { id: 'B-090', text: 'no token or a wrong one: 401' },
  { id: 'B-091', text: 'another Host: 403' },
  { id: 'B-092', text: 'headers of a browser or proxy: 403' },
  { id: 'B-093', text: 'other methods: 405 or 400' },
  { id: 'B-094', text: 'other paths: 404, 400 or 431' },
  { id: 'B-095', text: 'bodies and odd framing: 400' },
  { id: 'B-096', text: 'too many or too long headers: 431 or 400' },
  { id: 'B-097', text: 'paths of the instance metadata service: 404' },
  { id: 'B-098', text: 'the instance metadata mode answers as AWS does' },
  { id: 'B-099', text: 'a role that the profile does not list: 403' },
]

const commandInputs: readonly Row[] = [
  { id: 'B-100', text: 'unknown commands and options: usage of that command' },
  { id: 'B-101', text: 'a word among the arguments that looks like a secret; pure hexadecimal is spared' },
  { id: 'B-102', text: 'a terminal where credentials would be shown or a secret read' },
  {
    id: 'B-103',
    text: 'variables and options that contradict each other: which one wins; no run program inside another',
  },
  { id: 'B-104', text: 'keys in the environment are never a fall-back' },
  { id: 'B-105', text: 'an endpoint variable by plain http beyond this machine' },
  { id: 'B-106', text: 'malformed proxy variables, and NO_PROXY=*' },
  {
    id: 'B-107',
    text: 'odd variables of a device: named with their origin',
  },
  { id: 'B-108', text: 'a Node that is too old: one line' },
  { id: 'B-109', text: 'control characters in foreign text are escaped' },
]

const requestInputs: readonly Row[] = [
  { id: 'B-110', text: 'headers with line breaks, NUL or foreign characters, or two hosts' },
  { id: 'B-111', text: 'a date that is invalid or not allowed, before the device is asked' },
  { id: 'B-112', text: 'an expiry out of range' },
  { id: 'B-113', text: 'a region or service that would change the scope' },
  { id: 'B-114', text: 'odd paths have a defined result' },
  { id: 'B-115', text: 'a body that cannot be hashed: says how' },
  { id: 'B-116', text: 'a request that is signed already' },
  { id: 'B-117', text: 'SigV4a with a device key' },
  { id: 'B-118', text: 'placeholder credentials never reach a stock signer' },
]

const leaks: readonly Row[] = [
  { id: 'L-1', text: 'standard output, standard error and logs' },
  { id: 'L-2', text: 'errors: message, stack, causes, JSON, inspect' },
  { id: 'L-3', text: 'arguments and environment of every process' },
  {
    id: 'L-4',
    text: 'files, those written and removed again too',
    partly: 'a kill at every write: none of them holds a secret; killed where a file is cut, made lasting or named',
  },
  { id: 'L-5', text: 'the network: secrets wrapped alone, a token in its header to its origin alone' },
  { id: 'L-6', text: 'the bus of the TPM' },
  {
    id: 'L-7',
    text: 'memory of the running process',
    partly:
      'a kDate and the key of a keyset that were let go lie in a KeyObject until V8 collects it; a command remembers a PIN until it ends; a token of a service is a header, and so a string',
  },
  {
    id: 'L-8',
    text: 'core files and swap',
    partly: 'swap: the units forbid it, hardkey locks no memory, and nobody can look at what was swapped',
  },
  { id: 'L-9', text: 'heap snapshot, diagnostic report, CPU profile and debugger' },
  { id: 'L-10', text: 'the terminal' },
  { id: 'L-11', text: 'the packed package' },
  {
    id: 'L-12',
    text: 'the token is compared whole and in constant time, wherever a text differs; Welch t is in the bench',
  },
  {
    id: 'L-13',
    text: 'what a caller can make hardkey send to the device: three days and two labels, and nothing else',
  },
  { id: 'L-14', text: 'the hook of the SDK taken away' },
]

const release: readonly Row[] = [
  { id: 'S-01', text: 'no runtime dependency: one package installed' },
  { id: 'S-02', text: 'no script runs when installed, and all works with scripts switched off' },
  {
    id: 'S-03',
    text: 'lock file committed, exact tools, clean installs, scripts off',
    partly: 'a least age of new versions: versions are exact, and a new one comes by a reviewed change alone',
  },
  {
    id: 'S-04',
    text: 'published only from a tagged run, with provenance',
    partly: 'the workflow is judged by linters; nothing has been published yet',
  },
  {
    id: 'S-05',
    text: 'signatures of installed packages are audited',
    partly: 'the workflow does it after a release; nothing has been published yet',
  },
  { id: 'S-06', text: 'built twice in two folders: the same bytes' },
  { id: 'S-07', text: 'a bill of materials with each release' },
  { id: 'S-08', text: 'the packed list is the committed one, within its size' },
  { id: 'S-09', text: 'workflows with least permissions and nothing of third parties' },
  { id: 'S-10', text: 'static checks: strict types, no evaluation, shell, console, chance' },
  {
    id: 'S-11',
    text: 'owners and reviews for code of signing and secrets',
    later: 'a rule of the host, not of the tree',
  },
  { id: 'S-12', text: 'SECURITY.md says how to report and what counts' },
  {
    id: 'S-13',
    text: 'the version names what it runs on, modules with path and hash',
    partly: 'the commit: builds know none, so that anyone can make the same bytes from the files alone',
  },
  { id: 'S-14', text: 'vulnerable versions are deprecated', later: published },
  {
    id: 'S-15',
    text: 'works with polluted prototypes and under the permission model of Node',
    partly: 'reading by path: every folder above a file is looked at; inherited members of an options object count',
  },
  { id: 'S-16', text: 'scorecard and dependency review', later: 'services of the host, not of the tree' },
  { id: 'S-17', text: 'licence and origin beside every vector file' },
]

/** In the order of the report. */
export const sections: readonly { readonly title: string; readonly rows: readonly Row[] }[] = [
  { title: 'Faults of PKCS#11 tokens and modules', rows: pkcs11 },
  { title: 'Faults of TPMs', rows: tpmFaults },
  { title: 'Faults of Vault', rows: vaultFaults },
  { title: 'Faults of keysets and their KMS', rows: keysetFaults },
  { title: 'Faults of HTTP and STS', rows: httpFaults },
  { title: 'Faults of the clock', rows: clockFaults },
  { title: 'Faults of the disk', rows: diskFaults },
  { title: 'Faults of processes', rows: processFaults },
  { title: 'Faults of the endpoint', rows: endpointFaults },
  { title: 'Faults of check-in and rotation', rows: checkInFaults },
  { title: 'Bad input: secrets', rows: secretInputs },
  { title: 'Bad input: key URIs and PINs', rows: uriInputs },
  { title: 'Bad input: settings', rows: configInputs },
  { title: 'Bad input: TPM keys', rows: tpmInputs },
  { title: 'Bad input: keysets and backups', rows: keysetInputs },
  { title: 'Bad input: the endpoint', rows: endpointInputs },
  { title: 'Bad input: the command line', rows: commandInputs },
  { title: 'Bad input: requests to sign', rows: requestInputs },
  { title: 'Leaks', rows: leaks },
  { title: 'Supply chain and release', rows: release },
]
