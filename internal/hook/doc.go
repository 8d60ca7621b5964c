// Package hook judges what a coding assistant is about to do: an edit of a migration, or a command that may lose a
// database's data. It reads the event that the assistant gives to its hooks, before the tool runs.
//
// An event without a migration and without a database passes before any step that could fail. For all others each
// failure is a refusal.
package hook
