// The variables that say how a person is asked. In: variables by name. Out: programs, and where there is a display.
// ssh(1) for SSH_ASKPASS and SSH_ASKPASS_REQUIRE, gpg-agent(1) for GPG_TTY; our own begin with HARDKEY_.

const requirements = ['never', 'prefer', 'force'] as const

export interface PromptVariables {
  /** HARDKEY_ASKPASS: prints what is typed in answer to its one argument. */
  readonly askpass: string | undefined
  /** HARDKEY_PINENTRY. */
  readonly pinentry: string | undefined
  /** SSH_ASKPASS. */
  readonly sshAskpass: string | undefined
  /** SSH_ASKPASS_REQUIRE: `never`, `prefer` where there is a display, or `force`. */
  readonly sshAskpassRequire: (typeof requirements)[number] | undefined
  /** DISPLAY or WAYLAND_DISPLAY: a window can open. */
  readonly hasDisplay: boolean
  /** GPG_TTY: the terminal device at which a pinentry without a window asks. */
  readonly gpgTty: string | undefined
}

export function readPromptVariables(read: (name: string) => string | undefined): PromptVariables {
  const required = read('SSH_ASKPASS_REQUIRE')?.toLowerCase()
  return {
    askpass: read('HARDKEY_ASKPASS'),
    pinentry: read('HARDKEY_PINENTRY'),
    sshAskpass: read('SSH_ASKPASS'),
    // ssh passes over any other word too.
    sshAskpassRequire: requirements.find((word) => word === required),
    hasDisplay: read('DISPLAY') !== undefined || read('WAYLAND_DISPLAY') !== undefined,
    // Without a terminal `export GPG_TTY=$(tty)` sets it to "not a tty".
    gpgTty: read('GPG_TTY')?.startsWith('/') === true ? read('GPG_TTY') : undefined,
  }
}
