#define _GNU_SOURCE
#include "cchild.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Between fork and exec of a process with threads only async-signal-safe calls are allowed: that is why
// this is C and not Swift.

static void become(
    const char *program, char *const arguments[], char *const environment[], const char *directory,
    int output, pid_t parent) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have gone before the line above: nobody would ever signal us.
    if (getppid() != parent) _exit(125);
    int input = open("/dev/null", O_RDONLY);
    if (input < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) return;
    if (directory && chdir(directory) != 0) return;
    execve(program, arguments, environment);
}

pid_t crossdock_spawn(
    const char *program, char *const arguments[], char *const environment[], const char *directory,
    int output) {
    // Closed by a successful exec; carries errno of a failed one.
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -errno;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        become(program, arguments, environment, directory, output, parent);
        int failure = errno;
        ssize_t written = write(report[1], &failure, sizeof failure);
        (void)written;
        _exit(126);
    }
    int failure = child < 0 ? errno : 0;
    close(report[1]);
    if (child > 0) {
        ssize_t got;
        do {
            got = read(report[0], &failure, sizeof failure);
        } while (got < 0 && errno == EINTR);
        if (got != sizeof failure) failure = 0;
        else waitpid(child, NULL, 0);
    }
    close(report[0]);
    return failure ? -failure : child;
}
