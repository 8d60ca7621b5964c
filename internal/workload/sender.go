package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Name is who a sender is, in a few words: its place in the code, else its test, else its
// application; "" where nobody says.
func (s Sender) Name() string { return cmp.Or(s.Place, s.Test, s.Application) }

// Who names the sender of most calls, and how many others there are; "" where nobody says.
func Who(list []Sender) string {
	calls := map[string]int64{}
	var names []string
	for _, s := range list {
		name := s.Name()
		if name == "" {
			continue
		}
		if _, known := calls[name]; !known {
			names = append(names, name)
		}
		calls[name] = sum(calls[name], s.Calls)
	}
	if len(names) == 0 {
		return ""
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(calls[b], calls[a]), strings.Compare(a, b)) })
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
}
