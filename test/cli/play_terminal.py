# Runs a command in a pseudo-terminal of its own and plays a person. In: JSON on standard input: argv, environment,
# folder, pipes (true: standard input, output and error are pipes and only /dev/tty is the terminal) and steps:
# {"expect": text} waits for it on the terminal, {"send": text} types, {"signal": name} sends a signal, {"sample": label}
# notes whether the terminal echoes, {"watch": label} notes from then to {"unwatch": true} whether it ever did, {"resize":
# [rows, columns]} changes its size, {"hangup": true} closes the window. Out: JSON with what the terminal, the pipes and
# the samples showed, and the status.
import fcntl, json, os, pty, select, signal, struct, sys, termios, time

task = json.load(sys.stdin)
master, slave = pty.openpty()
out_read, out_write = os.pipe()
err_read, err_write = os.pipe()

pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    if task["pipes"]:
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(out_write, 1)
        os.dup2(err_write, 2)
    else:
        for descriptor in (0, 1, 2):
            os.dup2(slave, descriptor)
    for descriptor in (master, slave, out_read, out_write, err_read, err_write):
        os.close(descriptor)
    os.chdir(task["folder"])
    os.execve(task["argv"][0], task["argv"], task["environment"])

os.close(out_write)
os.close(err_write)
seen = {master: b"", out_read: b"", err_read: b""}
open_ends = set(seen)
deadline = time.monotonic() + 60


def pump(seconds):
    look()
    ready = select.select(list(open_ends), [], [], seconds)[0]
    for descriptor in ready:
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            data = b""
        if not data:
            open_ends.discard(descriptor)
        seen[descriptor] += data
    if time.monotonic() > deadline:
        os.kill(pid, signal.SIGKILL)
        raise SystemExit(f"no end within a minute; the terminal shows {seen[master]!r}")


watched = None
samples = {}


def look():
    if watched is not None and echoes():
        samples[watched] = True


def echoes():
    return bool(termios.tcgetattr(slave)[3] & termios.ECHO)


def wait_for(text):
    global position
    while (at := seen[master].find(text, position)) < 0:
        pump(0.05)
    position = at + len(text)


position = 0
for step in task["steps"]:
    if "expect" in step:
        wait_for(step["expect"].encode())
    elif "send" in step:
        os.write(master, step["send"].encode())
    elif "signal" in step:
        os.kill(pid, getattr(signal, step["signal"]))
    elif "watch" in step:
        watched = step["watch"]
        samples[watched] = False
        look()
    elif "unwatch" in step:
        # What was sent is worked on meanwhile.
        for _ in range(20):
            pump(0.01)
        look()
        watched = None
    elif "resize" in step:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *step["resize"], 0, 0))
    elif "hangup" in step:
        os.close(slave)
        os.close(master)
        open_ends.discard(master)
    elif "sample" in step:
        # The question is on the screen a moment before the mode changes.
        end = time.monotonic() + 5
        while echoes() == step["unless"] and time.monotonic() < end:
            pump(0.01)
        samples[step["sample"]] = echoes()

status = None
while status is None:
    pump(0.05)
    done, code = os.waitpid(pid, os.WNOHANG)
    if done:
        status = code
end = time.monotonic() + 0.2
while open_ends - {master} and time.monotonic() < end:
    pump(0.05)
pump(0)
if master in open_ends:
    samples["afterwards"] = echoes()
json.dump(
    {
        "status": os.waitstatus_to_exitcode(status),
        "terminal": seen[master].decode("utf8", "replace"),
        "stdout": seen[out_read].decode("utf8", "replace"),
        "stderr": seen[err_read].decode("utf8", "replace"),
        "echo": samples,
    },
    sys.stdout,
)
