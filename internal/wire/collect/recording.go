package collect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/workload"
)

// Recording is what a collector has seen.
type Recording struct {
	// Workload is sorted and whole, but for what only the server can say of its queries:
	// the names of types, columns, and what they use.
	Workload *workload.Workload
	// Facts are by the query's ID, with what the server needs to say the rest.
	Facts map[string]Facts
}

// Facts are what the protocol showed of a query. Its numbers (OIDs) have their meaning in
// Database only.
type Facts struct {
	// Database is the one that it was first sent to, by its whole name; Databases are all of
	// them, some 16 at most.
	Database  string
	Databases []string
	// ParamOIDs are the types of the query's parameters, in their order. They are 0 for literals, whose types are in
	// Query.Params, and for unknown types. It is nil if nothing is known.
	ParamOIDs []uint32
	// Columns are the columns of the result: empty and not nil if it has none, nil if the client did not ask.
	Columns []Column
	// Strings are the string literals that stood for its parameters in texts that the server took. They are values
	// until the server says that they name something: they must not be stored before.
	Strings []workload.Strings
}

// Recording returns everything that was seen until now. Calls that may belong to a migration count after their
// session has ended.
func (c *Collector) Recording() *Recording { return c.buildRecording("") }

// DatabaseRecording returns what was sent to one database until now, so that its server can be asked about these queries before the
// database is dropped (see wire.Config.BeforeDrop).
func (c *Collector) DatabaseRecording(database string) *Recording { return c.buildRecording(database) }

func (c *Collector) buildRecording(database string) *Recording {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &Recording{Workload: &workload.Workload{Schema: workload.Schema, Sources: []string{"record"}}, Facts: map[string]Facts{}}
	for _, q := range c.queries {
		if q.calls == 0 || database != "" && !slices.Contains(q.databases, database) {
			continue
		}
		r.Workload.Queries = append(r.Workload.Queries, q.toWorkloadQuery())
		f := q.facts
		f.Databases = slices.Clone(q.databases)
		f.Strings = cloneStrings(q.strings)
		r.Facts[q.id] = f
	}
	slices.SortFunc(r.Workload.Queries, func(a, b workload.Query) int { return strings.Compare(a.ID, b.ID) })
	if database == "" {
		r.Workload.Sequences = c.codeSequences()
		r.Workload.Notes = c.leftOutNotes()
		if hasExampleValues(r.Workload.Queries) {
			r.Workload.Notes = append(r.Workload.Notes, valuesNote)
		}
	}
	return r
}

// toWorkloadQuery is a query as it is written down.
func (q *query) toWorkloadQuery() workload.Query {
	n := &q.key.shape.normal
	w := workload.Query{
		ID: q.id, SQL: n.SQL, Kind: n.Kind, Mark: q.finalMark(), Unread: n.Unread,
		SearchPath: q.key.scope.path, Role: q.key.scope.role, Named: q.named,
		Calls: q.calls, Rows: q.rows, MostRows: q.most, Parents: q.parents, MS: toMillis(q.spent),
		Errors: maps.Clone(q.errors), Senders: sortedSenders(q.senders), Values: slices.Clone(q.examples),
	}
	for _, t := range n.Params {
		if t == "" {
			t = "unknown"
		}
		w.Params = append(w.Params, t)
	}
	return w
}

func toMillis(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}

func sortedSenders(list []senderCount) []workload.Sender {
	var out []workload.Sender
	for _, s := range list {
		w := s.who.Sender
		w.Calls = s.calls
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b workload.Sender) int {
		return strings.Compare(a.Database+"\x00"+a.Application+"\x00"+a.Place+"\x00"+a.Test, b.Database+"\x00"+b.Application+"\x00"+b.Place+"\x00"+b.Test)
	})
	return out
}

// codeSequences are the sequences of code. Steps that are none of it are left out.
func (c *Collector) codeSequences() []workload.Sequence {
	var out []workload.Sequence
	byKey := map[string]int{}
	for _, s := range c.sequences {
		w := workload.Sequence{Transaction: s.how, Count: s.count, MS: toMillis(s.spent), IdleMS: toMillis(s.idle),
			MostIdleMS: toMillis(s.most), Senders: sortedSenders(s.senders)}
		text := s.how
		for _, st := range s.steps {
			if st.q.finalMark() != workload.Code || st.q.calls == 0 {
				continue
			}
			step := workload.Step{Query: st.q.id, Depends: st.trips > 0, Trips: st.trips}
			if st.times > 1 {
				step.Times = st.times
			}
			w.Steps = append(w.Steps, step)
			text += " " + st.q.id
		}
		if len(w.Steps) == 0 || s.how == "" && len(w.Steps) < 2 {
			continue
		}
		if index, ok := byKey[text]; ok {
			mergeSequence(&out[index], &w)
			continue
		}
		byKey[text] = len(out)
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b workload.Sequence) int { return strings.Compare(sequenceKey(&a), sequenceKey(&b)) })
	return out
}

// mergeSequence puts two together that are one without steps that are no code.
func mergeSequence(a, b *workload.Sequence) {
	for i := range a.Steps {
		a.Steps[i].Times = max(a.Steps[i].Times, b.Steps[i].Times)
		a.Steps[i].MergeTrips(&b.Steps[i])
	}
	a.Count, a.MS, a.IdleMS, a.MostIdleMS = a.Count+b.Count, a.MS+b.MS, a.IdleMS+b.IdleMS, max(a.MostIdleMS, b.MostIdleMS)
	for _, s := range b.Senders {
		index := slices.IndexFunc(a.Senders, func(o workload.Sender) bool {
			o.Calls = s.Calls
			return o == s
		})
		if index < 0 {
			a.Senders = append(a.Senders, s)
		} else {
			a.Senders[index].Calls += s.Calls
		}
	}
}

// sequenceKey is what sequences are sorted by.
func sequenceKey(s *workload.Sequence) string {
	var b strings.Builder
	for _, st := range s.Steps {
		b.WriteString(st.Query + " ")
	}
	return b.String() + s.Transaction
}

// leftOutNotes say what is missing.
func (c *Collector) leftOutNotes() []string {
	var out []string
	say := func(n int64, format string) {
		if n > 0 {
			out = append(out, fmt.Sprintf(format, n))
		}
	}
	say(c.left.long, "%d queries longer than 1 MB are not recorded")
	say(c.left.many, "%d times a new query came when there were too many different ones already")
	say(c.left.calls, "%d calls of queries that are not kept are not counted")
	say(c.left.sequences, "%d sequences were too long, or too many, to be kept whole")
	for _, reason := range slices.Sorted(maps.Keys(c.left.why)) {
		out = append(out, fmt.Sprintf("%d connections were not recorded to their end: %s", c.left.why[reason], reason))
	}
	return out
}
