// What tpm2-tools 5.4 wrote on an swtpm 0.7.1 that is no more: key files, public areas, Names. All in hexadecimal digits but
// the PEMs. No input. The TPM's seeds are gone with it, so nothing here opens a key.

/** tpm2_import -G hmac of the 44 bytes, then tpm2_encodeobject -C o, without -p. */
export const pemWithoutAuth = `-----BEGIN TSS2 PRIVATE KEY-----
MIH2BgZngQUKAQOgAwEBAAIEQAAAAQQyADAACAALAAQAQAAAAAUACwAgY7xgUYhq
0y9ZtgLsX9mKkDOFsmDhtXXEmpXXz3z/2ksEgawAqgAgTeQhPnzUKOSAW8AgL97y
arJZEBXQv2wQ6202snj1sqcAEF/6Zk9hMDRSdJao7H8fbxWBgc6UseowL1100puk
wI9K6Cd6N+waAVNygCg0fjnfe4fgZZA5qcG6ugRzRK5RrPEi1YxOASKxKr/NCsl4
pAB08jh2B6VWqW7zXRYcZr3E45SZsSQ0AbxtPqFoSzBX2GwIc0DEmDkyePfkb5UU
vJwP8dLuL7lQ
-----END TSS2 PRIVATE KEY-----
`

/** The same with an auth value and -p: emptyAuth is TRUE, as 01. */
export const pemWithAuth = `-----BEGIN TSS2 PRIVATE KEY-----
MIH2BgZngQUKAQOgAwEBAQIEQAAAAQQyADAACAALAAQAQAAAAAUACwAgfk8mkHxI
mhBYSKbQyNTU9TlhGT7ZUfmgzDH99LL7guAEgawAqgAgbv17TMqBs+AiyYJULikC
gaJ9/P9ZBJPqK4SKAlBmhwYAEHZi1+zAO0wQ8fI8E5vrH/LR3LJ7pLnjg68QbMjx
0YmzNRvAzrGQu4MecVOug2scICD4HTAAV8MmErZWzkWz3FLfWdhBcktmLjmoaxSm
s5MORAmtx+OrROKqfbB0oQrbUhJdhz2CMAIlQcKw8bmTwC4cRC3S4ZVat9pKB0i/
8GUDWlfaSig6
-----END TSS2 PRIVATE KEY-----
`

/** The TPM2B_PUBLIC of the first key, and its Name as tpm2_load -n gives it. */
export const hmacPublic2b: string = [
  '00300008000b0004004000000005000b002063bc6051886ad32f59b602ec5fd98a903385b260e1b575c49a95d7cf7cff',
  'da4b',
].join('')
export const hmacName = '000bde96b6dad4f798cf257b2d248c56d7b6698e6b673b0f2a1fb8ecb1320076307a'

/** Its TPM2B_PRIVATE. */
export const hmacPrivate2b: string = [
  '00aa00204de4213e7cd428e4805bc0202fdef26ab2591015d0bf6c10eb6d36b278f5b2a700105ffa664f613034527496',
  'a8ec7f1f6f158181ce94b1ea302f5d74d29ba4c08f4ae8277a37ec1a0153728028347e39df7b87e0659039a9c1baba04',
  '7344ae51acf122d58c4e0122b12abfcd0ac978a40074f2387607a556a96ef35d161c66bdc4e39499b1243401bc6d3ea1',
  '684b3057d86c087340c498393278f7e46f9514bc9c0ff1d2ee2fb950',
].join('')

/** The primary key by the H-2 template, and its Name. */
export const h2Public2b: string = [
  '005a0023000b0003047200000006008000430010000300100020442ceb92027331e9dee30dfb3a1ee16c913f09048973',
  '83bec3da8f7a4dd9190e00203f6a1fd8c16f882e11a40f39cd776bdd7642458922831dfd208dcd9410631c1f',
].join('')
export const h2Name = '000b2da3d66ae0400d8ab66968f0d662ffac3a35d27881456de910a60fa237982082'

/** tpm2_createek -G rsa. */
export const rsaEkPublic2b: string = [
  '013a0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa00060080',
  '004300100800000000000100b35415b9e8b3cd8fed0579525963e295f9930b61edf4aabb1e06ee368719414f73fc3795',
  '474cfe9b3e5b21b5abe9df468c162e63f9f95e15c54ecdb7d326bf464fe4147245776117f1994c9e3f48e22ee5c5f7e2',
  '824bcbeb1c41b8d54c67a3f2e9f42a7ff484ad486e776991b36e4dd639c1c779527bc512fcd8410a758ae4cf3941f96a',
  '0a53ec7be62d2cdf2aa326aa1e1b27807ab8c3dd6f4e04882e8df7f35362c2ef09f6dfd654787fb5b1222106344542cf',
  '212ebf6fc2fb7fa1489576ad971c2ab73539fc5ef08c70f01ba18e612aa15a3d4d234807e451e43b3c770ca667c02660',
  'a406059fa194014e6d866395da9cac48361db6bfe8b3bc209613cb7b',
].join('')
export const rsaEkName = '000b3bebe25261738e9cebce20521ab28b9afa37a45f774ea735a423c7025730cc13'

/** tpm2_createek -G ecc. */
export const eccEkPublic2b: string = [
  '007a0023000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa00060080',
  '00430010000300100020081f1bfff66f1bd5114a2a07e8bf76dcb45f631c5a6109fca3494ff5fb651b290020d029b359',
  'c660148d5953cd0ccc86fe3a01db7270f71145cc12bf5d3c6adf08e4',
].join('')
export const eccEkName = '000b8209ffcbd55f47f057fc0dbb1395dd9a95b5de1fe62c89d02bd6daba1e4382ca'

/** tpm2_loadexternal -G ecc of a public key from a PEM. */
export const officePublic2b: string = [
  '00560023000b000600400000001000100003001000205533254394923fef1f77426ed5b5873b116dc646d434252b5fde',
  '068a417e5921002010b2d3694d85db2ebca728ccf635021e5fd4ca8c75f42ebaaf723a6e6a84fc4a',
].join('')
export const officeName = '000b92db6256e8df262c456503e7b13ea4765abb37366de94637b915206a3a69dfad'
