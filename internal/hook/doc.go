// Package hook judges what a coding assistant is about to do: an edit of a migration, or a command that may lose a
// database's data. It reads the event that the assistant gives to its hooks, before the tool runs.
//
// What concerns no migration and no database passes before anything is read that could fail. For the rest each failure
// is a refusal.
package hook
