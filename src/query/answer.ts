// What every query API answers with. In: the body of an answer, the API and the action that was asked. Out: the elements
// of its result, each read strictly, or ERR_STS_RESPONSE_INVALID. AWS STS and IAM API References, "Response Elements".

import { HardkeyError } from '../errors.ts'
import { readJson } from './json.ts'
import { type AnswerElement, readXml } from './xml.ts'

/** Whose answers are read. */
export interface AnsweredApi {
  /** As a person knows it: `STS`. */
  readonly title: string
  /** Where the AWS documents of this API belong. */
  readonly namespace: string
}

/** The tree of a body, XML or JSON; undefined where it is neither. */
export function readBody(body: Uint8Array): AnswerElement | undefined {
  const text = utf8(body)
  return text?.trimStart().startsWith('{') ? readJson(text) : readXml(text ?? '')
}

function utf8(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** The root element of exactly the action that was asked: `AssumeRoleResponse`. @throws ERR_STS_RESPONSE_INVALID */
export function rootOf(body: Uint8Array, api: AnsweredApi, action: string): AnswerElement {
  const tree = readBody(body)
  if (tree === undefined) throw unreadable(api, 'is not the XML that AWS sends')
  const isJson = tree.name === ''
  const root = isJson ? one(api, tree, `${action}Response`) : tree
  if (root.name !== `${action}Response`) throw unreadable(api, `does not belong to ${action}`)
  if (!isJson && root.namespace !== api.namespace)
    throw unreadable(api, `has another namespace than that of ${api.title}`)
  const others = root.children.filter(({ name }) => name !== `${action}Result` && name !== 'ResponseMetadata')
  if (others.length > 0) throw unreadable(api, 'has a part that does not belong there')
  return root
}

/** Its result: `AssumeRoleResult`. @throws ERR_STS_RESPONSE_INVALID */
export function resultOf(
  body: Uint8Array,
  api: AnsweredApi,
  action: string,
): { readonly result: AnswerElement; readonly isJson: boolean } {
  const root = rootOf(body, api, action)
  // JSON has no namespaces, and the XML of an API always one.
  return { result: one(api, root, `${action}Result`), isJson: root.namespace === undefined }
}

/** The error of every reader. `problem` follows "the answer". */
export function unreadable(api: AnsweredApi, problem: string): HardkeyError {
  return new HardkeyError('ERR_STS_RESPONSE_INVALID', `the answer ${problem}`, {
    hint: `something between here and ${api.title} may have changed the answer, or the endpoint is not ${api.title}`,
  })
}

/** What has no white space in it and is not empty. */
export const visible: RegExp = /^[\x21-\x7e]{1,2048}$/

/** The one child of this name. @throws ERR_STS_RESPONSE_INVALID */
export function one(api: AnsweredApi, parent: AnswerElement, name: string): AnswerElement {
  const [found, second] = parent.children.filter((child) => child.name === name)
  if (found === undefined) throw unreadable(api, `has no ${name}`)
  if (second !== undefined) throw unreadable(api, `has ${name} twice`)
  return found
}

/** The text of a child. @throws ERR_STS_RESPONSE_INVALID where it has another form */
export function leaf(api: AnsweredApi, parent: AnswerElement, name: string, form: RegExp): string {
  const { children, text } = one(api, parent, name)
  if (children.length === 0 && form.test(text)) return text
  throw unreadable(api, `has a ${name} of another form than AWS gives`)
}

/** The text of a child that may be missing, on one line. @throws ERR_STS_RESPONSE_INVALID */
export function optionalLeaf(api: AnsweredApi, parent: AnswerElement, name: string): string | undefined {
  return parent.children.some((child) => child.name === name)
    ? leaf(api, parent, name, /^[\x20-\x7e]{0,2048}$/)
    : undefined
}
