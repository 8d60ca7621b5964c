// Package fault words a panic of onward's own. Migrations come from strangers,
// and one odd statement must not cost the report about all others.
package fault

import (
	"fmt"
	"runtime"
	"strings"
)

// Of is what to tell of a recovered panic: that the fault is ours, and the place
// in our code. It is to be called by the deferred function itself.
func Of(recovered any) error {
	at := ""
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	// The frames of the panic itself come first, below the deferred function.
	for raised := false; ; {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			raised = true
		case raised:
			at = fmt.Sprintf(" (%s:%d)", f.Function[strings.LastIndexByte(f.Function, '/')+1:], f.Line)
		}
		if at != "" || !more {
			return fmt.Errorf("this is a fault of onward's own: %v%s; please report it with the statement at https://github.com/onward-sql/onward/issues", recovered, at)
		}
	}
}
