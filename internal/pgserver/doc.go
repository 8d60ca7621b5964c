// Package pgserver runs throwaway Postgres servers for tests, rehearsals and proofs.
//
// [Start] finds server binaries (or downloads them once), copies a cached initdb template into a private directory and
// starts a server there that listens on a Unix socket only. It works for root too: Postgres refuses to run as root, so
// the server is started as an unprivileged account.
//
// Nothing outlives the calling process. A small shell script (watchdog.sh) holds the read end of a pipe. The other end
// closes when [Server.Stop] is called or this process dies for any reason. The script then shuts the server down and
// removes its directory. If even the script is killed (a machine reset), the next Start removes the directory: its lock
// is only free if nobody uses it.
//
// The server runs untrusted SQL, which may become superuser there. On Linux the server's processes are restricted
// before the first of them starts (command_linux.go):
//
//   - Landlock allows only their own files, and the server is the only program that they may execute.
//   - A seccomp filter allows only the socket on which they listen.
//   - Resource limits restrict the memory, files and processes of each.
//   - The environment has three variables.
//
// [Server.Gaps] lists the restrictions that a kernel does not support. Files in the server's directory are not trusted
// from then on: the server's processes are identified by a mark that they cannot remove.
package pgserver
