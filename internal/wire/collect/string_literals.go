package collect

import (
	"slices"

	"github.com/onward-sql/onward/internal/workload"
)

// Bounds of the string literals that are held for a query.
const (
	mostReadTexts = 64  // texts of a shape
	mostStrings   = 64  // values of a parameter
	longestString = 200 // bytes of one
)

// readsStrings reports whether a text's string literals are read: they may be names.
func (c *Collector) readsStrings(s *shape) bool {
	if s == nil || s.ownMark != workload.Code || !hasStringParameter(&s.normal) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.read++
	return s.read <= mostReadTexts
}

// hasStringParameter reports whether a parameter stands for a string literal.
func hasStringParameter(n *workload.Normal) bool {
	for i, from := range n.From {
		if from == 0 && (n.Params[i] == "unknown" || n.Params[i] == "text") {
			return true
		}
	}
	return false
}

// addStrings keeps the string literals of a text that the server took. The collector is locked.
func (q *query) addStrings(list []workload.Strings) {
	n := &q.key.shape.normal
	if q.key.shape.ownMark != workload.Code || !hasStringParameter(n) {
		return
	}
	if q.strings == nil {
		q.strings = make([]workload.Strings, len(n.Params))
	}
	for i := range q.strings {
		have := &q.strings[i]
		if len(list) != len(q.strings) {
			have.Unread = true
			continue
		}
		have.Unread = have.Unread || list[i].Unread
		for _, value := range list[i].Values {
			switch {
			case slices.Contains(have.Values, value):
			case len(value) > longestString || len(have.Values) == mostStrings:
				have.Unread = true
			default:
				have.Values = append(have.Values, value)
			}
		}
	}
}

func cloneStrings(list []workload.Strings) []workload.Strings {
	out := slices.Clone(list)
	for i := range out {
		out[i].Values = slices.Clone(out[i].Values)
	}
	return out
}
