package audit

import "github.com/onward-sql/onward/internal/adapter/jsrun"

// RunChild lets migrations in JavaScript and TypeScript run in an interpreter. Call it at the beginning of a program's
// main function, before anything else: the program is started again as the process of the interpreter, which reaches no file and no network. There
// RunChild does that process's work, and does not return. Without the call these migrations are listed as not judged.
func RunChild() { jsrun.RunChild() }
