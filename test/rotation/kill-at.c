// Runs a program and kills the process, of it and of all that it starts, which makes the Nth system call that changes
// something outside of that process: files, a token, what a server knows. In: LOG N PROGRAM WORDS…; with 0 nothing is killed.
// Out: the status of the program, and in LOG a line for each such call, in order: its name and what it is done to.
//
// The call that is killed at is not made. It returns when all processes are gone. Linux alone (ptrace(2), seccomp(2)).
// Not counted is what changes nothing there: writes to an eventfd, by which the threads of one process wake each other, calls
// on /dev/null, open with O_CREAT and without O_TRUNC of what exists, as SoftHSM opens its locks, and connect to the log of the
// system, to which SoftHSM tells of each object that is not whole.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// What the arguments are: at that place a descriptor, a path, a path with flags behind it, an address.
enum kind { DESCRIPTOR, PATH, OPENED, PEER };
struct call { int number; const char *name; enum kind kind; int place; };

#define CALL(name, kind, place) { SYS_##name, #name, kind, place }
static const struct call calls[] = {
  CALL(write, DESCRIPTOR, 0), CALL(writev, DESCRIPTOR, 0), CALL(pwrite64, DESCRIPTOR, 0), CALL(pwritev, DESCRIPTOR, 0),
  CALL(pwritev2, DESCRIPTOR, 0), CALL(sendfile, DESCRIPTOR, 0), CALL(copy_file_range, DESCRIPTOR, 2),
  CALL(ftruncate, DESCRIPTOR, 0), CALL(fsync, DESCRIPTOR, 0), CALL(fdatasync, DESCRIPTOR, 0),
  CALL(fchmod, DESCRIPTOR, 0), CALL(fallocate, DESCRIPTOR, 0),
  CALL(connect, PEER, 1), CALL(sendto, DESCRIPTOR, 0), CALL(sendmsg, DESCRIPTOR, 0), CALL(sendmmsg, DESCRIPTOR, 0),
  CALL(openat, OPENED, 1), CALL(mkdirat, PATH, 1), CALL(renameat2, PATH, 3), CALL(linkat, PATH, 3), CALL(unlinkat, PATH, 1),
  CALL(truncate, PATH, 0), CALL(fchmodat, PATH, 1),
#ifdef SYS_rename
  CALL(open, OPENED, 0), CALL(creat, PATH, 0), CALL(mkdir, PATH, 0), CALL(rename, PATH, 1), CALL(link, PATH, 1),
  CALL(unlink, PATH, 0), CALL(rmdir, PATH, 0), CALL(chmod, PATH, 0),
#endif
#ifdef SYS_renameat
  CALL(renameat, PATH, 3),
#endif
};
enum { CALLS = sizeof calls / sizeof *calls };

static void fail(const char *what) {
  perror(what);
  exit(99);
}

// The kernel stops the calls of the list, and no other, for the tracer. Numbers are those of the native machine.
static void install_filter(void) {
  struct sock_filter code[CALLS + 3];
  code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < CALLS; i++)
    code[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].number, (unsigned char)(CALLS - i), 0);
  code[CALLS + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  code[CALLS + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  struct sock_fprog program = { CALLS + 3, code };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) fail("seccomp");
}

static void read_text(int pid, unsigned long address, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mem", pid);
  int memory = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = memory < 0 ? 0 : pread(memory, text, size - 1, (off_t)address);
  text[length < 0 ? 0 : length] = 0;
  if (memory >= 0) close(memory);
}

// True where the call changes something outside of its process; `target` is then what.
static int changes(int pid, const struct call *call, const unsigned long long *arguments, char *target, size_t size) {
  if (call->kind == PEER) {
    // struct sockaddr_un: the path behind two bytes of the family (unix(7)).
    read_text(pid, (unsigned long)arguments[call->place] + 2, target, size);
    if (target[0] != '/') strcpy(target, "a port");
    return strcmp(target, "/dev/log") != 0;
  }
  if (call->kind != DESCRIPTOR) {
    const unsigned long long flags = call->kind == OPENED ? arguments[call->place + 1] & (O_CREAT | O_TRUNC) : O_TRUNC;
    read_text(pid, (unsigned long)arguments[call->place], target, size);
    return (flags & O_TRUNC) != 0 || (flags != 0 && (target[0] != '/' || access(target, F_OK) != 0));
  }
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, (int)arguments[call->place]);
  ssize_t length = readlink(path, target, size - 1);
  target[length < 0 ? 0 : length] = 0;
  return strcmp(target, "anon_inode:[eventfd]") != 0 && strcmp(target, "/dev/null") != 0;
}

int main(int count, char **words) {
  if (count < 4) return 98;
  FILE *log = fopen(words[1], "we");
  if (log == NULL) fail(words[1]);
  const long when = atol(words[2]);
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) fail("pipe");
  const pid_t first = fork();
  if (first < 0) fail("fork");
  if (first == 0) {
    char byte;
    if (read(ready[0], &byte, 1) != 1) _exit(97);
    install_filter();
    execvp(words[3], words + 3);
    _exit(96);
  }
  const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
    PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (syscall(SYS_ptrace, PTRACE_SEIZE, first, 0, options) != 0) fail("seize");
  if (write(ready[1], "1", 1) != 1) fail("pipe");
  long made = 0;
  int status, ended = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
    if (pid <= 0) continue;
    if (!WIFSTOPPED(status)) {
      if (pid == first) ended = status;
      continue;
    }
    const int event = status >> 16;
    struct ptrace_syscall_info info;
    if (event == PTRACE_EVENT_SECCOMP && syscall(SYS_ptrace, PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0) {
      for (int i = 0; i < CALLS; i++) {
        char target[256];
        if ((int)info.seccomp.nr != calls[i].number || !changes(pid, &calls[i], info.seccomp.args, target, sizeof target)) continue;
        fprintf(log, "%s %s\n", calls[i].name, target);
        if (++made == when) kill(pid, SIGKILL);
      }
    }
    // A stop with an event is ours; any other one is a signal on its way to the program.
    syscall(SYS_ptrace, PTRACE_CONT, pid, 0, event == 0 ? WSTOPSIG(status) : 0);
  }
  fclose(log);
  return WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
}
