package builtin

import (
	"strings"
	"sync"
)

// added lists the names of functions that the oldest version does not have, or
// not with all numbers of arguments. They are few.
var added = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(functions) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if _, letters, _ := splitFields(rest); letters[0] == absent {
			out[name] = true
		}
	}
	return out
})

// Since returns the first major version that has a function of that name with
// that many arguments: 16 for any_value(x). It is 0 if all versions have it, or none.
func Since(name string, nargs int) int {
	if !added()[name] {
		return 0
	}
	since := 0
	for line := range lookUpEntries(functions, name) {
		signature, letters, _ := splitFields(line)
		if !acceptsArgCount(signature, nargs) {
			continue
		}
		if len(letters) == 1 || letters[0] != absent {
			return 0
		}
		for i := range letters {
			if letters[i] != absent && (since == 0 || oldest+i < since) {
				since = oldest + i
			}
		}
	}
	return since
}
