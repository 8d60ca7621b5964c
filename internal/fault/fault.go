// Package fault makes an error of a panic in onward's own code. Migrations are untrusted input,
// and one odd statement must not cost the report about all others.
package fault

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// Bound is the value of a panic that is no bug: the work on an input has reached a limit. It says which.
type Bound string

// FromPanic returns an error about a recovered panic: it is a [Bound], or a bug of onward, with the
// place in the code. The deferred function itself must call it.
func FromPanic(recovered any) error {
	if b, ok := recovered.(Bound); ok {
		return errors.New(string(b))
	}
	location := ""
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	// The frames of the panic itself come first, followed by the code that
	// raised it.
	for raised := false; ; {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			raised = true
		case raised:
			location = fmt.Sprintf(" (%s:%d)", f.Function[strings.LastIndexByte(f.Function, '/')+1:], f.Line)
		}
		if location != "" || !more {
			return fmt.Errorf("this is a fault of onward's own: %v%s; please report it with the statement at https://github.com/onward-sql/onward/issues",
				recovered, location)
		}
	}
}
