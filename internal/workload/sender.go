package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
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

// mostPlaces is how many places a query may have in the code. A text that is written more often names none.
const mostPlaces = 3

// fileAndLine is the end of a place in a file.
var fileAndLine = lazyregexp.New(`\.\w+:\d+`)

// AddPlaces returns a recording whose queries have the places of the code that writes them. Queries whose senders name a file and a line
// keep it. Senders of a named program get no place: its code may be in another repository.
func (w *Workload) AddPlaces(code *Workload) *Workload {
	places := map[string][]string{}
	for i := range code.Queries {
		q := &code.Queries[i]
		for _, s := range q.Senders {
			places[q.SQL] = append(places[q.SQL], s.Place)
		}
	}
	out := *w
	out.Queries = slices.Clone(w.Queries)
	for i := range out.Queries {
		q := &out.Queries[i]
		found := slices.Compact(slices.Sorted(slices.Values(places[q.SQL])))
		if len(found) == 0 || len(found) > mostPlaces || slices.ContainsFunc(q.Senders, func(s Sender) bool { return fileAndLine.MatchString(s.Place) }) {
			continue
		}
		place := strings.Join(found, " or ")
		if len(q.Senders) == 0 {
			q.Senders = []Sender{{Place: place, Calls: q.Calls}}
			continue
		}
		q.Senders = slices.Clone(q.Senders)
		for j := range q.Senders {
			if s := &q.Senders[j]; s.Consumer == "" {
				s.Place = strings.TrimSpace(s.Place + " " + place)
			}
		}
	}
	return &out
}
