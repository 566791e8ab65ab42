// What IAM answers, read strictly: the keys of a user, and when one was last used. In: the body of an answer. Out: what it
// says, or ERR_STS_RESPONSE_INVALID. AWS IAM API Reference 2010-05-08, "Response Elements" of the actions.

import { type AnsweredApi, leaf, one, optionalLeaf, resultOf, rootOf, unreadable } from '../query/answer.ts'

/** An access key of a user, as ListAccessKeys tells it. */
export interface AccessKey {
  readonly accessKeyId: string
  readonly isActive: boolean
  readonly created: Date
}

/** When and for what a key was last used; empty where it never was. */
export interface AccessKeyUse {
  readonly date?: Date
  /** As `sts`; `N/A` where AWS does not know. */
  readonly service?: string
  readonly region?: string
}

export const iam: AnsweredApi = { title: 'IAM', namespace: 'https://iam.amazonaws.com/doc/2010-05-08/' }

export const isoTime: RegExp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/

/** Other stores name keys as they like. */
export function accessKeyIdForm(isAws: boolean): RegExp {
  return isAws ? /^A[A-Z0-9]{15,127}$/ : /^[\w.-]{1,128}$/
}

/** Nothing but that it was done. @throws ERR_STS_RESPONSE_INVALID */
export function readDone(body: Uint8Array, action: string): void {
  rootOf(body, iam, action)
}

/** All keys of the user. @throws ERR_STS_RESPONSE_INVALID, also where the list goes on: a user has two at most */
export function readAccessKeys(body: Uint8Array, isAws: boolean): readonly AccessKey[] {
  const { result } = resultOf(body, iam, 'ListAccessKeys')
  // Optional; moto leaves it out.
  if (optionalLeaf(iam, result, 'IsTruncated') === 'true') throw unreadable(iam, 'is only a part of the list')
  return one(iam, result, 'AccessKeyMetadata').children.map((member) => ({
    accessKeyId: leaf(iam, member, 'AccessKeyId', accessKeyIdForm(isAws)),
    isActive: leaf(iam, member, 'Status', /^[A-Za-z]{1,20}$/) === 'Active',
    created: timeOf(leaf(iam, member, 'CreateDate', isoTime)),
  }))
}

/** @throws ERR_STS_RESPONSE_INVALID */
export function readLastUse(body: Uint8Array): AccessKeyUse {
  const { result } = resultOf(body, iam, 'GetAccessKeyLastUsed')
  const use = one(iam, result, 'AccessKeyLastUsed')
  const date = optionalLeaf(iam, use, 'LastUsedDate')
  if (date === undefined || !isoTime.test(date)) return {}
  const [service = 'N/A', region = 'N/A'] = ['ServiceName', 'Region'].map((name) => optionalLeaf(iam, use, name))
  return { date: timeOf(date), service, region }
}

/** @throws ERR_STS_RESPONSE_INVALID for what looks like a time and is none */
function timeOf(text: string): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw unreadable(iam, 'has a time that is none')
  return time
}
