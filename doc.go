// Package onward is the root of the module; it holds no code. The vocabulary is
// in the folder onward, the main job in audit, the command in cmd/onward. See
// docs/architecture.md.
package onward
