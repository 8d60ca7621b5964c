package workload

import (
	"cmp"
	"maps"
	"slices"
)

// NameConsumer says which program sends the queries. Senders that have a consumer keep it.
func (w *Workload) NameConsumer(name string) {
	for i := range w.Queries {
		q := &w.Queries[i]
		if len(q.Senders) == 0 {
			q.Senders = []Sender{{Consumer: name, Calls: q.Calls}}
			continue
		}
		q.Senders = withConsumer(q.Senders, name)
	}
	for i := range w.Sequences {
		if s := &w.Sequences[i]; len(s.Senders) > 0 {
			s.Senders = withConsumer(s.Senders, name)
		}
	}
}

// withConsumer returns the list with a consumer for each sender. It does not change the list.
func withConsumer(list []Sender, name string) []Sender {
	list = slices.Clone(list)
	for i := range list {
		list[i].Consumer = cmp.Or(list[i].Consumer, name)
	}
	return mergeSenders(list, nil)
}

// Consumers returns the calls of a query by consumer, without senders that have none.
func (q *Query) Consumers() map[string]int64 {
	var out map[string]int64
	for _, s := range q.Senders {
		if s.Consumer == "" {
			continue
		}
		if out == nil {
			out = map[string]int64{}
		}
		out[s.Consumer] = addCapped(out[s.Consumer], s.Calls)
	}
	return out
}

// Consumers returns the names of a recording's consumers, sorted.
func (w *Workload) Consumers() []string {
	found := map[string]bool{}
	for i := range w.Queries {
		for name := range w.Queries[i].Consumers() {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
