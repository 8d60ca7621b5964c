package collect

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

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
	// ColumnOIDs are the types of the result's columns: empty and not nil if it has none, nil if the client did not ask.
	ColumnOIDs []uint32
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

// mostExample is the longest value that is kept as an example, in bytes.
const mostExample = 200

// mostTries is how often the values of one query are read: it may have none that can be kept.
const mostTries = 20

// boundValues are the values of a Bind message, as they came.
type boundValues struct {
	values [][]byte // nil for NULL
	binary []bool
}

// readBoundValues copies the values of a Bind message, after its names; nil if it is incomplete.
func readBoundValues(in reader) *boundValues {
	var formats []bool
	for range in.readInt16() {
		formats = append(formats, in.readInt16() == 1)
	}
	b := &boundValues{}
	for i := range in.readInt16() {
		v, null, ok := in.readValue()
		if !ok || len(v) > mostExample {
			return nil
		}
		if null {
			v = nil
		} else {
			v = append([]byte{}, v...)
		}
		b.values = append(b.values, v)
		b.binary = append(b.binary, len(formats) == 1 && formats[0] || len(formats) > 1 && i < len(formats) && formats[i])
	}
	return b
}

// addExample keeps the values that a query was sent with, if there is room. The collector is locked.
func (c *Collector) addExample(q *query, stmt *preparedStatement, boundPortal *portal) {
	if !c.cfg.Values || len(q.examples) == workload.MostValues || q.exampleTries == mostTries || q.key.shape.ownMark != workload.Code {
		return
	}
	params := len(q.key.shape.normal.Params)
	if params == 0 {
		return
	}
	q.exampleTries++
	var values *boundValues
	if boundPortal != nil {
		values = boundPortal.boundValues
	}
	literals := workload.ParameterValues(stmt.part.sql)
	if len(literals) != params {
		return
	}
	example := make([]*string, params)
	for i, from := range stmt.part.form.from {
		v, ok := literals[i], literals[i] != nil
		if from > 0 {
			v, ok = c.paramText(values, stmt, from-1)
		}
		if !ok || v != nil && len(*v) > mostExample {
			return
		}
		example[i] = v
	}
	q.examples = workload.AddValues(q.examples, example)
}

// paramText is a parameter of the client's as a text, nil for NULL; ok is false for one that
// cannot be read.
func (c *Collector) paramText(b *boundValues, stmt *preparedStatement, i int) (text *string, ok bool) {
	if b == nil || i >= len(b.values) {
		return nil, false
	}
	v := b.values[i]
	if v == nil {
		return nil, true
	}
	if b.binary[i] {
		if i >= len(stmt.oids) {
			return nil, false
		}
		typ, known := c.types.TypeForOID(stmt.oids[i])
		if !known {
			return nil, false
		}
		read, err := typ.Codec.DecodeValue(c.types, typ.OID, pgtype.BinaryFormatCode, v)
		if err != nil {
			return nil, false
		}
		if v, err = c.types.Encode(typ.OID, pgtype.TextFormatCode, read, nil); err != nil || v == nil {
			return nil, false
		}
	}
	if !utf8.Valid(v) || bytes.IndexByte(v, 0) >= 0 {
		return nil, false
	}
	s := string(v)
	return &s, true
}

// valuesNote is in each recording that has examples.
const valuesNote = "it holds values that parameters had, which are data: keep it as you keep a dump"

// hasExampleValues reports whether a recording has examples.
func hasExampleValues(list []workload.Query) bool {
	return slices.ContainsFunc(list, func(q workload.Query) bool { return len(q.Values) > 0 })
}
