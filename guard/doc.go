// Package guard runs a command that changes a schema, such as a migration tool, with a proxy
// between it and the database, so that nobody has to wait for it. Each session of the command
// gets a short lock_timeout. A statement that takes a strong lock is held back until nothing
// blocks it, and is cancelled if others wait for it too long. A run that lost a lock race, and
// committed nothing, is repeated.
package guard
