package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Name returns the sender in a few words: its place in the code, else its test, its
// application or its program; "" if none is known.
func (s Sender) Name() string { return cmp.Or(s.Place, s.Test, s.Application, s.Consumer) }

// DescribeSenders names the sender of most calls, and how many others there are; "" if no sender is
// known.
func DescribeSenders(list []Sender) string {
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
		calls[name] = addCapped(calls[name], s.Calls)
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
