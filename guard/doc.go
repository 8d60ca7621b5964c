// Package guard runs a command that changes a schema, such as a migration tool's, with its
// database behind a proxy, so that nobody has to wait for it: each of its sessions gets a short
// lock_timeout, a statement that takes a strong lock is held back until nobody is in its way,
// and what makes others wait for too long is ended. A run that lost a race, and committed
// nothing, is run again.
package guard
