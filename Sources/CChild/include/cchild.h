#ifndef CCHILD_H
#define CCHILD_H

#include <sys/types.h>

// Starts a program in a process group of its own, with an empty signal mask, both outputs on `output`
// and nothing on its input. The kernel kills it (SIGKILL) when the calling thread ends, however that
// happens. Returns its pid, or -errno where it could not be started. `directory` may be null.
pid_t crossdock_spawn(
    const char *program, char *const arguments[], char *const environment[], const char *directory,
    int output);

#endif
