// Package pgserver runs throwaway Postgres servers for tests, rehearsals and proofs.
//
// [Start] finds server binaries (or downloads them once), copies a cached initdb template into a private directory
// and starts a server there that listens on a Unix socket only. It works when called as root: Postgres refuses to
// run as root, so the server is started as an unprivileged account.
//
// Nothing outlives the calling process. A small shell script (watchdog.sh) holds the read end of a pipe; when the other
// end closes, because [Server.Stop] was called or because this process died of whatever cause, the script shuts the
// server down and removes its directory. Should even the script be killed (a machine reset), the next Start sweeps the
// directory away: it carries a lock that is free only when nobody uses it.
//
// What runs in the server comes from strangers, and may have become superuser there. On Linux the server's processes
// are confined before the first of them begins (command_linux.go): Landlock leaves them their own files, of which no
// program but the server may be executed; a filter of system calls leaves them the socket on which they listen; limits
// bound the memory, files and processes of each; three variables are their environment. What a kernel does not have of
// that is said by [Server.Gaps]. After that nothing in the server's directory is believed: who its processes are is
// known by a mark that they cannot take off.
package pgserver
