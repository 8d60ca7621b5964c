// Package pgserver runs throwaway Postgres servers for tests, rehearsals and proofs.
//
// [Start] finds server binaries (or downloads them once), copies a cached initdb template into a private directory
// and starts a server there that listens on a Unix socket only. It works when called as root: Postgres refuses to
// run as root, so the server is started as an unprivileged account.
//
// Nothing outlives the calling process. The server is the child of a small shell script (watchdog.sh) that holds the
// read end of a pipe; when the other end closes, because [Server.Stop] was called or because this process died of
// whatever cause, the script shuts the server down and removes its directory. Should even the script be killed (a
// machine reset), the next Start sweeps the directory away: it carries a lock that is free only when nobody uses it.
package pgserver

// The major versions that onward supports, and that [Ensure] can obtain.
const (
	OldestMajor = 13
	NewestMajor = 18
)
